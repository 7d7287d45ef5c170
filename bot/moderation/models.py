"""Reports and the cases that they make: who says what of which voice, and what was decided."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from bot.policy.models import AuditEntry, Decision, Moderator
from bot.voices.models import Voice


class ReportReason(StrEnum):
    """Why a voice, or what was spoken with it, is reported."""

    IMPERSONATION = "impersonation"
    HARASSMENT = "harassment"
    DECEPTION = "deception"
    HATE = "hate"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReportedLine:
    """The beginning of what was spoken, by whom (0: unknown), in the message behind `link`."""

    text: str
    speaker_id: int
    speaker_name: str
    link: str


@dataclass(frozen=True, slots=True)
class Report:
    """What one member reported, `at` Unix seconds: a voice, or a `line` that was spoken with it."""

    reporter_id: int
    reporter_name: str
    reason: ReportReason
    at: float
    line: ReportedLine | None = None

    def without(self, member_id: int) -> Self:
        """Take a member off."""
        report = self
        if report.reporter_id == member_id:
            report = replace(report, reporter_id=0, reporter_name="")
        if report.line and report.line.speaker_id == member_id:
            report = replace(report, line=replace(report.line, speaker_id=0, speaker_name=""))
        return report


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
    """What a moderator decided in a case, `at` Unix seconds.

    `member` is who was blocked, the voice's owner or who spoke with it, perhaps for some `days`.
    """

    decision: Decision
    by: Moderator
    at: float
    reason: str = ""
    member: Moderator | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that is reported about one voice of a server until it is decided.

    `message` is where it is shown in the log channel: the channel's id and the message's. What was decided
    is `done` once it is carried out. `shown` is the look that it has there. The `leaving` had all about them
    deleted, and are named until then.
    A voice that is removed without a report has a case too, decided from the start.
    """

    id: int
    target: Target
    reports: tuple[Report, ...] = ()
    message: tuple[int, int] | None = None
    shown: str = ""
    verdict: Verdict | None = None
    done: bool = False
    leaving: tuple[int, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it waits for a moderator."""
        return self.verdict is None

    @property
    def outcome(self) -> str:
        """What came of it, in a word: `silence` if who spoke was blocked, else as the decision is called."""
        if self.verdict is None:
            return "open"
        member = self.verdict.member
        return "silence" if member and member.id != self.target.owner_id else str(self.verdict.decision)

    @property
    def speakers(self) -> tuple[Moderator, ...]:
        """Who spoke the lines that were reported, the last one first, without the voice's owner."""
        lines = [report.line for report in reversed(self.reports) if report.line]
        found = {line.speaker_id: Moderator(line.speaker_id, line.speaker_name) for line in reversed(lines)}
        order = dict.fromkeys(line.speaker_id for line in lines)
        return tuple(found[number] for number in order if number not in {0, self.target.owner_id})

    @property
    def concerned(self) -> frozenset[int]:
        """The members whom it is about: they neither decide it nor learn who reported."""
        return frozenset({self.target.owner_id, *(speaker.id for speaker in self.speakers)})

    @property
    def look(self) -> str:
        """What there is to show of it; another look is shown anew."""
        return f"{len(self.reports)} {self.outcome} {self.done}"

    def entry(self) -> AuditEntry:
        """Write down what was decided."""
        assert self.verdict is not None  # noqa: S101 - else there is nothing to write
        by, target = self.verdict.by, self.target
        return AuditEntry(
            self.verdict.at,
            by.id,
            by.name,
            self.verdict.decision,
            target.title,
            target.owner_id,
            self.verdict.reason,
            member_name=target.owner_name,
            case_id=self.id,
        )

    def names(self, member_id: int) -> bool:
        """Whether it names a member."""
        return (
            member_id in {self.target.owner_id, *(one.reporter_id for one in self.reports)} | self.concerned
        )

    def without(self, member_id: int) -> Self:
        """Take a member off its reports, as soon as it is carried out."""
        if not self.done:
            return replace(self, leaving=(*{*self.leaving, member_id},))
        return replace(self, reports=tuple(report.without(member_id) for report in self.reports))

    def over(self) -> Self:
        """Return it as it is once it is carried out."""
        case = replace(self, done=True, leaving=())
        for member_id in self.leaving:
            case = case.without(member_id)
        return case


EXCERPT = 300
"""How many characters of a spoken line a case keeps."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A spoken line as it stands in a message of the bot's in this server."""

    speech_id: str
    title: str
    text: str
    speaker_name: str
    link: str
