"""The use case: from a member's order to a recorded voice, one job at a time through its stages.

received → download → inspect → checked → (waiting) → queued → uploading → cloning → done
"""

import asyncio
import contextvars
import hashlib
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from bot.errors import AlreadyCloning, Cancelled, ClonevoiceError, OfferLapsed, StoreError, Unexpected
from bot.voices.clock import Clock
from bot.voices.estimate import Estimate
from bot.voices.jobs import Job, Order
from bot.voices.ledger import Ledger, Limits
from bot.voices.models import Facts, Voice
from bot.voices.mureka import Mureka
from bot.voices.progress import Progress, Stage
from bot.voices.sample import within_recommended
from bot.voices.store import Store

_log = logging.getLogger(__name__)

OFFER_SECONDS = 15 * 60.0
"""How long `Clone anyway` is offered: as long as an interaction's token lives."""


class Sink(Protocol):
    """Whoever shows clones to their members."""

    def show(self, job: Job, progress: Progress) -> None:
        """Take note of progress; must neither block nor fail."""
        ...

    async def deliver(self, job: Job, outcome: Voice | ClonevoiceError) -> None:
        """Show the end of a job; must not fail."""
        ...


class Cloner:
    """Takes orders and sees them through.

    `download` fetches a sample by its link and `inspect` judges it; both raise `SampleRefused`.
    """

    sink: Sink

    def __init__(
        self,
        *,
        store: Store,
        mureka: Mureka,
        download: Callable[[str], Awaitable[bytes]],
        inspect: Callable[[bytes], Awaitable[Facts]],
        limits: Limits,
        account: str | None,
        clock: Clock,
    ) -> None:
        self._store = store
        self._mureka = mureka
        self._download = download
        self._inspect = inspect
        self._account = account
        self._clock = clock
        self._ledger = Ledger(store, limits, clock)
        self._estimate = Estimate(store)
        self._tasks: set[asyncio.Task[None]] = set()
        self._offers: dict[str, asyncio.Future[bool]] = {}
        self._queue: list[str] = []  # the job that is being sent, then those that wait
        self._slot = asyncio.Lock()  # one clone at a time, first come, first served

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """See orders through; on leaving, what is under way stops and stays on record."""
        # A job outlives the command that began it, so it runs in the cloner's context, not the command's.
        self._context = contextvars.copy_context()
        if left := await self._store.jobs():
            _log.warning("%d clones were under way when the bot stopped", len(left))
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def running(self, owner_id: int) -> Job | None:
        """Return the job that keeps a member from starting another."""
        return self._ledger.running(owner_id)

    async def accept(self, order: Order) -> Job:
        """Check what can be checked at once and record the job; `Refused` says why not."""
        return await self._ledger.accept(order)

    def begin(self, job: Job) -> None:
        """Set an accepted job going."""
        task = self._context.copy().run(asyncio.create_task, self._see_through(job.id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def decide(self, job_id: str, owner_id: int, *, anyway: bool) -> None:
        """Answer the offer to clone a sample of unusual length; `OfferLapsed` if it stands no more."""
        offer = self._offers.get(job_id)
        if offer is None or offer.done() or self._ledger[job_id].owner_id != owner_id:
            raise OfferLapsed
        if anyway and (other := self.running(owner_id)):
            raise AlreadyCloning(job_id=other.id)
        offer.set_result(anyway)

    async def _see_through(self, job_id: str) -> None:
        try:
            outcome = await self._stages(job_id)
        except ClonevoiceError as error:
            _log.info("clone %s failed: %s", job_id, error)
            outcome = error
        except Exception:  # noqa: BLE001 - the log and the member get its number
            mark = secrets.token_hex(4)
            _log.exception("clone %s failed unexpectedly, id %s", job_id, mark)
            outcome = Unexpected(id=mark)
        job = self._ledger[job_id]
        # The record is then all that is left of a voice that exists upstream.
        unrecorded = isinstance(outcome, StoreError) and job.stage is Stage.CLONING
        try:
            if isinstance(outcome, ClonevoiceError) and not job.over and not unrecorded:
                job = await self._move(job_id, Stage.FAILED)
        except StoreError:
            _log.warning("the end of clone %s could not be recorded", job_id)
        await self.sink.deliver(job, outcome)
        await self._ledger.close(job_id, keep_record=unrecorded)

    async def _stages(self, job_id: str) -> Voice:
        await self._check(job_id)
        facts = self._ledger[job_id].facts
        if facts is None or not within_recommended(facts):
            await self._offer(job_id)
        self._queue.append(job_id)
        try:
            await self._move(job_id, Stage.QUEUED)
            async with self._slot:
                return await self._clone(job_id)
        finally:
            self._queue.remove(job_id)
            for waiting in self._queue:
                self._show(waiting)

    async def _check(self, job_id: str) -> None:
        sample = await self._download(self._ledger[job_id].sample_url)
        facts = await self._inspect(sample)
        digest = await asyncio.to_thread(_sha256, sample)
        # It waits on disk, so that memory does not grow with the queue.
        await self._ledger.keep_sample(job_id, sample)
        await self._move(job_id, Stage.CHECKED, facts=facts, sample_sha256=digest)

    async def _offer(self, job_id: str) -> None:
        """Wait until the member wants a sample of unusual length cloned anyway, or raise `Refused`."""
        self._offers[job_id] = offer = asyncio.get_running_loop().create_future()
        lapse = asyncio.ensure_future(self._clock.sleep(OFFER_SECONDS))
        try:
            await self._move(job_id, Stage.WAITING)
            await asyncio.wait({offer, lapse}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lapse.cancel()
            del self._offers[job_id]
        if not offer.done() or not offer.result():
            await self._move(job_id, Stage.CANCELLED)
            raise Cancelled if offer.done() else OfferLapsed

    async def _clone(self, job_id: str) -> Voice:
        sample = await self._store.sample(job_id)
        usual = await self._estimate.usual()
        job = await self._move(job_id, Stage.UPLOADING, account=self._account)
        began = self._clock.monotonic()
        ticking: list[asyncio.Task[None]] = []

        def sent(done: int) -> None:
            if self._ledger[job_id].stage is Stage.UPLOADING:
                self._show(job_id, done, len(sample))

        async def committing() -> None:
            nonlocal began
            await self._move(job_id, Stage.CLONING, total=usual)
            began = self._clock.monotonic()
            ticking.append(asyncio.create_task(self._tick(job_id, began, usual)))

        try:
            made = await self._mureka.clone(
                sample,
                title=job.title,
                description=job.description,
                language=job.language,
                account=job.account,
                sent=sent,
                committing=committing,
            )
        finally:
            for task in ticking:
                task.cancel()
        voice = self._ledger[job_id].voice(made, self._clock.now())
        await self._ledger.keep_voice(voice)
        with suppress(StoreError):  # the voice is recorded, which is what counts
            await self._move(job_id, Stage.DONE, voice_id=voice.id)
        await self._estimate.learn(self._clock.monotonic() - began)
        return voice

    async def _tick(self, job_id: str, began: float, usual: float) -> None:
        while True:
            self._show(job_id, self._clock.monotonic() - began, usual)
            await self._clock.sleep(1)

    async def _move(self, job_id: str, stage: Stage, *, total: float = 0, **changes: object) -> Job:
        job = await self._ledger.move(job_id, stage, **changes)
        if not job.over:
            self._show(job_id, total=total)
        return job

    def _show(self, job_id: str, done: float = 0, total: float = 0) -> None:
        job = self._ledger[job_id]
        if job.stage is Stage.QUEUED:
            done = self._queue.index(job_id)
        self.sink.show(job, Progress(job.stage, done, total))


def _sha256(sample: bytes) -> str:
    return hashlib.sha256(sample).hexdigest()
