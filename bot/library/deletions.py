"""Deletes voices upstream, and retries until they are gone."""

import logging
from dataclasses import dataclass, replace

from bot.clock import Clock, retry_delays
from bot.errors import StoreError, expected_error
from bot.mureka.accounts import AccountMonitor
from bot.mureka.client import MurekaClient
from bot.mureka.errors import AccountMissing, AnswerUnreadable, MurekaError, Rejected, UpstreamFailed
from bot.policy.ports import RulesRepository
from bot.voices.models import PendingDeletion, Voice
from bot.voices.repository import MembersRepository, PendingDeletionsRepository

_log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class UpstreamDeletions:
    """The pending deletions of all members."""

    members: MembersRepository
    servers: RulesRepository
    repository: PendingDeletionsRepository
    mureka: MurekaClient
    accounts: AccountMonitor
    clock: Clock

    async def delete(self, deletion: PendingDeletion) -> bool:
        """Disable a voice, delete it upstream, then its record. Returns False if it is to be retried."""
        if deletion.owner_id is not None:
            voice = await self.members.change(
                deletion.owner_id, deletion.voice_id, lambda voice: replace(voice, deleting=True)
            )
            if voice:
                await self._remove_references(voice)
        try:
            await self.mureka.delete(deletion.voice_id, deletion.account)
        except (AccountMissing, Rejected, AnswerUnreadable, UpstreamFailed):  # perhaps it is gone: the list shows it
            if await self._exists(deletion):
                return False
        except MurekaError as error:
            _log.warning("voice %d could not be deleted upstream: %r", deletion.voice_id, error)
            self.accounts.report(deletion.account, error)
            return False
        if deletion.owner_id is not None:
            await self.members.remove(deletion.owner_id, deletion.voice_id)
        await self.repository.remove_pending_deletion(deletion.voice_id)
        return True

    async def _remove_references(self, voice: Voice) -> None:
        """Remove a voice from its server's list and its consent. On failure, they stay and are ignored."""
        try:
            await self.servers.mark_deleted(voice.guild_id, voice.id)
            if voice.speaker:
                await self.members.remove_consent(voice.speaker.id, voice.job_id)
        except StoreError as error:
            _log.warning("a reference to voice %d could not be removed: %r", voice.id, error)

    async def run(self) -> None:
        """Retry the pending deletions with exponential backoff. Never returns."""
        delays = retry_delays()
        while True:
            if all([await self._try(deletion) for deletion in await self._pending()]):
                delays = retry_delays()
            await self.clock.sleep(next(delays))

    async def _pending(self) -> tuple[PendingDeletion, ...]:
        try:
            return await self.repository.pending_deletions()
        except StoreError:  # the store has logged it
            return ()

    async def _try(self, deletion: PendingDeletion) -> bool:
        try:
            return await self.delete(deletion)
        except Exception as error:  # noqa: BLE001 - the other voices are deleted anyway
            expected_error(f"deleting voice {deletion.voice_id}", error)
            return False

    async def _exists(self, deletion: PendingDeletion) -> bool:
        """Return True if the voice exists upstream, or if that can't be checked now."""
        try:
            voices = await self.mureka.voices(deletion.account, complete=True)
        except MurekaError as error:
            _log.warning("the voices of an account could not be listed: %r", error)
            self.accounts.report(deletion.account, error)
            return True
        return any(voice.id == deletion.voice_id for voice in voices)
