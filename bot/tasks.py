"""Tasks that outlive the command that starts them, and locks between tasks."""

import asyncio
import contextvars
import logging
from collections.abc import Coroutine, Iterable
from typing import Any, Self
from weakref import WeakValueDictionary

GRACE_SECONDS = 10.0
"""How long work in flight may take to finish when the bot stops."""

_log = logging.getLogger(__name__)


class BackgroundTasks:
    """Runs tasks until the end of an `async with` block, in the context of that block."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._named: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Copy the current context: tasks don't inherit the context of the code that starts them."""
        self._context = contextvars.copy_context()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancel all tasks and wait for their end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, coro: Coroutine[Any, Any, None], name: str | None = None) -> None:
        """Start a task, for example with a job's ID as its name. If it fails, the exception is logged."""
        task = self._context.copy().run(asyncio.create_task, coro)
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._ended(task, name))
        if name is not None:
            self._named[name] = task

    async def wait(self, names: Iterable[str]) -> None:
        """Wait up to `GRACE_SECONDS` for the end of the tasks of these names."""
        if tasks := [task for task in map(self._named.get, names) if task]:
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)

    async def stop(self, name: str) -> bool:
        """Cancel the task of this name and wait for its end. Return False if it was not running."""
        task = self._named.get(name)
        if task:
            task.cancel()
            await asyncio.wait({task})
        return task is not None

    def _ended(self, task: asyncio.Task[None], name: str | None) -> None:
        self._tasks.discard(task)
        if name is not None and self._named.get(name) is task:
            del self._named[name]
        if not task.cancelled() and (error := task.exception()):
            _log.error("a background task failed", exc_info=error)


class Locks:
    """A lock for each key, for example a server's ID, as long as a task holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def __getitem__(self, key: int) -> asyncio.Lock:
        """Return a key's lock, to be used at once: it is forgotten as soon as nobody refers to it."""
        return self._locks.setdefault(key, asyncio.Lock())


async def first_completed(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run coroutines at the same time until one completes, then cancel the others. Raises what it raised."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
