"""The shape of stored data: what each kind of record holds, and the version of the data folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter

from bot.cloning.job import CloneJob
from bot.errors import SettingsError
from bot.library.models import SharedVoice
from bot.moderation.models import Case
from bot.policy.models import AuditEntry, Block, CloneRecord, Policy
from bot.speaking.job import SpeechJob
from bot.store.tiny.rows import Ids, Items, Log, Rows
from bot.store.tiny.upgrades import UPGRADES, Tables
from bot.voices.models import Clip, Consent, Notice, PendingDeletion, Voice

SHAPE = len(UPGRADES)  # The shape that this program writes. Each record, and the folder as a whole, names its own.

VERSION_FILE = "version.json"


@dataclass(frozen=True, slots=True)
class BannedSample:
    """The SHA-256 of a sample."""

    sha256: str


_HIDE = ConfigDict(hide_input_in_errors=True)  # members' texts must not reach a log
VOICES = Rows("voices", TypeAdapter(list[Voice], config=_HIDE), lambda voice: voice.id)
CLIPS = Items("clips", "clips", TypeAdapter(list[Clip], config=_HIDE))  # all clips with a member's voices, oldest first
CONSENTS = Items("consents", "consents", TypeAdapter(list[Consent], config=_HIDE))
"""All consents of a speaker, oldest first."""
POLICIES = Rows("policy", TypeAdapter(list[Policy], config=_HIDE), lambda _: 1)
BLOCKS = Rows("blocks", TypeAdapter(list[Block], config=_HIDE), lambda block: block.member_id)
CLONE_RECORDS = Rows("clone_records", TypeAdapter(list[CloneRecord], config=_HIDE), lambda record: record.voice_id)
CASES = Rows("cases", TypeAdapter(list[Case], config=_HIDE), lambda case: case.id)
SHARES = Rows("shares", TypeAdapter(list[SharedVoice], config=_HIDE), lambda share: share.voice_id)
JOBS = Rows("job", TypeAdapter(list[CloneJob], config=_HIDE), lambda _: 1)
SPEECHES = Rows("job", TypeAdapter(list[SpeechJob], config=_HIDE), lambda _: 1)
PENDING_DELETIONS = Rows(
    "pending_deletions", TypeAdapter(list[PendingDeletion], config=_HIDE), lambda deletion: deletion.voice_id
)
NOTICES = Rows("notices", TypeAdapter(list[Notice], config=_HIDE), lambda notice: int(notice.id, 16))
DURATIONS = {
    kind: Items(f"{kind}_durations", "seconds", TypeAdapter(list[float], config=_HIDE)) for kind in ("clone", "speech")
}
"""The last durations of each kind of job, newest last."""
PENDING_ERASURES = Ids("pending_erasures")
BANNED_VOICES = Ids("banned_voices")
AUDIT = Log("audit", TypeAdapter(list[AuditEntry], config=_HIDE))
UNAUDITED = Items("unaudited", "entries", TypeAdapter(list[AuditEntry], config=_HIDE))
"""The audit entries of changes of this record that are not in the audit files yet."""
BANNED_SAMPLES = Log("banned_samples", TypeAdapter(list[BannedSample], config=_HIDE))

_TABLES = TypeAdapter(
    dict[str, dict[Annotated[str, Field(pattern=r"^\d+$")], dict[str, Any]]],
    config=ConfigDict(strict=True, hide_input_in_errors=True),
)
_RECORDS: Mapping[str, Sequence[Log[Any] | Items[Any]]] = {
    "members": (VOICES, CLIPS, CONSENTS),
    "servers": (POLICIES, BLOCKS, CLONE_RECORDS, BANNED_SAMPLES, CASES, AUDIT, UNAUDITED, SHARES),
    "jobs": (JOBS,),
    "speeches": (SPEECHES,),
    "pending.json": (PENDING_DELETIONS, NOTICES, *DURATIONS.values()),
}


def to_tables(name: str, content: dict[str, Any]) -> Tables:
    """Return the tables of a record of this or an older shape, upgraded to this shape.

    Raises `ValueError` or `TypeError` for a newer shape and for anything that the record must not hold.
    """
    tables = dict(content)
    shape = tables.pop("shape", 0)
    if not _is_shape(shape):
        raise ValueError("its shape is no number")
    if shape > SHAPE:
        raise ValueError(f"its shape {shape} is newer than this program's, {SHAPE}")
    tables = _TABLES.validate_python(tables)
    for upgrade in UPGRADES[shape:]:
        tables = upgrade(tables)
    for rows in _RECORDS[name.partition("/")[0]]:
        rows.parse(tables.get(rows.table, {}).values())
    return tables


def to_content(tables: Tables) -> dict[str, Any]:
    """Return what a record's file holds."""
    return {"shape": SHAPE, **tables}


def folder_shape(folder: Path) -> int:
    """Return the shape of a data folder; 0 without a version file. Changes nothing.

    Raises `SettingsError` if the shape is newer than `SHAPE` or the version file is damaged.
    """
    file = folder / VERSION_FILE
    try:
        shape = json.loads(file.read_bytes())["shape"]
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except (IsADirectoryError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise SettingsError("store.version_damaged", file=str(file)) from error
    if not _is_shape(shape):
        raise SettingsError("store.version_damaged", file=str(file))
    if shape > SHAPE:
        raise SettingsError("store.newer", folder=str(folder), shape=shape, known=SHAPE)
    return shape


def _is_shape(value: object) -> bool:
    return type(value) is int and value >= 0
