"""Checks that a member may moderate, made for every command and click."""

from collections.abc import Collection

import discord

from bot.client.membership import server_owner_id
from bot.errors import Refused
from bot.policy.models import UserRef
from cogs._ui.interaction import Interaction, is_moderator, name_of


async def check_moderator(interaction: Interaction) -> None:
    """Raise `Refused` unless the member is a moderator."""
    if not await is_moderator(interaction):
        raise Refused("refused.not_moderator")


async def may_decide(interaction: Interaction, involved: Collection[int]) -> bool:
    """Return True if the moderator is not involved. The server's owner may always decide."""
    user_id, guild_id = interaction.user.id, interaction.guild_id or 0
    return user_id not in involved or user_id == await server_owner_id(interaction.client, guild_id)


async def check_not_involved(interaction: Interaction, involved: Collection[int]) -> None:
    """Raise `Refused` if the moderator may not decide."""
    if not await may_decide(interaction, involved):
        raise Refused("refused.act_on_self")


async def check_block(interaction: Interaction, member_id: int, *, bot: bool = False) -> None:
    """Raise `Refused` if the member can't be blocked: the moderator, the server's owner or a bot."""
    if member_id == interaction.user.id:
        raise Refused("refused.act_on_self")
    if bot:
        raise Refused("refused.act_on_bot")
    if member_id == await server_owner_id(interaction.client, interaction.guild_id or 0):
        raise Refused("refused.act_on_server_owner")


def user_ref(user: discord.User | discord.Member) -> UserRef:
    """Return a user's ID and name, for the audit."""
    return UserRef(user.id, name_of(user))
