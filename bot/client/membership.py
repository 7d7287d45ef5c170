"""Membership in servers, queried from Discord without a privileged intent."""

import asyncio
import logging
from collections import OrderedDict
from datetime import UTC, datetime

import aiohttp
import discord

from bot.clock import Clock
from bot.policy.models import MemberSnapshot

_log = logging.getLogger(__name__)

FRESH_SECONDS = 10 * 60.0  # seconds for which a positive answer is cached
CACHE_SIZE = 10_000  # most cached answers
NOT_A_MEMBER = (10007, 10013)  # "Unknown Member", "Unknown User"; not "Unknown Guild", as in an outage
ANSWER_SECONDS = 1.5  # seconds to wait for Discord: a command that opens a form must be answered within 3 seconds


def loaded_guild(client: discord.Client, guild_id: int) -> discord.Guild | None:
    """Return a server, or None until Discord has sent its name, owner, roles and channels."""
    guild = client.get_guild(guild_id)
    return guild if guild and guild.owner_id else None


async def server_owner_id(client: discord.Client, guild_id: int) -> int | None:
    """Return the ID of a server's owner. Returns None if Discord can't be asked."""
    if guild := loaded_guild(client, guild_id):
        return guild.owner_id
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return (await client.fetch_guild(guild_id, with_counts=False)).owner_id
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        _log.warning("the owner of server %d can't be queried: %r", guild_id, error)
        return None


def role_ids(member: discord.Member) -> frozenset[int]:
    """Return the IDs of a member's roles as Discord sent them with the member, including @everyone.

    `Member.roles` lacks all roles of a server that Discord has not sent yet.
    """
    roles = member._roles  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - discord.py has no other access
    return frozenset(roles) | {member.guild.id}


def member_snapshot(user: discord.User | discord.Member, now: datetime) -> MemberSnapshot:
    """Return the facts that rules check. A user who is not a member counts as having joined now."""
    member = user if isinstance(user, discord.Member) else None
    return MemberSnapshot(
        user.id,
        role_ids(member) if member else frozenset(),
        account_since=user.created_at.timestamp(),
        member_since=(member.joined_at if member and member.joined_at else now).timestamp(),
    )


class DiscordMembership:
    """Implements `Membership` and `MemberDirectory`. Only a 404 about a user proves that they are not a member."""

    def __init__(self, client: discord.Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._cache: OrderedDict[tuple[int, int], float] = OrderedDict()

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        now = self._clock.monotonic()
        if now - self._cache.get((guild_id, user_id), float("-inf")) < FRESH_SECONDS:
            return True
        try:
            if await self._fetch(guild_id, user_id) is None:
                return True  # `bot_in_guild` covers servers without the bot
        except discord.NotFound:
            return False
        self._cache[guild_id, user_id] = now
        self._cache.move_to_end((guild_id, user_id))
        while len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return True

    async def snapshot(self, guild_id: int, user_id: int) -> MemberSnapshot | None:
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        try:
            member = await self._fetch(guild_id, user_id)
            return member and member_snapshot(member, now)
        except discord.NotFound:
            created = discord.utils.snowflake_time(user_id).timestamp()
            return MemberSnapshot(user_id, frozenset(), account_since=created, member_since=now.timestamp())

    async def _fetch(self, guild_id: int, user_id: int) -> discord.Member | None:
        """Return None if Discord can't be asked. Raises `discord.NotFound` for a user who is not a member."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                guild = self._client.get_guild(guild_id)
                return await guild.fetch_member(user_id) if guild else None
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            if isinstance(error, discord.NotFound) and error.code in NOT_A_MEMBER:
                raise
            _log.warning("a member of server %d can't be queried: %r", guild_id, error)
            return None

    def bot_in_guild(self, guild_id: int) -> bool:
        return not self._client.is_ready() or self._client.get_guild(guild_id) is not None

    async def ask_bot_in_guild(self, guild_id: int) -> bool | None:
        try:
            await self._client.fetch_guild(guild_id, with_counts=False)
        except (discord.Forbidden, discord.NotFound):
            return False
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            _log.warning("server %d can't be queried: %r", guild_id, error)
            return None
        return True
