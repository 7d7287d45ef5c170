"""The queue of clones: first come, first served, over all available accounts."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from bot.cloning.job import CloneJob
from bot.mureka.accounts import AccountMonitor
from bot.mureka.errors import MurekaError


@dataclass(slots=True)
class _Waiting:
    job: CloneJob
    turn: asyncio.Future[str | None]
    on_position: Callable[[int], None]


class CloneQueue:
    """Assigns each job to the available account with the fewest jobs, `per_account` at most.

    Two jobs with the same title, description and language never run on one account at the same time,
    because their voices could not be told apart afterwards.
    """

    def __init__(self, accounts: AccountMonitor, per_account: int) -> None:
        self._accounts = accounts
        self._per_account = per_account
        self._running: dict[str | None, list[CloneJob]] = {name: [] for name in accounts.names}
        self._waiting: list[_Waiting] = []
        self._closed = False
        accounts.add_listener(self._accounts_changed)

    @property
    def capacity(self) -> int:
        """The number of clones that can run at the same time."""
        return self._per_account * len(self._running)

    @asynccontextmanager
    async def turn(self, job: CloneJob, on_position: Callable[[int], None]) -> AsyncGenerator[str | None]:
        """Wait for a free account and reserve it for the duration of the `with` block.

        Jobs are served in the order of `accepted_at`, so a retried job keeps its place. `on_position` gets
        the number of jobs ahead whenever it may have changed. A job with an unknown outcome gets the
        account that it was sent to, even if that is resting. Raises the `MurekaError` of an account if all
        accounts are resting.
        """
        if job.outcome_unknown_since is None:
            self._accounts.check()
        waiting = _Waiting(job, asyncio.get_running_loop().create_future(), on_position)
        self._waiting.append(waiting)
        self._waiting.sort(key=lambda other: other.job.accepted_at)
        self._assign()
        if waiting not in self._waiting:
            on_position(0)
        try:
            account = await waiting.turn
        except BaseException:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
                self._report_positions()
            elif waiting.turn.done() and not waiting.turn.cancelled() and not waiting.turn.exception():
                self._release(waiting.turn.result(), job)
            raise
        try:
            yield account
        finally:
            self._release(account, job)

    @contextmanager
    def occupied(self, job: CloneJob) -> Generator[None]:
        """Count a job against its account's limit without queueing: its request may still be running."""
        account = self._account_of(job)
        self._running[account].append(job)
        try:
            yield
        finally:
            self._release(account, job)

    async def block_if_closed(self) -> None:
        """Return immediately. After `close()`, block forever, so that a job that got its turn does not start."""
        if self._closed:
            await asyncio.Event().wait()

    def close(self) -> None:
        """Assign no more jobs."""
        self._closed = True

    def _accounts_changed(self, error: MurekaError | None) -> None:
        if error and self._accounts.all_resting:
            for waiting in [other for other in self._waiting if other.job.outcome_unknown_since is None]:
                self._waiting.remove(waiting)
                if not waiting.turn.done():
                    waiting.turn.set_exception(error)
        self._assign()

    def _assign(self) -> None:
        for waiting in [*self._waiting]:
            if self._closed or waiting.turn.done():
                continue
            if free := self._free_for(waiting.job):
                account = min(free, key=lambda name: len(self._running[name]))
                self._running[account].append(waiting.job)
                self._waiting.remove(waiting)
                waiting.turn.set_result(account)
        self._report_positions()

    def _free_for(self, job: CloneJob) -> list[str | None]:
        return [
            name
            for name, running in self._running.items()
            if not any(other.looks_like(job) for other in running) and self._can_take(name, job)
        ]

    def _can_take(self, name: str | None, job: CloneJob) -> bool:
        if job.outcome_unknown_since is not None:
            return name == self._account_of(job)
        return self._accounts.is_available(name) and len(self._running[name]) < self._per_account

    def _account_of(self, job: CloneJob) -> str | None:
        return job.account if job.account in self._running else next(iter(self._running))

    def _release(self, account: str | None, job: CloneJob) -> None:
        self._running[account].remove(job)
        self._assign()

    def _report_positions(self) -> None:
        for ahead, waiting in enumerate(self._waiting):
            waiting.on_position(ahead)
