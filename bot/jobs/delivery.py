"""The end of a job: recorded, told until its member knows, then forgotten."""

import logging
from contextlib import suppress

from bot.clock import Clock
from bot.cloning.admission import Ledger
from bot.cloning.errors import Cancelled, VoiceNotFound
from bot.cloning.job import CloneJob
from bot.cloning.ports import ClonePresenter
from bot.cloning.stage import Stage
from bot.errors import ClonevoiceError, StoreError
from bot.jobs.record import Failure
from bot.mureka.errors import MurekaError
from bot.voices.models import Voice

_log = logging.getLogger(__name__)

RETRY_SECONDS = 24 * 60 * 60.0
"""How long `Try again` is offered, and an end that could not be told is kept."""

SWEEP_SECONDS = 5.0
"""Seconds between looks for what has to go: a token, by when it is 15 minutes old."""

TELL_AGAIN_SECONDS = 60.0
"""Seconds between attempts to tell a member of an end."""


class Ending:
    """Sees jobs out, and sweeps what they left behind."""

    def __init__(self, ledger: Ledger, sink: ClonePresenter, clock: Clock) -> None:
        self._ledger = ledger
        self._sink = sink
        self._clock = clock

    async def end(self, job_id: str, outcome: Voice | ClonevoiceError) -> None:
        """Record an end, tell the member until they know, and forget the job as soon as nothing needs it."""
        job = self._ledger[job_id]
        if isinstance(outcome, ClonevoiceError) and not job.finished:
            stage = Stage.CANCELLED if isinstance(outcome, Cancelled) else Stage.FAILED
            unclear = self._clock.now() if _unaccounted(job, outcome) else None
            job = await self._ledger.note(
                job_id, stage, failure=Failure.from_error(outcome), outcome_unknown_since=unclear
            )
        if not job.delivered:
            await self._tell(job_id, outcome)
        with suppress(StoreError):
            if job.can_retry:
                await self._ledger.erase(job_id, self._ledger[job_id].reply, delivered=True)
            else:
                await self._ledger.close(job_id)

    async def _tell(self, job_id: str, outcome: Voice | ClonevoiceError) -> None:
        give_up = self._clock.now() + RETRY_SECONDS
        while self._clock.now() < give_up:
            job = self._ledger[job_id]
            try:
                told = await self._sink.deliver(job, outcome)
            except Exception:  # noqa: BLE001 - it is logged, and tried again like any other failure
                _log.exception("the end of clone %s could not be shown", job_id)
                told = False
            if not told:
                await self._clock.sleep(TELL_AGAIN_SECONDS)
            elif self._ledger[job_id].reply in {job.reply, None}:  # else a command has moved the card
                return
        _log.warning("the end of clone %s could not be told", job_id)

    async def sweep(self) -> None:
        """Erase tokens before they are 15 minutes old, and jobs that nobody tried again within a day."""
        while True:
            for seen in self._ledger.all():
                try:
                    await self._sweep(self._ledger[seen.id])  # as it stands after whatever was waited for
                except (StoreError, KeyError):
                    continue
                except Exception:  # noqa: BLE001 - one job must not end the sweeping of all
                    _log.exception("clone %s could not be swept", seen.id)
            await self._clock.sleep(SWEEP_SECONDS)

    async def _sweep(self, job: CloneJob) -> None:
        now = self._clock.now()
        if job.delivered and now - job.times[Stage.FAILED] > RETRY_SECONDS:
            await self._ledger.close(job.id)
        elif job.reply and not job.reply.is_alive(now + SWEEP_SECONDS):
            await self._ledger.erase(job.id, job.reply)


def _unaccounted(job: CloneJob, error: ClonevoiceError) -> bool:
    """Whether a job ends while a voice of it may exist that is not on record."""
    if isinstance(error, VoiceNotFound):
        return True
    sent = job.stage is Stage.CLONING or job.outcome_unknown_since is not None
    return sent and not isinstance(error, MurekaError)
