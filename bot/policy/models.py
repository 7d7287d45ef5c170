"""A server's rules: what its moderators decided about cloning, sharing and speaking, and who meets them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bot.voices.models import Voice

DAY = 24 * 60 * 60.0


class Ids(tuple[int, ...]):
    """Ids that a sentence writes as mentions: `{roles:@&}`."""

    __slots__ = ()

    def __format__(self, kind: str) -> str:
        """Write each as a mention of a kind.

        https://discord.com/developers/docs/reference#message-formatting
        """
        return ", ".join(f"<{kind}{number}>" for number in self)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one server; these defaults hold until a moderator changes them.

    `outsiders`: voices of people outside Discord may be cloned, whom nobody can ask. `approval`: a voice
    that isn't its owner's own may be cloned, shared and spoken with here only if its speaker approved it.
    `clone_roles` and `clone_channels` are ids, empty: all. A limit or an age in days of 0 is none.
    `moderator_role` decides besides those who manage the server; `log_channel` hears of what is decided.
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


@dataclass(frozen=True, slots=True)
class Block:
    """A member who may do nothing with voices in a server, `until` Unix seconds (None: for good).

    `by` is the moderator's id, `at` when, in Unix seconds.
    """

    member_id: int
    name: str
    by: int
    reason: str
    at: float
    until: float | None = None

    def is_active(self, now: float) -> bool:
        """Whether it is not over yet."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class HiddenVoices:
    """What a server does not share, whatever its members do: `everything`, or of some, or some voices."""

    everything: bool
    owners: frozenset[int]
    voices: frozenset[int]


@dataclass(frozen=True, slots=True)
class CloneRecord:
    """A voice that was cloned in a server, `at` Unix seconds, as it was then.

    One that is `gone` still counts for its day, and can still be reported.
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
        """Take note of a voice."""
        return cls(voice.id, voice.owner_id, at, voice.title, voice.owner_name, voice.sample_sha256)


@dataclass(frozen=True, slots=True)
class UserRef:
    """Who decides."""

    id: int
    name: str


class ModAction(StrEnum):
    """The kinds of what is decided."""

    POLICY = "policy"
    BLOCK = "block"
    UNBLOCK = "unblock"
    REMOVE = "remove"
    DISMISS = "dismiss"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What a moderator decided, `at` Unix seconds: about whom, if about somebody, and in which words.

    `subject` is a rule's name, or the member's, or the title of a voice, which is `member_name`'s. `was`
    and `now` are the values of a rule; `now` is also when a block ends, in Unix seconds. `case_id` is that
    of the case that was decided, if there was one.
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


@dataclass(frozen=True, slots=True)
class MemberSnapshot:
    """A member as Discord tells of them; account and membership began at Unix seconds."""

    id: int
    roles: frozenset[int]
    account_since: float
    member_since: float
