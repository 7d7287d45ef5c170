"""What speakers say to clones of their voices: they are asked, approve or refuse, and may take it back."""

from dataclasses import replace

from bot.errors import ApprovalRevoked, NotTheSpeaker, RequestClosed
from bot.voices.clock import Clock
from bot.voices.cloner import Cloner
from bot.voices.jobs import Job
from bot.voices.library import Library
from bot.voices.models import WORDING_VERSION, Consent, OwedDeletion, Statement, Viewer
from bot.voices.notices import Notices
from bot.voices.store import Store, recording


class Consents:
    """Approvals, each in its speaker's file. A clone that has a speaker is sent only while theirs stands."""

    def __init__(
        self, store: Store, cloner: Cloner, library: Library, notices: Notices, clock: Clock
    ) -> None:
        self._store = store
        self._cloner = cloner
        self._library = library
        self._notices = notices
        self._clock = clock

    def request(self, speaker_id: int, job_id: str) -> Job:
        """Return the clone that this speaker is asked about; `RequestClosed` if nobody is any more."""
        return self._cloner.request(job_id, speaker_id)

    async def sample(self, speaker_id: int, job_id: str) -> bytes:
        """Return the MP3 that a speaker is asked about, for nobody else to hear."""
        self.request(speaker_id, job_id)
        return await self._store.jobs.sample(job_id)

    async def find(self, speaker_id: int, job_id: str) -> Consent | None:
        """Return what a speaker has approved."""
        given = await self._store.members.consents(speaker_id)
        return next((consent for consent in given if consent.job_id == job_id), None)

    async def approve(self, by: Viewer, job_id: str, *, wording: str, channel_id: int) -> Consent:
        """Put an approval on record, in the words that the speaker saw, and let the clone go on."""
        job = self.request(by.id, job_id)
        statement = Statement(by.id, wording, WORDING_VERSION, self._clock.now(), by.guild_id, channel_id)
        consent = Consent(job.id, job.owner_id, job.owner_name, job.title, statement)
        with recording():
            await self._store.members.put_consent(consent)
        try:
            self._cloner.answer(job_id, by.id, approved=True)
        except (RequestClosed, NotTheSpeaker):
            with recording():
                await self._store.members.drop_consent(by.id, job_id)
            raise
        return consent

    def refuse(self, speaker_id: int, job_id: str) -> None:
        """End a clone that its speaker does not want."""
        self._cloner.answer(job_id, speaker_id, approved=False)

    async def revoke(self, speaker: Viewer, name: str, job_id: str) -> Consent:
        """Take an approval back: its voice is deleted everywhere, or its clone ends.

        A clone that is just being made can't be recalled; its voice is deleted as soon as it is there.
        """
        consent = await self.find(speaker.id, job_id)
        if consent is None:
            raise RequestClosed
        if not await self._end_voice(consent, name):
            with recording():
                await self._store.members.change_consent(speaker.id, job_id, _revoked)
            if not await self._end_voice(consent, name):  # or it came up in between
                self._cloner.withdraw(job_id, ApprovalRevoked(name=name))
        if all(job.id != job_id for job in self._cloner.naming(speaker.id)):  # nothing can come of it
            with recording():
                await self._store.members.drop_consent(speaker.id, job_id)
        return consent

    async def forget(self, speaker_id: int) -> None:
        """Take back all that a member approved, and refuse what they are asked; for good when it returns."""
        for job in self._cloner.naming(speaker_id):
            if job.speaker:
                self._cloner.withdraw(job.id, ApprovalRevoked(name=job.speaker.name))
        for consent in await self._store.members.consents(speaker_id):
            with recording():
                await self._store.members.change_consent(speaker_id, consent.job_id, _revoked)
            await self._end_voice(consent, None)

    async def _end_voice(self, consent: Consent, name: str | None) -> bool:
        """Delete the voice that an approval is for, if there is one, and tell its owner."""
        for voice in await self._store.members.voices(consent.owner_id):
            if voice.job_id == consent.job_id:
                owed = OwedDeletion(voice.id, voice.account, voice.owner_id)
                with recording():
                    await self._store.pending.put_owed(owed)  # from now on it happens, whatever happens here
                await self._library.discard(voice, owed)
                key = "notice.revoked" if name else "notice.speaker_left"
                await self._notices.tell(
                    voice.owner_id, voice.guild_id, key, title=voice.title, name=name or ""
                )
                return True
        return False


def _revoked(consent: Consent) -> Consent:
    return replace(consent, revoked=True)
