"""Work that outlives the command that began it."""

import asyncio
import contextvars
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

_log = logging.getLogger(__name__)


class Background:
    """Tasks that run in the context of an `async with` block, not of who starts them, and end with it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._of: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Take the context."""
        self._context = contextvars.copy_context()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, work: Coroutine[Any, Any, None], of: str | None = None) -> None:
        """Begin some work, `of` the job of that id perhaps; how it fails is in the log."""
        task = self._context.copy().run(asyncio.create_task, work)
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._ended(task, of))
        if of is not None:
            self._of[of] = task

    def task(self, of: str) -> asyncio.Task[None] | None:
        """Return what is at work on a job."""
        return self._of.get(of)

    async def stop(self, of: str) -> None:
        """End what is at work on a job."""
        if task := self._of.get(of):
            task.cancel()
            await asyncio.wait({task})

    def _ended(self, task: asyncio.Task[None], of: str | None) -> None:
        self._tasks.discard(task)
        if of is not None and self._of.get(of) is task:
            del self._of[of]
        if not task.cancelled() and (error := task.exception()):
            _log.error("work in the background ended unexpectedly", exc_info=error)
