"""From the queue to the recorded voice: the part in which something may be charged."""

import asyncio
import logging
from collections import Counter, defaultdict
from contextlib import AbstractAsyncContextManager

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

_log = logging.getLogger(__name__)


class CloneAttempt:
    """Sends samples, each once."""

    def __init__(  # noqa: PLR0913 - all that an upload touches, by name
        self,
        *,
        jobs: JobRegistry[CloneJob],
        repository: CloneRepository,
        mureka: MurekaClient,
        queue: CloneQueue,
        accounts: AccountMonitor,
        rules: Rules,
        gate: ConsentGate,
        recorder: VoiceRecorder,
        recovery: Recovery,
        durations: TypicalDuration,
        presenter: ClonePresenter,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._repository = repository
        self._mureka = mureka
        self._queue = queue
        self._accounts = accounts
        self._rules = rules
        self._gate = gate
        self._recorder = recorder
        self._recovery = recovery
        self._durations = durations
        self._presenter = presenter
        self._clock = clock
        self._checking: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        """By server ID. Held from the check of the rules until the clone counts against its limits."""

    async def run(self, job_id: str) -> None:
        """Send the sample of a queued job when it is its turn, on any account, until its voice is recorded.

        Raises `MurekaError`, `Refused` or `StoreError` if there will be no voice.
        """
        if self._jobs[job_id].outcome_unknown_since is not None:
            async with self._turn(job_id):
                if await self._recovery.search_once(job_id):
                    return
        failures: Counter[type[MurekaError]] = Counter()
        while True:
            async with self._turn(job_id) as account:
                try:
                    await self._send(job_id, account)
                except MurekaError as error:
                    failures[type(error)] += 1
                    if not self._accounts.clone_failed(account, error, failures[type(error)]):
                        raise
                else:
                    self._accounts.mark_healthy(account)
                    return
                if self._jobs[job_id].stage is not Stage.QUEUED:
                    await self._jobs.update(job_id, lambda job: job.advance(Stage.QUEUED, self._clock.now()))

    def _turn(self, job_id: str) -> AbstractAsyncContextManager[str | None]:
        return self._queue.turn(self._jobs[job_id], lambda ahead: self._show(job_id, done=ahead))

    async def _send(self, job_id: str, account: str | None) -> None:
        job = self._jobs[job_id]
        voice_ids = await self._voice_ids(account)
        sample = await self._repository.sample(job_id)
        async with self._checking[job.guild_id]:
            await self._rules.check_clone(job, self._in_flight_owners(job), sample_sha256=job.sample_sha256)
            await self._gate.check(job)
            await self._queue.while_open()
            job = await self._jobs.update(
                job_id,
                lambda job: job.advance(
                    Stage.UPLOADING,
                    self._clock.now(),
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
            await self._recovery.search(job_id)
        else:
            await self._recorder.record(job_id, made)

    async def _upload(self, job: CloneJob, sample: bytes) -> VoiceResponse:
        typical = await self._durations.get()
        began = self._clock.monotonic()
        ticking: list[asyncio.Task[None]] = []
        self._show(job.id, total=len(sample))

        def on_progress(done: int) -> None:
            if not ticking:
                self._show(job.id, done=done, total=len(sample))

        async def before_last_chunk() -> None:
            nonlocal began
            await self._jobs.update(job.id, lambda job: job.advance(Stage.CLONING, self._clock.now()))
            began = self._clock.monotonic()
            ticking.append(asyncio.create_task(self._tick(job.id, began, typical)))

        try:
            made = await self._mureka.clone(
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
        await self._durations.add(self._clock.monotonic() - began)
        return made

    async def _tick(self, job_id: str, began: float, typical: float) -> None:
        while True:
            self._show(job_id, done=self._clock.monotonic() - began, total=typical)
            await self._clock.sleep(1)

    async def _voice_ids(self, account: str | None) -> tuple[int, ...]:
        """Return the voices that an account lists before the upload. Its errors are not about the sample."""
        try:
            return tuple(voice.id for voice in await self._mureka.voices(account))
        except OutcomeUnknown as error:
            raise NotSent from error
        except Rejected as error:
            raise AccountMissing from error

    def _in_flight_owners(self, job: CloneJob) -> list[int]:
        others = [other for other in self._jobs if other.in_flight and other.id != job.id]
        return [other.owner_id for other in others if other.guild_id == job.guild_id]

    def _show(self, job_id: str, *, done: float = 0, total: float = 0) -> None:
        job = self._jobs[job_id]
        self._presenter.show(job, Progress(job.stage, done, total))
