"""Reports, the cases that collect them, and decisions."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from bot.policy.models import AuditEntry, ModAction, UserRef
from bot.voices.models import Voice


class ReportReason(StrEnum):
    """The reasons for which a voice or clip can be reported."""

    IMPERSONATION = "impersonation"
    HARASSMENT = "harassment"
    DECEPTION = "deception"
    HATE = "hate"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReportedClip:
    """The beginning of a clip's text. `author_id` is 0 if unknown. `link` is the URL of its message."""

    text: str
    author_id: int
    author_name: str
    link: str


@dataclass(frozen=True, slots=True)
class Report:
    """A member's report of a voice, or of a `clip` made with it, at the Unix timestamp `at`.

    `text` is what the member typed if no other reason fits.
    """

    reporter_id: int
    reporter_name: str
    reason: ReportReason
    at: float
    clip: ReportedClip | None = None
    text: str = ""

    def without_member(self, member_id: int) -> Self:
        report = self
        if report.reporter_id == member_id:
            report = replace(report, reporter_id=0, reporter_name="", text="")
        if report.clip and report.clip.author_id == member_id:
            report = replace(report, clip=replace(report.clip, author_id=0, author_name=""))
        return report


@dataclass(frozen=True, slots=True)
class ReportedVoice:
    """A snapshot of a voice, whose owner may delete it. Moderators may delete it if it was `cloned_here`."""

    voice_id: int
    owner_id: int
    owner_name: str
    title: str
    sample_sha256: str
    cloned_here: bool

    @classmethod
    def from_voice(cls, voice: Voice, guild_id: int) -> Self:
        return cls(
            voice.id, voice.owner_id, voice.owner_name, voice.title, voice.sample_sha256, voice.guild_id == guild_id
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """A moderator's decision at the Unix timestamp `at`. `member` is blocked, without `days` permanently.

    `reason` is as it was typed. `reason_code`, a `ReportReason`, replaces it if the default reason was kept.
    """

    action: ModAction
    by: UserRef
    at: float
    reason: str = ""
    member: UserRef | None = None
    days: int | None = None
    reason_code: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """The reports of one voice in a server, until and after a moderator decides about them.

    `message` has the IDs of the channel and message in the log channel, and `displayed_state` is the
    `display_state` that it shows. `done` is set once the decision has been enforced. The members in
    `erasing` erased their data. They are removed from the case when it is done, because reporters and
    owners are needed until then.
    A voice that is removed without a report has a case too, which is decided from the start.
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
        """True while no moderator has decided the case."""
        return self.decision is None

    @property
    def outcome(self) -> str:
        """Part of catalog keys: `open`, `silence` if a clip's author was blocked, else the action."""
        if self.decision is None:
            return "open"
        member = self.decision.member
        return "silence" if member and member.id != self.voice.owner_id else str(self.decision.action)

    @property
    def clips(self) -> tuple[ReportedClip, ...]:
        """The reported clips, the latest first, each message once."""
        clips = {report.clip.link: report.clip for report in reversed(self.reports) if report.clip}
        return tuple(clips.values())

    @property
    def authors(self) -> tuple[UserRef, ...]:
        """The authors of the reported clips, the latest first, without the voice's owner."""
        clips = [report.clip for report in reversed(self.reports) if report.clip]
        names = {clip.author_id: clip.author_name for clip in reversed(clips)}  # the latest name wins
        author_ids = dict.fromkeys(clip.author_id for clip in clips if clip.author_id)
        author_ids.pop(self.voice.owner_id, None)
        return tuple(UserRef(author_id, names[author_id]) for author_id in author_ids)

    @property
    def involved(self) -> frozenset[int]:
        """The voice's owner and the clips' authors. They may neither decide the case nor see the reporters."""
        return frozenset({self.voice.owner_id, *(author.id for author in self.authors)})

    @property
    def display_state(self) -> str:
        """The visible state. When it changes, the message in the log channel is updated."""
        return f"{len(self.reports)} {self.outcome} {self.done}"

    def audit_entries(self) -> list[AuditEntry]:
        """Return what is recorded of the decision: an entry for each author of removed clips, else for the owner."""
        decision = self.decision
        assert decision is not None  # noqa: S101 - only a decided case has entries
        members = {self.voice.owner_id: self.voice.owner_name}
        if decision.action is ModAction.REMOVE_CLIP:
            members = {clip.author_id: clip.author_name for clip in reversed(self.clips)}
        return [
            AuditEntry(
                decision.at,
                decision.by.id,
                decision.by.name,
                decision.action,
                self.voice.title,
                member_id or None,
                decision.reason,
                member_name=name,
                case_id=self.id,
                reason_code=decision.reason_code,
            )
            for member_id, name in members.items()
        ]

    def mentions(self, member_id: int) -> bool:
        """Return True if the case names this member."""
        return member_id in {*self.involved, *(report.reporter_id for report in self.reports)}

    def without_member(self, member_id: int) -> Self:
        """Return the case without this member, or for now with a note to remove them when it is done."""
        if not self.done:
            return replace(self, erasing=(*{*self.erasing, member_id},))
        return replace(self, reports=tuple(report.without_member(member_id) for report in self.reports))

    def closed(self) -> Self:
        """Return the case as done, without the members in `erasing`."""
        case = replace(self, done=True, erasing=())
        for member_id in self.erasing:
            case = case.without_member(member_id)
        return case


EXCERPT = 300  # how much of a clip's text a report keeps, in UTF-16 code units


@dataclass(frozen=True, slots=True)
class QuotedClip:
    """A clip as one of the bot's messages in the server shows it."""

    speech_id: str
    title: str
    text: str
    author_name: str
    link: str
