"""Speakers' consent to clones of their voices: approve, decline or withdraw."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.clock import Clock, repeat
from bot.cloning.cloner import Cloner
from bot.cloning.consent_gate import ConsentGate
from bot.cloning.errors import RequestClosed
from bot.cloning.job import CloneJob, Stage
from bot.cloning.ports import CloneRepository
from bot.errors import Refused, StoreError, expected_error
from bot.jobs.registry import JobRegistry
from bot.library.library import Library
from bot.notifications import Notifications
from bot.tasks import BackgroundTasks
from bot.voices.models import WORDING_VERSION, Consent, PendingDeletion, Statement, Viewer
from bot.voices.repository import MembersRepository, PendingDeletionsRepository

_log = logging.getLogger(__name__)

INTERVAL_SECONDS = 10 * 60.0  # seconds between two attempts to follow up withdrawn consents


@dataclass(eq=False, repr=False)
class Consents:
    """The consents of all speakers. A clone that names a speaker is sent only with their consent."""

    members: MembersRepository
    deletions: PendingDeletionsRepository
    jobs: JobRegistry[CloneJob]
    samples: CloneRepository
    gate: ConsentGate
    cloner: Cloner
    library: Library
    notifications: Notifications
    tasks: BackgroundTasks
    clock: Clock
    _approving: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _to_follow_up: set[int] = field(default_factory=set[int], init=False)
    _loaded: bool = field(default=False, init=False)

    def start(self) -> None:
        """Follow up withdrawn consents in the background, first those of an earlier run."""
        self.tasks.start(repeat(self._follow_up_all, self.clock, INTERVAL_SECONDS))

    def request(self, speaker_id: int, job_id: str) -> CloneJob:
        """Return the clone that this speaker is asked about. Raises `RequestClosed`, or `Refused` for others."""
        if job_id not in self.jobs or not self.jobs[job_id].awaits_consent:
            raise RequestClosed
        job = self.jobs[job_id]
        if job.speaker is None or job.speaker.id != speaker_id:
            raise Refused("refused.not_the_speaker")
        return job

    async def sample(self, speaker_id: int, job_id: str) -> bytes:
        """Return the sample that this speaker is asked about. Raises as `request`."""
        self.request(speaker_id, job_id)
        try:
            return await self.samples.sample(job_id)
        except FileNotFoundError as error:  # the job has just ended
            raise RequestClosed from error

    async def get(self, speaker_id: int, job_id: str) -> Consent | None:
        """Return a speaker's active consent to a clone, or None."""
        consent = await self._get_any(speaker_id, job_id)
        return None if consent is None or consent.revoked else consent

    async def approve(self, by: Viewer, job_id: str, *, wording: str, channel_id: int, locale: str) -> Consent:
        """Store the speaker's consent with the exact `wording` that they saw, in `locale`, then continue the clone.

        Raises as `request` if they are not being asked. No consent is stored then.
        """
        async with self._approving:  # so that two clicks store one consent
            consent = before = await self.get(by.id, job_id)
            if consent is None:
                job, now = self.request(by.id, job_id), self.clock.now()
                statement = Statement(by.id, wording, WORDING_VERSION, now, by.guild_id, channel_id, locale)
                consent = Consent(job.id, job.owner_id, job.owner_name, job.title, statement)
                await self.members.put_consent(consent)
            try:
                await self._queue(by.id, job_id)
            except RequestClosed:
                if before is None:
                    await self.members.remove_consent(by.id, job_id)
                    raise
        return consent

    async def _queue(self, speaker_id: int, job_id: str) -> None:
        """Queue a clone whose consent is recorded. A failed write is made up for at the next start."""
        job, now = self.request(speaker_id, job_id), self.clock.now()
        await self.jobs.update(job_id, lambda job: _check_waiting(job).advance(Stage.QUEUED, now), best_effort=True)
        await self.gate.drop_request(job)

    async def decline(self, speaker_id: int, job_id: str) -> None:
        """End a clone without the speaker's consent. Raises as `request`."""
        async with self._approving:
            job, now = self.request(speaker_id, job_id), self.clock.now()
            error = Refused("refused.speaker_refused", name=job.speaker.name if job.speaker else "")
            await self.gate.note_refusal(job_id, job.owner_id, speaker_id)
            await self.jobs.update(job_id, lambda job: _check_waiting(job).fail(error, now))

    async def withdraw(self, speaker_id: int, job_id: str) -> Consent:
        """Withdraw a consent and delete its voice, or cancel its clone. Raises `RequestClosed` without a consent.

        From then on the voice can't be used. A clone in progress can't be canceled, so its voice is deleted later.
        Raises `Refused` if the store failed after the withdrawal was recorded. The deletion is then retried.
        """
        consent = await self._get_any(speaker_id, job_id)
        if consent is None:
            raise RequestClosed
        self._to_follow_up.add(speaker_id)
        await self.gate.note_refusal(job_id, consent.owner_id, speaker_id)
        await self.members.change_consent(speaker_id, job_id, _revoked)
        try:
            await self._follow_up(speaker_id, consent)
        except StoreError as error:
            _log.error("a withdrawn consent is to be followed up: %s", error)
            raise Refused("refused.revoked_not_deleted", title=consent.title) from error
        return consent

    async def withdraw_all(self, speaker_id: int) -> None:
        """Withdraw a member's consents and cancel clones that await one. Tries all before raising `StoreError`."""
        consents = await self.members.consents(speaker_id)
        for consent in consents:
            await self.members.change_consent(speaker_id, consent.job_id, _revoked)
        await self._cancel(self._unfinished(speaker_id))
        failure: StoreError | None = None
        for consent in consents:
            try:
                await self._follow_up(speaker_id, consent)
            except StoreError as error:
                failure = error
        if failure:
            raise failure

    async def _get_any(self, speaker_id: int, job_id: str) -> Consent | None:
        consents = await self.members.consents(speaker_id)
        return next((consent for consent in consents if consent.job_id == job_id), None)

    async def _follow_up_all(self) -> None:
        if not self._loaded:
            self._to_follow_up.update(await self.members.speakers_with_revoked_consents())
            self._loaded = True
        for speaker_id in [*self._to_follow_up]:
            await self._try_to_follow_up(speaker_id)

    async def _try_to_follow_up(self, speaker_id: int) -> None:
        self._to_follow_up.discard(speaker_id)  # first: another may be withdrawn meanwhile
        try:
            for consent in await self.members.consents(speaker_id):
                if consent.revoked:
                    await self._follow_up(speaker_id, consent)
        except Exception as error:  # noqa: BLE001 - the other speakers' consents are followed up anyway
            self._to_follow_up.add(speaker_id)
            expected_error("following up a withdrawn consent", error)

    async def _follow_up(self, speaker_id: int, consent: Consent) -> None:
        """Delete the voice or cancel the clone of a withdrawn consent, or else delete the consent."""
        if await self._delete_voice(consent):
            return
        jobs = [job for job in self._unfinished(speaker_id) if job.id == consent.job_id]
        await self._cancel(jobs)
        if not jobs:
            await self.members.remove_consent(speaker_id, consent.job_id)

    def _unfinished(self, speaker_id: int) -> list[CloneJob]:
        """Return the unfinished clones of this member's voice, approved or not."""
        return [job for job in self.jobs if not job.finished and job.speaker and job.speaker.id == speaker_id]

    async def _cancel(self, jobs: Sequence[CloneJob]) -> None:
        """Cancel clones of one speaker's voice."""
        name = next((job.speaker.name for job in jobs if job.speaker), "")
        await self.cloner.cancel_unsent(jobs, Refused("refused.approval_revoked", name=name))

    async def _delete_voice(self, consent: Consent) -> bool:
        """Delete a consent's voice and notify its owner. Returns False if there is no voice."""
        for voice in await self.members.voices(consent.owner_id):
            if voice.job_id == consent.job_id:
                deletion = PendingDeletion(voice.id, voice.account, voice.owner_id)
                await self.deletions.put_pending_deletion(deletion)  # from now on it is retried
                if not voice.deleting:
                    name = voice.speaker.name if voice.speaker else ""
                    await self.notifications.send(
                        voice.owner_id, voice.guild_id, "notice.revoked", title=voice.title, name=name
                    )
                await self.library.delete_pending(voice, deletion)
                return True
        return False


def _revoked(consent: Consent) -> Consent:
    return replace(consent, revoked=True)


def _check_waiting(job: CloneJob) -> CloneJob:
    if not job.awaits_consent:
        raise RequestClosed
    return job
