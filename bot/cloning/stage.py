"""Where a clone stands, as data; whoever shows it chooses words and bars."""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The states of a clone, in the order in which they are passed."""

    RECEIVED = "received"
    CHECKED = "checked"
    CONFIRMING = "waiting"
    CONSENT = "approval"
    QUEUED = "queued"
    UPLOADING = "uploading"
    CLONING = "cloning"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = frozenset({Stage.DONE, Stage.FAILED, Stage.CANCELLED})
"""The stages after which nothing more happens."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come: bytes while uploading, seconds while cloning, else nothing.

    `total` is the body's size while uploading; while cloning it is the usual duration, an estimate
    that `done` may well pass. `note` is the key of a sentence to add.
    """

    stage: Stage
    done: float = 0
    total: float = 0
    note: str | None = None
