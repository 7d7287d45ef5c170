"""Checks a speaker's consent and the server's banned samples, and registers the voice that was made."""

import logging
from dataclasses import dataclass, field, replace

from bot.clock import Clock
from bot.cloning.job import CloneJob
from bot.errors import RecordUnreadable, Refused, StoreError, tolerating_store_errors
from bot.policy.models import CloneRecord
from bot.policy.ports import RulesRepository
from bot.voices.models import ConsentRequest, PendingDeletion, Speaker, Voice
from bot.voices.repository import MembersRepository, PendingDeletionsRepository

_log = logging.getLogger(__name__)

REQUESTS = 3
"""How often a member may ask the same speaker within `REQUEST_SECONDS`. After a no, the limit is reached."""

REQUEST_SECONDS = 24 * 60 * 60.0


@dataclass(eq=False, repr=False)
class ConsentGate:
    """Decides whether a job may ask its speaker, and whether its voice may exist: by consent and banned samples."""

    members: MembersRepository
    servers: RulesRepository
    deletions: PendingDeletionsRepository
    clock: Clock
    _requests: list[ConsentRequest] = field(default_factory=list[ConsentRequest], init=False)

    async def check_request(self, owner_id: int, speaker: Speaker) -> None:
        """Raise Refused if the member has asked this speaker too often or was declined today."""
        since = self.clock.now() - REQUEST_SECONDS
        self._requests = [request for request in self._requests if request.at > since]
        # Those of this run count, too, if they could not be stored or one of both had their data erased.
        stored = [*await self.members.requests(speaker.id), *self._requests]
        asked = {request.job_id: request for request in stored if request.at > since}.values()
        mine = [request for request in asked if (request.owner_id, request.speaker_id) == (owner_id, speaker.id)]
        times = sorted(at for request in mine for at in [request.at] * (REQUESTS if request.declined else 1))
        if len(times) >= REQUESTS:
            when = int(times[-REQUESTS] + REQUEST_SECONDS)
            raise Refused("refused.speaker_asked", name=speaker.name, when=when)

    async def note_request(self, job: CloneJob) -> None:
        """Count a consent request that the speaker has received."""
        if job.speaker:
            await self._note(ConsentRequest(job.id, job.owner_id, job.speaker.id, self.clock.now()))

    async def drop_request(self, job: CloneJob) -> None:
        """Don't count a request that was approved, or that did not reach the speaker."""
        self._requests = [request for request in self._requests if request.job_id != job.id]
        if job.speaker:
            with tolerating_store_errors("a consent request can't be removed"):
                await self.members.remove_request(job.speaker.id, job.id)

    async def note_refusal(self, job_id: str, owner_id: int, speaker_id: int) -> None:
        """Allow no request to this speaker for a day, because they declined or withdrew their consent."""
        await self._note(ConsentRequest(job_id, owner_id, speaker_id, self.clock.now(), declined=True))

    async def _note(self, request: ConsentRequest) -> None:
        self._requests = [*(one for one in self._requests if one.job_id != request.job_id), request]
        with tolerating_store_errors("a consent request can't be recorded"):
            await self.members.put_request(request, self.clock.now() - REQUEST_SECONDS)

    async def has_consent(self, job: CloneJob) -> bool:
        """Return True if the job's speaker has approved it and not withdrawn."""
        consents = await self.members.consents(job.speaker.id) if job.speaker else ()
        return any(consent.job_id == job.id and not consent.revoked for consent in consents)

    async def check(self, job: CloneJob) -> None:
        """Raise Refused if the job needs a consent that is not active, or if its sample was banned meanwhile."""
        if job.speaker and not await self.has_consent(job):
            raise Refused("refused.approval_revoked", name=job.speaker.name)
        if await self._is_banned(job.guild_id, job.sample_sha256):
            raise Refused("rule.sample_blocked")

    async def _is_banned(self, guild_id: int, sha256: str | None) -> bool:
        return sha256 in await self.servers.banned_samples(guild_id)

    async def register(self, voice: Voice) -> Voice:
        """List a new voice in its server and link it to its consent.

        If the consent was withdrawn or the sample banned meanwhile, mark the voice for deletion. A list or consent
        that can't be read is logged and skipped: without its consent the voice can't be used.
        """
        now, banned = self.clock.now(), False
        try:
            record = CloneRecord.from_voice(voice, now)
            await self.servers.add_clone_record(voice.guild_id, record, now)
            banned = await self._is_banned(voice.guild_id, voice.sample_sha256)
        except RecordUnreadable as error:
            _log.warning("voice %d could not be listed in its server: %r", voice.id, error)
        if (voice.speaker is None or await self._link(voice, voice.speaker.id)) and not banned:
            return voice
        await self.members.change(voice.owner_id, voice.id, _marked)
        try:
            deletion = PendingDeletion(voice.id, voice.account, voice.owner_id)
            await self.deletions.put_pending_deletion(deletion)
        except RecordUnreadable as error:  # the next start adds it
            _log.warning("the deletion of voice %d could not be recorded: %r", voice.id, error)
        return _marked(voice)

    async def _link(self, voice: Voice, speaker_id: int) -> bool:
        """Record the voice in its consent. Return False if the consent is gone or was withdrawn."""
        try:
            consent = await self.members.change_consent(
                speaker_id, voice.job_id, lambda consent: replace(consent, voice_id=voice.id)
            )
        except RecordUnreadable as error:
            _log.warning("voice %d could not be linked to its consent: %r", voice.id, error)
            return True
        return consent is not None and not consent.revoked

    async def discard(self, job: CloneJob) -> None:
        """Remove the consent of a finished job that made no voice."""
        if job.speaker is None:
            return
        try:
            voices = await self.members.voices(job.owner_id)
            if all(voice.job_id != job.id or voice.deleting for voice in voices):
                await self.members.remove_consent(job.speaker.id, job.id)
        except StoreError as error:  # a consent without a voice permits nothing
            _log.warning("the consent for clone %s could not be removed: %r", job.id, error)


def _marked(voice: Voice) -> Voice:
    return replace(voice, deleting=True)
