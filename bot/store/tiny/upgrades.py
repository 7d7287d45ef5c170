"""Upgrades of records: one function for each step from a shape to the next.

A record is upgraded when it is read, and its file with the next write. To rename or convert anything that
records hold, append a function to `UPGRADES`; a new field with a default needs none.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from bot.policy.models import RENAMED_RULES

Tables = dict[str, dict[str, dict[str, Any]]]  # a record's rows, by table and id

_NEW_TABLES = {
    "spoken": "clips",
    "cloned": "clone_records",
    "banned": "banned_samples",
    "barred": "banned_voices",
    "owed": "pending_deletions",
    "leaving": "pending_erasures",
    "durations": "clone_durations",
}
_NEW_FIELDS: Mapping[str, Mapping[str, str]] = {
    "policy": RENAMED_RULES,
    "clone_records": {"gone": "deleted"},
    "audit": {"decision": "action"},
    "job": {  # of clones and of clips
        "doubtful": "needs_confirmation",
        "asked": "speaker_notified",
        "facts": "sample_info",
        "listed": "voice_ids_before",
        "unclear_since": "outcome_unknown_since",
        "told": "delivered",
        "speaker_id": "author_id",
        "speaker_name": "author_name",
    },
}
_NEW_NESTED_FIELDS: Mapping[str, Mapping[str, str]] = {
    "clips": {"lines": "clips", "speaker_id": "author_id", "speaker_name": "author_name"},
    "cases": {
        "target": "voice",
        "shown": "displayed_state",
        "leaving": "erasing",
        "verdict": "decision",
        "decision": "action",  # of a verdict
        "line": "clip",
        "speaker_id": "author_id",
        "speaker_name": "author_name",
    },
}


def from_0_to_1(tables: Tables) -> Tables:
    """Rename tables, fields, and the rules that audit entries name. Shape 0 has no version file."""
    upgraded: Tables = {}
    for old_table, rows in tables.items():
        table = _NEW_TABLES.get(old_table, old_table)
        fields, nested = _NEW_FIELDS.get(table, {}), _NEW_NESTED_FIELDS.get(table, {})
        upgraded[table] = {
            doc_id: {fields.get(name, name): value for name, value in _renamed(row, nested).items()}
            for doc_id, row in rows.items()
        }
    for entry in upgraded.get("audit", {}).values():
        if entry.get("action") == "policy" and "subject" in entry:
            entry["subject"] = RENAMED_RULES.get(entry["subject"], entry["subject"])
    return upgraded


def _renamed(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """Rename the keys of a JSON value's objects, however deep."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {names.get(key, key): _renamed(inner, names) for key, inner in items}
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in cast("list[Any]", value)]
    return value


def from_1_to_2(tables: Tables) -> Tables:
    """Change nothing: since shape 2, the file has a checksum."""
    return tables


UPGRADES: tuple[Callable[[Tables], Tables], ...] = (from_0_to_1, from_1_to_2)
"""The upgrade at index `n` leads from shape `n` to shape `n + 1`."""
