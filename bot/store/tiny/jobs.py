"""What is under way: a file a clone with its sample beside it, a file a line that is being spoken."""
# TinyDB leaves the types of its documents open:
# pyright: reportUnknownMemberType=false

import logging
import re
from typing import Any

from pydantic import TypeAdapter
from tinydb import TinyDB

from bot.cloning.job import CloneJob
from bot.cloning.stage import Stage
from bot.errors import RecordDamaged
from bot.speaking.job import SpeechJob, SpeechStage
from bot.store.tiny.records import HIDE_INPUT, Records, forget, put

_log = logging.getLogger(__name__)

_ID = re.compile(r"[0-9A-Za-z_-]+")
_JOBS = TypeAdapter(list[CloneJob], config=HIDE_INPUT)
_SPEECHES = TypeAdapter(list[SpeechJob], config=HIDE_INPUT)


class TinyJobs:
    """`bot.voices.store.Jobs`: `jobs/<job id>.json` and `jobs/<job id>.mp3`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def check(self, owner_id: int) -> None:
        """Raise `RecordDamaged` while the record of a job of this member is set aside."""
        for name in await self._records.names("jobs", f"{owner_id:d}-*.json.damaged*"):
            raise RecordDamaged(file=name.partition(".damaged")[0], aside=name)

    async def all(self) -> tuple[CloneJob, ...]:
        """Return every job on record, oldest first; those that can't be read are reported in the log."""
        found = await _read_all(self._records, "jobs", _JOBS)
        return tuple(sorted(found, key=lambda job: (job.times.get(Stage.RECEIVED, 0.0), job.id)))

    async def put(self, job: CloneJob) -> None:
        """Record where a job stands."""
        [record] = _JOBS.dump_python([job], mode="json")
        await self._records.run(_name("jobs", job.id), lambda db: put(db.table("job"), 1, record))

    async def put_sample(self, job_id: str, sample: bytes) -> None:
        """Keep a job's MP3 until the job is dropped; without a job on record, until the next start."""
        file = _sample(job_id)
        await self._records.run(_name("jobs", job_id), lambda _: self._records.folder.write(file, sample))

    async def sample(self, job_id: str) -> bytes:
        """Return a job's MP3; `FileNotFoundError` without one."""
        file = _sample(job_id)
        return await self._records.run(_name("jobs", job_id), lambda _: self._records.folder.read(file))

    async def drop(self, job_id: str) -> None:
        """Forget a job and its sample; a job that is not there is no error."""

        def drop(db: TinyDB) -> None:
            forget(db)
            self._records.folder.remove(_name("jobs", job_id))
            # Last: a sample without a job is swept, a job needs its own.
            self._records.folder.remove(_sample(job_id))

        await self._records.run(_name("jobs", job_id), drop)


class TinySpeeches:
    """`bot.voices.store.Speeches`: `speeches/<id>.json`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def all(self) -> tuple[SpeechJob, ...]:
        """Return every line under way, oldest first; those that can't be read are reported in the log."""
        found = await _read_all(self._records, "speeches", _SPEECHES)
        return tuple(sorted(found, key=lambda speech: (speech.times[SpeechStage.ACCEPTED], speech.id)))

    async def put(self, speech: SpeechJob) -> None:
        """Record where a line stands."""
        [record] = _SPEECHES.dump_python([speech], mode="json")
        await self._records.run(_name("speeches", speech.id), lambda db: put(db.table("job"), 1, record))

    async def drop(self, speech_id: str) -> None:
        """Forget a line; one that is not there is no error."""
        await self._records.remove(_name("speeches", speech_id))


async def _read_all(records: Records, kind: str, adapter: TypeAdapter[list[Any]]) -> list[Any]:
    found: list[Any] = []
    for name in await records.names(kind):
        try:
            found += await records.run(name, lambda db: adapter.validate_python(db.table("job").all()))
        except RecordDamaged:
            continue  # reported where it was set aside
        except ValueError:
            _log.exception("%s does not hold a job; left as it is", name)
    return found


def _name(kind: str, job_id: str) -> str:
    if not _ID.fullmatch(job_id):
        raise ValueError("not a job's id")
    return f"{kind}/{job_id}.json"


def _sample(job_id: str) -> str:
    return f"jobs/{job_id}.mp3"
