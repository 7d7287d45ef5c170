"""The queue: first come, first served, over accounts that can be busy, told to wait, or at rest."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from bot.clock import Clock
from bot.cloning.job import CloneJob
from bot.mureka.errors import MurekaError


@dataclass(slots=True)
class _Account:
    """One Mureka account: whose clones are under way on it, and why or how long it takes no more."""

    name: str | None
    working: list[CloneJob] = field(default_factory=list[CloneJob])
    rest: MurekaError | None = None
    paused_until: float = 0.0


@dataclass(slots=True)
class _Waiting:
    job: CloneJob
    turn: asyncio.Future[_Account]


class CloneQueue:
    """Gives each job its turn on the healthy account that has the least to do.

    `at_once` clones run on an account. Two jobs with the same title, description and language are never
    under way on one account together: afterwards nobody could tell whose voice is whose. `moved` is
    called whenever places may have changed.
    """

    def __init__(
        self, accounts: Sequence[str | None], at_once: int, clock: Clock, moved: Callable[[], None]
    ) -> None:
        self._accounts = [_Account(name) for name in accounts]
        self._at_once = at_once
        self._clock = clock
        self._moved = moved
        self._waiting: list[_Waiting] = []
        self._closed = False
        self._alarms: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def turn(self, job: CloneJob) -> AsyncGenerator[str | None]:
        """Wait for a job's turn, then let it work on the account that is returned.

        Places go by when the commands came, so whoever comes back keeps theirs. Raises why, once every
        account rests. A job of which it is unclear whether it made a voice gets its own account, whatever
        that account's state, for it has to look there.
        """
        if job.outcome_unknown_since is None:
            self.check()
        waiting = _Waiting(job, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._waiting.sort(key=lambda other: other.job.accepted_at)
        self._assign()
        try:
            account = await waiting.turn
        except BaseException:
            self._drop(waiting)
            if waiting.turn.done() and not waiting.turn.cancelled() and not waiting.turn.exception():
                waiting.turn.result().working.remove(job)
                self._assign()
            raise
        try:
            yield account.name
        finally:
            account.working.remove(job)
            self._assign()

    @contextmanager
    def occupied(self, job: CloneJob) -> Generator[None]:
        """Count a job as under way on its account without waiting: it may be, for all that is known."""
        account = self._named(job.account)
        account.working.append(job)
        try:
            yield
        finally:
            account.working.remove(job)
            self._assign()

    def waiting(self) -> list[str]:
        """Return the ids of the jobs that wait for their turn, the next one first."""
        return [waiting.job.id for waiting in self._waiting]

    def check(self) -> None:
        """Raise why, if every account rests."""
        if all(account.rest for account in self._accounts):
            raise next(account.rest for account in self._accounts if account.rest)

    def knows(self, name: str | None) -> bool:
        """Whether clones are sent to an account; voices of others may still be there."""
        return any(account.name == name for account in self._accounts)

    @property
    def resting(self) -> list[str | None]:
        """The accounts at rest."""
        return [account.name for account in self._accounts if account.rest]

    @property
    def at_once(self) -> int:
        """How many clones can be under way on all accounts together."""
        return self._at_once * len(self._accounts)

    def rest(self, name: str | None, why: MurekaError) -> None:
        """Give an account nothing more to do until it is woken; if it was the last, nobody waits for it."""
        self._named(name).rest = why
        if all(account.rest for account in self._accounts):
            for waiting in [other for other in self._waiting if other.job.outcome_unknown_since is None]:
                self._drop(waiting)
                if not waiting.turn.done():
                    waiting.turn.set_exception(why)

    def wake(self, name: str | None) -> None:
        """Let an account work again."""
        self._named(name).rest = None
        self._assign()

    def pause(self, name: str | None, seconds: float) -> None:
        """Give an account nothing to do for so many seconds; everyone keeps their place."""
        account = self._named(name)
        account.paused_until = max(account.paused_until, self._clock.monotonic() + seconds)

        async def resume() -> None:
            await self._clock.sleep(seconds)
            self._assign()

        alarm = asyncio.create_task(resume())
        self._alarms.add(alarm)
        alarm.add_done_callback(self._alarms.discard)

    async def while_open(self) -> None:
        """Return at once, or once the queue is closed never: a turn that has come then is not taken."""
        if self._closed:
            await asyncio.Event().wait()

    def close(self) -> None:
        """Give nobody a turn any more."""
        self._closed = True
        for alarm in self._alarms:
            alarm.cancel()

    def _assign(self) -> None:
        for waiting in [*self._waiting]:
            if not self._closed and not waiting.turn.done() and (account := self._free_for(waiting.job)):
                account.working.append(waiting.job)
                self._waiting.remove(waiting)
                waiting.turn.set_result(account)
        self._moved()

    def _free_for(self, job: CloneJob) -> _Account | None:
        free = [
            account
            for account in self._accounts
            if not any(other.looks_like(job) for other in account.working) and self._suits(job, account)
        ]
        return min(free, key=lambda account: len(account.working), default=None)

    def _suits(self, job: CloneJob, account: _Account) -> bool:
        if job.outcome_unknown_since is not None:
            return account is self._named(job.account)
        if account.rest or account.paused_until > self._clock.monotonic():
            return False
        return len(account.working) < self._at_once

    def _drop(self, waiting: _Waiting) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            self._moved()

    def _named(self, name: str | None) -> _Account:
        return next((account for account in self._accounts if account.name == name), self._accounts[0])
