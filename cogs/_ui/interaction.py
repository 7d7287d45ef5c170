"""What an interaction tells: who asks, where, and where its answer can be edited."""

from typing import Any

import discord

from bot.client.client import Clonevoice
from bot.jobs.record import InteractionReply
from bot.voices.models import Viewer

FORM_SECONDS = 15 * 60.0
"""How long a form is waited for; one that is closed unsent is not told of."""


def viewer_of(interaction: discord.Interaction[Any]) -> Viewer:
    """Return who asks, and where."""
    return Viewer(interaction.user.id, interaction.guild_id or 0)


async def deferred(interaction: discord.Interaction[Clonevoice]) -> InteractionReply:
    """Acknowledge an interaction, for its member's eyes only; return where the answer will be."""
    answer = await interaction.response.defer(ephemeral=True, thinking=True)
    return reply_in((answer and answer.message_id) or 0, interaction)


def reply_in(message_id: int, interaction: discord.Interaction[Clonevoice]) -> InteractionReply:
    """Return a message as the place of a card, with the fresh token of an interaction."""
    now = interaction.client.cloner.clock.now()
    return InteractionReply(interaction.token, message_id, now, interaction.filesize_limit)


FILE_LIMIT = 10 * 2**20
"""Bytes of files in a direct message: https://discord.com/developers/docs/reference#uploading-files"""
