"""A server's rules, blocks and audit entries."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bot.errors import Refused
from bot.voices.models import Voice

DAY = 24 * 60 * 60.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one server. The defaults apply until a moderator changes them.

    `allow_absent_speakers`: voices of people outside Discord, who can't be asked, may be cloned.
    `require_consent`: voices of other people may be cloned, shared and used only if the speaker approved.
    `clone_roles` and `clone_channels` are IDs; empty means all. A limit or an age of 0 means none.
    `moderator_role` may moderate in addition to members with the Manage Server permission. Audit entries
    are posted to `log_channel`.
    """

    cloning: bool = True
    sharing: bool = True
    speaking: bool = True
    allow_absent_speakers: bool = True
    require_consent: bool = False
    clone_roles: tuple[int, ...] = ()
    clone_channels: tuple[int, ...] = ()
    max_voices_per_member: int = 0
    max_clones_per_member: int = 0
    max_clones_per_day: int = 0
    min_account_days: int = 0
    min_member_days: int = 0
    moderator_role: int | None = None
    log_channel: int | None = None


RENAMED_RULES = {
    "outsiders": "allow_absent_speakers",
    "approval": "require_consent",
    "voices_a_member": "max_voices_per_member",
    "clones_a_member": "max_clones_per_member",
    "clones_in_all": "max_clones_per_day",
    "account_days": "min_account_days",
    "member_days": "min_member_days",
}
"""The old names of rules, as in custom IDs of earlier versions, and the present ones."""


@dataclass(frozen=True, slots=True)
class Block:
    """A member's block by the moderator `by`, from `at` to `until` (Unix timestamps), or permanently.

    `reason` is as it was typed. Instead of it, `reason_code` may name one of the catalog's.
    """

    member_id: int
    name: str
    by: int
    reason: str
    at: float
    until: float | None = None
    reason_code: str = ""

    def is_active(self, now: float) -> bool:
        return self.until is None or now < self.until

    def refusal(self) -> Refused:
        """Return the error that the blocked member sees."""
        reason, code = self.reason, self.reason_code
        if self.until is None:
            return Refused("rule.blocked", reason=reason, reason_code=code)
        return Refused("rule.blocked_until", reason=reason, reason_code=code, when=int(self.until))


@dataclass(frozen=True, slots=True)
class HiddenVoices:
    """The shared voices that a server hides: all if `everything`, else those of `owners`, and single `voices`."""

    everything: bool
    owners: frozenset[int]
    voices: frozenset[int]

    def hides(self, voice_id: int, owner_id: int) -> bool:
        """Return True if this voice is hidden."""
        return self.everything or owner_id in self.owners or voice_id in self.voices


@dataclass(frozen=True, slots=True)
class CloneRecord:
    """A voice that was cloned in a server, as it was at the Unix timestamp `at`.

    A deleted voice still counts against the daily limits, and can still be reported.
    """

    voice_id: int
    owner_id: int
    at: float
    title: str = ""
    owner_name: str = ""
    sample_sha256: str = ""
    deleted: bool = False

    @classmethod
    def from_voice(cls, voice: Voice, at: float) -> Self:
        return cls(voice.id, voice.owner_id, at, voice.title, voice.owner_name, voice.sample_sha256)


@dataclass(frozen=True, slots=True)
class UserRef:
    """A user's ID and their name at that time."""

    id: int
    name: str


class ModAction(StrEnum):
    """The kinds of audit entries."""

    POLICY = "policy"
    BLOCK = "block"
    UNBLOCK = "unblock"
    REMOVE = "remove"
    REMOVE_CLIP = "remove_clip"
    DISMISS = "dismiss"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A moderator's action at the Unix timestamp `at`.

    `subject` is the name of a rule or of a member, or the title of a voice. `member_name` is then its owner or, if
    a clip was removed, who posted that.
    `was` and `now` are the values of a rule. For a block, `now` is the Unix timestamp at which it ends.
    `case_id` is 0 if the action was not the decision of a case. For `reason_code` see `Block`.
    """

    at: float
    by: int
    by_name: str
    action: ModAction
    subject: str
    member_id: int | None = None
    reason: str = ""
    was: str = ""
    now: str = ""
    member_name: str = ""
    case_id: int = 0
    reason_code: str = ""

    @classmethod
    def from_block(cls, block: Block, by: UserRef, *, case_id: int = 0) -> Self:
        return cls(
            block.at,
            by.id,
            by.name,
            ModAction.BLOCK,
            block.name,
            block.member_id,
            block.reason,
            now=str(int(block.until)) if block.until else "",
            case_id=case_id,
            reason_code=block.reason_code,
        )


@dataclass(frozen=True, slots=True)
class MemberSnapshot:
    """A member as Discord reports them. `account_since` and `member_since` are Unix timestamps."""

    id: int
    roles: frozenset[int]
    account_since: float
    member_since: float
