"""`pending.json`: deletions, erasures, notices and replies that are still to be carried out, and durations."""

from collections.abc import Sequence
from typing import Literal

from tinydb import TinyDB

from bot.jobs.deferred import DeferredReply
from bot.store.tiny.records import Repository
from bot.store.tiny.shapes import DEFERRED_REPLIES, DURATIONS, NOTICES, PENDING_DELETIONS, PENDING_ERASURES
from bot.voices.models import Notice, PendingDeletion

MAX_DURATIONS = 50  # how many durations are kept of each kind

FILE = "pending.json"


class TinyPending(Repository):
    """`bot.store.protocol.Pending`."""

    async def durations(self, kind: Literal["clone", "speech"] = "clone") -> tuple[float, ...]:
        return tuple(await self._records.run(FILE, DURATIONS[kind].all))

    async def add_duration(self, seconds: float, kind: Literal["clone", "speech"] = "clone") -> None:
        def add(db: TinyDB) -> None:
            DURATIONS[kind].put(db, [*DURATIONS[kind].all(db), seconds][-MAX_DURATIONS:])

        await self._records.run(FILE, add)

    async def pending_deletions(self) -> tuple[PendingDeletion, ...]:
        return await self._records.run(FILE, PENDING_DELETIONS.all)

    async def put_pending_deletion(self, deletion: PendingDeletion) -> None:
        await self._records.run(FILE, lambda db: PENDING_DELETIONS.put(db, deletion))

    async def remove_pending_deletion(self, voice_id: int) -> None:
        await self._records.run(FILE, lambda db: PENDING_DELETIONS.remove(db, voice_id))

    async def pending_erasures(self) -> tuple[int, ...]:
        return await self._records.run(FILE, PENDING_ERASURES.all)

    async def put_pending_erasure(self, member_id: int) -> None:
        await self._records.run(FILE, lambda db: PENDING_ERASURES.put(db, member_id))

    async def remove_pending_erasure(self, member_id: int) -> None:
        await self._records.run(FILE, lambda db: PENDING_ERASURES.remove(db, member_id))

    async def notices(self) -> tuple[Notice, ...]:
        return await self._records.run(FILE, NOTICES.all)

    async def put_notice(self, notice: Notice) -> None:
        await self._records.run(FILE, lambda db: NOTICES.put(db, notice))

    async def remove_notice(self, notice_id: str) -> None:
        await self._records.run(FILE, lambda db: NOTICES.remove(db, int(notice_id, 16)))

    async def deferred_replies(self) -> tuple[DeferredReply, ...]:
        return await self._records.run(FILE, DEFERRED_REPLIES.all)

    async def replace_deferred_replies(self, replies: Sequence[DeferredReply]) -> None:
        await self._records.run(FILE, lambda db: DEFERRED_REPLIES.replace(db, replies))
