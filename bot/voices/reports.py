"""Reports and the cases that they make: who says what of which voice, and what was decided."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from bot.voices.models import Voice
from bot.voices.policy import Decision, Moderator


class ReportReason(StrEnum):
    """Why a voice, or what was spoken with it, is reported."""

    IMPERSONATION = "impersonation"
    HARASSMENT = "harassment"
    DECEPTION = "deception"
    HATE = "hate"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Report:
    """What one member reported, `at` Unix seconds.

    If it is about a spoken line, that is `said`, by `said_by`, in the message behind `link`.
    """

    reporter_id: int
    reporter_name: str
    reason: ReportReason
    at: float
    said: str = ""
    said_by: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A voice that something is decided about, as it was known then: its owner may delete it meanwhile.

    One that was `cloned_here` is this server's to destroy.
    """

    voice_id: int
    owner_id: int
    owner_name: str
    title: str
    sample_sha256: str
    cloned_here: bool

    @classmethod
    def of(cls, voice: Voice, guild_id: int) -> Self:
        """Take note of a voice in a server."""
        return cls(
            voice.id,
            voice.owner_id,
            voice.owner_name,
            voice.title,
            voice.sample_sha256,
            voice.guild_id == guild_id,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a moderator decided in a case, `at` Unix seconds; a block may end after so many `days`."""

    decision: Decision
    by: Moderator
    at: float
    reason: str = ""
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that is reported about one voice of a server until it is decided.

    `message` is where it is shown in the log channel: the channel's id and the message's. What was decided
    is `done` once it is carried out.
    """

    id: int
    target: Target
    reports: tuple[Report, ...]
    message: tuple[int, int] | None = None
    verdict: Verdict | None = None
    done: bool = False

    @property
    def open(self) -> bool:
        """Whether it waits for a moderator."""
        return self.verdict is None

    def without(self, member_id: int) -> Self:
        """Take a member off the reports."""
        return replace(
            self,
            reports=tuple(
                replace(report, reporter_id=0, reporter_name="")
                if report.reporter_id == member_id
                else report
                for report in self.reports
            ),
        )
