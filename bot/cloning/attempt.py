"""From the queue to the recorded voice: the part in which something may be charged."""

import asyncio
import logging
from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from bot.clock import Clock
from bot.cloning.consent_gate import ConsentGate
from bot.cloning.job import CloneJob, Progress, Stage
from bot.cloning.ports import ClonePresenter, CloneRepository
from bot.cloning.queue import CloneQueue
from bot.cloning.recorder import VoiceRecorder
from bot.cloning.recovery import Recovery
from bot.jobs.durations import TypicalDuration
from bot.jobs.registry import JobRegistry
from bot.mureka.accounts import AccountMonitor
from bot.mureka.client import MurekaClient
from bot.mureka.errors import AccountMissing, MurekaError, NotSent, OutcomeUnknown, Rejected
from bot.mureka.responses import VoiceResponse
from bot.policy.rules import Rules
from bot.tasks import Locks

_log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class CloneAttempt:
    """Sends samples, and never again after an unclear outcome."""

    jobs: JobRegistry[CloneJob]
    repository: CloneRepository
    mureka: MurekaClient
    queue: CloneQueue
    accounts: AccountMonitor
    rules: Rules
    gate: ConsentGate
    recorder: VoiceRecorder
    recovery: Recovery
    durations: TypicalDuration
    presenter: ClonePresenter
    clock: Clock
    _checking: Locks = field(default_factory=Locks, init=False)
    """By server ID. Held from the check of the rules until the clone counts against its limits."""

    async def run(self, job_id: str) -> None:
        """Send the sample of a queued job when it is its turn, on any account, until its voice is recorded.

        Raises `MurekaError`, `Refused` or `StoreError` if there will be no voice.
        """
        if self.jobs[job_id].outcome_unknown_since is not None:
            async with self._turn(job_id):
                if await self.recovery.search_once(job_id):
                    return
        failures: Counter[type[MurekaError]] = Counter()
        while True:
            async with self._turn(job_id) as account:
                try:
                    await self._send(job_id, account)
                except MurekaError as error:
                    failures[type(error)] += 1
                    if not self.accounts.clone_failed(account, error, failures[type(error)]):
                        raise
                else:
                    self.accounts.mark_healthy(account)
                    return
                if self.jobs[job_id].stage is not Stage.QUEUED:
                    await self.jobs.update(job_id, lambda job: job.advance(Stage.QUEUED, self.clock.now()))

    def _turn(self, job_id: str) -> AbstractAsyncContextManager[str | None]:
        return self.queue.turn(self.jobs[job_id], lambda ahead: self._show(job_id, done=ahead))

    async def _send(self, job_id: str, account: str | None) -> None:
        job = self.jobs[job_id]
        voice_ids = await self._voice_ids(account)
        sample = await self.repository.sample(job_id)
        async with self._checking[job.guild_id]:
            await self.rules.check_clone(job, self._in_flight_owners(job), sample_sha256=job.sample_sha256)
            await self.gate.check(job)
            await self.queue.block_if_closed()
            job = await self.jobs.update(
                job_id,
                lambda job: job.advance(
                    Stage.UPLOADING,
                    self.clock.now(),
                    account=account,
                    attempt=job.attempt + 1,
                    voice_ids_before=voice_ids,
                ),
            )
        try:
            made = await self._upload(job, sample)
        except OutcomeUnknown as error:
            _log.warning("it is unknown whether clone %s has made a voice: %r", job_id, error)
            del sample
            await self.recovery.search(job_id)
        else:
            await self.recorder.record(job_id, made)

    async def _upload(self, job: CloneJob, sample: bytes) -> VoiceResponse:
        typical = await self.durations.get()
        began = self.clock.monotonic()
        ticking: list[asyncio.Task[None]] = []
        self._show(job.id, total=len(sample))

        def on_progress(done: int) -> None:
            if not ticking:
                self._show(job.id, done=done, total=len(sample))

        async def before_last_chunk() -> None:
            nonlocal began
            await self.jobs.update(job.id, lambda job: job.advance(Stage.CLONING, self.clock.now()))
            began = self.clock.monotonic()
            ticking.append(asyncio.create_task(self._tick(job.id, began, typical)))

        try:
            made = await self.mureka.clone(
                sample,
                title=job.title,
                description=job.description,
                language=job.language,
                account=job.account,
                on_progress=on_progress,
                before_last_chunk=before_last_chunk,
            )
        finally:
            for task in ticking:
                task.cancel()
        await self.durations.add(self.clock.monotonic() - began)
        return made

    async def _tick(self, job_id: str, began: float, typical: float) -> None:
        while True:
            self._show(job_id, done=self.clock.monotonic() - began, total=typical)
            await self.clock.sleep(1)

    async def _voice_ids(self, account: str | None) -> tuple[int, ...]:
        """Return the voices that an account lists before the upload. Its errors are not about the sample."""
        try:
            return tuple(voice.id for voice in await self.mureka.voices(account))
        except OutcomeUnknown as error:
            raise NotSent from error
        except Rejected as error:
            raise AccountMissing from error

    def _in_flight_owners(self, job: CloneJob) -> list[int]:
        others = [other for other in self.jobs if other.in_flight and other.id != job.id]
        return [other.owner_id for other in others if other.guild_id == job.guild_id]

    def _show(self, job_id: str, *, done: float = 0, total: float = 0) -> None:
        job = self.jobs[job_id]
        self.presenter.show(job, Progress(job.stage, done, total))
