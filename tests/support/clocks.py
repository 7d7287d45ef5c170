"""Clocks for tests, and waiting for a condition."""

import asyncio
import time
from collections.abc import Callable

DAY = 24 * 60 * 60.0

PATIENCE = 30.0
"""Seconds after which a wait fails: far more than a busy machine needs."""


async def until(true: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    """Wait until a condition is true. Raises `TimeoutError` after `seconds`."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - the condition is seen from outside, as a member sees it
            await asyncio.sleep(0.005)


async def turns(number: int = 20) -> None:
    """Let other tasks run for this number of turns of the event loop; no time passes."""
    for _ in range(number):
        await asyncio.sleep(0)


class ManualClock:
    """A clock that stands still until it is advanced."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        self._moved = asyncio.Condition()

    def now(self) -> float:
        return self.time

    monotonic = now

    async def sleep(self, seconds: float) -> None:
        end = self.time + seconds
        async with self._moved:
            await self._moved.wait_for(lambda: self.time >= end)

    async def advance(self, seconds: float) -> None:
        async with self._moved:
            self.time += seconds
            self._moved.notify_all()

    async def advance_until(self, true: Callable[[], object], step: float = 1.0) -> None:
        """Advance by `step` seconds at a time until a condition is true."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                await self.advance(step)
                await asyncio.sleep(0.001)


class FastClock:
    """A clock that runs `speed` times as fast as the real one (simcord replaces `time.monotonic`)."""

    def __init__(self, speed: float = 100) -> None:
        self._speed = speed
        self._start = time.perf_counter()
        self._sleepers: dict[asyncio.Future[None], float] = {}

    def skip(self, seconds: float) -> None:
        """Let this number of seconds pass at once, also for running sleeps."""
        self._start -= seconds / self._speed
        for sleeper, end in self._sleepers.items():
            if end <= self.monotonic():
                _set_result_unless_cancelled(sleeper)

    def now(self) -> float:
        return 1_800_000_000.0 + self.monotonic()

    def monotonic(self) -> float:
        return (time.perf_counter() - self._start) * self._speed

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        sleeper = loop.create_future()
        self._sleepers[sleeper] = self.monotonic() + seconds
        timer = loop.call_later(seconds / self._speed, _set_result_unless_cancelled, sleeper)
        try:
            await sleeper
        finally:
            timer.cancel()
            del self._sleepers[sleeper]


def _set_result_unless_cancelled(sleeper: asyncio.Future[None]) -> None:
    """End a sleep. simcord knows by the name, that of asyncio's own function, that a task only sleeps."""
    if not sleeper.done():
        sleeper.set_result(None)
