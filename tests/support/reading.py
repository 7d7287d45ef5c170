"""What a member reads in the bot's replies, and what the bot's files hold."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import discord
from simcord.components import walk_components
from simcord.results import InteractionResult, ResponseMessage

from bot.i18n import ENGLISH, translate_markdown


def text(result: InteractionResult) -> str:
    if result.response is None:
        return ""
    parts = [result.response.content, *(part["content"] for part in _parts(result) if "content" in part)]
    for embed in result.response.embeds:
        parts += [embed.title, embed.description, *(f"{f.name}: {f.value}" for f in embed.fields), embed.footer.text]
    return "\n".join(filter(None, parts))


def _parts(result: InteractionResult) -> Iterator[dict[str, Any]]:
    """Yield the components of a reply, and those within them."""
    return walk_components(result.response.components) if result.response else iter(())


def over(result: InteractionResult) -> bool:
    """Return True if a reply is a sentence or a last card, without a current stage."""
    return bool(text(result)) and "▫️" not in text(result)


def sentence(key: str, **values: object) -> str:
    return translate_markdown(ENGLISH, key, **values)


def buttons(result: InteractionResult) -> list[str]:
    return [part["label"] for part in _parts(result) if "label" in part]


def custom_ids(result: InteractionResult) -> list[str]:
    return [part["custom_id"] for part in _parts(result) if "custom_id" in part]


def embed_of(result: InteractionResult) -> discord.Embed:
    assert result.response is not None
    (embed,) = result.response.embeds
    return embed


UNKNOWN = sentence("refused.voice_unknown")


def message(result: InteractionResult) -> ResponseMessage:
    assert result.response is not None
    return result.response


def fields(form: InteractionResult) -> list[str]:
    assert form.modal is not None
    return [item["component"]["custom_id"] for item in form.modal["components"] if "component" in item]


def replies(result: InteractionResult) -> list[str]:
    return [text(result), *(one.content for one in result.followups)]


def read_files(folder: Path, pattern: str) -> dict[str, str]:
    """Return the texts of a folder's files by the stem of their names, without those that are removed meanwhile."""
    found: dict[str, str] = {}
    for file in folder.glob(pattern):
        with suppress(FileNotFoundError):
            found[file.stem] = file.read_text("utf-8")
    return found
