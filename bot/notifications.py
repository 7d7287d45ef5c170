"""News for members who did not ask for it just now: kept until it has reached them."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from zlib import crc32

from bot.clock import Clock
from bot.errors import StoreError
from bot.store.protocol import Store
from bot.tasks import Background
from bot.voices.models import Notice

_log = logging.getLogger(__name__)

AGAIN_SECONDS = 60.0
"""Seconds until news that did not get through is sent again; they double …"""

LONGEST_SECONDS = 60 * 60.0
"""… up to this."""

KEPT_SECONDS = 30 * 24 * 60 * 60.0
"""How long news waits for a member whose direct messages are closed."""

EXPIRY_SECONDS = 24 * 60 * 60.0
"""Seconds between looks for news that is too old."""


class Notifications:
    """The outbox. Whoever knows Discord sets `send`.

    It brings news to a member: True once they have it, False if that should be tried again, None if their
    direct messages are closed. It must not fail.
    """

    deliver: Callable[[Notice], Awaitable[bool | None]]

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._marks: set[str] = set()
        self._unrecorded: set[str] = set()

    async def start(self, background: Background) -> None:
        """Take up what an earlier run did not get through, and work in the background from now on."""
        self._background = background
        try:
            for notice in await self._store.pending.notices():
                background.start(self._deliver(notice))
        except (StoreError, OSError, ValueError):
            _log.exception("news for members can't be read")
        background.start(self._expire())

    async def send(
        self, user_id: int, guild_id: int, key: str, *, once: object = None, **values: str | int
    ) -> None:
        """Let a member know the sentence `key`, about something in a server.

        Of what has the same mark `once`, a member is told once, unless the bot is restarted in between.
        """
        mark = secrets.token_hex(4) if once is None else f"{crc32(f'{once} {user_id}'.encode()):08x}"
        if mark in self._marks:
            return
        notice = Notice(mark, user_id, guild_id, key, values, self._clock.now())
        self._marks.add(mark)
        try:
            await self._store.pending.put_notice(notice)
        except (StoreError, OSError, ValueError) as error:  # then it lives as long as the bot does
            _log.error("news for a member could not be recorded: %r", error)
            self._unrecorded.add(mark)
        self._background.start(self._deliver(notice))

    async def undelivered(self, user_id: int) -> list[Notice]:
        """Return the news that a member has not got yet, oldest first."""
        notices = [notice for notice in await self._store.pending.notices() if notice.user_id == user_id]
        return sorted(notices, key=lambda notice: notice.at)

    async def mark_delivered(self, notice: Notice) -> None:
        """Let go of news that its member has got."""
        self._unrecorded.discard(notice.id)
        await self._store.pending.drop_notice(notice.id)

    async def _waits(self, notice: Notice) -> bool:
        """Whether news is still to be told: its member may have read it, or have been forgotten."""
        if notice.id in self._unrecorded:
            return True
        try:
            return any(other.id == notice.id for other in await self._store.pending.notices())
        except (StoreError, OSError, ValueError):
            return True

    async def _expire(self) -> None:
        while True:
            await self._clock.sleep(EXPIRY_SECONDS)
            try:
                for notice in await self._store.pending.notices():
                    if self._clock.now() - notice.at > KEPT_SECONDS:
                        await self.mark_delivered(notice)
            except (StoreError, OSError, ValueError):
                _log.exception("old news could not be forgotten")

    async def _deliver(self, notice: Notice) -> None:
        pause = AGAIN_SECONDS
        while self._clock.now() - notice.at < KEPT_SECONDS and await self._waits(notice):
            match await self.deliver(notice):
                case True:
                    break
                case None:  # it is shown with the member's next list
                    return
                case False:
                    await self._clock.sleep(pause)
                    pause = min(2 * pause, LONGEST_SECONDS)
        try:
            await self.mark_delivered(notice)
        except (StoreError, OSError, ValueError) as error:
            _log.warning("news that was told may be told again: %r", error)
