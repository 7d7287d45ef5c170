"""Finds out what became of a clone whose outcome is unknown. Never sends the sample again."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import chain, repeat

from bot.clock import Clock
from bot.cloning.errors import VoiceNotFound
from bot.cloning.job import CloneJob, Progress, Stage
from bot.cloning.ports import ClonePresenter
from bot.cloning.queue import CloneQueue
from bot.cloning.recorder import VoiceRecorder
from bot.jobs.registry import JobRegistry
from bot.mureka.client import MurekaClient
from bot.mureka.errors import MurekaError
from bot.mureka.responses import VoiceResponse
from bot.text import clean_text
from bot.voices.repository import MembersRepository

_log = logging.getLogger(__name__)

SEARCH_DELAYS = (0.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds between searches for a voice with an unknown outcome. The last one is repeated."""


@dataclass(eq=False, repr=False)
class Recovery:
    """Searches the API's list for the voice of a job, for `patience` seconds."""

    jobs: JobRegistry[CloneJob]
    members: MembersRepository
    mureka: MurekaClient
    queue: CloneQueue
    recorder: VoiceRecorder
    presenter: ClonePresenter
    clock: Clock
    patience: float

    async def resume(self, job_id: str) -> None:
        """Continue a job that an earlier run of the bot left in `CLONING`. Raises VoiceNotFound."""
        job = self.jobs[job_id]
        with self.queue.occupied(job):
            for voice in await self.members.voices(job.owner_id):
                if voice.job_id == job_id:
                    await self.recorder.finish(job_id, voice)
                    return
            await self.search(job_id)

    async def search(self, job_id: str) -> None:
        """Search until the voice is found and recorded. Raises VoiceNotFound after `patience` seconds."""
        began = self.clock.monotonic()
        since = self.clock.now()
        await self.jobs.update(job_id, lambda job: replace(job, outcome_unknown_since=since), best_effort=True)
        for delay in chain(SEARCH_DELAYS, repeat(SEARCH_DELAYS[-1])):
            elapsed = self.clock.monotonic() - began
            self._show(job_id, done=elapsed, total=self.patience)
            await self.clock.sleep(min(delay, max(self.patience - elapsed, 0)))
            try:
                if made := await self.find(job_id):
                    await self.recorder.record(job_id, made)
                    return
            except MurekaError as error:
                _log.warning("the voice of clone %s could not be searched for: %r", job_id, error)
            if self.clock.monotonic() - began >= self.patience:
                raise VoiceNotFound

    async def search_once(self, job_id: str) -> bool:
        """Search once before the sample is sent again. Return True if the voice was found and recorded.

        Raises VoiceNotFound if the search fails or the voice is known to exist: then nothing may be sent.
        """
        self._show(job_id)
        try:
            made = await self.find(job_id)
        except MurekaError as error:
            raise VoiceNotFound from error
        if made:
            await self.recorder.record(job_id, made)
            return True
        if self.jobs[job_id].voice_id is not None:
            raise VoiceNotFound
        await self.jobs.update(job_id, lambda job: replace(job, outcome_unknown_since=None))
        return False

    async def find(self, job_id: str) -> VoiceResponse | None:
        job = self.jobs[job_id]
        listed = await self.mureka.voices(job.account)
        return match_voice(job, listed, self.recorder.taken_voice_ids(job_id))

    def _show(self, job_id: str, *, done: float = 0, total: float = 0) -> None:
        job = self.jobs[job_id]
        self.presenter.show(job, Progress(job.stage, done, total, "note.looking"))


def match_voice(job: CloneJob, listed: Iterable[VoiceResponse], taken: Collection[int]) -> VoiceResponse | None:
    """Return the listed voice that a job has made.

    A candidate was not listed before the upload, is not taken, and has the job's title, description and
    language. `created_at` only breaks ties, because the API's clock differs from ours.
    """
    if job.voice_id is not None:
        return next((voice for voice in listed if voice.id == job.voice_id), None)
    sent_at = job.times.get(Stage.CLONING, 0.0)
    excluded = {*job.voice_ids_before, *taken}
    return min(
        (voice for voice in listed if voice.id not in excluded and _matches(job, voice)),
        key=lambda voice: abs((voice.created_at or 0.0) - sent_at),
        default=None,
    )


def _matches(job: CloneJob, voice: VoiceResponse) -> bool:
    """Compare what the API returned. Only the title is required."""
    found = (voice.title or "", voice.description or job.description, voice.language or job.language)
    return [*map(clean_text, found)] == [*map(clean_text, (job.title, job.description, job.language))]
