"""Delivers the results of jobs, and erases interaction tokens."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from bot.clock import Clock
from bot.errors import ClonevoiceError, StoreError, expected_error
from bot.jobs.record import InteractionReply, JobRecord
from bot.jobs.registry import JobRegistry

_log = logging.getLogger(__name__)

J = TypeVar("J", bound=JobRecord)
J_contra = TypeVar("J_contra", bound=JobRecord, contravariant=True)
R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)

GIVE_UP_SECONDS = 24 * 60 * 60.0
"""How long delivery is retried."""

RETRY_SECONDS = 60.0
"""Seconds between attempts to deliver a result."""

SWEEP_SECONDS = 5.0
"""Seconds between searches for tokens that are about to expire."""


class Presenter(Protocol[J_contra, R_contra]):
    """Shows the result of a job."""

    async def deliver(self, job: J_contra, outcome: R_contra | ClonevoiceError, /) -> bool:
        """Show the result, or why there is none. Return False if delivery should be retried."""
        ...


@dataclass(eq=False, repr=False)
class Delivery(Generic[J, R]):
    """Delivers results, and retries for a day.

    `result` returns what to deliver, or raises why there is nothing. It is asked again for each attempt.
    """

    jobs: JobRegistry[J]
    presenter: Presenter[J, R]
    clock: Clock
    result: Callable[[J], Awaitable[R]]

    async def run(self, job_id: str) -> None:
        """Deliver the result of a finished job, unless it was delivered before. Gives up a day after this call."""
        give_up = self.clock.now() + GIVE_UP_SECONDS
        while not self.jobs[job_id].delivered and self.clock.now() < give_up:
            if not await self._deliver(self.jobs[job_id]):
                await self.clock.sleep(RETRY_SECONDS)
        if not self.jobs[job_id].delivered:
            _log.warning("the result of job %s could not be delivered", job_id)

    async def _deliver(self, job: J) -> bool:
        """Deliver once. Return False to retry later."""

        def delivered(current: J) -> J:
            # A command may have moved the card meanwhile: then the result has to be shown there, too.
            return replace(current, delivered=True, reply=None) if current.reply in {job.reply, None} else current

        try:
            if not await self.presenter.deliver(job, await self._outcome(job)):
                return False
        except Exception as error:  # noqa: BLE001 - it is logged and retried like any other failure
            expected_error(f"showing the result of job {job.id}", error)
            return False
        await self.jobs.update(job.id, delivered, best_effort=True)
        return True

    async def _outcome(self, job: J) -> R | ClonevoiceError:
        if job.failure:
            return job.failure.to_error()
        try:
            return await self.result(job)
        except Exception as error:  # noqa: BLE001 - the member gets its sentence
            return expected_error(f"the delivery of job {job.id}", error)

    async def erase_tokens(self) -> None:
        """Erase tokens that would be 15 minutes old at the next sweep."""
        soon = self.clock.now() + SWEEP_SECONDS
        for job in self.jobs:
            if job.reply and not job.reply.is_alive(soon):
                await self._erase_token(job.id, job.reply)

    async def _erase_token(self, job_id: str, reply: InteractionReply) -> None:
        try:
            await self.jobs.update(job_id, lambda job: replace(job, reply=None) if job.reply == reply else job)
        except KeyError:  # the job was removed meanwhile
            return
        except StoreError as error:
            _log.error("the token of job %s could not be erased yet: %s", job_id, error)
