"""What speakers say to clones of their voices: they are asked, approve or refuse, and may take it back."""

import asyncio
import logging
from dataclasses import replace

from bot.clock import Clock
from bot.cloning.cloner import Cloner
from bot.cloning.errors import ApprovalRevoked, NotTheSpeaker, RequestClosed
from bot.cloning.job import CloneJob
from bot.errors import StoreError
from bot.library.library import Library
from bot.notifications import Notifications
from bot.store.protocol import Store, recording
from bot.tasks import Background
from bot.voices.models import WORDING_VERSION, Consent, PendingDeletion, Statement, Viewer

_log = logging.getLogger(__name__)

LOOK_SECONDS = 10 * 60.0
"""Seconds between looks for what was taken back and still has traces."""


class Consents:
    """Approvals, each in its speaker's file. A clone that has a speaker is sent only while theirs stands."""

    def __init__(
        self, store: Store, cloner: Cloner, library: Library, notices: Notifications, clock: Clock
    ) -> None:
        self._store = store
        self._cloner = cloner
        self._library = library
        self._notices = notices
        self._clock = clock
        self._answering = asyncio.Lock()
        self._unfinished: set[int] = set()

    def request(self, speaker_id: int, job_id: str) -> CloneJob:
        """Return the clone that this speaker is asked about; `RequestClosed` if nobody is any more."""
        return self._cloner.request(job_id, speaker_id)

    async def sample(self, speaker_id: int, job_id: str) -> bytes:
        """Return the MP3 that a speaker is asked about, for nobody else to hear."""
        self.request(speaker_id, job_id)
        try:
            return await self._store.jobs.sample(job_id)
        except FileNotFoundError as error:  # the clone ended just now
            raise RequestClosed from error

    async def get(self, speaker_id: int, job_id: str) -> Consent | None:
        """Return what a speaker has approved, unless it is taken back."""
        for consent in await self._store.members.consents(speaker_id):
            if consent.job_id == job_id and not consent.revoked:
                return consent
        return None

    async def approve(self, by: Viewer, job_id: str, *, wording: str, channel_id: int) -> Consent:
        """Put an approval on record, in the words that the speaker saw, and let the clone go on."""
        async with self._answering:  # two clicks at once approve once
            consent = before = await self.get(by.id, job_id)
            if consent is None:
                job, now = self.request(by.id, job_id), self._clock.now()
                statement = Statement(by.id, wording, WORDING_VERSION, now, by.guild_id, channel_id)
                consent = Consent(job.id, job.owner_id, job.owner_name, job.title, statement)
                with recording():
                    await self._store.members.put_consent(consent)
            try:
                self._cloner.answer(job_id, by.id, approved=True)
            except (RequestClosed, NotTheSpeaker):
                if before is None:
                    with recording():
                        await self._store.members.drop_consent(by.id, job_id)
                    raise
        return consent

    async def decline(self, speaker_id: int, job_id: str) -> None:
        """End a clone that its speaker does not want."""
        async with self._answering:
            await self._cloner.refuse(job_id, speaker_id)

    async def withdraw(self, speaker_id: int, job_id: str) -> Consent:
        """Take an approval back: its voice is deleted everywhere, or its clone ends.

        From the moment it is on record nobody can speak with that voice. A clone that is just being made
        can't be recalled; its voice is deleted as soon as it is there.
        """
        given = await self._store.members.consents(speaker_id)
        consent = next((one for one in given if one.job_id == job_id), None)
        if consent is None:
            raise RequestClosed
        self._unfinished.add(speaker_id)
        self._cloner.declined(consent.owner_id, speaker_id)
        with recording():
            await self._store.members.change_consent(speaker_id, job_id, _revoked)
        await self._follow_up(speaker_id, consent)
        return consent

    async def withdraw_all(self, speaker_id: int) -> None:
        """Take back all that a member approved, and what they are asked; for good when it returns."""
        consents = await self._store.members.consents(speaker_id)
        with recording():
            for consent in consents:
                await self._store.members.change_consent(speaker_id, consent.job_id, _revoked)
        for job in self._cloner.naming(speaker_id):
            self._call_off(job)
        failure: StoreError | None = None
        for consent in consents:
            try:
                await self._follow_up(speaker_id, consent)
            except StoreError as error:  # the others first
                failure = error
        if failure:
            raise failure

    def start(self, background: Background) -> None:
        """See through what was taken back and is not done yet, now and then."""
        background.start(self._keep())

    async def _keep(self) -> None:
        scanned = False
        while True:
            try:
                if not scanned:
                    self._unfinished.update(await self._store.members.revoking())
                    scanned = True
                for speaker_id in [*self._unfinished]:
                    await self._try(speaker_id)
            except OSError:
                _log.exception("what was taken back can't be read")
            await self._clock.sleep(LOOK_SECONDS)

    async def _try(self, speaker_id: int) -> None:
        try:
            for consent in await self._store.members.consents(speaker_id):
                if consent.revoked:
                    await self._follow_up(speaker_id, consent)
            self._unfinished.discard(speaker_id)
        except Exception as error:  # noqa: BLE001 - one must not end the looking at all
            _log.warning("an approval that was taken back still has traces: %r", error)

    async def _follow_up(self, speaker_id: int, consent: Consent) -> None:
        """End what came, or may come, of an approval that was taken back."""
        if await self._end_voice(consent):
            return
        jobs = [job for job in self._cloner.naming(speaker_id) if job.id == consent.job_id]
        for job in jobs:
            self._call_off(job)
        if not jobs:  # nothing can come of it
            with recording():
                await self._store.members.drop_consent(speaker_id, consent.job_id)

    def _call_off(self, job: CloneJob) -> None:
        self._cloner.withdraw(job.id, ApprovalRevoked(name=job.speaker.name if job.speaker else ""))

    async def _end_voice(self, consent: Consent) -> bool:
        """Delete the voice that an approval is for, if there is one, and tell its owner."""
        for voice in await self._store.members.voices(consent.owner_id):
            if voice.job_id == consent.job_id:
                owed = PendingDeletion(voice.id, voice.account, voice.owner_id)
                with recording():
                    await self._store.pending.put_owed(owed)  # from now on it happens, whatever happens here
                if not voice.deleting:
                    name = voice.speaker.name if voice.speaker else ""
                    await self._notices.send(
                        voice.owner_id, voice.guild_id, "notice.revoked", title=voice.title, name=name
                    )
                await self._library.delete_owed(voice, owed)
                return True
        return False


def _revoked(consent: Consent) -> Consent:
    return replace(consent, revoked=True)
