"""Reads what the bot has on disk, while it writes there: its jobs and its voices."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Contents:
    """The jobs and the voices in a data folder, as they are stored, by their IDs."""

    jobs: Mapping[str, Mapping[str, Any]]
    voices: Mapping[str, Mapping[str, Any]]


def read_contents(folder: Path) -> Contents:
    """Read the data folder of a bot; its files are replaced as a whole, so each is from one moment."""
    jobs = {str(job["id"]): job for tables in _read(folder, "jobs") for job in tables.get("job", {}).values()}
    voices = {id_: voice for tables in _read(folder, "members") for id_, voice in tables.get("voices", {}).items()}
    return Contents(jobs, voices)


def _read(folder: Path, kind: str) -> Iterator[Mapping[str, Any]]:
    for file in sorted((folder / kind).glob("*.json")):
        with suppress(FileNotFoundError):  # it was just removed
            yield json.loads(file.read_bytes())
