"""Who decides in a server, and about whom, asked at every command and click."""

from collections.abc import Collection

import discord

from bot.client.client import Clonevoice
from bot.errors import Refused
from bot.policy.models import UserRef


async def is_moderator(interaction: discord.Interaction[Clonevoice]) -> bool:
    """Whether a member manages the server or has its moderation role."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        return False
    if interaction.permissions.manage_guild:
        return True
    policy = await interaction.client.moderation.policy(user.guild.id)
    return policy.moderator_role in {role.id for role in user.roles if not role.is_default()}


async def check_moderator(interaction: discord.Interaction[Clonevoice]) -> None:
    """Raise `NotModerator` for everybody else."""
    if not await is_moderator(interaction):
        raise Refused("refused.not_moderator")


def may_decide(interaction: discord.Interaction[Clonevoice], concerned: Collection[int]) -> bool:
    """Whether a moderator is none of those whom it is about; the server's owner has nobody above."""
    server_owner = interaction.guild.owner_id if interaction.guild else None
    return interaction.user.id not in concerned or interaction.user.id == server_owner


def check_not_concerned(interaction: discord.Interaction[Clonevoice], concerned: Collection[int]) -> None:
    """Raise `ActOnSelf` for a moderator whom it is about."""
    if not may_decide(interaction, concerned):
        raise Refused("refused.act_on_self")


def check_block(interaction: discord.Interaction[Clonevoice], member_id: int, *, bot: bool = False) -> None:
    """Raise `Refused` for whom nobody can block: oneself, the server's owner, a bot."""
    if member_id == interaction.user.id:
        raise Refused("refused.act_on_self")
    if interaction.guild and member_id == interaction.guild.owner_id:
        raise Refused("refused.act_on_server_owner")
    if bot:
        raise Refused("refused.act_on_bot")


def moderator(user: discord.User | discord.Member) -> UserRef:
    """Return who somebody is, for the record."""
    return UserRef(user.id, user.display_name)
