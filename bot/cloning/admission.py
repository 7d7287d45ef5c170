"""The book of all clones under way: who may start one, and where each stands, in memory and on disk."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from bot.clock import Clock
from bot.cloning.consent_gate import Approvals
from bot.cloning.errors import AlreadyCloning, OfferLapsed
from bot.cloning.job import CloneJob, CloneRequest
from bot.cloning.stage import Stage
from bot.downloads import MEGABYTE
from bot.errors import Refused, StoreError
from bot.jobs.record import InteractionReply
from bot.store.protocol import Store, recording
from bot.text import clean_text, is_blank, same_title
from bot.voices.models import DESCRIPTION_LENGTH, TITLE_LENGTH, Speaker, Voice

_log = logging.getLogger(__name__)


QUESTIONS = 3
"""How many questions to the same speaker a member can ask …"""

QUESTION_SECONDS = 24 * 60 * 60.0
"""… within this; after a no, none for as long."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a sample, voices of a member, and clones under way: on one account, and in all."""

    sample_bytes: int
    voices: int
    at_once: int = 1
    under_way: int = 250


class Ledger:
    """Jobs by id. What it says was written to the store before; a full disk is `RecordUnwritable`."""

    def __init__(self, store: Store, limits: Limits, clock: Clock, approvals: Approvals) -> None:
        self._store = store
        self._approvals = approvals
        self._limits = limits
        self._clock = clock
        self._jobs: dict[str, CloneJob] = {}
        self._recorded: set[int] = set()
        self._asked: dict[tuple[int, int], list[float]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def __getitem__(self, job_id: str) -> CloneJob:
        """Return where a job stands; `KeyError` if it is on record no more."""
        return self._jobs[job_id]

    def of(self, owner_id: int) -> Iterable[CloneJob]:
        """Return the jobs of a member that are not over."""
        return [job for job in self._jobs.values() if job.owner_id == owner_id and not job.finished]

    async def load(self) -> list[CloneJob]:
        """Learn which voices are recorded, and take over the jobs of an earlier run, oldest first."""
        self._recorded = await self._store.members.voice_ids()
        jobs = await self._store.jobs.all()
        self._jobs = {job.id: job for job in jobs}
        return [*jobs]

    def all(self) -> list[CloneJob]:
        """Return every job on record, also those that are over but not yet told or tried again."""
        return [*self._jobs.values()]

    def claimed(self, job_id: str) -> set[int]:
        """Return the ids of all voices that are recorded, or belong to another job."""
        others = {job.voice_id for job in self._jobs.values() if job.voice_id and job.id != job_id}
        return self._recorded | others

    def find(self, job_id: str, owner_id: int) -> CloneJob | None:
        """Return a member's job by its id; somebody else's is none."""
        job = self._jobs.get(job_id)
        return job if job and job.owner_id == owner_id else None

    def running(self, owner_id: int) -> CloneJob | None:
        """Return the job that keeps a member from starting another."""
        return next((job for job in self.of(owner_id) if job.blocks_next_clone), None)

    async def accept(self, order: CloneRequest) -> CloneJob:
        """Check what can be checked at once and record the job; `Refused` says why not."""
        if self.running(order.owner_id):
            raise AlreadyCloning
        title = clean_text(order.title)[:TITLE_LENGTH]
        if is_blank(title):
            raise Refused("refused.title_blank")
        if order.sample_size == 0:
            raise Refused("sample.empty")
        if order.sample_size > self._limits.sample_bytes:
            raise Refused("sample.too_large", limit=self._limits.sample_bytes / MEGABYTE)
        others = self.of(order.owner_id)
        if order.speaker:
            self._check_question(order.owner_id, order.speaker, others)
        description = clean_text(order.description or "")[:DESCRIPTION_LENGTH]
        job = CloneJob.from_request(order, title=title, description=description, now=self._clock.now())
        self._jobs[job.id] = job  # before the first await: another command at the same time must see it
        async with self._locks[job.id]:
            try:
                await self._store.jobs.check(job.owner_id)
                await self._check_room(job, others)
                await self._write(self._store.jobs.put(job))
            except BaseException:
                del self._jobs[job.id]
                self._locks.pop(job.id, None)
                raise
        return job

    async def reopen(self, job_id: str) -> CloneJob:
        """Queue a failed job again, if there is room for its voice; `Refused` says why not."""
        async with self._locks[job_id]:
            before = self._jobs.get(job_id)
            if before is None or before.stage is not Stage.FAILED:
                raise OfferLapsed
            if self.running(before.owner_id):
                raise AlreadyCloning
            others = self.of(before.owner_id)
            job = before.advanced(Stage.QUEUED, self._clock.now(), failure=None, delivered=False)
            self._jobs[job_id] = job  # before the next await: another click or command must see it
            try:
                await self._check_room(job, others)
                await self._write(self._store.jobs.put(job))
            except BaseException:
                self._jobs[job_id] = before
                raise
        return job

    async def follow(self, job_id: str, reply: InteractionReply) -> CloneJob:
        """Let a job's card be elsewhere from now on; `KeyError` if it is on record no more."""
        # Known before it is on disk: whoever is about to tell the end has to tell it there.
        self._jobs[job_id] = replace(self._jobs[job_id], reply=reply)
        return await self._put(job_id, lambda job: job)

    async def change(self, job_id: str, **changes: Any) -> CloneJob:  # noqa: ANN401 - as in dataclasses.replace
        """Record something new about a job; `KeyError` if it is on record no more."""
        return await self._put(job_id, lambda job: replace(job, **changes))

    async def move(self, job_id: str, stage: Stage, **changes: object) -> CloneJob:
        """Record that a job went on to `stage`, changed as given."""
        return await self._put(job_id, lambda job: job.advanced(stage, self._clock.now(), **changes))

    async def note(self, job_id: str, stage: Stage, **changes: object) -> CloneJob:
        """Do as `move`, but go on even if the disk refuses: it then knows less, and nothing wrong."""
        try:
            return await self.move(job_id, stage, **changes)
        except StoreError as error:
            _log.error("that clone %s is %s could not be recorded: %s", job_id, stage, error)
            self._jobs[job_id] = self._jobs[job_id].advanced(stage, self._clock.now(), **changes)
            return self._jobs[job_id]

    async def erase(self, job_id: str, reply: InteractionReply | None, **changes: Any) -> None:  # noqa: ANN401 - as above
        """Forget where a card was, token and all, unless it is elsewhere by now; change the job as given."""
        await self._put(
            job_id, lambda job: replace(job, reply=None if job.reply == reply else job.reply, **changes)
        )

    async def keep_sample(self, job_id: str, sample: bytes) -> None:
        """Keep a job's MP3 on disk until the job is over."""
        await self._write(self._store.jobs.put_sample(job_id, sample))

    def answered(self, owner_id: int, speaker_id: int, *, approved: bool) -> None:
        """Note what a speaker said: a question that they approved is none too many, a no counts for all."""
        times = self._asked.get((owner_id, speaker_id), [])
        self._asked[owner_id, speaker_id] = times[:-1] if approved else [self._clock.now()] * QUESTIONS

    async def keep_voice(self, voice: Voice) -> Voice:
        """Record the voice that a job has made."""
        await self._write(self._store.members.put(voice))
        self._recorded.add(voice.id)
        return voice

    async def close(self, job_id: str) -> None:
        """Forget a job that is over, its sample too, and an approval of which nothing has come."""
        async with self._locks[job_id]:
            if job := self._jobs.get(job_id):
                await self._approvals.drop(job)
            await self._write(self._store.jobs.drop(job_id))
            self._jobs.pop(job_id, None)
        self._locks.pop(job_id, None)

    def _check_question(self, owner_id: int, speaker: Speaker, others: Iterable[CloneJob]) -> None:
        """Refuse to ask a speaker whom the member asks already, or asked a short while ago."""
        now, pair = self._clock.now(), (owner_id, speaker.id)
        if any(job.speaker and job.speaker.id == speaker.id and not job.has_consent for job in others):
            raise Refused("refused.speaker_being_asked", name=speaker.name)
        self._asked = {
            one: [at for at in times if at > now - QUESTION_SECONDS] for one, times in self._asked.items()
        }
        if len(times := self._asked.get(pair, [])) >= QUESTIONS:
            raise Refused(
                "refused.speaker_asked", name=speaker.name, when=int(times[-QUESTIONS] + QUESTION_SECONDS)
            )
        if sum(job.awaits_consent for job in self._jobs.values()) >= self._limits.under_way:
            raise Refused("refused.too_many_questions")

    async def asked(self, job_id: str) -> None:
        """Note that a job's speaker has got the question."""
        job = await self.change(job_id, speaker_notified=True)
        if job.speaker:
            self._asked.setdefault((job.owner_id, job.speaker.id), []).append(self._clock.now())

    def being_made(self, job: CloneJob) -> list[int]:
        """Return the owners of the other clones of a job's server that are being sent or made."""
        jobs = [other for other in self._jobs.values() if other.in_flight and other.id != job.id]
        return [other.owner_id for other in jobs if other.guild_id == job.guild_id]

    async def _check_room(self, job: CloneJob, others: Iterable[CloneJob]) -> None:
        """Refuse a job whose title is taken, or whose member has enough voices."""
        voices = await self._store.members.voices(job.owner_id)
        titles = [voice.title for voice in voices if not voice.deleting]
        titles += [other.title for other in others]
        if any(same_title(job.title, title) for title in titles):
            raise Refused("refused.title_taken", title=job.title)
        if len(titles) >= self._limits.voices:
            raise Refused("refused.too_many_voices", limit=self._limits.voices)

    async def _put(self, job_id: str, changed: Callable[[CloneJob], CloneJob]) -> CloneJob:
        # One at a time: a change that was made of an older stage must never be written over a newer one.
        async with self._locks[job_id]:
            before = self._jobs[job_id]
            job = changed(before)
            await self._write(self._store.jobs.put(job))
            if (reply := self._jobs[job_id].reply) != before.reply:
                job = replace(job, reply=reply)
            self._jobs[job_id] = job
            return job

    async def _write(self, writing: Awaitable[None]) -> None:
        with recording():
            await writing
