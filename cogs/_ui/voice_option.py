"""Voices to choose from while an option is typed."""

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot.client.client import Clonevoice
from bot.i18n import translate
from bot.library.models import VoiceSuggestion
from cogs._ui.interaction import viewer_of

VoiceOption = app_commands.Range[str, 1, 100]
"""A voice as an option gives it: the id of a choice, or a title as typed."""


async def any_voice(interaction: discord.Interaction[Clonevoice], typed: str) -> list[Choice[str]]:
    """Offer one's own voices and those shared here."""
    return await _offer(interaction, typed, own=False)


async def seen_voice(interaction: discord.Interaction[Clonevoice], typed: str) -> list[Choice[str]]:
    """Offer those, and the voices that are one's own but somebody else's to use."""
    return await _offer(interaction, typed, own=False, approved=True)


async def own_voice(interaction: discord.Interaction[Clonevoice], typed: str) -> list[Choice[str]]:
    """Offer one's own voices."""
    return await _offer(interaction, typed, own=True)


async def _offer(
    interaction: discord.Interaction[Clonevoice], typed: str, *, own: bool, approved: bool = False
) -> list[Choice[str]]:
    library, viewer = interaction.client.library, viewer_of(interaction)
    found = await library.suggest(viewer, typed, own=own, approved=approved)
    locale = str(interaction.locale)
    return [Choice(name=_name(one, locale)[:100], value=str(one.voice_id)) for one in found]


def _name(one: VoiceSuggestion, locale: str) -> str:
    if one.owner_name is None:
        return one.title
    key = "choice.approved" if one.approved else "choice.shared"
    return translate(locale, key, title=one.title, owner=one.owner_name)
