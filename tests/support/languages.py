"""Members, servers and catalogs in other languages; simcord has only English."""

from collections.abc import Mapping
from typing import Any

import discord
import pytest

from bot import i18n
from support.world import World

GERMAN = {key: f"ö{text}" for key, text in i18n.catalog(i18n.ENGLISH).items()}


def install(monkeypatch: pytest.MonkeyPatch, locale: str, texts: Mapping[str, str]) -> None:
    """Add a catalog."""
    known = i18n.catalog

    def catalog(other: str) -> Mapping[str, str]:
        return texts if other == locale else known(other)

    monkeypatch.setattr(i18n, "catalog", catalog)
    monkeypatch.setattr(i18n, "LOCALES", (*i18n.LOCALES, locale))


def speak_in(world: World, locale: str) -> None:
    """Have all members use Discord in this language from now on."""
    emit = type(world.env.backend).emit

    def localized(event: str, payload: Mapping[str, Any]) -> None:
        emit(world.env.backend, event, {**payload, "locale": locale} if "locale" in payload else payload)

    world.env.backend.emit = localized


def set_server_language(world: World, locale: str) -> None:
    guild = world.bot.get_guild(world.guild_id)
    assert guild is not None
    guild.preferred_locale = discord.Locale(locale)
