"""Erases everything that is stored about a member, and retries until it is complete."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bot.clock import Clock, retry_delays
from bot.cloning.cloner import Cloner
from bot.consent import Consents
from bot.erasures import PendingErasures
from bot.errors import RecordUnreadable, StoreError, expected_error
from bot.library.library import Library
from bot.privacy.export import Exporter
from bot.speaking.synthesizer import Synthesizer
from bot.store.protocol import Store
from bot.tasks import BackgroundTasks
from bot.voices.models import PendingDeletion

ANSWER_SECONDS = 60.0
"""How long a member waits for the outcome of the first attempt, which deletes their voices one by one."""


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """What the first attempt came to.

    `deleted` and `pending` are the numbers of voices that are deleted upstream, and that still have to be.
    `cloning`: a clone in progress can't be stopped, and its voice will be deleted. `unreadable`: a record
    that can't be read may name the member. `complete`: nothing about the member is left in the store.
    """

    deleted: int
    pending: int
    cloning: bool
    unreadable: bool
    complete: bool


@dataclass(slots=True)
class _Attempt:
    """An attempt to erase a member's data: the voices to delete, and what stood in the way."""

    voice_ids: set[int] = field(default_factory=set[int])
    cloning: bool = False
    failures: list[Exception] = field(default_factory=list[Exception])
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def may_finish(self) -> bool:
        return not self.cloning and not self.failures

    async def take(self, member_id: int, *steps: Callable[[int], Awaitable[object]]) -> None:
        """Take all steps, and keep their errors."""
        for step in steps:
            try:
                await step(member_id)
            except Exception as error:  # noqa: BLE001 - the member asked for it, so it is retried after any error
                self.failures.append(error)


@dataclass(eq=False, repr=False)
class Erasure:
    """Erases members' data."""

    store: Store
    cloner: Cloner
    library: Library
    synthesizer: Synthesizer
    consents: Consents
    erasures: PendingErasures
    exporter: Exporter
    tasks: BackgroundTasks
    clock: Clock

    def start(self) -> None:
        for member_id in self.erasures:
            self.tasks.start(self._run(member_id, _Attempt()))

    async def erase(self, member_id: int) -> ErasureResult:
        """Erase what is possible now, the rest in the background. Raises `Refused` if that is running already."""
        await self.erasures.begin(member_id)  # from now on it is retried
        attempt = _Attempt()
        self.tasks.start(self._run(member_id, attempt))
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await attempt.ended.wait()
        pending = 0
        try:
            for deletion in await self.store.pending.pending_deletions():
                pending += deletion.voice_id in attempt.voice_ids
        except StoreError as error:
            attempt.failures.append(error)
        return ErasureResult(
            deleted=len(attempt.voice_ids) - pending,
            pending=pending,
            cloning=attempt.cloning,
            unreadable=any(isinstance(failure, RecordUnreadable) for failure in attempt.failures),
            complete=member_id not in self.erasures,
        )

    async def _run(self, member_id: int, attempt: _Attempt) -> None:
        """Erase a member's data, with exponential backoff, until nothing is left."""
        for delay in retry_delays():
            await self._erase_all(member_id, attempt)
            attempt.ended.set()
            if member_id not in self.erasures:
                return
            for failure in attempt.failures:
                expected_error("the erasure of a member's data", failure)
            await (self.cloner.settle(member_id) if attempt.cloning else self.clock.sleep(delay))
            attempt = _Attempt()

    async def _erase_all(self, member_id: int, attempt: _Attempt) -> None:
        """Erase a member's data. Every step is idempotent, and is taken even if others fail. The mark comes last."""
        store = self.store

        async def withdraw(member_id: int) -> None:
            voices = [voice for _, voice in await self.library.list_consented(member_id)]
            await self.consents.withdraw_all(member_id)
            attempt.voice_ids.update(voice.id for voice in voices)

        async def delete(member_id: int) -> None:
            attempt.voice_ids |= await self._delete_voices(member_id)

        await attempt.take(member_id, self.synthesizer.erase, withdraw, self.cloner.cancel_all, delete)
        attempt.cloning = self.cloner.in_flight(member_id)
        if not attempt.cloning:
            await attempt.take(member_id, self.cloner.erase, store.jobs.check, delete)
        if attempt.may_finish:
            await attempt.take(member_id, store.members.forget)
        await attempt.take(member_id, store.speeches.check, self._unshare, self._remove_notices)
        await attempt.take(member_id, store.members.anonymize, store.servers.anonymize)
        if attempt.may_finish:
            await attempt.take(member_id, self._check_erased)
        if attempt.may_finish:
            await attempt.take(member_id, self.erasures.finish)

    async def _delete_voices(self, member_id: int) -> set[int]:
        """Delete a member's voices without their ID. Returns their IDs, and those of pending deletions."""
        voices = await self.store.members.voices(member_id)
        for voice in voices:
            deletion = PendingDeletion(voice.id, voice.account)
            await self.store.pending.put_pending_deletion(deletion)
            await self.library.delete_pending(voice, deletion)
            await self.store.members.remove(member_id, voice.id)
        ids = {voice.id for voice in voices}
        for deletion in await self.store.pending.pending_deletions():
            if deletion.owner_id == member_id and deletion.voice_id not in ids:
                await self.store.pending.put_pending_deletion(PendingDeletion(deletion.voice_id, deletion.account))
                ids.add(deletion.voice_id)
        return ids

    async def _unshare(self, member_id: int) -> None:
        """Remove rows that are left of deleted voices. Tries all servers before raising `StoreError`."""
        failure: StoreError | None = None
        for guild_id in await self.store.servers.sharing():
            try:
                await self.library.shared_voices.unshare_member(guild_id, member_id)
            except StoreError as error:
                failure = error
        if failure:
            raise failure

    async def _remove_notices(self, member_id: int) -> None:
        for notice in await self.store.pending.notices():
            if notice.user_id == member_id:
                await self.store.pending.remove_notice(notice.id)

    async def _check_erased(self, member_id: int) -> None:
        """Raise `RuntimeError` if anything is left that the member could export, except what servers keep."""
        stored = await self.exporter.stored(member_id)
        if left := [kind for kind, records in stored.items() if records]:
            raise RuntimeError(f"left: {', '.join(left)}")
