"""Who decides in a server, asked at every command and click."""

from typing import Any

import discord

from bot.client import Clonevoice
from bot.errors import NotModerator
from bot.voices.policy import Moderator


async def check_moderator(interaction: discord.Interaction[Clonevoice]) -> None:
    """Raise `NotModerator` unless a member manages the server or has its moderation role."""
    user = interaction.user
    if isinstance(user, discord.Member):
        if interaction.permissions.manage_guild:
            return
        policy = await interaction.client.moderation.policy(user.guild.id)
        if policy.moderator_role in {role.id for role in user.roles}:
            return
    raise NotModerator


def moderator(user: Any) -> Moderator:  # noqa: ANN401 - a member or a user
    """Return who somebody is, for the record."""
    return Moderator(user.id, user.display_name)
