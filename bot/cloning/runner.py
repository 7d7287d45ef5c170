"""The loop of a clone job: one step for each stage, then delivery. A restart runs it again.

    RECEIVED → CHECKED → (CONFIRMING) → (CONSENT) → QUEUED → UPLOADING → CLONING → DONE

Clicks only write the record, and the loop follows it.
"""

import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.clock import Clock, repeat
from bot.cloning.attempt import CloneAttempt
from bot.cloning.consent_gate import ConsentGate
from bot.cloning.errors import OfferLapsed
from bot.cloning.job import CloneJob, Progress, Stage
from bot.cloning.ports import ClonePresenter
from bot.cloning.recorder import VoiceRecorder
from bot.cloning.recovery import Recovery
from bot.cloning.steps import Steps
from bot.erasures import PendingErasures
from bot.errors import Canceled, ClonevoiceError, StoreError, expected_error
from bot.jobs.delivery import GIVE_UP_SECONDS, SWEEP_SECONDS, Delivery
from bot.jobs.record import IllegalTransition
from bot.jobs.registry import JobRegistry
from bot.tasks import BackgroundTasks, first_completed
from bot.voices.models import Voice
from bot.voices.repository import MembersRepository

_log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class CloneRunner:
    """Runs each job in a background task that has the job's ID as its name."""

    jobs: JobRegistry[CloneJob]
    members: MembersRepository
    steps: Steps
    attempt: CloneAttempt
    recovery: Recovery
    recorder: VoiceRecorder
    gate: ConsentGate
    presenter: ClonePresenter
    erasures: PendingErasures
    tasks: BackgroundTasks
    clock: Clock
    _delivery: Delivery[CloneJob, Voice] = field(init=False)
    _steps: Mapping[Stage, Callable[[str], Coroutine[Any, Any, None]]] = field(init=False)

    def __post_init__(self) -> None:
        """Assign a step to each stage."""
        self._delivery = Delivery(self.jobs, self.presenter, self.clock, self._result)
        self._steps = {
            Stage.RECEIVED: self.steps.inspect,
            Stage.CHECKED: self.steps.ask,
            Stage.CONFIRMING: self.steps.wait_for_member,
            Stage.CONSENT: self.steps.wait_for_speaker,
            Stage.QUEUED: self.attempt.run,
            Stage.UPLOADING: self.steps.requeue,
            Stage.CLONING: self.recovery.resume,
        }

    async def start(self) -> None:
        """Resume the jobs of an earlier run. Those that may be running upstream keep their accounts."""
        await self.recorder.load()
        for job in await self.jobs.load():
            if job.stage is Stage.UPLOADING:  # before other jobs run, so that it keeps its place in the queue
                await self._steps[job.stage](job.id)
        for job in sorted(self.jobs, key=lambda job: job.stage is not Stage.CLONING):
            self.run(job)
        self.tasks.start(repeat(self._delivery.erase_tokens, self.clock, SWEEP_SECONDS))
        self.tasks.start(repeat(self._remove_expired, self.clock, SWEEP_SECONDS))

    def run(self, job: CloneJob) -> None:
        """Start or resume a job. The job of an erased member runs only if it may have a voice."""
        if job.id in self.jobs and (job.may_have_voice or job.owner_id not in self.erasures):
            self.tasks.start(self._run(job.id), job.id)

    async def stop(self, job_id: str) -> bool:
        """Stop a job, wherever it is. Return False if it was not running."""
        return await self.tasks.stop(job_id)

    async def wait(self, job_ids: Iterable[str]) -> None:
        """Wait up to `GRACE_SECONDS` until these jobs are delivered."""
        await self.tasks.wait(job_ids)

    async def _run(self, job_id: str) -> None:
        while not self.jobs[job_id].finished:
            await self._run_step(self.jobs[job_id])
        await self._delivery.run(job_id)
        if not self.jobs[job_id].can_retry:
            await self._try_to_remove(job_id)

    async def _run_step(self, job: CloneJob) -> None:
        """Run the step of a job's stage, until it is done or a click ends the job."""
        if job.stage is not Stage.QUEUED:  # its step shows the place in the queue
            self.presenter.show(job, Progress(job.stage))
        try:
            await first_completed(self._steps[job.stage](job.id), self._finishes(job.id))
        except IllegalTransition:
            if not self.jobs[job.id].finished:
                raise
        except Exception as error:  # noqa: BLE001 - the log and the member get its ID
            await self._fail(job.id, expected_error(f"clone {job.id}", error))

    async def _finishes(self, job_id: str) -> None:
        await self.jobs.wait(job_id, lambda job: job.finished)

    async def _fail(self, job_id: str, error: ClonevoiceError) -> None:
        now = self.clock.now()
        await self.jobs.update(job_id, lambda job: job if job.finished else job.fail(error, now), best_effort=True)

    async def _result(self, job: CloneJob) -> Voice:
        """Return the voice of a finished job. Raises why there is none."""
        voice = await self.members.voice(job.owner_id, job.voice_id or 0)
        if voice is None:
            raise OfferLapsed
        if job.owner_id in self.erasures:  # it is deleted at once
            raise Canceled("refused.forgotten")
        if voice.deleting:
            await self.gate.check(job)
        return voice

    async def _remove_expired(self) -> None:
        """Remove jobs that were not tried again within a day."""
        for job in self.jobs:
            if job.delivered and job.can_retry and job.times[Stage.FAILED] + GIVE_UP_SECONDS < self.clock.now():
                await self._try_to_remove(job.id)

    async def _try_to_remove(self, job_id: str) -> None:
        try:
            await self.remove(job_id)
        except StoreError as error:  # the next start removes it
            _log.error("clone %s could not be removed: %s", job_id, error)

    async def remove(self, job_id: str) -> None:
        """Remove a job, its sample, and its consent if there is no voice."""
        await self.gate.discard(self.jobs[job_id])
        await self.jobs.remove(job_id)
