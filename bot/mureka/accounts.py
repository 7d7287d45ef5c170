"""The health of the Mureka accounts: which can take a job, and what the operator has to know."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.clock import Clock
from bot.errors import expected_error
from bot.mureka.client import MurekaClient
from bot.mureka.errors import AccountAction, MurekaError
from bot.tasks import BackgroundTasks

_log = logging.getLogger(__name__)

CHECK_SECONDS = 60.0  # seconds between checks of resting accounts


class OperatorAlerts(Protocol):
    """Sends alerts to the operator."""

    async def account_failed(self, account: str | None, error: MurekaError) -> None:
        """Report an account that can't be used. Must not raise."""


@dataclass(slots=True)
class _Account:
    """An account. `resting` is the error that took it out of rotation."""

    name: str | None
    resting: MurekaError | None = None
    paused_until: float = 0.0


@dataclass(eq=False, repr=False)
class AccountMonitor:
    """Rests, pauses and resumes accounts, and alerts the operator once about each problem.

    An account is named as in `USEAPI_ACCOUNTS`; None is the only one. Names that are not in `names` are
    accounts that still have voices but get no new jobs.
    """

    names: Sequence[str | None]
    mureka: MurekaClient
    alerts: OperatorAlerts
    tasks: BackgroundTasks
    clock: Clock
    _accounts: dict[str | None, _Account] = field(init=False)
    _reported: set[tuple[str | None, str]] = field(default_factory=set[tuple[str | None, str]], init=False)
    _listeners: list[Callable[[MurekaError | None], None]] = field(
        default_factory=list[Callable[[MurekaError | None], None]], init=False
    )

    def __post_init__(self) -> None:
        """Start with all accounts available."""
        self._accounts = {name: _Account(name) for name in self.names}

    def add_listener(self, listener: Callable[[MurekaError | None], None]) -> None:
        """Call `listener` whenever an account's availability changes, with the error of a new rest or None."""
        self._listeners.append(listener)

    def is_available(self, name: str | None) -> bool:
        """Return True if an account is neither resting nor paused."""
        account = self._accounts[name]
        return account.resting is None and account.paused_until <= self.clock.monotonic()

    @property
    def all_resting(self) -> bool:
        """True if no account gets jobs."""
        return all(account.resting for account in self._accounts.values())

    def check(self) -> None:
        """Raise the error of a resting account if all accounts are resting."""
        if self.all_resting:
            raise next(account.resting for account in self._accounts.values() if account.resting)

    def clone_failed(self, name: str | None, error: MurekaError, attempt: int) -> bool:
        """Rest or pause the account as the error of a clone requires. Return True if the job may be retried.

        `attempt` counts how often the job has failed with this kind of error.
        """
        delay = error.retry_delay(attempt)
        match error.action_after_clone:
            case AccountAction.REST:
                self._rest(name, error)
                return True
            case AccountAction.PAUSE:
                self._pause(name, error.retry_after if delay is None else delay)
                return delay is not None
            case AccountAction.ALERT:
                self._alert(name, error)
            case AccountAction.NONE:
                pass
        return False

    def report(self, name: str | None, error: MurekaError) -> None:
        """Rest the account or alert the operator, as the error of another request requires."""
        if error.action_after_other is AccountAction.REST and name in self._accounts:
            self._rest(name, error)
        elif error.action_after_other is not AccountAction.NONE:
            self._alert(name, error)

    def _rest(self, name: str | None, error: MurekaError) -> None:
        self._alert(name, error)
        self._accounts[name].resting = error
        self._notify(error)

    def _pause(self, name: str | None, seconds: float) -> None:
        account = self._accounts[name]
        account.paused_until = max(account.paused_until, self.clock.monotonic() + seconds)
        self.tasks.start(self._notify_after(seconds))

    def mark_healthy(self, name: str | None) -> None:
        """Forget the alerts about an account that has just worked, so that its next problem is reported."""
        self._reported = {reported for reported in self._reported if reported[0] != name}

    async def run(self) -> None:
        """Check resting accounts every minute, and resume those that the API reports as usable."""
        while True:
            await self.clock.sleep(CHECK_SECONDS)
            resting = [account for account in self._accounts.values() if account.resting]
            if not resting:
                continue
            try:
                problems = await self.mureka.accounts()
            except Exception as error:  # noqa: BLE001 - the next check may succeed
                expected_error("checking the accounts", error)
                continue
            for account in resting:
                name = account.name or next(iter(problems), "")
                if problems.get(name, "missing") is None:
                    _log.info("account %s is usable again", name)
                    account.resting = None
            self._notify()

    def _alert(self, name: str | None, error: MurekaError) -> None:
        if (name, error.key) not in self._reported:
            self._reported.add((name, error.key))
            _log.error("account %s can't be used: %s", name or "(the only one)", error)
            self.tasks.start(self.alerts.account_failed(name, error))

    async def _notify_after(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._notify()

    def _notify(self, error: MurekaError | None = None) -> None:
        for listener in self._listeners:
            listener(error)
