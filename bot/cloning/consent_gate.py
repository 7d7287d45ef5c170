"""What a clone owes to others than its member: its speaker's approval, and its place on a server's list."""

import logging
from dataclasses import replace

from bot.clock import Clock
from bot.cloning.errors import ApprovalRevoked
from bot.cloning.job import CloneJob
from bot.errors import RecordDamaged, StoreError
from bot.policy.models import CloneRecord
from bot.store.protocol import Store, recording
from bot.voices.models import PendingDeletion, Voice

_log = logging.getLogger(__name__)


class Approvals:
    """Asked before a sample is sent, and told of the voice that came of it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def holds(self, job: CloneJob) -> bool:
        """Whether a job's speaker has approved it, and not taken that back."""
        given = await self._store.members.consents(job.speaker.id) if job.speaker else ()
        return any(consent.job_id == job.id and not consent.revoked for consent in given)

    async def check(self, job: CloneJob) -> None:
        """Raise `ApprovalRevoked` for a job that has a speaker who does not approve it any more."""
        if job.speaker and not await self.holds(job):
            raise ApprovalRevoked(name=job.speaker.name)

    async def register(self, voice: Voice) -> Voice:
        """Put a new voice on its server's list and on its approval.

        If that was taken back meanwhile, its deletion is owed at once. A file that is set aside, which was
        reported, keeps no voice that is made from its member.
        """
        with recording():
            try:
                now = self._clock.now()
                await self._store.servers.add_cloned(voice.guild_id, CloneRecord.from_voice(voice, now), now)
            except (RecordDamaged, ValueError) as error:
                _log.warning("that voice %d was cloned could not be listed: %r", voice.id, error)
            if voice.speaker is None or await self._seal(voice, voice.speaker.id):
                return voice
            await self._store.members.change(
                voice.owner_id, voice.id, lambda voice: replace(voice, deleting=True)
            )
            try:
                await self._store.pending.put_owed(PendingDeletion(voice.id, voice.account, voice.owner_id))
            except (RecordDamaged, ValueError) as error:  # it is owed at the next start
                _log.warning("that voice %d has to be deleted could not be noted: %r", voice.id, error)
        return replace(voice, deleting=True)

    async def _seal(self, voice: Voice, speaker_id: int) -> bool:
        """Put a voice on its approval; whether that stands."""
        try:
            consent = await self._store.members.change_consent(
                speaker_id, voice.job_id, lambda consent: replace(consent, voice_id=voice.id)
            )
        except (RecordDamaged, ValueError) as error:  # nobody can speak with it until that is read again
            _log.warning("voice %d could not be put on its approval: %r", voice.id, error)
            return True
        return consent is not None and not consent.revoked

    async def drop(self, job: CloneJob) -> None:
        """Forget the approval of a job that is over, if no voice has come of it."""
        if job.speaker is None:
            return
        try:
            voices = await self._store.members.voices(job.owner_id)
            if all(voice.job_id != job.id or voice.deleting for voice in voices):
                await self._store.members.drop_consent(job.speaker.id, job.id)
        except (StoreError, OSError, ValueError) as error:  # it approves nothing that there is
            _log.warning("the approval of clone %s could not be dropped: %r", job.id, error)
