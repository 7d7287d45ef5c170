"""The embedded store: one small TinyDB file a member and a job, so that no write grows with the community."""
# TinyDB leaves the types of its documents open:
# pyright: reportUnknownMemberType=false

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from pydantic import ConfigDict, TypeAdapter
from tinydb import TinyDB
from tinydb.table import Document, Table

from bot.errors import FolderUnusable, RecordDamaged
from bot.store.storage import Folder, Memory
from bot.voices.jobs import Job
from bot.voices.models import Voice
from bot.voices.progress import Stage

_log = logging.getLogger(__name__)

OPEN_FILES = 1024
"""How many parsed files stay in memory."""

DURATIONS = 50
"""How many durations are remembered."""

_PENDING = "pending.json"
_JOB_ID = re.compile(r"[0-9A-Za-z_-]+")
_HIDE_INPUT = ConfigDict(hide_input_in_errors=True)  # members' texts never reach a log
_VOICES = TypeAdapter(list[Voice], config=_HIDE_INPUT)
_JOBS = TypeAdapter(list[Job], config=_HIDE_INPUT)
_SECONDS = TypeAdapter(list[float], config=_HIDE_INPUT)

_T = TypeVar("_T")


class _File:
    """An open record, and the lock that makes reading, changing and writing it one step."""

    def __init__(self, folder: Folder | Memory, name: str) -> None:
        self.database = TinyDB(storage=lambda: folder.storage(name))
        self.lock = asyncio.Lock()


class TinyStore:
    """`bot.voices.store.Store` on TinyDB.

    A file that is JSON but does not hold what it should raises a `ValueError` and stays as it is.
    """

    def __init__(self, folder: Folder | Memory) -> None:
        self._folder = folder
        self._recent: OrderedDict[str, _File] = OrderedDict()
        self._files: WeakValueDictionary[str, _File] = WeakValueDictionary()
        self._running: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Wait for what is under way, then let go of the folder."""
        while self._running:
            await asyncio.wait(self._running)
        self._folder.close()

    async def voices(self, owner_id: int) -> tuple[Voice, ...]:
        """Return a member's voices, oldest first."""
        found = await self._use(
            _member(owner_id), lambda db: _VOICES.validate_python(db.table("voices").all())
        )
        return tuple(sorted(found, key=lambda voice: (voice.created_at, voice.id)))

    async def put_voice(self, voice: Voice) -> None:
        """Record a voice in its owner's file, in the place of one with the same id."""
        [record] = _VOICES.dump_python([voice], mode="json")
        await self._use(_member(voice.owner_id), lambda db: _put(db.table("voices"), voice.id, record))

    async def voice_ids(self) -> set[int]:
        """Return the ids of all members' voices; damaged files are set aside and reported in the log."""

        def read() -> set[int]:  # past the open files: all members at once would push out those in use
            found: set[int] = set()
            for name in self._folder.names("members"):
                try:
                    found |= set(map(int, (self._folder.storage(name).read() or {}).get("voices", {})))
                except RecordDamaged:
                    continue  # reported where it is set aside
                except (ValueError, TypeError, AttributeError):
                    _log.exception("%s does not hold a member's voices; left as it is", name)
            return found

        return await asyncio.to_thread(read)

    async def check_jobs(self, owner_id: int) -> None:
        """Raise `RecordDamaged` while the record of a job of this member is set aside."""
        for name in await asyncio.to_thread(self._folder.names, "jobs", f"{owner_id:d}-*.json.damaged*"):
            raise RecordDamaged(file=name.partition(".damaged")[0], aside=name)

    async def set_aside(self) -> list[str]:
        """Name the files that were damaged and set aside."""
        kinds = (".", "members", "jobs")
        return await asyncio.to_thread(
            lambda: [name for kind in kinds for name in self._folder.names(kind, "*.damaged*")]
        )

    async def jobs(self) -> tuple[Job, ...]:
        """Return every job on record, oldest first; those that can't be read are reported in the log."""
        found: list[Job] = []
        for name in await asyncio.to_thread(self._folder.names, "jobs"):
            found += await self._job(name)
        return tuple(sorted(found, key=lambda job: (job.times.get(Stage.RECEIVED, 0.0), job.id)))

    async def put_job(self, job: Job) -> None:
        """Record where a job stands."""
        [record] = _JOBS.dump_python([job], mode="json")
        await self._use(_job(job.id), lambda db: _put(db.table("job"), 1, record))

    async def put_sample(self, job_id: str, sample: bytes) -> None:
        """Keep a job's MP3 until the job is dropped; without a job on record, until the next start."""
        await self._use(_job(job_id), lambda _: self._folder.write(_sample(job_id), sample))

    async def sample(self, job_id: str) -> bytes:
        """Return a job's MP3; `FileNotFoundError` without one."""
        return await self._use(_job(job_id), lambda _: self._folder.read(_sample(job_id)))

    async def drop_job(self, job_id: str) -> None:
        """Forget a job and its sample; a job that is not there is no error."""

        def drop(db: TinyDB) -> None:
            db.storage.read()  # a damaged one is refused, not removed
            db.storage.close()
            self._folder.remove(_job(job_id))
            self._folder.remove(_sample(job_id))  # last: a sample without a job is swept, a job needs its own

        await self._use(_job(job_id), drop)

    async def durations(self) -> tuple[float, ...]:
        """Return how many seconds the API took for each of the last clones, newest last, 50 at most."""
        return tuple(await self._use(_PENDING, _durations))

    async def add_duration(self, seconds: float) -> None:
        """Remember how long a clone took."""

        def add(db: TinyDB) -> None:
            last = [*_durations(db), seconds][-DURATIONS:]
            _put(db.table("durations"), 1, {"seconds": last})

        await self._use(_PENDING, add)

    async def _job(self, name: str) -> list[Job]:
        try:
            return await self._use(name, lambda db: _JOBS.validate_python(db.table("job").all()))
        except RecordDamaged:
            return []  # reported where it was set aside
        except ValueError:
            _log.exception("%s does not hold a job; left as it is", name)
            return []

    async def _use(self, name: str, work: Callable[[TinyDB], _T]) -> _T:
        """Run `work` on a record in a thread, alone; being cancelled ends the waiting, not the work."""
        file = self._file(name)

        async def alone() -> _T:
            async with file.lock:
                return await asyncio.to_thread(work, file.database)

        task = asyncio.create_task(alone())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    def _file(self, name: str) -> _File:
        """Open a record; one in use stays the same for all, however many others were opened meanwhile."""
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = _File(self._folder, name)
        self._recent[name] = file
        self._recent.move_to_end(name)
        while len(self._recent) > OPEN_FILES:
            self._recent.popitem(last=False)
        return file


@asynccontextmanager
async def open_store(folder: Path | None) -> AsyncGenerator[TinyStore]:
    """Hold the store in a folder, made if need be, or in memory (None).

    `FolderInUse` if another process has the folder, `FolderUnusable` if it can't be made or written to.
    """
    try:
        store = TinyStore(Memory() if folder is None else await asyncio.to_thread(Folder, folder))
    except OSError as error:
        raise FolderUnusable(folder=str(folder), reason=error.strerror) from error
    try:
        yield store
    finally:
        await store.close()


def _member(owner_id: int) -> str:
    return f"members/{owner_id:d}.json"


def _job(job_id: str) -> str:
    if not _JOB_ID.fullmatch(job_id):
        raise ValueError("not a job's id")
    return f"jobs/{job_id}.json"


def _sample(job_id: str) -> str:
    return f"jobs/{job_id}.mp3"


def _durations(db: TinyDB) -> list[float]:
    record = db.table("durations").get(doc_id=1)
    return _SECONDS.validate_python(record["seconds"] if record else [])


def _put(table: Table, doc_id: int, record: dict[str, Any]) -> None:
    """Insert or update; TinyDB's `upsert` writes the file twice for a new document."""
    if table.contains(doc_id=doc_id):
        table.update(record, doc_ids=[doc_id])
    else:
        table.insert(Document(record, doc_id))
