"""The shape of stored data: what each kind of record holds, and the version of the data folder."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import ConfigDict, Field, TypeAdapter

from bot.cloning.job import CloneJob
from bot.errors import SettingsError
from bot.jobs.deferred import DeferredReply
from bot.jobs.record import JobRecord
from bot.library.models import Absence, SharedVoice
from bot.moderation.models import Case
from bot.policy.models import AuditEntry, Block, CloneRecord, Policy
from bot.speaking.job import SpeechJob
from bot.store.tiny.rows import Ids, Items, Log, Rows
from bot.store.tiny.upgrades import UPGRADES, Tables
from bot.voices.models import Clip, Consent, ConsentRequest, Notice, PendingDeletion, Voice

SHAPE = len(UPGRADES)  # The shape that this program writes. Each record, and the folder as a whole, names its own.

CHECKSUM_SHAPE = 2  # records of older shapes have no checksum

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
REQUESTS = Items("requests", "requests", TypeAdapter(list[ConsentRequest], config=_HIDE))
"""The recent consent requests to a speaker, oldest first."""
POLICIES = Rows("policy", TypeAdapter(list[Policy], config=_HIDE), lambda _: 1)
BLOCKS = Rows("blocks", TypeAdapter(list[Block], config=_HIDE), lambda block: block.member_id)
CLONE_RECORDS = Rows("clone_records", TypeAdapter(list[CloneRecord], config=_HIDE), lambda record: record.voice_id)
CASES = Rows("cases", TypeAdapter(list[Case], config=_HIDE), lambda case: case.id)
SHARES = Rows("shares", TypeAdapter(list[SharedVoice], config=_HIDE), lambda share: share.voice_id)
ABSENCES = Items("absences", "absences", TypeAdapter(list[Absence], config=_HIDE))
"""At most one, in the record of a server's shared voices."""
JOBS = Rows("job", TypeAdapter(list[CloneJob], config=_HIDE), lambda _: 1)
SPEECHES = Rows("job", TypeAdapter(list[SpeechJob], config=_HIDE), lambda _: 1)
PENDING_DELETIONS = Rows(
    "pending_deletions", TypeAdapter(list[PendingDeletion], config=_HIDE), lambda deletion: deletion.voice_id
)
NOTICES = Rows("notices", TypeAdapter(list[Notice], config=_HIDE), lambda notice: int(notice.id, 16))
DEFERRED_REPLIES = Rows(
    "deferred_replies", TypeAdapter(list[DeferredReply], config=_HIDE), lambda reply: reply.interaction_id
)
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
    dict[str, dict[Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,19})$")], dict[str, Any]]],
    config=ConfigDict(strict=True, hide_input_in_errors=True),
)
_ID = r"(?P<id>0|[1-9][0-9]{0,19})"
_JOB_ID = r"(?P<id>[0-9A-Za-z_-]+)"


@dataclass(frozen=True, slots=True)
class RecordKind:
    """A kind of record: its folder, the pattern of its names, its tables, and whether it holds just one row."""

    folder: str
    pattern: re.Pattern[str]
    tables: Sequence[Log[Any] | Items[Any] | Ids]
    single: bool = False

    def id_of(self, name: str) -> str:
        """Return the ID of the member, server or job that a record is about."""
        found = self.pattern.fullmatch(name)
        assert found is not None  # noqa: S101 - the store composed or matched the name
        return found["id"]


KINDS: Mapping[str, RecordKind] = {
    "members": RecordKind("members", re.compile(rf"members/{_ID}\.json"), (VOICES, CLIPS, CONSENTS, REQUESTS)),
    "servers": RecordKind(
        "servers",
        re.compile(rf"servers/{_ID}\.json"),
        (POLICIES, BLOCKS, CLONE_RECORDS, BANNED_SAMPLES, BANNED_VOICES, CASES, UNAUDITED),
    ),
    "shares": RecordKind("servers", re.compile(rf"servers/{_ID}\.shares\.json"), (SHARES, ABSENCES)),
    "audit": RecordKind("servers", re.compile(rf"servers/{_ID}\.audit-[0-9]{{4}}-[0-9]{{2}}\.json"), (AUDIT,)),
    "jobs": RecordKind("jobs", re.compile(rf"jobs/{_JOB_ID}\.json"), (JOBS,), single=True),
    "speeches": RecordKind("speeches", re.compile(rf"speeches/{_JOB_ID}\.json"), (SPEECHES,), single=True),
    "pending": RecordKind(
        "",
        re.compile(r"(?P<id>pending)\.json"),
        (PENDING_DELETIONS, PENDING_ERASURES, NOTICES, DEFERRED_REPLIES, *DURATIONS.values()),
    ),
}
"""The kinds of records. Files with other names are foreign: operating systems and editors leave some."""

_NAMED_BY: Mapping[str, Callable[[Any], object]] = {
    "voices": lambda voice: voice.owner_id,
    "consents": lambda consent: consent.statement.by,
    "requests": lambda request: request.speaker_id,
    "job": lambda job: job.id,
}
"""The field of a table's rows that the name of their file repeats."""

_MIN_FLOAT, _MAX_FLOAT = -1000.0, 253_402_300_800.0  # from the lowest levels in dB up to times in the year 9999


class NewerShape(ValueError):
    """A newer version of the program wrote this."""


def kind_of(name: str) -> RecordKind:
    """Return the kind of the record with this name."""
    return next(kind for kind in KINDS.values() if kind.pattern.fullmatch(name))


def to_tables(name: str, content: dict[str, Any], *, checked: bool) -> Tables:
    """Return the tables of a record of this or an older shape, upgraded to this shape.

    Raises `NewerShape` for a newer shape, and `ValueError`, or whatever an upgrade raises, for anything that
    the record must not hold. `checked`: it had a checksum.
    """
    kind, tables = kind_of(name), dict(content)
    shape = tables.pop("shape", 0)
    if not _is_shape(shape):
        raise ValueError("its shape is no number")
    if shape > SHAPE:
        raise NewerShape(f"its shape {shape} is newer than this program's, {SHAPE}")
    if checked is not (shape >= CHECKSUM_SHAPE):
        raise ValueError("it lacks its checksum or its shape")
    tables = _TABLES.validate_python(tables)
    for upgrade in UPGRADES[shape:]:
        tables = upgrade(tables)
    known = {rows.table for rows in kind.tables}
    others = {rows.table for other in KINDS.values() for rows in other.tables} - known
    if tables.keys() & others or (not checked and not tables.keys() <= known):
        raise ValueError("it has another record's tables")
    for rows in kind.tables:
        _check(rows, tables.get(rows.table, {}), kind.id_of(name))
    if kind.single and len(tables.get(kind.tables[0].table, {})) != 1:
        raise ValueError("it does not have exactly one row")
    return tables


def _check(rows: Log[Any] | Items[Any] | Ids, documents: dict[str, dict[str, Any]], record_id: str) -> None:
    """Raise `ValueError` if a table's documents are not what the program could have written there."""
    if isinstance(rows, Ids):
        return
    parsed = rows.parse(documents.values())
    named_by = _NAMED_BY.get(rows.table)
    if named_by and any(str(named_by(row)) != record_id for row in parsed):
        raise ValueError("its rows belong to another record")
    if any(isinstance(row, JobRecord) and not row.consistent for row in parsed):
        raise ValueError("a job lacks what its stage needs")
    keys = [int(key) for key in documents]
    if keys != ([rows.key(row) for row in parsed] if isinstance(rows, Rows) else keys):
        raise ValueError("a row has another one's key")
    if isinstance(rows, Items) and keys not in ([], [1]):
        raise ValueError("a list has another key than 1")
    _check_floats(rows.adapter.dump_python(parsed))


def _check_floats(value: Any) -> None:  # noqa: ANN401 - JSON
    """Raise `ValueError` for a number that is no time, duration or level."""
    inner: Iterable[Any] = ()
    if isinstance(value, float):
        if not _MIN_FLOAT <= value < _MAX_FLOAT:
            raise ValueError("a time is out of range")
    elif isinstance(value, dict):
        inner = cast("dict[str, Any]", value).values()
    elif isinstance(value, list | tuple):
        inner = cast("list[Any]", value)
    for one in inner:
        _check_floats(one)


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
