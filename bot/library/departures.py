"""Ends sharing in servers that the bot has left, but only after Discord has said so for a day.

During outages, Discord reports servers as left that the bot is still in.
"""

import logging
from dataclasses import dataclass, replace

from bot.clock import Clock, repeat
from bot.errors import StoreError
from bot.library.models import Absence
from bot.library.ports import Membership, SharesRepository
from bot.library.shared_voices import SharedVoices

_log = logging.getLogger(__name__)

FIRST_CHECK_SECONDS = 10 * 60.0  # seconds from the start to the first check; Discord may still be sending the servers
CHECK_SECONDS = 60 * 60.0  # seconds between two checks

LEFT_SECONDS = 24 * 60 * 60.0
"""Seconds from Discord's first answer that the bot is not in a server until that is believed."""

OUTDATED_SECONDS = 2 * LEFT_SECONDS
"""Seconds without an answer after which earlier ones don't count, because the bot was not running."""


@dataclass(eq=False, repr=False)
class Departures:
    """Watches the servers with shared voices."""

    shares: SharesRepository
    shared_voices: SharedVoices
    membership: Membership
    clock: Clock

    async def run(self) -> None:
        """Check all servers once an hour. Never returns."""
        await self.clock.sleep(FIRST_CHECK_SECONDS)
        await repeat(self._check_all, self.clock, CHECK_SECONDS)

    async def _check_all(self) -> None:
        for guild_id in await self.shares.sharing():
            try:
                await self._check(guild_id)
            except StoreError as error:  # the other servers are checked anyway
                _log.warning("it can't be checked whether the bot has left server %d: %s", guild_id, error)

    async def check(self, guild_id: int) -> None:
        """Ask Discord whether the bot has left a server. If it has for a day, unshare all voices there."""
        if guild_id in await self.shares.sharing():
            await self._check(guild_id)

    async def _check(self, guild_id: int) -> None:
        present = self.membership.bot_in_guild(guild_id) or await self.membership.ask_bot_in_guild(guild_id)
        if present is None:
            return
        if present:
            await self.shares.put_absence(guild_id, None)
            return
        now, known = self.clock.now(), await self.shares.absence(guild_id)
        if known is None or known.last < now - OUTDATED_SECONDS:
            known = Absence(now, now)
        if known.since <= now - LEFT_SECONDS:
            _log.info("the bot has left server %d: nothing is shared there any longer", guild_id)
            await self.shared_voices.unshare_all(guild_id)
        else:
            await self.shares.put_absence(guild_id, replace(known, last=now))
