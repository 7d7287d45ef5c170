"""Decides whether a clone may start: at the command, at *Clone anyway* and at *Try again*."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.clock import Clock
from bot.cloning.consent_gate import ConsentGate
from bot.cloning.errors import AlreadyCloning, OfferLapsed
from bot.cloning.job import CloneJob, Stage
from bot.cloning.ports import CloneRepository
from bot.cloning.queue import CloneQueue
from bot.downloads import MEGABYTE
from bot.erasures import PendingErasures
from bot.errors import Refused
from bot.jobs.durations import TypicalDuration
from bot.jobs.registry import JobRegistry
from bot.library.titles import check_title, clean_title
from bot.mureka.accounts import AccountMonitor
from bot.tasks import Locks
from bot.text import clean_text
from bot.voices.models import DESCRIPTION_LENGTH
from bot.voices.repository import MembersRepository

MAX_UNFINISHED = 250
"""How many clones of all members may be queued or running, and how many may wait for their speakers."""


@dataclass(eq=False, repr=False)
class Admission:
    """Checks clone requests and adds them to the registry."""

    jobs: JobRegistry[CloneJob]
    repository: CloneRepository
    members: MembersRepository
    gate: ConsentGate
    queue: CloneQueue
    accounts: AccountMonitor
    durations: TypicalDuration
    erasures: PendingErasures
    clock: Clock
    max_sample_bytes: int
    max_voices: int
    _closed: bool = field(default=False, init=False)
    _locks: Locks = field(default_factory=Locks, init=False)

    def close(self) -> None:
        """Refuse everything from now on, because the bot is stopping."""
        self._closed = True

    def running(self, owner_id: int) -> CloneJob | None:
        """Return the job that keeps a member from starting another."""
        return next((job for job in self.unfinished(owner_id) if job.blocks_next_clone), None)

    async def accept(self, job: CloneJob, *, sample_size: int) -> CloneJob:
        """Add a job with the options as typed. `sample_size` is in bytes, as Discord reports it.

        Raises Refused, AlreadyCloning, or the MurekaError of an account if none is usable.
        """
        async with self._locks[job.owner_id]:
            self._check_open(job.owner_id)
            await self._check_capacity()
            self._check_not_running(job.owner_id)
            title = clean_title(job.title)
            if sample_size == 0:
                raise Refused("sample.empty")
            if sample_size > self.max_sample_bytes:
                raise Refused("sample.too_large", limit=self.max_sample_bytes / MEGABYTE)
            self._check_speaker(job)
            description = clean_text(job.description)[:DESCRIPTION_LENGTH] or f"{title} ({job.code})"
            job = replace(job, title=title, description=description)
            return await self.jobs.add(job, self._check_new(job))

    async def retry(self, job_id: str, owner_id: int) -> CloneJob:
        """Queue a failed job again. Raises OfferLapsed, or as `accept`."""
        async with self._locks[owner_id]:
            job = self.get(job_id, owner_id)
            if not job.can_retry:
                raise OfferLapsed
            self._check_open(owner_id)
            self._check_not_running(owner_id)
            await self._check_voices(job)
            return await self.change(
                job_id,
                owner_id,
                lambda job: replace(job.advance(Stage.QUEUED, self.clock.now()), failure=None, delivered=False),
            )

    async def confirm(self, job_id: str, owner_id: int) -> None:
        """Clone a sample that the member was asked about. Raises OfferLapsed or AlreadyCloning."""
        async with self._locks[owner_id]:
            if self.get(job_id, owner_id).stage is not Stage.CONFIRMING:
                raise OfferLapsed
            self._check_not_running(owner_id)
            await self.change(job_id, owner_id, self.confirmed)

    def confirmed(self, job: CloneJob) -> CloneJob:
        """Return a job whose sample needs no more questions to its member."""
        return job.advance(Stage.CONSENT if job.speaker else Stage.QUEUED, self.clock.now())

    def get(self, job_id: str, owner_id: int) -> CloneJob:
        """Return a job of this member. Raises OfferLapsed if there is none."""
        if job_id not in self.jobs or self.jobs[job_id].owner_id != owner_id:
            raise OfferLapsed
        return self.jobs[job_id]

    async def change(self, job_id: str, owner_id: int, change: Callable[[CloneJob], CloneJob]) -> CloneJob:
        """Change a job of this member. Raises OfferLapsed if there is none."""
        self.get(job_id, owner_id)
        try:
            return await self.jobs.update(job_id, change)
        except KeyError as error:  # the job was removed meanwhile
            raise OfferLapsed from error

    def _check_open(self, owner_id: int) -> None:
        if self._closed:
            raise Refused("refused.restarting")
        self.erasures.check(owner_id)
        self.accounts.check()

    async def _check_capacity(self) -> None:
        unfinished = sum(not job.finished and not job.awaits_consent for job in self.jobs)
        if unfinished >= MAX_UNFINISHED:
            seconds = unfinished * await self.durations.get() / self.queue.capacity
            raise Refused("refused.queue_full", minutes=1 + round(seconds / 60))

    def _check_not_running(self, owner_id: int) -> None:
        if self.running(owner_id):
            raise AlreadyCloning

    def _check_speaker(self, job: CloneJob) -> None:
        if (speaker := job.speaker) is None:
            return
        if speaker.id in self.erasures:
            raise Refused("refused.speaker_unreachable", name=speaker.name)
        others = self.unfinished(job.owner_id)
        if any(other.speaker and other.speaker.id == speaker.id and not other.has_consent for other in others):
            raise Refused("refused.speaker_being_asked", name=speaker.name)
        if sum(other.awaits_consent for other in self.jobs) >= MAX_UNFINISHED:
            raise Refused("refused.too_many_questions")

    async def _check_new(self, job: CloneJob) -> None:
        await self.repository.check(job.owner_id)
        if job.speaker:
            await self.gate.check_request(job.owner_id, job.speaker)
        await self._check_voices(job)

    async def _check_voices(self, job: CloneJob) -> None:
        """Raise Refused if the title is taken or the member has too many voices."""
        voices = await self.members.voices(job.owner_id)
        titles = [voice.title for voice in voices if not voice.deleting]
        titles += [other.title for other in self.unfinished(job.owner_id) if other.id != job.id]
        check_title(job.title, titles)
        if len(titles) >= self.max_voices:
            raise Refused("refused.too_many_voices", limit=self.max_voices)

    def unfinished(self, owner_id: int) -> list[CloneJob]:
        return [job for job in self.jobs if job.owner_id == owner_id and not job.finished]
