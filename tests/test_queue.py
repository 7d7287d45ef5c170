"""The queue: who gets a turn, when, and on which account."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from bot.cloning.job import CloneJob
from bot.cloning.queue import CloneQueue
from bot.cloning.stage import Stage
from bot.mureka.errors import AccountExhausted, MurekaError, SessionDied
from conftest import ManualClock
from test_jobs import JOB

A, B = "a@example.com", "b@example.com"


def clone(number: int, title: str | None = None) -> CloneJob:
    """Return a queued job whose command came at second `number`."""
    name = f"{number:03}"
    title = title or f"Voice {name}"
    times = {Stage.RECEIVED: float(number)}
    return replace(JOB, id=name, title=title, description=title, stage=Stage.QUEUED, times=times)


async def settle() -> None:
    """Let everyone who can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


class Line:
    """A queue with jobs in it; each works until it is told to go. `on` is where each works, or worked."""

    def __init__(self, accounts: Sequence[str | None] = (None,), at_once: int = 1) -> None:
        self.clock = ManualClock()
        self.moves = 0
        self.queue = CloneQueue(accounts, at_once, self.clock, self._moved)
        self.on: dict[str, str | None] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._done: dict[str, asyncio.Event] = {}

    def _moved(self) -> None:
        self.moves += 1

    async def join(self, *jobs: CloneJob) -> None:
        for job in jobs:
            self._done[job.id] = asyncio.Event()
            self.tasks[job.id] = asyncio.create_task(self._work(job))
        await settle()

    async def go(self, *jobs: CloneJob) -> None:
        for job in jobs:
            self._done[job.id].set()
        await settle()

    async def cancel(self, job: CloneJob) -> None:
        self.tasks[job.id].cancel()
        with suppress(asyncio.CancelledError):
            await self.tasks[job.id]
        await settle()

    async def _work(self, job: CloneJob) -> None:
        async with self.queue.turn(job) as account:
            self.on[job.id] = account
            await self._done[job.id].wait()


async def test_turns_come_in_the_order_of_the_commands_whoever_joins_first():
    line = Line()
    first, second, third = clone(1), clone(2), clone(3)
    await line.join(first, third, second)
    assert line.queue.waiting() == ["002", "003"]
    await line.go(first)
    assert [*line.on] == ["001", "002"]
    await line.go(second)
    assert [*line.on] == ["001", "002", "003"]


async def test_whoever_comes_back_keeps_their_place():
    line = Line()
    first = clone(1)
    await line.join(first, clone(2), clone(3))
    line.queue.pause(None, 10)
    await line.go(first)
    await line.join(first)
    assert line.queue.waiting() == ["001", "002", "003"]


async def test_an_account_takes_no_more_than_it_may():
    line = Line([A, B], at_once=2)
    jobs = [clone(number) for number in range(6)]
    await line.join(*jobs)
    assert sorted(map(str, line.on.values())) == [A, A, B, B]
    assert line.queue.at_once == 4
    await line.go(jobs[0])
    assert len(line.on) == 5


async def test_the_account_with_the_least_to_do_comes_first():
    line = Line([A, B], at_once=3)
    jobs = [clone(number) for number in range(5)]
    await line.join(*jobs)
    assert [*line.on.values()] == [A, B, A, B, A]
    await line.go(jobs[0], jobs[2])
    await line.join(clone(6))
    assert line.on["006"] == A


async def test_look_alikes_are_never_together_on_one_account_but_others_may_pass():
    line = Line(at_once=3)
    ada, alike, other = clone(1, "Ada"), clone(2, " Ada\u200e "), clone(3)
    await line.join(ada, alike, other)
    assert [*line.on] == ["001", "003"]
    assert line.queue.waiting() == ["002"]
    await line.go(ada)
    assert [*line.on] == ["001", "003", "002"]


async def test_look_alikes_work_at_the_same_time_on_different_accounts():
    line = Line([A, B], at_once=2)
    await line.join(clone(1, "Ada"), clone(2, "Ada"), clone(3, "Ada"))
    assert line.on == {"001": A, "002": B}


async def test_a_pause_keeps_places_and_ends_by_the_clock():
    line = Line()
    line.queue.pause(None, 10)
    line.queue.pause(None, 4)  # a shorter one changes nothing
    await line.join(clone(2), clone(1))
    await line.clock.advance(9.9)
    await settle()
    assert line.queue.waiting() == ["001", "002"]
    await line.clock.advance(0.1)
    await settle()
    assert [*line.on] == ["001"]


async def test_while_one_account_is_paused_the_other_works():
    line = Line([A, B])
    line.queue.pause(A, 10)
    await line.join(clone(1), clone(2))
    assert line.on == {"001": B}
    await line.clock.advance(10)
    await settle()
    assert line.on == {"001": B, "002": A}


async def test_an_account_at_rest_works_again_once_woken():
    line = Line([A, B])
    line.queue.rest(A, AccountExhausted())
    assert line.queue.resting == [A]
    line.queue.check()
    await line.join(clone(1), clone(2))
    assert line.on == {"001": B}
    line.queue.wake(A)
    await settle()
    assert line.on == {"001": B, "002": A}
    assert line.queue.resting == []


async def test_once_the_last_account_rests_everyone_who_waits_hears_why():
    line = Line([A, B])
    jobs = [clone(number) for number in range(5)]
    await line.join(*jobs)
    why: MurekaError = SessionDied(code="x")
    line.queue.rest(A, AccountExhausted())
    await settle()
    assert len(line.queue.waiting()) == 3
    line.queue.rest(B, why)
    await settle()
    assert line.queue.waiting() == []
    assert [line.tasks[job.id].exception() for job in jobs[2:]] == [why] * 3
    assert not any(line.tasks[job.id].done() for job in jobs[:2]), "what is under way goes on"
    with pytest.raises(AccountExhausted):
        line.queue.check()
    await line.join(late := clone(9))
    assert isinstance(line.tasks[late.id].exception(), AccountExhausted)
    line.queue.wake(B)
    line.queue.check()
    await line.go(jobs[1])
    await line.join(later := clone(10))
    assert line.on[later.id] == B


async def test_who_is_called_off_while_waiting_leaves_nothing_behind():
    line = Line()
    first, second, third = clone(1), clone(2), clone(3)
    await line.join(first, second, third)
    await line.cancel(second)
    assert line.queue.waiting() == ["003"]
    await line.go(first)
    assert [*line.on] == ["001", "003"]


async def test_who_is_called_off_while_working_makes_room():
    line = Line()
    first = clone(1)
    await line.join(first, clone(2))
    await line.cancel(first)
    assert [*line.on] == ["001", "002"]


async def test_who_is_called_off_in_the_very_moment_of_their_turn_passes_it_on():
    line = Line()
    async with line.queue.turn(clone(1)):
        await line.join(clone(2), clone(3))
    line.tasks["002"].cancel()  # it has its turn, and does not know it yet
    await settle()
    assert [*line.on] == ["003"]
    assert line.tasks["002"].cancelled()


async def test_a_job_that_may_be_under_way_occupies_its_account():
    line = Line([A, B])
    job = replace(clone(1), account=B)
    with line.queue.occupied(job):
        await line.join(clone(2), clone(3))
        assert line.on == {"002": A}
    await settle()
    assert line.on == {"002": A, "003": B}


async def test_its_look_alikes_wait_for_it():
    line = Line([A], at_once=5)
    with line.queue.occupied(replace(clone(1, "Ada"), account=A)):
        await line.join(clone(2, "Ada"), clone(3))
        assert [*line.on] == ["003"]
    await settle()
    assert [*line.on] == ["003", "002"]


async def test_after_the_end_nobody_gets_a_turn():
    line = Line([A, B])
    first = clone(1)
    line.queue.pause(B, 5)
    await line.join(first, clone(2))
    line.queue.close()
    await line.go(first)
    await line.clock.advance(5)
    line.queue.wake(B)
    await line.join(clone(3))
    assert [*line.on] == ["001"]
    assert line.queue.waiting() == ["002", "003"]


MOVES: list[tuple[str, Callable[[Line], object]]] = [
    ("somebody joins", lambda line: line.join(clone(9))),
    ("somebody goes", lambda line: line.go(clone(1))),
    ("somebody who waits is called off", lambda line: line.cancel(clone(2))),
    ("everybody is turned away", lambda line: line.queue.rest(None, AccountExhausted())),
]


@pytest.mark.parametrize(("event", "happen"), MOVES, ids=[event for event, _ in MOVES])
async def test_places_are_told_again_when(event: str, happen: Callable[[Line], object]):
    del event
    line = Line()
    await line.join(clone(1), clone(2), clone(3))
    before = line.queue.waiting(), line.moves
    if asyncio.iscoroutine(happening := happen(line)):
        await happening
    await settle()
    assert line.queue.waiting() != before[0]
    assert line.moves > before[1]
    for task in line.tasks.values():
        if task.done() and not task.cancelled():
            task.exception()


@pytest.mark.parametrize("seed", range(3))
async def test_200_clones_over_2_accounts_keep_their_order_and_the_limits(seed: int):
    chance = random.Random(seed)  # noqa: S311 - no secret
    line = Line([A, B], at_once=3)
    working: dict[str, list[CloneJob]] = {A: [], B: []}
    begun: list[CloneJob] = []

    async def work(job: CloneJob) -> None:
        async with line.queue.turn(job) as account:
            others = working[account or ""]
            assert len(others) < 3
            assert not any(job.title == other.title for other in others)
            others.append(job)
            begun.append(job)
            for _ in range(chance.randrange(8)):
                await asyncio.sleep(0)
            if chance.random() < 0.1:
                line.queue.pause(account, 1)
            others.remove(job)

    few = [f"Title {number}" for number in range(40)]
    jobs = [clone(number, chance.choice(few) if seed else None) for number in range(200)]
    for account in (A, B):
        line.queue.pause(account, 1)
    tasks = [asyncio.create_task(work(job)) for job in chance.sample(jobs, len(jobs))]
    await settle()
    assert line.queue.waiting() == [job.id for job in jobs]
    async with asyncio.timeout(10):
        while not all(task.done() for task in tasks):
            await line.clock.advance(1)
            await settle()
    await asyncio.gather(*tasks)
    for title in {job.title for job in jobs} if seed else {None}:
        kind = [job for job in jobs if title in {None, job.title}]
        assert [job for job in begun if job in kind] == kind
