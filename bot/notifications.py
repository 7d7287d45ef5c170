"""Outbox of notifications. Each is stored until it has been delivered."""

import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from zlib import crc32

from bot.clock import Clock, repeat, retry_delays
from bot.errors import StoreError
from bot.tasks import BackgroundTasks
from bot.voices.models import Notice

_log = logging.getLogger(__name__)

RETENTION_SECONDS = 30 * 24 * 60 * 60.0
"""How long a notification is stored for a member whose direct messages are closed."""

EXPIRY_SECONDS = 24 * 60 * 60.0  # seconds between two removals of expired notifications


class NoticesRepository(Protocol):
    """Notices that were not delivered yet."""

    async def notices(self) -> tuple[Notice, ...]: ...
    async def put_notice(self, notice: Notice) -> None: ...
    async def remove_notice(self, notice_id: str) -> None: ...


class Notifier(Protocol):
    """Delivers notifications as direct messages. Implementations must not raise."""

    async def notify(self, notice: Notice) -> bool | None:
        """Return True if delivered, False to retry later, None if the member's direct messages are closed."""
        ...


@dataclass(eq=False, repr=False)
class Notifications:
    """The outbox of all members."""

    repository: NoticesRepository
    notifier: Notifier
    tasks: BackgroundTasks
    clock: Clock
    _sent: set[str] = field(default_factory=set[str], init=False)
    _unstored: set[str] = field(default_factory=set[str], init=False)

    async def start(self) -> None:
        """Resume undelivered notifications of an earlier run, and start to remove expired ones."""
        with suppress(StoreError):  # the store has logged it
            for notice in await self.repository.notices():
                self.tasks.start(self._deliver(notice))
        self.tasks.start(repeat(self._remove_expired, self.clock, EXPIRY_SECONDS))

    async def send(self, user_id: int, guild_id: int, key: str, *, once: object = None, **values: str | int) -> None:
        """Send the catalog's text `key` about a server, with the same `once` only once until a restart."""
        notice_id = secrets.token_hex(4) if once is None else f"{crc32(f'{once} {user_id}'.encode()):08x}"
        if notice_id in self._sent:
            return
        notice = Notice(notice_id, user_id, guild_id, key, values, self.clock.now())
        self._sent.add(notice_id)
        try:
            await self.repository.put_notice(notice)
        except StoreError as error:  # it is still delivered, but does not survive a restart
            _log.error("a notification could not be stored: %r", error)
            self._unstored.add(notice_id)
        self.tasks.start(self._deliver(notice))

    async def undelivered(self, user_id: int) -> list[Notice]:
        """Return a member's undelivered notifications, oldest first."""
        notices = [notice for notice in await self.repository.notices() if notice.user_id == user_id]
        return sorted(notices, key=lambda notice: notice.at)

    async def mark_delivered(self, notice: Notice) -> None:
        self._unstored.discard(notice.id)
        await self.repository.remove_notice(notice.id)

    async def _is_pending(self, notice: Notice) -> bool:
        """Return False if the member has read a notification elsewhere, or if their data was erased."""
        if notice.id in self._unstored:
            return True
        try:
            return any(other.id == notice.id for other in await self.repository.notices())
        except StoreError:
            return True

    async def _remove_expired(self) -> None:
        for notice in await self.repository.notices():
            if self.clock.now() - notice.at > RETENTION_SECONDS:
                await self.mark_delivered(notice)

    async def _deliver(self, notice: Notice) -> None:
        delays = retry_delays()
        while self.clock.now() - notice.at < RETENTION_SECONDS and await self._is_pending(notice):
            match await self.notifier.notify(notice):
                case True:
                    break
                case None:  # it is shown with the member's next list of voices
                    return
                case False:
                    await self.clock.sleep(next(delays))
        try:
            await self.mark_delivered(notice)
        except StoreError as error:
            _log.warning("a delivered notification may be sent again after a restart: %r", error)
