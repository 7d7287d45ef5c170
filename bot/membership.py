"""Who is in a server, asked of Discord without any privileged intent."""

import logging
from collections import OrderedDict

import discord

from bot.voices.clock import Clock

_log = logging.getLogger(__name__)

FRESH_SECONDS = 10 * 60.0
"""How long an answer of Discord's is good for."""

REMEMBERED = 10_000
"""How many answers are remembered."""


class DiscordMembership:
    """`bot.voices.community.Membership` by GET guild member; only a 404 proves that somebody left."""

    def __init__(self, client: discord.Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._answers: OrderedDict[tuple[int, int], tuple[float, bool]] = OrderedDict()

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Whether somebody is in a server; also if that can't be found out just now."""
        now = self._clock.monotonic()
        since, answer = self._answers.get((guild_id, user_id), (float("-inf"), True))
        if now - since < FRESH_SECONDS:
            return answer
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return True  # `is_here` is the question then
        try:
            await guild.fetch_member(user_id)
            answer = True
        except discord.NotFound:
            answer = False
        except discord.HTTPException as error:
            _log.warning("who is in server %d can't be found out: %s", guild_id, error)
            return True
        self._answers[guild_id, user_id] = now, answer
        self._answers.move_to_end((guild_id, user_id))
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return answer

    def is_here(self, guild_id: int) -> bool:
        """Whether the bot is in a server; also as long as it has not heard from Discord."""
        return not self._client.is_ready() or self._client.get_guild(guild_id) is not None
