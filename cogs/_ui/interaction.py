"""Reads and answers interactions."""

from typing import Any

import discord

from bot.client.client import Clonevoice
from bot.client.membership import role_ids
from bot.i18n import translate_markdown
from bot.jobs.record import InteractionReply
from bot.text import clean_text
from bot.voices.models import Viewer

Interaction = discord.Interaction[Clonevoice]  # a command, a click or a form


def viewer_of(interaction: discord.Interaction[Any]) -> Viewer:
    """Return the interaction's member and server."""
    return Viewer(interaction.user.id, interaction.guild_id or 0)


def name_of(user: discord.abc.User) -> str:
    """Return the name that a user has in the server, without what can't be seen. Never empty."""
    return clean_text(user.display_name) or clean_text(user.name) or str(user.id)


async def is_moderator(interaction: Interaction) -> bool:
    """Return True if the member has the Manage Server permission or the moderator role."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        return False
    if interaction.permissions.manage_guild:
        return True
    policy = await interaction.client.services.rules.policy(user.guild.id)
    return policy.moderator_role in role_ids(user) - {user.guild.id}


async def defer(interaction: Interaction) -> InteractionReply:
    """Defer an ephemeral answer. Return where it can be edited."""
    answer = await interaction.response.defer(ephemeral=True, thinking=True)
    return reply_in((answer and answer.message_id) or 0, interaction)


def reply_in(message_id: int, interaction: Interaction) -> InteractionReply:
    """Return a message that the token of this interaction may edit."""
    now = interaction.client.services.clock.now()
    place = f"https://discord.com/channels/{interaction.guild_id or '@me'}/{interaction.channel_id}"
    link = f"{place}/{message_id}" if message_id else place
    return InteractionReply(interaction.token, message_id, now, interaction.filesize_limit, link)


async def answer_text(
    interaction: Interaction, key: str, view: discord.ui.View | None = None, /, **values: object
) -> None:
    """Replace the deferred answer, or the clicked message, with a text from the catalog and with buttons."""
    text = translate_markdown(str(interaction.locale), key, **values)
    await interaction.edit_original_response(content=text, embed=None, attachments=[], view=view)
