"""Voices to choose from while an option is typed."""

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot.client import Clonevoice
from bot.i18n import say
from cogs._interaction import viewer_of

VoiceOption = app_commands.Range[str, 1, 100]
"""A voice as an option gives it: the id of a choice, or a title as typed."""


async def any_voice(interaction: discord.Interaction[Clonevoice], typed: str) -> list[Choice[str]]:
    """Offer one's own voices and those shared here."""
    return await _offer(interaction, typed, own=False)


async def own_voice(interaction: discord.Interaction[Clonevoice], typed: str) -> list[Choice[str]]:
    """Offer one's own voices."""
    return await _offer(interaction, typed, own=True)


async def _offer(interaction: discord.Interaction[Clonevoice], typed: str, *, own: bool) -> list[Choice[str]]:
    found = await interaction.client.library.suggest(viewer_of(interaction), typed, own=own)
    locale = str(interaction.locale)
    return [
        Choice(
            name=one.title
            if one.owner_name is None
            else say(locale, "choice.shared", title=one.title, owner=one.owner_name)[:100],
            value=str(one.voice_id),
        )
        for one in found
    ]
