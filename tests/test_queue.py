"""The queue: which job gets a turn, when, and on which account."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from bot.cloning.job import CloneJob, Stage
from bot.cloning.queue import CloneQueue
from bot.mureka.accounts import CHECK_SECONDS, AccountMonitor
from bot.mureka.errors import AccountExhausted, MurekaError, SessionDied, TooManyAtOnce
from bot.tasks import BackgroundTasks
from support.builders import JOB
from support.clocks import ManualClock, turns

A, B = "a@example.com", "b@example.com"


def clone(number: int, title: str | None = None) -> CloneJob:
    """Return a queued job of a command at second `number`."""
    name = f"{number:03}"
    title = title or f"Voice {name}"
    times = {Stage.RECEIVED: float(number)}
    return replace(JOB, id=name, title=title, description=title, stage=Stage.QUEUED, times=times)


class Api:
    """Reports one account as usable."""

    usable: str | None = None

    async def accounts(self) -> dict[str, str | None]:
        return {name: None if self.usable == name else "expired" for name in (A, B)}

    async def account_failed(self, account: str | None, error: MurekaError) -> None: ...


class Line:
    """A queue with jobs; each works until `go`. `on` is the account of each job that got a turn."""

    def __init__(self, accounts: Sequence[str | None] = (None,), at_once: int = 1) -> None:
        self.clock = ManualClock()
        self.background = BackgroundTasks()
        self.api: Any = Api()
        self.accounts = AccountMonitor(accounts, self.api, self.api, self.background, self.clock)
        self.queue = CloneQueue(self.accounts, at_once)
        self.on: dict[str, str | None] = {}
        self.places: dict[str, int] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._done: dict[str, asyncio.Event] = {}

    def waiting(self) -> list[str]:
        """Return the jobs that wait for a turn, in their order."""
        ended = {job_id for job_id, task in self.tasks.items() if task.done()}
        places = {job_id: place for job_id, place in self.places.items() if job_id not in {*self.on} | ended}
        assert sorted(places.values()) == [*range(len(places))], "every job knows its place"
        return sorted(places, key=places.__getitem__)

    def turn(self, job: CloneJob) -> AbstractAsyncContextManager[str | None]:
        return self.queue.turn(job, lambda ahead: self.places.update({job.id: ahead}))

    def rest(self, account: str | None, error: MurekaError) -> None:
        assert self.accounts.clone_failed(account, error, 1)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await turns()

    async def wake(self, account: str | None) -> None:
        """Let the API report this account, and no other, as usable at the next check."""
        self.api.usable = account
        await self.advance(CHECK_SECONDS)

    def pause(self, account: str | None, seconds: float) -> None:
        self.accounts.clone_failed(account, TooManyAtOnce(retry_after=seconds), 1)

    async def join(self, *jobs: CloneJob) -> None:
        for job in jobs:
            self.on.pop(job.id, None)
            self._done[job.id] = asyncio.Event()
            self.tasks[job.id] = asyncio.create_task(self._work(job))
        await turns()

    async def go(self, *jobs: CloneJob) -> None:
        for job in jobs:
            self._done[job.id].set()
        await turns()

    async def cancel(self, job: CloneJob) -> None:
        self.tasks[job.id].cancel()
        with suppress(asyncio.CancelledError):
            await self.tasks[job.id]
        await turns()

    async def _work(self, job: CloneJob) -> None:
        async with self.turn(job) as account:
            self.on[job.id] = account
            await self._done[job.id].wait()


@asynccontextmanager
async def line_of(accounts: Sequence[str | None] = (None,), at_once: int = 1) -> AsyncGenerator[Line]:
    line = Line(accounts, at_once)
    async with line.background:
        line.background.start(line.accounts.run())
        await turns()
        yield line


async def test_turns_follow_the_time_of_the_commands_even_of_retried_ones():
    async with line_of() as line:
        first, second, third = clone(1), clone(2), clone(3)
        await line.join(first, third, second)
        assert line.waiting() == ["002", "003"]
        line.pause(None, 10)
        await line.go(first)
        await line.join(first)
        assert line.waiting() == ["001", "002", "003"]
        await line.advance(10)
        await line.go(first)
        assert [*line.on] == ["001", "002"]
        await line.go(second)
        assert [*line.on] == ["001", "002", "003"]


async def test_least_busy_account_takes_the_next_job_up_to_its_limit():
    async with line_of([A, B], at_once=2) as line:
        jobs = [clone(number) for number in range(6)]
        await line.join(*jobs)
        assert [*line.on.values()] == [A, B, A, B]
        assert line.queue.capacity == 4
        await line.go(jobs[0])
        assert [*line.on.values()] == [A, B, A, B, A]
        await line.go(*(jobs[number] for number in (1, 2, 4, 5)))
        await line.join(clone(6))
        assert line.on["006"] == A


async def test_look_alikes_never_share_an_account_but_others_may_pass():
    async with line_of(at_once=3) as line:
        ada, alike, other = clone(1, "Ada"), clone(2, " Ada\u200e "), clone(3)
        await line.join(ada, alike, other)
        assert [*line.on] == ["001", "003"]
        assert line.waiting() == ["002"]
        await line.go(ada)
        assert [*line.on] == ["001", "003", "002"]


async def test_look_alikes_run_at_once_on_different_accounts():
    async with line_of([A, B], at_once=2) as line:
        await line.join(clone(1, "Ada"), clone(2, "Ada"), clone(3, "Ada"))
        assert line.on == {"001": A, "002": B}


async def test_pause_keeps_places_and_ends_by_the_clock():
    async with line_of() as line:
        line.pause(None, 10)
        line.pause(None, 4)  # a shorter one changes nothing
        await line.join(clone(2), clone(1))
        await line.advance(9.9)
        assert line.waiting() == ["001", "002"]
        await line.advance(0.1)
        assert [*line.on] == ["001"]


@pytest.mark.parametrize("rests", [False, True])
async def test_other_account_works_until_one_is_usable_again(*, rests: bool):
    async with line_of([A, B]) as line:
        if rests:
            line.rest(A, AccountExhausted())
            line.accounts.check()
        else:
            line.pause(A, 10)
        await line.join(clone(1), clone(2))
        assert line.on == {"001": B}
        await (line.wake(A) if rests else line.advance(10))
        assert line.on == {"001": B, "002": A}


async def test_waiting_jobs_fail_once_the_last_account_rests():
    async with line_of([A, B]) as line:
        jobs = [clone(number) for number in range(5)]
        await line.join(*jobs)
        why: MurekaError = SessionDied(code="x")
        line.rest(A, AccountExhausted())
        await turns()
        assert len(line.waiting()) == 3
        line.rest(B, why)
        await turns()
        assert line.waiting() == []
        assert [line.tasks[job.id].exception() for job in jobs[2:]] == [why] * 3
        assert not any(line.tasks[job.id].done() for job in jobs[:2]), "work in progress continues"
        with pytest.raises(AccountExhausted):
            line.accounts.check()
        await line.join(late := clone(9))
        assert isinstance(line.tasks[late.id].exception(), AccountExhausted)
        await line.wake(B)
        line.accounts.check()
        await line.go(jobs[1])
        await line.join(later := clone(10))
        assert line.on[later.id] == B


async def test_job_canceled_at_its_turn_passes_the_turn_on():
    async with line_of() as line:
        async with line.turn(clone(1)):
            await line.join(clone(2), clone(3))
        line.tasks["002"].cancel()  # it has its turn but has not run yet
        await turns()
        assert [*line.on] == ["003"]
        assert line.tasks["002"].cancelled()


async def test_job_of_unknown_outcome_occupies_its_account_and_keeps_look_alikes_waiting():
    async with line_of([A, B]) as line:
        with line.queue.occupied(replace(clone(1), account=B)):
            await line.join(clone(2), clone(3))
            assert line.on == {"002": A}
        await turns()
        assert line.on == {"002": A, "003": B}
    async with line_of([A], at_once=5) as line:
        with line.queue.occupied(replace(clone(1, "Ada"), account=A)):
            await line.join(clone(2, "Ada"), clone(3))
            assert [*line.on] == ["003"]
        await turns()
        assert [*line.on] == ["003", "002"]


async def test_closed_queue_gives_no_turns():
    async with line_of([A, B]) as line:
        first = clone(1)
        line.pause(B, 5)
        await line.join(first, clone(2))
        line.queue.close()
        await line.go(first)
        await line.clock.advance(5)
        await line.wake(B)
        await line.join(clone(3))
        assert [*line.on] == ["001"]
        assert line.waiting() == ["002", "003"]


async def test_canceled_job_frees_its_place_or_account_and_changed_places_are_announced():
    async with line_of() as line:
        await line.join(clone(1), clone(2), clone(3))
        assert line.waiting() == ["002", "003"]
        await line.join(clone(9))
        assert line.waiting() == ["002", "003", "009"]
        await line.cancel(clone(2))
        assert line.waiting() == ["003", "009"]
        await line.cancel(clone(1))
        assert ([*line.on], line.waiting()) == (["001", "003"], ["009"])
        await line.go(clone(3))
        assert ([*line.on], line.waiting()) == (["001", "003", "009"], [])


@pytest.mark.parametrize("alike", [False, True])
async def test_60_clones_over_2_accounts_keep_their_order_and_the_limits(alike: bool):  # noqa: FBT001 - both
    chance = random.Random(alike)  # noqa: S311 - no secret
    async with line_of([A, B], at_once=3) as line:
        working: dict[str, list[CloneJob]] = {A: [], B: []}
        begun: list[CloneJob] = []

        async def work(job: CloneJob) -> None:
            async with line.turn(job) as account:
                others = working[account or ""]
                assert len(others) < 3
                assert not any(job.title == other.title for other in others)
                others.append(job)
                begun.append(job)
                for _ in range(chance.randrange(8)):
                    await asyncio.sleep(0)
                if chance.random() < 0.1:
                    line.pause(account, 1)
                others.remove(job)

        few = [f"Title {number}" for number in range(12)]
        jobs = [clone(number, chance.choice(few) if alike else None) for number in range(60)]
        for account in (A, B):
            line.pause(account, 1)
        tasks = [asyncio.create_task(work(job)) for job in chance.sample(jobs, len(jobs))]
        await turns()
        assert line.waiting() == [job.id for job in jobs]
        await line.clock.advance_until(lambda: all(task.done() for task in tasks))
        await asyncio.gather(*tasks)
        for title in {job.title for job in jobs} if alike else {None}:
            kind = [job for job in jobs if title in {None, job.title}]
            assert [job for job in begun if job in kind] == kind
