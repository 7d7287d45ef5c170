"""Runs speech jobs from the command to the posted clip, restarts included."""

import logging
from dataclasses import dataclass, field, replace

from bot.clock import Clock, repeat
from bot.erasures import PendingErasures
from bot.errors import Canceled, ClonevoiceError, Refused, StoreError, expected_error
from bot.jobs.delivery import SWEEP_SECONDS, Delivery
from bot.jobs.durations import TypicalDuration
from bot.jobs.registry import JobRegistry
from bot.library.errors import BeingDeleted, VoiceUnknown
from bot.library.library import Library
from bot.speaking.attempt import SpeechAttempt
from bot.speaking.errors import VoiceLost
from bot.speaking.job import TEXT_LENGTH, SpeechJob, SpeechResult, SpeechStage
from bot.speaking.ports import SpeechPresenter
from bot.tasks import BackgroundTasks, first_completed
from bot.text import clean_lines, is_speakable
from bot.voices.models import Voice

_log = logging.getLogger(__name__)

JOBS_PER_AUTHOR = 3  # how many unfinished speech jobs a member may have, since each costs the operator speech minutes


@dataclass(eq=False, repr=False)
class Synthesizer:
    """Accepts speech requests and runs them."""

    jobs: JobRegistry[SpeechJob]
    library: Library
    attempt: SpeechAttempt
    durations: TypicalDuration
    presenter: SpeechPresenter
    erasures: PendingErasures
    tasks: BackgroundTasks
    clock: Clock
    _delivery: Delivery[SpeechJob, SpeechResult] = field(init=False)
    _closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Let the delivery ask for each job's outcome."""
        self._delivery = Delivery(self.jobs, self.presenter, self.clock, self._result)

    async def start(self) -> None:
        """Resume the jobs of an earlier run."""
        for job in await self.jobs.load():
            self._start_job(job)
        self.tasks.start(repeat(self._delivery.erase_tokens, self.clock, SWEEP_SECONDS))

    def close(self) -> None:
        """Accept and send no more texts."""
        self._closed = True
        self.attempt.close()

    @property
    def busy(self) -> bool:
        """True while a stop of the bot would interrupt a request or a delivery."""
        return any(job.busy for job in self.jobs)

    def check(self, author_id: int) -> None:
        """Raise Refused if a member can't start another speech job now."""
        if self._closed:
            raise Refused("refused.restarting")
        self.erasures.check(author_id)
        if sum(job.author_id == author_id for job in self.jobs) >= JOBS_PER_AUTHOR:
            raise Refused("refused.speaking_already", limit=JOBS_PER_AUTHOR)

    async def submit(self, job: SpeechJob) -> None:
        """Record a job with the text as typed, and start it. Raises Refused."""
        text = clean_lines(job.text)
        if not is_speakable(text):
            raise Refused("refused.text_blank")
        if len(text) > TEXT_LENGTH:
            raise Refused("refused.text_too_long", limit=TEXT_LENGTH, length=len(text))
        await self.library.get_usable(job.viewer, job.voice_id)
        self.check(job.author_id)
        self._start_job(await self.jobs.add(replace(job, text=text)))

    async def erase(self, author_id: int) -> None:
        """Remove a member's jobs. What was not sent is not sent, and what was is not posted."""
        for job in [job for job in self.jobs if job.author_id == author_id]:
            await self.tasks.stop(job.id)
            await self.presenter.deliver(job, Canceled("refused.forgotten"))
            await self.jobs.remove(job.id)

    def _start_job(self, job: SpeechJob) -> None:
        if job.id in self.jobs and job.author_id not in self.erasures:
            self.tasks.start(self._run(job.id), job.id)

    async def _run(self, job_id: str) -> None:
        if not self.jobs[job_id].finished:
            await self._speak(job_id)
        await self._delivery.run(job_id)
        try:
            await self.jobs.remove(job_id)
        except StoreError as error:  # the next start removes it
            _log.error("speech job %s could not be removed: %s", job_id, error)

    async def _speak(self, job_id: str) -> None:
        """Run a job until its audio is ready, or record why there will be none."""
        job = self.jobs[job_id]
        try:
            try:
                await first_completed(self.attempt.run(job_id), self._tick(job_id))
            except VoiceLost:
                await self._usable_voice(job)  # it may have been deleted here meanwhile
                raise
        except Exception as error:  # noqa: BLE001 - the log and the member get its ID
            await self._fail(job_id, expected_error(f"speech job {job_id}", error))
        else:
            if job.stage is SpeechStage.ACCEPTED:  # otherwise the duration includes a restart
                times = self.jobs[job_id].times
                await self.durations.add(times[SpeechStage.MADE] - times[SpeechStage.SENDING])

    async def _fail(self, job_id: str, error: ClonevoiceError) -> None:
        await self.jobs.update(job_id, lambda job: job.fail(error, self.clock.now()), best_effort=True)

    async def _tick(self, job_id: str) -> None:
        typical = await self.durations.get()
        began = self.jobs[job_id].times[SpeechStage.ACCEPTED]
        while True:
            self.presenter.show(self.jobs[job_id], self.clock.now() - began, typical)
            await self.clock.sleep(1)

    async def _result(self, job: SpeechJob) -> SpeechResult:
        """Check that the voice may still be used, and record its use for the owner."""
        used: Voice | None = await self._usable_voice(job)
        try:
            used = await self.library.record_use(used, job.clip())
        except StoreError as error:  # it is paid for: better posted and not recorded than lost
            _log.error("the clip of speech job %s could not be recorded: %s", job.id, error.key)
        if used is None or not job.audio_url:
            raise Refused("refused.withdrawn", title=job.title)
        return SpeechResult(used, job.audio_url)

    async def _usable_voice(self, job: SpeechJob) -> Voice:
        try:
            return await self.library.get_usable(job.viewer, job.voice_id)
        except (VoiceUnknown, BeingDeleted) as error:
            raise Refused("refused.withdrawn", title=job.title) from error
