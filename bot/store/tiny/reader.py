"""Reads a data folder without changing it: the names of its records, and each record, or why it can't be used."""

import os
from pathlib import Path

from pydantic import ValidationError

from bot.store.tiny.encoding import decode
from bot.store.tiny.shapes import KINDS, NewerShape, to_tables
from bot.store.tiny.upgrades import Tables

SET_ASIDE = (".damaged", *(f".damaged.{number}" for number in range(2, 10)))
"""The suffixes of damaged files. The first one that is free is used."""

_LONGEST_REASON = 200  # characters


class UnusableRecord(Exception):
    """Why a record can't be used. `damaged` is False if it couldn't be read, or if a newer version wrote it."""

    def __init__(self, reason: str, *, damaged: bool) -> None:
        super().__init__(reason[:_LONGEST_REASON])
        self.damaged = damaged


def read_record(folder: Path, name: str) -> Tables | None:
    """Return a record's tables, upgraded to the present shape. Returns None without a file.

    Raises only `UnusableRecord`.
    """
    try:
        raw = (folder / name).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableRecord(error.strerror or str(error), damaged=False) from error
    try:
        content, checked = decode(raw)
        return to_tables(name, content, checked=checked)
    except NewerShape as error:
        raise UnusableRecord(str(error), damaged=False) from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise UnusableRecord(_reason(error), damaged=True) from error


def _reason(error: Exception) -> str:
    """Return a reason in one line. Pydantic's own text has several, for each wrong field."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def list_records(folder: Path, kind: str) -> list[str]:
    """Return the names of the records of a kind, readable or not. Raises `OSError`."""
    return [name for name in _names(folder, kind) if KINDS[kind].pattern.fullmatch(name)]


def list_set_aside(folder: Path, kind: str) -> list[str]:
    """Return the names of the damaged files of a kind that were set aside. Raises `OSError`."""
    found: list[str] = []
    for name in _names(folder, kind):
        record, damaged, number = name.partition(SET_ASIDE[0])
        if damaged + number in SET_ASIDE and KINDS[kind].pattern.fullmatch(record):
            found.append(name)
    return found


def _names(folder: Path, kind: str) -> list[str]:
    under = KINDS[kind].folder
    try:
        with os.scandir(folder / under) as entries:
            return sorted(f"{under}/{entry.name}" if under else entry.name for entry in entries)
    except FileNotFoundError:
        return []
