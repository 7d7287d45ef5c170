"""Storage of records and samples: files that survive a kill at any instant."""

import fcntl
import json
import logging
import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from tinydb.storages import Storage

from bot.errors import FolderInUse, RecordDamaged, RecordUnreadable, RecordUnwritable
from bot.store.tiny.shapes import SHAPE, VERSION_FILE, folder_shape, to_content, to_tables
from bot.store.tiny.upgrades import Tables

_log = logging.getLogger(__name__)

FOLDERS = ("members", "servers", "jobs", "speeches")
"""The subfolders with records. `pending.json` is in the data folder itself."""

_TEMPORARY = ".tmp"
_ASIDE = (".damaged", *(f".damaged.{number}" for number in range(2, 10)))


class FileStorage(Storage):
    """One JSON file for TinyDB: parsed once, kept in memory, and replaced at the end of each transaction.

    TinyDB's own storage overwrites in place, at each change of a table, which a kill or a full disk can
    interrupt. Use it from one thread at a time.
    """

    def __init__(self, folder: "Folder", name: str) -> None:
        self._folder = folder
        self._name = name
        self._path = folder.path / name
        self._tables: Tables | None = None
        self._changed = False

    def read(self) -> Tables | None:
        """Return the tables, upgraded to the present shape. Returns None without a file.

        Raises `RecordUnreadable`, again at each call until the file is repaired or removed. A file that is
        not a JSON object is set aside first: `RecordDamaged`.
        """
        if self._tables is None:
            with self._folder.converting(self._name, RecordUnreadable):
                self._tables = self._load()
        return self._tables

    def write(self, data: Tables) -> None:
        self._tables, self._changed = data, True

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Replace the file if the block changes it. After an exception the file is unchanged, and read again.

        Raises `RecordUnwritable` if the file can't be replaced.
        """
        try:
            yield
            if self._changed and self._tables is not None:
                with self._folder.converting(self._name, RecordUnwritable):
                    content = json.dumps(to_content(self._tables), ensure_ascii=False, separators=(",", ":"))
                    replace_file(self._path, content.encode())
        except BaseException:
            self._tables = None
            raise
        finally:
            self._changed = False

    def close(self) -> None:
        self._tables = None

    def _load(self) -> Tables | None:
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
        return to_tables(self._name, cast("dict[str, Any]", content))

    def _set_aside(self, reason: str) -> RecordDamaged:
        aside = next((path for path in quarantine_paths(self._path) if not os.path.lexists(path)), None)
        if aside is None:  # left where it is, and refused there
            aside = self._path
        else:
            self._path.rename(aside)
            _sync(aside.parent)
        damaged = self._damaged(aside)
        _log.error("%s: not JSON (%s); restore the file, or remove the one that was set aside", damaged, reason)
        return damaged

    def _damaged(self, aside: Path) -> RecordDamaged:
        return RecordDamaged(file=self._name, aside=str(aside.relative_to(self._folder.path)))


class Folder:
    """A data folder, owned by this process until `close`. Names are relative to it: `members/1.json`.

    Opening it creates what is missing and removes what a kill left: temporary files, and samples whose job
    is not on record. Raises `FolderInUse` if another process owns it, and `SettingsError`, before anything
    is changed, if a newer version of the program wrote it.
    """

    def __init__(self, path: Path) -> None:
        folder_shape(path)
        self.path = path
        self._logged: dict[tuple[str, type[Exception]], str] = {}
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
            if folder_shape(path) != SHAPE:
                replace_file(path / VERSION_FILE, json.dumps({"shape": SHAPE}).encode())
            self._sweep()
            self.close = stack.pop_all().close

    def storage(self, name: str) -> FileStorage:
        return FileStorage(self, name)

    def names(self, kind: str, pattern: str = "*.json") -> list[str]:
        """Return the names of the records of a kind that match a pattern."""
        with self.converting(kind, RecordUnreadable):
            return [f"{kind}/{path.name}" for path in (self.path / kind).glob(pattern)]

    def write(self, name: str, content: bytes) -> None:
        """Write a sample. Raises `RecordUnwritable` on failure."""
        with self.converting(name, RecordUnwritable):
            replace_file(self.path / name, content)

    def read(self, name: str) -> bytes:
        """Return a sample. Raises `FileNotFoundError` without one, and `RecordUnreadable` on failure."""
        path = self.path / name
        with self.converting(name, RecordUnreadable):
            content = path.read_bytes() if path.exists() else None
        if content is None:
            raise FileNotFoundError(name)
        return content

    def remove(self, name: str) -> None:
        """Remove a record or a sample, if it exists. Raises `RecordUnwritable` on failure."""
        path = self.path / name
        with self.converting(name, RecordUnwritable):
            path.unlink(missing_ok=True)
            _sync(path.parent)

    @contextmanager
    def converting(self, name: str, error: type[RecordUnreadable | RecordUnwritable]) -> Generator[None]:
        """Raise `error` for any failure with a file. A reason is logged once, until the file works again."""
        try:
            yield
        except (OSError, ValueError, TypeError, RecursionError) as failure:
            converted, reason = error(file=name), str(failure)
            if self._logged.get((name, error)) != reason:
                self._logged[name, error] = reason
                _log.error("%s: %s", converted, reason)
            raise converted from failure
        self._logged.pop((name, error), None)

    def _sweep(self) -> None:
        for folder in (self.path, *(self.path / kind for kind in FOLDERS)):
            for suffix in (".json", ".mp3"):
                for stray in folder.glob(f"*{suffix}{_TEMPORARY}"):
                    stray.unlink()
        for sample in (self.path / "jobs").glob("*.mp3"):
            record = sample.with_suffix(".json")
            if not any(os.path.lexists(path) for path in (record, *quarantine_paths(record))):
                sample.unlink()


def quarantine_paths(path: Path) -> list[Path]:
    """Return the paths to which a damaged file is moved; the first free one is used."""
    return [path.with_name(path.name + suffix) for suffix in _ASIDE]


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file atomically and durably, with mode 0600. If this raises, the old file is unchanged."""
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
