"""Keeps an eye on accounts at rest, and tells the operator of trouble once."""

import logging
from collections.abc import Callable

from bot.clock import Clock
from bot.cloning.queue import CloneQueue
from bot.mureka.client import MurekaClient
from bot.mureka.errors import AccountExhausted, AccountMissing, MurekaError, SessionDied, TokenRefused

_log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""Seconds between looks at accounts at rest."""


class Watch:
    """Rests accounts and wakes them. `alarm` hears of each trouble once, until the account works again."""

    def __init__(
        self,
        mureka: MurekaClient,
        queue: CloneQueue,
        clock: Clock,
        alarm: Callable[[str | None, MurekaError], None],
    ) -> None:
        self._mureka = mureka
        self._queue = queue
        self._clock = clock
        self._alarm = alarm
        self._told: set[tuple[str | None, str]] = set()

    def rest(self, account: str | None, why: MurekaError) -> None:
        """Take an account out of rotation."""
        self.tell(account, why)
        self._queue.rest(account, why)

    def report(self, account: str | None, why: MurekaError) -> None:
        """Hear of an account that failed at something else than cloning."""
        if isinstance(why, SessionDied) and not why.soon_over and self._queue.knows(account):
            self.rest(account, why)
        elif isinstance(why, AccountExhausted | AccountMissing | SessionDied | TokenRefused):
            self.tell(account, why)

    def tell(self, account: str | None, why: MurekaError) -> None:
        """Tell the operator, unless that was done already."""
        if (account, why.key) not in self._told:
            self._told.add((account, why.key))
            _log.error("account %s is in trouble: %s", account or "(the only one)", why)
            self._alarm(account, why)

    def well(self, account: str | None) -> None:
        """Note that an account has made a voice, so that its next trouble is news."""
        self._told = {told for told in self._told if told[0] != account}

    async def keep(self) -> None:
        """Look at accounts at rest again and again, and wake those that the API finds nothing wrong with."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            if not self._queue.resting:
                continue
            try:
                problems = await self._mureka.accounts()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look may be luckier
                _log.info("the accounts can't be looked at: %r", error)
                continue
            for account in self._queue.resting:
                name = account or next(iter(problems), "")
                if problems.get(name, "missing") is None:
                    _log.info("account %s is back", name)
                    self._queue.wake(account)
