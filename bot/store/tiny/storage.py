"""Where records and samples lie: on disk, so that a kill at any instant loses nothing, or in memory."""

import fcntl
import json
import logging
import os
from contextlib import ExitStack, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from tinydb.storages import MemoryStorage, Storage

from bot.errors import FolderInUse, RecordDamaged

_log = logging.getLogger(__name__)

_TABLES = TypeAdapter(
    dict[str, dict[str, dict[str, Any]]], config=ConfigDict(strict=True, hide_input_in_errors=True)
)
FOLDERS = ("members", "servers", "jobs", "speeches")
"""The folders that records lie in, besides the data folder itself."""

_TEMPORARY = ".tmp"
_ASIDE = (".damaged", *(f".damaged.{number}" for number in range(2, 10)))


class FileStorage(Storage):
    """One JSON file for TinyDB: parsed once, kept in memory, written through. One thread at a time.

    TinyDB's own storage overwrites in place; this one replaces the file, so that a kill or a full
    disk leaves it as it was.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._path = folder / name
        self._content: dict[str, dict[str, Any]] | None = None

    def read(self) -> dict[str, dict[str, Any]] | None:
        """Return the tables, None without a file.

        A file that is not a JSON object is set aside: `RecordDamaged`, again and again until a file is
        back or what was set aside is gone. Anything else that is wrong is raised, and nothing moved.
        """
        if self._content is None:
            self._content = self._load()
        return self._content

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Put `data` in the place of the file; after an `OSError` the next read asks the disk."""
        self._content = None
        replace_file(self._path, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
        self._content = data

    def close(self) -> None:
        """Forget what was read."""
        self._content = None

    def _load(self) -> dict[str, dict[str, Any]] | None:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            for aside in quarantine_paths(self._path):
                if os.path.lexists(aside):
                    raise self._damaged(aside) from None
            return None
        try:
            content = json.loads(raw)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise self._set_aside(str(error)) from error
        if not isinstance(content, dict):
            raise self._set_aside("not an object")
        return _TABLES.validate_python(content)

    def _set_aside(self, reason: str) -> RecordDamaged:
        aside = next((path for path in quarantine_paths(self._path) if not os.path.lexists(path)), None)
        if aside is None:  # left where it is, and refused there
            aside = self._path
        else:
            self._path.rename(aside)
            _sync(aside.parent)
        damaged = self._damaged(aside)
        _log.error("%s: not JSON (%s); restore it, or remove what was set aside", damaged, reason)
        return damaged

    def _damaged(self, aside: Path) -> RecordDamaged:
        file, aside = self._path.relative_to(self._folder), aside.relative_to(self._folder)
        return RecordDamaged(file=str(file), aside=str(aside))


class Folder:
    """A data folder, this process's own until `close`. Names are relative to it: `members/1.json`.

    Opening it makes what is missing and sweeps what a kill left: temporary files, and samples whose
    job is not on record. `FolderInUse` if another process has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs = path / "jobs"
        if not path.exists():
            path.mkdir(mode=0o700, parents=True)
            _sync(path.parent)
        for kind in FOLDERS:
            (path / kind).mkdir(mode=0o700, exist_ok=True)
        _sync(path)
        with ExitStack() as stack:
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            stack.callback(os.close, lock)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderInUse(folder=str(path)) from None
            self._sweep()
            self.close = stack.pop_all().close

    def storage(self, name: str) -> FileStorage:
        """Give a record's storage."""
        return FileStorage(self._path, name)

    def names(self, kind: str, pattern: str = "*.json") -> list[str]:
        """Name the records of a kind that fit a pattern."""
        return [f"{kind}/{path.name}" for path in (self._path / kind).glob(pattern)]

    def write(self, name: str, content: bytes) -> None:
        """Keep a sample."""
        replace_file(self._path / name, content)

    def read(self, name: str) -> bytes:
        """Return a sample; `FileNotFoundError` without one."""
        return (self._path / name).read_bytes()

    def remove(self, name: str) -> None:
        """Remove a record or a sample, if it is there."""
        path = self._path / name
        path.unlink(missing_ok=True)
        _sync(path.parent)

    def _sweep(self) -> None:
        for folder in (self._path, *(self._path / kind for kind in FOLDERS)):
            for suffix in (".json", ".mp3"):
                for stray in folder.glob(f"*{suffix}{_TEMPORARY}"):
                    stray.unlink()
        for sample in self._jobs.glob("*.mp3"):
            record = sample.with_suffix(".json")
            if not any(os.path.lexists(path) for path in (record, *quarantine_paths(record))):
                sample.unlink()


class Memory:
    """What `Folder` is, for tests: forgotten when the process ends."""

    def __init__(self) -> None:
        self._storages: dict[str, MemoryStorage] = {}
        self._samples: dict[str, bytes] = {}

    def storage(self, name: str) -> MemoryStorage:
        """Give a record's storage."""
        return self._storages.setdefault(name, MemoryStorage())

    def names(self, kind: str, pattern: str = "*.json") -> list[str]:
        """Name the records of a kind that fit a pattern."""
        return [name for name in tuple(self._storages) if fnmatch(name, f"{kind}/{pattern}")]

    def write(self, name: str, content: bytes) -> None:
        """Keep a sample."""
        self._samples[name] = content

    def read(self, name: str) -> bytes:
        """Return a sample; `FileNotFoundError` without one."""
        if name not in self._samples:
            raise FileNotFoundError(name)
        return self._samples[name]

    def remove(self, name: str) -> None:
        """Remove a record or a sample, if it is there."""
        self._samples.pop(name, None)
        if name in self._storages:
            self._storages[name].memory = None

    def close(self) -> None:
        """Do nothing: nobody else can have it."""


def quarantine_paths(path: Path) -> list[Path]:
    """Name the places where a damaged file is set aside, in the order in which they are taken."""
    return [path.with_name(path.name + suffix) for suffix in _ASIDE]


def replace_file(path: Path, content: bytes) -> None:
    """Put a file (mode 0600) in the place of another at once and for good, or raise and leave the other."""
    temporary = path.with_name(path.name + _TEMPORARY)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - of a descriptor
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
