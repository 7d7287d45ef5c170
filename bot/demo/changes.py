"""Wakes what waits for changes of anything that a page shows."""

import asyncio


class Changes:
    """Any number of tasks can wait for the next change."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    async def wait(self) -> None:
        """Wait for the next change."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)

    def notify(self) -> None:
        """Wake all that wait."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
