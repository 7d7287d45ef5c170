"""Storage of records and samples: files that survive a kill at any instant."""

import fcntl
import json
import logging
import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tinydb.storages import Storage

from bot.errors import FolderInUse, RecordDamaged, RecordUnreadable, RecordUnwritable, StoreError
from bot.store.tiny.encoding import encode
from bot.store.tiny.reader import SET_ASIDE, UnusableRecord, list_records, list_set_aside, read_record
from bot.store.tiny.shapes import KINDS, SHAPE, VERSION_FILE, folder_shape, to_content
from bot.store.tiny.upgrades import Tables

_log = logging.getLogger(__name__)

FOLDERS = tuple(dict.fromkeys(kind.folder for kind in KINDS.values() if kind.folder))
"""The subfolders with records. `pending.json` is in the data folder itself."""

_TEMPORARY = ".tmp"
_E = TypeVar("_E", bound=StoreError)


class FileStorage(Storage):
    """One JSON file for TinyDB: parsed once, kept in memory, and replaced at the end of each transaction.

    TinyDB's own storage overwrites in place, at each change of a table, which a kill or a full disk can
    interrupt. Use it from one thread at a time.
    """

    def __init__(self, folder: "Folder", name: str) -> None:
        self._folder = folder
        self._name = name
        self._tables: Tables | None = None
        self._changed = False

    def read(self) -> Tables | None:
        """Return the tables, upgraded to the present shape. Returns None without a file.

        Raises `RecordUnreadable` or `RecordDamaged`, again at each call until the file is repaired or removed.
        """
        if self._tables is None:
            self._tables = self._folder.load(self._name)
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
                    replace_file(self._folder.path / self._name, encode(to_content(self._tables)))
        except BaseException:
            self._tables = None
            raise
        finally:
            self._changed = False

    def close(self) -> None:
        self._tables = None


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

    def load(self, name: str) -> Tables | None:
        """Return a record's tables. Returns None without a file. A failure is logged once, until the file works.

        Raises `RecordUnreadable`, or, once it has been set aside, `RecordDamaged`.
        """
        try:
            tables = read_record(self.path, name)
        except UnusableRecord as unusable:
            raise self._refuse(name, unusable) from unusable
        if tables is None:
            for aside in _quarantine_names(name):
                if os.path.lexists(self.path / aside):
                    raise RecordDamaged(file=name, aside=aside)
        self._logged.pop((name, RecordUnreadable), None)
        return tables

    def _refuse(self, name: str, unusable: UnusableRecord) -> RecordUnreadable:
        """Set a damaged record aside. One that can't be moved stays where it is, and is refused there."""
        reason = str(unusable)
        if not unusable.damaged:
            return self._report(RecordUnreadable(file=name), name, reason)
        aside = next((aside for aside in _quarantine_names(name) if not os.path.lexists(self.path / aside)), name)
        try:
            if aside != name:
                (self.path / name).rename(self.path / aside)
                _sync((self.path / aside).parent)
        except OSError as error:
            aside, reason = name, f"{reason}; it can't be set aside: {error.strerror}"
        reason += "; restore the file, or remove the one that was set aside"
        return self._report(RecordDamaged(file=name, aside=aside), name, reason)

    def names(self, kind: str) -> list[str]:
        """Return the names of the records of a kind. Raises `RecordUnreadable` if they can't be listed."""
        with self.converting(KINDS[kind].folder, RecordUnreadable):
            return list_records(self.path, kind)

    def quarantined(self, kind: str) -> list[str]:
        """Return the names of the files of a kind that were set aside. Raises as `names`."""
        with self.converting(KINDS[kind].folder, RecordUnreadable):
            return list_set_aside(self.path, kind)

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
            raise self._report(error(file=name), name, str(failure)) from failure
        self._logged.pop((name, error), None)

    def _report(self, error: _E, name: str, reason: str) -> _E:
        """Log an error with a file, unless that was the last one of its kind that was logged for it."""
        kind = RecordUnwritable if isinstance(error, RecordUnwritable) else RecordUnreadable
        if self._logged.get((name, kind)) != reason:
            self._logged[name, kind] = reason
            _log.error("%s: %s", error, reason)
        return error

    def _sweep(self) -> None:
        """Remove what a kill left. What isn't a record's or a sample's is foreign, and stays."""
        for kind in FOLDERS:
            with suppress(OSError):  # a folder that can't be listed: what depends on it says so
                for entry in [*os.scandir(self.path / kind)]:
                    if self._is_stray(f"{kind}/{entry.name}"):
                        with suppress(OSError):
                            (self.path / kind / entry.name).unlink()
        with suppress(OSError):
            for name in ("pending.json", VERSION_FILE):
                (self.path / (name + _TEMPORARY)).unlink(missing_ok=True)

    def _is_stray(self, name: str) -> bool:
        """Return True for the temporary file of a record or sample, and for a sample whose job is not on record."""
        kept = name.removesuffix(_TEMPORARY)
        record = f"{kept.removesuffix('.mp3')}.json" if kept.endswith(".mp3") else kept
        if not any(kind.pattern.fullmatch(record) for kind in KINDS.values()):
            return False
        if kept != name:
            return True
        return kept != record and not any(
            os.path.lexists(self.path / place) for place in (record, *_quarantine_names(record))
        )


def _quarantine_names(name: str) -> list[str]:
    """Return the names to which a damaged file is moved; the first free one is used."""
    return [name + suffix for suffix in SET_ASIDE]


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
