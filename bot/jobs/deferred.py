"""Deferred replies: a kill before the answer must not leave one that shows "thinking" forever."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.clock import Clock, repeat
from bot.errors import StoreError
from bot.jobs.delivery import RETRY_SECONDS, SWEEP_SECONDS
from bot.jobs.record import TOKEN_SECONDS
from bot.jobs.registry import JobRegistry
from bot.tasks import BackgroundTasks

_log = logging.getLogger(__name__)

WRITE_SECONDS = 1.0
"""The longest wait for a write; an interaction has to be acknowledged within three seconds."""


@dataclass(frozen=True, slots=True)
class DeferredReply:
    """The reply to an interaction that is being carried out. `since` is the Unix timestamp of its token."""

    interaction_id: int
    token: str
    locale: str
    since: float

    def is_alive(self, now: float) -> bool:
        """Return True if Discord still accepts the token."""
        return now - self.since < TOKEN_SECONDS


class DeferredRepliesRepository(Protocol):
    """The replies that are deferred at the moment. Methods may raise `StoreError`."""

    async def deferred_replies(self) -> tuple[DeferredReply, ...]: ...
    async def replace_deferred_replies(self, replies: Sequence[DeferredReply], /) -> None: ...


class Responder(Protocol):
    """Ends replies that a kill left without an answer."""

    async def end(self, reply: DeferredReply, /) -> bool:
        """Say that the bot was restarted, if the reply still shows "thinking". Must not raise.

        Returns False if this is to be tried again.
        """
        ...


@dataclass(eq=False, repr=False)
class DeferredReplies:
    """The deferred replies. Each is on disk before Discord is told of it, and until it has an answer.

    `jobs` are those that may show their cards in such a reply.
    """

    repository: DeferredRepliesRepository
    responder: Responder
    jobs: Sequence[JobRegistry[Any]]
    tasks: BackgroundTasks
    clock: Clock
    _replies: dict[int, DeferredReply] = field(default_factory=dict[int, DeferredReply], init=False)
    _changes: int = field(default=0, init=False)
    _written: int = field(default=0, init=False)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def start(self) -> None:
        """End the replies of an earlier run. Call it when its jobs are loaded: they answer in theirs."""
        with suppress(StoreError):  # the store has logged it
            for reply in await self.repository.deferred_replies():
                self._replies[reply.interaction_id] = reply
                self.tasks.start(self._end(reply))
        self.tasks.start(repeat(self._remove_expired, self.clock, SWEEP_SECONDS))

    async def add(self, reply: DeferredReply) -> None:
        """Store a reply. After `WRITE_SECONDS` or a failed write it may be deferred all the same."""
        self._replies[reply.interaction_id] = reply
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._write()
        except (StoreError, TimeoutError) as error:
            _log.warning("a reply is deferred without being stored: %r", error)

    def remove(self, interaction_id: int) -> None:
        """Remove a reply that has an answer, or a job that answers in it. Does nothing if there is none."""
        if self._replies.pop(interaction_id, None):
            self.tasks.start(self._write_best_effort())

    async def _end(self, reply: DeferredReply) -> None:
        in_a_job = any(job.reply and job.reply.token == reply.token for jobs in self.jobs for job in jobs)
        while not in_a_job and reply.is_alive(self.clock.now()) and not await self.responder.end(reply):
            await self.clock.sleep(RETRY_SECONDS)
        self.remove(reply.interaction_id)

    async def _remove_expired(self) -> None:
        soon = self.clock.now() + SWEEP_SECONDS
        for reply in [*self._replies.values()]:
            if not reply.is_alive(soon):
                self.remove(reply.interaction_id)

    async def _write(self) -> None:
        """Write the replies as they are now. All that wait for a write share the next one."""
        self._changes = wanted = self._changes + 1
        async with self._writing:
            if self._written < wanted:
                included = self._changes
                await self.repository.replace_deferred_replies([*self._replies.values()])
                self._written = included

    async def _write_best_effort(self) -> None:
        with suppress(StoreError):  # the store has logged it
            await self._write()
