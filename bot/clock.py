"""The clock as a dependency, so that tests can replace it, and repetition in its time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

from bot.errors import expected_error


class Clock(Protocol):
    """Reads the time and sleeps, in seconds."""

    def now(self) -> float:
        """Return a Unix timestamp."""
        ...

    def monotonic(self) -> float:
        """Return a monotonic time in seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Suspend the current task."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def retry_delays() -> Iterator[float]:
    """Yield the seconds before each retry: at first a minute, then twice as many each time, up to an hour."""
    delay = 60.0
    while True:
        yield delay
        delay = min(2 * delay, 60 * 60.0)


async def repeat(work: Callable[[], Awaitable[None]], clock: Clock, seconds: float) -> None:
    """Run `work` again and again, with a pause of some seconds. Its errors are logged. Never returns."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - it may succeed the next time
            expected_error(getattr(work, "__qualname__", "a repeated task"), error)
        await clock.sleep(seconds)
