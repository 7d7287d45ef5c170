"""Unfinished and undelivered jobs, in memory and on disk."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from bot.errors import StoreError
from bot.jobs.record import JobRecord

_log = logging.getLogger(__name__)

J = TypeVar("J", bound=JobRecord)


class JobRepository(Protocol[J]):
    """Stores jobs. Every method may raise `StoreError`; then nothing has changed."""

    async def all(self) -> tuple[J, ...]:
        """Return every readable job, oldest first. Unreadable ones are logged and skipped."""
        ...

    async def check(self, member_id: int, /) -> None:
        """Raise `StoreError` while a job that may be this member's can't be read."""

    async def put(self, job: J, /) -> None:
        """Record a job durably."""

    async def remove(self, job_id: str, /) -> None:
        """Remove a job and its sample. Does nothing if there is none."""


@dataclass(slots=True)
class _Entry(Generic[J]):
    job: J
    removed: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def notify(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class JobRegistry(Generic[J]):
    """The only code that writes jobs. A change is on disk before it is in memory, unless it is best-effort.

    Methods that take a job's ID raise KeyError if the job was removed.
    """

    def __init__(self, repository: JobRepository[J]) -> None:
        self._repository = repository
        self._entries: dict[str, _Entry[J]] = {}

    def __getitem__(self, job_id: str) -> J:
        """Return a job as it is now."""
        return self._entries[job_id].job

    def __contains__(self, job_id: str) -> bool:
        """Return True if a job was not removed."""
        return job_id in self._entries

    def __iter__(self) -> Iterator[J]:
        """Iterate over a snapshot of all jobs, including finished ones that are not delivered."""
        return iter([entry.job for entry in self._entries.values()])

    async def load(self) -> list[J]:
        """Read the jobs of an earlier run, oldest first."""
        jobs = await self._repository.all()
        self._entries = {job.id: _Entry(job) for job in jobs}
        return [*jobs]

    async def add(self, job: J, check: Awaitable[None] | None = None) -> J:
        """Add a job if `check` raises nothing.

        The job is visible in memory before the first await, so that a concurrent command sees it. It is
        removed again if `check` or the write fails.
        """
        entry = self._entries[job.id] = _Entry(job)
        async with entry.lock:
            try:
                if check:
                    await check
                await self._repository.put(job)
            except BaseException:
                self._forget(job.id)
                raise
        return job

    async def update(self, job_id: str, change: Callable[[J], J], *, best_effort: bool = False) -> J:
        """Change a job: on disk, then in memory, then wake those who wait for it.

        Changes of one job run one at a time, and what `change` raises leaves the job as it was. If
        `best_effort` is true, a failed write is logged and ignored: the disk keeps the previous state.
        """
        entry = self._entries[job_id]
        async with entry.lock:
            if entry.removed:
                raise KeyError(job_id)
            job = change(entry.job)
            if job == entry.job:
                return job
            try:
                await self._repository.put(job)
            except StoreError as error:
                if not best_effort:
                    raise
                _log.error("a change of job %s could not be recorded: %s", job_id, error)
            entry.job = job
            entry.notify()
        return job

    async def wait(self, job_id: str, until: Callable[[J], bool]) -> J:
        """Wait until `until` is true of a job."""
        entry = self._entries[job_id]
        while not until(entry.job):
            await entry.changed.wait()
            if entry.removed:
                raise KeyError(job_id)
        return entry.job

    async def remove(self, job_id: str) -> None:
        """Remove a job and its sample. Does nothing if there is none."""
        if entry := self._entries.get(job_id):
            async with entry.lock:
                if not entry.removed:
                    await self._repository.remove(job_id)
                    self._forget(job_id)

    def _forget(self, job_id: str) -> None:
        entry = self._entries.pop(job_id)
        entry.removed = True
        entry.notify()
