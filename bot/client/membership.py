"""Who is in a server, asked of Discord without any privileged intent."""

import asyncio
import logging
from collections import OrderedDict
from datetime import UTC, datetime

import aiohttp
import discord

from bot.clock import Clock
from bot.policy.models import MemberSnapshot

_log = logging.getLogger(__name__)

FRESH_SECONDS = 10 * 60.0
"""How long somebody who was seen in a server counts as being there."""

REMEMBERED = 10_000
"""How many of those are remembered."""

ANSWER_SECONDS = 1.5
"""How long Discord is waited for: a command that opens a form must be answered within 3 s."""


def member_snapshot(user: discord.User | discord.Member, now: datetime) -> MemberSnapshot:
    """Return what rules ask of somebody; who is no member has been there for no time."""
    member = user if isinstance(user, discord.Member) else None
    return MemberSnapshot(
        user.id,
        frozenset(role.id for role in member.roles) if member else frozenset(),
        account_since=user.created_at.timestamp(),
        member_since=(member.joined_at if member and member.joined_at else now).timestamp(),
    )


class DiscordMembership:
    """Members by GET guild member, for the voices' `Membership` and `Applicants`.

    Only a 404 proves that somebody left.
    """

    def __init__(self, client: discord.Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._seen: OrderedDict[tuple[int, int], float] = OrderedDict()

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Whether somebody is in a server; also if that can't be found out just now."""
        now = self._clock.monotonic()
        if now - self._seen.get((guild_id, user_id), float("-inf")) < FRESH_SECONDS:
            return True
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return True  # `is_here` is the question then
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await guild.fetch_member(user_id)
        except discord.NotFound:
            return False
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            _log.warning("who is in server %d can't be found out: %r", guild_id, error)
            return True
        self._seen[guild_id, user_id] = now
        self._seen.move_to_end((guild_id, user_id))
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    async def snapshot(self, guild_id: int, user_id: int) -> MemberSnapshot | None:
        """Return what rules ask of somebody; None if that can't be found out just now."""
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return None
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return member_snapshot(await guild.fetch_member(user_id), now)
        except discord.NotFound:
            born = discord.utils.snowflake_time(user_id).timestamp()
            return MemberSnapshot(user_id, frozenset(), account_since=born, member_since=now.timestamp())
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            _log.warning("who is in server %d can't be found out: %r", guild_id, error)
            return None

    def bot_in_guild(self, guild_id: int) -> bool:
        """Whether the bot is in a server; also as long as it has not heard from Discord."""
        return not self._client.is_ready() or self._client.get_guild(guild_id) is not None
