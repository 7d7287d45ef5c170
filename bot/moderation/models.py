"""Reports and the cases that they make: who says what of which voice, and what was decided."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from bot.policy.models import AuditEntry, ModAction, UserRef
from bot.voices.models import Voice


class ReportReason(StrEnum):
    """Why a voice, or what was spoken with it, is reported."""

    IMPERSONATION = "impersonation"
    HARASSMENT = "harassment"
    DECEPTION = "deception"
    HATE = "hate"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReportedClip:
    """The beginning of what was spoken, by whom (0: unknown), in the message behind `link`."""

    text: str
    author_id: int
    author_name: str
    link: str


@dataclass(frozen=True, slots=True)
class Report:
    """What one member reported, `at` Unix seconds: a voice, or a `line` that was spoken with it."""

    reporter_id: int
    reporter_name: str
    reason: ReportReason
    at: float
    clip: ReportedClip | None = None

    def without_member(self, member_id: int) -> Self:
        """Take a member off."""
        report = self
        if report.reporter_id == member_id:
            report = replace(report, reporter_id=0, reporter_name="")
        if report.clip and report.clip.author_id == member_id:
            report = replace(report, clip=replace(report.clip, author_id=0, author_name=""))
        return report


@dataclass(frozen=True, slots=True)
class ReportedVoice:
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
    def from_voice(cls, voice: Voice, guild_id: int) -> Self:
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
class Decision:
    """What a moderator decided in a case, `at` Unix seconds.

    `member` is who was blocked, the voice's owner or who spoke with it, perhaps for some `days`.
    """

    action: ModAction
    by: UserRef
    at: float
    reason: str = ""
    member: UserRef | None = None
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
    voice: ReportedVoice
    reports: tuple[Report, ...] = ()
    message: tuple[int, int] | None = None
    displayed_state: str = ""
    decision: Decision | None = None
    done: bool = False
    erasing: tuple[int, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it waits for a moderator."""
        return self.decision is None

    @property
    def outcome(self) -> str:
        """What came of it, in a word: `silence` if who spoke was blocked, else as the decision is called."""
        if self.decision is None:
            return "open"
        member = self.decision.member
        return "silence" if member and member.id != self.voice.owner_id else str(self.decision.action)

    @property
    def authors(self) -> tuple[UserRef, ...]:
        """Who spoke the lines that were reported, the last one first, without the voice's owner."""
        lines = [report.clip for report in reversed(self.reports) if report.clip]
        found = {line.author_id: UserRef(line.author_id, line.author_name) for line in reversed(lines)}
        order = dict.fromkeys(line.author_id for line in lines)
        return tuple(found[number] for number in order if number not in {0, self.voice.owner_id})

    @property
    def involved(self) -> frozenset[int]:
        """The members whom it is about: they neither decide it nor learn who reported."""
        return frozenset({self.voice.owner_id, *(speaker.id for speaker in self.authors)})

    @property
    def display_state(self) -> str:
        """What there is to show of it; another look is shown anew."""
        return f"{len(self.reports)} {self.outcome} {self.done}"

    def audit_entry(self) -> AuditEntry:
        """Write down what was decided."""
        assert self.decision is not None  # noqa: S101 - else there is nothing to write
        by, target = self.decision.by, self.voice
        return AuditEntry(
            self.decision.at,
            by.id,
            by.name,
            self.decision.action,
            target.title,
            target.owner_id,
            self.decision.reason,
            member_name=target.owner_name,
            case_id=self.id,
        )

    def mentions(self, member_id: int) -> bool:
        """Whether it names a member."""
        return member_id in {self.voice.owner_id, *(one.reporter_id for one in self.reports)} | self.involved

    def without_member(self, member_id: int) -> Self:
        """Take a member off its reports, as soon as it is carried out."""
        if not self.done:
            return replace(self, erasing=(*{*self.erasing, member_id},))
        return replace(self, reports=tuple(report.without_member(member_id) for report in self.reports))

    def closed(self) -> Self:
        """Return it as it is once it is carried out."""
        case = replace(self, done=True, erasing=())
        for member_id in self.erasing:
            case = case.without_member(member_id)
        return case


EXCERPT = 300
"""How many characters of a spoken line a case keeps."""


@dataclass(frozen=True, slots=True)
class QuotedClip:
    """A spoken line as it stands in a message of the bot's in this server."""

    speech_id: str
    title: str
    text: str
    author_name: str
    link: str
