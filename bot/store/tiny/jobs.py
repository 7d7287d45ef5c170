"""Unfinished jobs: a file for each clone, with its sample beside it, and a file for each speech."""

from contextlib import suppress
from typing import TypeVar

from bot.cloning.job import CloneJob
from bot.errors import RecordUnreadable
from bot.speaking.job import SpeechJob, SpeechStage
from bot.store.tiny.records import Records, Repository
from bot.store.tiny.rows import Rows
from bot.store.tiny.shapes import JOBS, KINDS, SPEECHES

_T = TypeVar("_T")


class TinyJobs(Repository):
    """`bot.cloning.ports.CloneRepository` in `jobs/<job id>.json` and `jobs/<job id>.mp3`."""

    async def check(self, member_id: int) -> None:
        await _check(self._records, "jobs", f"jobs/{member_id:d}-")

    async def all(self) -> tuple[CloneJob, ...]:
        found = await _read_all(self._records, "jobs", JOBS)
        return tuple(sorted(found, key=lambda job: (job.accepted_at, job.id)))

    async def put(self, job: CloneJob) -> None:
        await self._records.run(_name("jobs", job.id), lambda db: JOBS.put(db, job))

    async def put_sample(self, job_id: str, sample: bytes) -> None:
        file = _sample(job_id)
        await self._records.run(_name("jobs", job_id), lambda _: self._records.folder.write(file, sample))

    async def sample(self, job_id: str) -> bytes:
        file = _sample(job_id)
        return await self._records.run(_name("jobs", job_id), lambda _: self._records.folder.read(file))

    async def remove(self, job_id: str) -> None:
        # The sample last: one without a job is swept, a job needs its own.
        await self._records.remove(_name("jobs", job_id), _sample(job_id))


class TinySpeeches(Repository):
    """`bot.jobs.registry.JobRepository` in `speeches/<id>.json`."""

    async def check(self, _: int) -> None:
        await _check(self._records, "speeches", "")  # their names don't tell whose they are

    async def all(self) -> tuple[SpeechJob, ...]:
        found = await _read_all(self._records, "speeches", SPEECHES)
        return tuple(sorted(found, key=lambda speech: (speech.times.get(SpeechStage.ACCEPTED, 0.0), speech.id)))

    async def put(self, speech: SpeechJob) -> None:
        await self._records.run(_name("speeches", speech.id), lambda db: SPEECHES.put(db, speech))

    async def remove(self, speech_id: str) -> None:
        await self._records.remove(_name("speeches", speech_id))


async def _read_all(records: Records, kind: str, rows: Rows[_T]) -> list[_T]:
    found: list[_T] = []
    with suppress(RecordUnreadable):
        for name in await records.names(kind):
            with suppress(RecordUnreadable):
                found += await records.run(name, rows.all)
    return found


async def _check(records: Records, kind: str, prefix: str) -> None:
    """Raise `RecordUnreadable` for the first record that can't be read, or was set aside."""
    await records.check_quarantine(kind, prefix=prefix)
    for name in await records.names(kind):
        if name.startswith(prefix):
            await records.run(name, lambda db: db.storage.read())


def _name(kind: str, job_id: str) -> str:
    name = f"{kind}/{job_id}.json"
    if not KINDS[kind].pattern.fullmatch(name):
        raise ValueError("not a job's id")
    return name


def _sample(job_id: str) -> str:
    return f"jobs/{job_id}.mp3"
