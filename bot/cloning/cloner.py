"""The use case: from a member's order to a recorded voice of which the member knows, restarts included.

received → download → inspect → checked → (waiting) → (approval) → queued → uploading → cloning → done
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager

from bot.audio.sample_info import SampleInfo
from bot.clock import Clock
from bot.cloning.admission import Ledger, Limits
from bot.cloning.attempt import Sender
from bot.cloning.consent_gate import Approvals
from bot.cloning.errors import ApprovalRevoked, Cancelled, OfferLapsed
from bot.cloning.job import CloneJob, CloneRequest
from bot.cloning.ports import ClonePresenter
from bot.cloning.queue import CloneQueue
from bot.cloning.stage import Progress, Stage
from bot.cloning.steps import Intake
from bot.errors import ClonevoiceError, Refused, StoreError
from bot.jobs.delivery import Ending
from bot.jobs.durations import TypicalDuration
from bot.jobs.record import Failure, InteractionReply
from bot.mureka.accounts import Watch
from bot.mureka.client import MurekaClient
from bot.mureka.errors import MurekaError
from bot.policy.rules import Rules
from bot.store.protocol import Store
from bot.tasks import Background
from bot.voices.models import PendingDeletion, Voice

_log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""What a clone that is being sent gets to finish when the bot stops."""


class Cloner:
    """Takes orders and sees them through.

    `download` fetches a sample by its link and `inspect` judges it; both raise `SampleRefused`. Whoever
    shows clones to their members sets `sink`. Of the `leaving`, all that is stored is being deleted: they
    clone no more.
    """

    sink: ClonePresenter

    def __init__(
        self,
        *,
        store: Store,
        mureka: MurekaClient,
        download: Callable[[str], Awaitable[bytes]],
        inspect: Callable[[bytes], Awaitable[SampleInfo]],
        limits: Limits,
        accounts: Sequence[str | None],
        patience: float,
        clock: Clock,
        rules: Rules,
        leaving: Collection[int],
    ) -> None:
        self._store = store
        self._mureka = mureka
        self._limits = limits
        self._patience = patience
        self.clock = clock
        self._approvals = Approvals(store, clock)
        self._ledger = Ledger(store, limits, clock, self._approvals)
        self._queue = CloneQueue(accounts, limits.at_once, clock, self._show_queue)
        self.watch = Watch(mureka, self._queue, clock, self._alarm)
        self._intake = Intake(
            self._ledger,
            self._approvals,
            download,
            inspect,
            check_sample=rules.check_sample,
            ask=self._ask,
            clock=clock,
            show=self._show,
        )
        self._estimate = TypicalDuration(store, "clone")
        self._rules = rules
        self._leaving = leaving
        self._cancellable: set[str] = set()
        self._called_off: dict[str, ClonevoiceError] = {}
        self._stopping = False

    @asynccontextmanager
    async def at_work(self, background: Background) -> AsyncGenerator[None]:
        """See orders through, first those of an earlier run; what is not over at the end stays on record."""
        self._background = background
        jobs = await self._ledger.load()
        self._sender = Sender(
            store=self._store,
            ledger=self._ledger,
            mureka=self._mureka,
            queue=self._queue,
            watch=self.watch,
            rules=self._rules,
            approvals=self._approvals,
            estimate=self._estimate,
            clock=self.clock,
            patience=self._patience,
            show=self._show,
        )
        self._ending = Ending(self._ledger, self.sink, self.clock)
        for job in jobs:
            if job.stage is Stage.UPLOADING:  # never sent whole, so nothing was made
                await self._ledger.note(job.id, Stage.QUEUED)
        # Those that may be under way upstream come first: they keep their accounts busy.
        for job in sorted(jobs, key=lambda job: job.stage is not Stage.CLONING):
            self.begin(job)
        background.start(self.watch.keep())
        background.start(self._ending.sweep())
        try:
            yield
        finally:
            self._queue.close()

    async def wind_down(self) -> None:
        """Take no new clones, and give those that are being sent a little time to finish."""
        self._stopping = True
        self._queue.close()
        sending = [self._background.task(job.id) for job in self._ledger.all() if job.in_flight]
        if tasks := [task for task in sending if task]:
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)

    def running(self, owner_id: int) -> CloneJob | None:
        """Return the job that keeps a member from starting another."""
        return self._ledger.running(owner_id)

    async def accept(self, order: CloneRequest) -> CloneJob:
        """Check what can be checked at once and record the job; `Refused` or `MurekaError` says why not."""
        self._check_open(order.owner_id)
        if order.speaker and order.speaker.id in self._leaving:
            raise Refused("refused.speaker_unreachable", name=order.speaker.name)
        under_way = sum(not job.finished and not job.awaits_consent for job in self._ledger.all())
        if under_way >= self._limits.under_way:
            seconds = under_way * await self._estimate.get() / self._queue.at_once
            raise Refused("refused.queue_full", minutes=1 + round(seconds / 60))
        return await self._ledger.accept(order)

    def begin(self, job: CloneJob) -> None:
        """Set a job going that was accepted, or that an earlier run left, unless its member is forgotten."""
        kept = self._ledger.find(job.id, job.owner_id)
        if kept and (kept.may_have_voice or job.owner_id not in self._leaving):
            self._background.start(self._see_through(job.id), job.id)

    async def follow(self, job_id: str, owner_id: int, reply: InteractionReply) -> CloneJob:
        """Let the answer to another interaction be a job's card from now on; `OfferLapsed` without a job."""
        try:
            if self._ledger.find(job_id, owner_id):
                return await self._ledger.follow(job_id, reply)
        except KeyError:  # it ended just now
            pass
        raise OfferLapsed

    async def show_anew(self, owner_id: int, reply: InteractionReply) -> bool:
        """Let a member's running clone go on in the answer to another interaction; False if there is none."""
        if owner_id in self._leaving:
            raise Refused("refused.being_forgotten")
        running = self.running(owner_id)
        if running is None:
            return False
        await self.show_job(running.id, owner_id, reply)
        return True

    async def show_job(self, job_id: str, owner_id: int, reply: InteractionReply) -> None:
        """Let a member's clone go on in the answer to another interaction; `OfferLapsed` without one."""
        before = self._ledger.find(job_id, owner_id)
        after = await self.follow(job_id, owner_id, reply)
        await self.sink.move(after, before=before or after)

    def go_ahead(self, job_id: str, owner_id: int) -> None:
        """Clone a sample that was asked about; `OfferLapsed` if that is offered no more."""
        self._intake.accept(job_id, owner_id)

    def cancel(self, job_id: str, owner_id: int) -> None:
        """Call a clone off; `TooLateToCancel` once the sample is on its way."""
        job = self._ledger.find(job_id, owner_id)
        if job is None or job_id not in self._cancellable:
            raise OfferLapsed
        if not job.can_cancel:
            raise Refused("refused.too_late")
        self._call_off(job_id, Cancelled())

    def asked(self, owner_id: int) -> list[CloneJob]:
        """Return a member's clones that wait for their speakers' approval."""
        return [job for job in self._ledger.of(owner_id) if job.awaits_consent]

    def request(self, job_id: str, speaker_id: int) -> CloneJob:
        """Return a clone that waits for this speaker's approval; `RequestClosed` if it does no more."""
        return self._intake.request(job_id, speaker_id)

    def answer(self, job_id: str, speaker_id: int, *, approved: bool) -> None:
        """Go on with a clone, or end it, as its speaker says; an approval is on record before."""
        self._intake.answer(job_id, speaker_id, approved=approved)

    async def refuse(self, job_id: str, speaker_id: int) -> None:
        """End a clone as its speaker wants, and record that before they are told."""
        job = self._intake.request(job_id, speaker_id)
        why = Refused("refused.speaker_refused", name=job.speaker.name if job.speaker else "")
        await self._ledger.move(job_id, Stage.FAILED, failure=Failure.from_error(why))
        self._intake.answer(job_id, speaker_id, approved=False)

    def declined(self, owner_id: int, speaker_id: int) -> None:
        """Note that a speaker took an approval back: that member asks them nothing for a while."""
        self._ledger.answered(owner_id, speaker_id, approved=False)

    def naming(self, speaker_id: int) -> list[CloneJob]:
        """Return the clones under way that name a member as their speaker."""
        jobs = [job for job in self._ledger.all() if not job.finished]
        return [job for job in jobs if job.speaker and job.speaker.id == speaker_id]

    def withdraw(self, job_id: str, why: ClonevoiceError) -> None:
        """End a clone that has not been sent, whoever wants that."""
        if job_id in self._cancellable and not self._ledger[job_id].may_have_voice:
            self._call_off(job_id, why)

    async def try_again(self, job_id: str, owner_id: int) -> CloneJob:
        """Take up a clone that failed for want of an answer; it is looked for once more before it is sent."""
        job = self._ledger.find(job_id, owner_id)
        if job is None or not job.can_retry:
            raise OfferLapsed
        self._check_open(owner_id)
        await self._background.stop(job_id)  # which still tells of an end that its member evidently knows
        job = await self._ledger.reopen(job_id)
        self.begin(job)
        return job

    def titles(self, owner_id: int) -> Iterable[str]:
        """Return the titles of a member's clones under way."""
        return [job.title for job in self._ledger.of(owner_id)]

    def waiting_in(self, guild_id: int) -> list[int]:
        """Return the owners of a server's clones under way, without those that a speaker has to approve."""
        jobs = [job for job in self._ledger.all() if not job.finished and not job.awaits_consent]
        return [job.owner_id for job in jobs if job.guild_id == guild_id]

    async def call_off(
        self, owner_id: int, guild_id: int | None = None, why: ClonevoiceError | None = None
    ) -> bool:
        """Cancel a member's clones (of one server) that were not sent; whether one is being sent or made."""
        jobs = [job for job in self._ledger.of(owner_id) if not job.may_have_voice]
        jobs = [job for job in jobs if guild_id in (None, job.guild_id)]
        if tasks := [
            self._call_off(job.id, why or Cancelled()) for job in jobs if job.id in self._cancellable
        ]:
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        return any(job.may_have_voice for job in self._ledger.of(owner_id))

    def _call_off(self, job_id: str, why: ClonevoiceError) -> asyncio.Task[None]:
        task = self._background.task(job_id)
        assert task is not None  # noqa: S101 - what can be cancelled is at work
        self._called_off.setdefault(job_id, why)
        task.cancel()
        return task

    async def forget(self, owner_id: int) -> None:
        """Drop a member's clones, once what was sent is over; what is found of them is owed to be deleted."""
        while await self.call_off(owner_id):
            await self.clock.sleep(1)
        for job in [job for job in self._ledger.all() if job.owner_id == owner_id]:
            if self._background.task(job.id):
                await self._background.stop(job.id)
                await self.sink.deliver(job, Refused("refused.forgotten"))
            if self._ledger.find(job.id, owner_id):
                if made := await self._sender.unaccounted(job.id):
                    await self._store.pending.put_owed(PendingDeletion(made, job.account))
                await self._ledger.close(job.id)

    def _check_open(self, owner_id: int) -> None:
        if self._stopping:
            raise Refused("refused.restarting")
        if owner_id in self._leaving:
            raise Refused("refused.being_forgotten")
        self._queue.check()

    async def _see_through(self, job_id: str) -> None:
        self._cancellable.add(job_id)
        try:
            outcome = await self._outcome(job_id)
        except asyncio.CancelledError:
            if job_id not in self._called_off:
                raise
            outcome = self._called_off[job_id]
        except ClonevoiceError as error:
            _log.info("clone %s failed: %s", job_id, error)
            outcome = error
        except Exception:  # noqa: BLE001 - the log and the member get its number
            mark = secrets.token_hex(4)
            _log.exception("clone %s failed unexpectedly, id %s", job_id, mark)
            outcome = ClonevoiceError("error.unexpected", id=mark)
        finally:
            self._cancellable.discard(job_id)
            self._called_off.pop(job_id, None)
        if self._ledger[job_id].owner_id in self._leaving and isinstance(outcome, Voice):
            outcome = Refused("refused.forgotten")  # it is deleted at once
        if isinstance(outcome, Voice) and outcome.deleting:
            outcome = await self._revoked(job_id) or outcome
        await self._ending.end(job_id, outcome)

    async def _revoked(self, job_id: str) -> ClonevoiceError | None:
        """Say that a clone's approval was taken back, if it was."""
        try:
            await self._approvals.check(self._ledger[job_id])
        except (ApprovalRevoked, StoreError) as error:
            return error
        return None

    async def _outcome(self, job_id: str) -> Voice | ClonevoiceError:
        job = self._ledger[job_id]
        match job.stage:
            case Stage.DONE:
                voices = await self._store.members.voices(job.owner_id)
                return next((voice for voice in voices if voice.id == job.voice_id), OfferLapsed())
            case Stage.FAILED | Stage.CANCELLED:
                return job.failure.to_error() if job.failure else Cancelled()
            case Stage.CLONING:
                return await self._sender.resume(job_id)
            case Stage.RECEIVED:
                self._show(job_id)
                await self._intake.check(job_id)
            case _:
                pass
        if self._ledger[job_id].stage in {Stage.CHECKED, Stage.CONFIRMING, Stage.CONSENT}:
            await self._intake.settle(job_id)
        return await self._sender.send(job_id)

    def _show(self, job_id: str, *, done: float = 0, total: float = 0, note: str | None = None) -> None:
        job = self._ledger[job_id]
        if job.stage is Stage.QUEUED and job_id in (waiting := self._queue.waiting()):
            done = waiting.index(job_id)
        self.sink.show(job, Progress(job.stage, done, total, note))

    def _show_queue(self) -> None:
        for job_id in self._queue.waiting():
            self._show(job_id)

    async def _ask(self, job: CloneJob) -> bool:
        return await self.sink.ask(job)

    def _alarm(self, account: str | None, why: MurekaError) -> None:
        self._background.start(self.sink.alarm(account, why))
