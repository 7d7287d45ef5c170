"""Erases everything that is stored about a member, and retries until it is complete."""

import logging
from dataclasses import dataclass

from bot.clock import Clock, retry_delays
from bot.cloning.cloner import Cloner
from bot.consent import Consents
from bot.erasures import PendingErasures
from bot.errors import StoreError
from bot.library.library import Library
from bot.speaking.synthesizer import Synthesizer
from bot.store.protocol import Store
from bot.tasks import BackgroundTasks
from bot.voices.models import PendingDeletion

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """The numbers of a member's voices that are deleted upstream, and that still have to be.

    `cloning`: a clone is in progress and will be deleted afterwards. `complete` is False if an error
    interrupted the erasure. It is then retried.
    """

    deleted: int
    pending: int
    cloning: bool
    complete: bool


@dataclass(eq=False, repr=False)
class Erasure:
    """Erases members' data."""

    store: Store
    cloner: Cloner
    library: Library
    synthesizer: Synthesizer
    consents: Consents
    erasures: PendingErasures
    tasks: BackgroundTasks
    clock: Clock

    def start(self) -> None:
        for member_id in self.erasures:
            self.tasks.start(self._run(member_id))

    async def erase(self, member_id: int) -> ErasureResult:
        """Erase what is possible now, the rest in the background. Raises `Refused` if that is running already."""
        await self.erasures.begin(member_id)  # from now on it is retried
        deleted = pending = 0
        cloning = complete = True
        try:
            await self.synthesizer.erase(member_id)
            await self.consents.withdraw_all(member_id)
            cloning = await self.cloner.cancel_all(member_id)
            deleted, pending = await self._delete_voices(member_id)
        except StoreError as error:
            _log.error("a member's data could not be erased completely yet: %s", error)
            complete = False
        finally:
            self.tasks.start(self._run(member_id))
        return ErasureResult(deleted, pending, cloning and complete, complete)

    async def _run(self, member_id: int) -> None:
        """Erase a member's data, with exponential backoff, until nothing is left."""
        for delay in retry_delays():
            try:
                await self._erase_all(member_id)
            except Exception:  # noqa: BLE001 - the member asked for it, so it is retried after any error
                _log.exception("a member's data could not be erased yet")
                await self.clock.sleep(delay)
            else:
                return

    async def _erase_all(self, member_id: int) -> None:
        """Erase a member's data. Every step is idempotent. Their own file and the mark come last."""
        store = self.store
        await self.synthesizer.erase(member_id)
        await self.consents.withdraw_all(member_id)
        await self._delete_voices(member_id)
        await store.members.anonymize(member_id)
        await self.cloner.erase(member_id)
        await store.jobs.check(member_id)
        await self._delete_voices(member_id)  # a clone may have finished
        for guild_id in await store.servers.sharing():  # rows may be left of deleted voices
            await self.library.shared_voices.unshare_member(guild_id, member_id)
        await store.servers.anonymize(member_id)
        for notice in await store.pending.notices():
            if notice.user_id == member_id:
                await store.pending.remove_notice(notice.id)
        await store.members.forget(member_id)
        await self.erasures.finish(member_id)

    async def _delete_voices(self, member_id: int) -> tuple[int, int]:
        """Delete a member's voices without their ID. Returns how many are deleted upstream, and how many aren't."""
        deleted = pending = 0
        voices = await self.store.members.voices(member_id)
        for voice in voices:
            deletion = PendingDeletion(voice.id, voice.account)
            await self.store.pending.put_pending_deletion(deletion)
            gone = await self.library.delete_pending(voice, deletion)
            deleted, pending = deleted + gone, pending + (not gone)
            await self.store.members.remove(member_id, voice.id)
        ids = {voice.id for voice in voices}
        for deletion in await self.store.pending.pending_deletions():
            if deletion.owner_id == member_id and deletion.voice_id not in ids:
                await self.store.pending.put_pending_deletion(PendingDeletion(deletion.voice_id, deletion.account))
        return deleted, pending
