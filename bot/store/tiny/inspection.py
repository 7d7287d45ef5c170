"""Inspects a data folder without changing it, even while the bot uses it."""

import errno
import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.errors import SettingsError
from bot.store.tiny.reader import UnusableRecord, list_records, list_set_aside, read_record
from bot.store.tiny.shapes import KINDS, folder_shape


@dataclass(frozen=True, slots=True)
class Inspection:
    """The number of records of each kind, and the files that can't be used, each with the reason if it has one.

    `in_use`: a process owns the folder.
    """

    counts: Mapping[str, int]
    unusable: Mapping[str, str | None]
    in_use: bool


def inspect_folder(folder: Path) -> Inspection:
    """Open each record as the bot does. Raises `SettingsError` if the bot could not start with this folder."""
    try:
        _check_writable(folder)
        folder_shape(folder)
        in_use = _in_use(folder)
    except OSError as error:
        raise SettingsError("settings.folder", folder=str(folder), reason=error.strerror) from error
    counts: dict[str, int] = {}
    unusable: dict[str, str | None] = {}
    for kind, record_kind in KINDS.items():
        try:
            names = list_records(folder, kind)
            unusable |= dict.fromkeys(list_set_aside(folder, kind))
        except OSError as error:
            unusable[record_kind.folder] = error.strerror
            continue
        counts[kind] = len(names)
        for name in names:
            try:
                read_record(folder, name)
            except UnusableRecord as error:
                unusable[name] = str(error)
    return Inspection(counts, unusable, in_use)


def _check_writable(folder: Path) -> None:
    """Raise `OSError` if a folder can be neither written to nor created."""
    existing = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(existing, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _in_use(folder: Path) -> bool:
    try:
        lock = os.open(folder / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
