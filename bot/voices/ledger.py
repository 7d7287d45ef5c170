"""The book of all clones under way: who may start one, and where each stands, in memory and on disk."""

import logging
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass

from bot.errors import (
    AlreadyCloning,
    RecordUnwritable,
    SampleEmpty,
    SampleTooLarge,
    TitleBlank,
    TitleTaken,
    TooManyVoices,
)
from bot.voices.clock import Clock
from bot.voices.fetch import MEGABYTE
from bot.voices.jobs import Job, Order
from bot.voices.models import TITLE_LENGTH, Voice, clean_text, is_blank, same_title
from bot.voices.progress import Stage
from bot.voices.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a member may ask for: bytes of one sample, and voices."""

    sample_bytes: int
    voices: int


class Ledger:
    """Jobs by id. What it says was written to the store before; a full disk is `RecordUnwritable`."""

    def __init__(self, store: Store, limits: Limits, clock: Clock) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock
        self._jobs: dict[str, Job] = {}

    def __getitem__(self, job_id: str) -> Job:
        """Return where a job stands; `KeyError` if it is over."""
        return self._jobs[job_id]

    def of(self, owner_id: int) -> Iterable[Job]:
        """Return the jobs of a member that are not over."""
        return [job for job in self._jobs.values() if job.owner_id == owner_id and not job.over]

    def running(self, owner_id: int) -> Job | None:
        """Return the job that keeps a member from starting another."""
        return next((job for job in self.of(owner_id) if job.holds_member), None)

    async def accept(self, order: Order) -> Job:
        """Check what can be checked at once and record the job; `Refused` says why not."""
        if running := self.running(order.owner_id):
            raise AlreadyCloning(job_id=running.id)
        title = clean_text(order.title)[:TITLE_LENGTH]
        if is_blank(title):
            raise TitleBlank
        if order.sample_size == 0:
            raise SampleEmpty
        if order.sample_size > self._limits.sample_bytes:
            raise SampleTooLarge(limit=self._limits.sample_bytes / MEGABYTE)
        others = self.of(order.owner_id)
        description = clean_text(order.description or "")
        job = Job.of(order, title=title, description=description, now=self._clock.now())
        self._jobs[job.id] = job  # before the first await: another command at the same time must see it
        try:
            await self._check_room(job, others)
            await self._write(self._store.put_job(job))
        except BaseException:
            del self._jobs[job.id]
            raise
        return job

    async def move(self, job_id: str, stage: Stage, **changes: object) -> Job:
        """Record that a job went on to `stage`, changed as given."""
        job = self._jobs[job_id].moved(stage, self._clock.now(), **changes)
        await self._write(self._store.put_job(job))
        self._jobs[job_id] = job
        return job

    async def keep_sample(self, job_id: str, sample: bytes) -> None:
        """Keep a job's MP3 on disk until the job is over."""
        await self._write(self._store.put_sample(job_id, sample))

    async def keep_voice(self, voice: Voice) -> None:
        """Record the voice that a job has made."""
        await self._write(self._store.put_voice(voice))

    async def close(self, job_id: str, *, keep_record: bool) -> None:
        """Forget a job that is over, on disk too unless its record is still needed there."""
        del self._jobs[job_id]
        if not keep_record:
            await self._write(self._store.drop_job(job_id))

    async def _check_room(self, job: Job, others: Iterable[Job]) -> None:
        titles = [voice.title for voice in await self._store.voices(job.owner_id)]
        titles += [other.title for other in others]
        if any(same_title(job.title, title) for title in titles):
            raise TitleTaken(title=job.title)
        if len(titles) >= self._limits.voices:
            raise TooManyVoices(limit=self._limits.voices)

    async def _write(self, writing: Awaitable[None]) -> None:
        try:
            await writing
        except OSError as error:
            _log.error("the store could not write: %s", error)
            raise RecordUnwritable from error
