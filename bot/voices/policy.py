"""A server's rules: what its moderators decided about cloning, sharing and speaking, and who meets them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bot.errors import (
    Refused,
)
from bot.voices.models import Rights, Speaker, Voice

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
    outsiders: bool = True
    approval: bool = False
    clone_roles: tuple[int, ...] = ()
    clone_channels: tuple[int, ...] = ()
    voices_a_member: int = 0
    clones_a_member: int = 0
    clones_in_all: int = 0
    account_days: int = 0
    member_days: int = 0
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

    def holds(self, now: float) -> bool:
        """Whether it is not over yet."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Withheld:
    """What a server does not share, whatever its members do: `everything`, or of some, or some voices."""

    everything: bool
    owners: frozenset[int]
    voices: frozenset[int]


@dataclass(frozen=True, slots=True)
class ClonedHere:
    """A voice that was cloned in a server, `at` Unix seconds, as it was then.

    One that is `gone` still counts for its day, and can still be reported.
    """

    voice_id: int
    owner_id: int
    at: float
    title: str = ""
    owner_name: str = ""
    sample_sha256: str = ""
    gone: bool = False

    @classmethod
    def of(cls, voice: Voice, at: float) -> Self:
        """Take note of a voice."""
        return cls(voice.id, voice.owner_id, at, voice.title, voice.owner_name, voice.sample_sha256)


@dataclass(frozen=True, slots=True)
class Moderator:
    """Who decides."""

    id: int
    name: str


class Decision(StrEnum):
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
    decision: Decision
    subject: str
    member_id: int | None = None
    reason: str = ""
    was: str = ""
    now: str = ""
    member_name: str = ""
    case_id: int = 0


@dataclass(frozen=True, slots=True)
class Applicant:
    """A member as Discord tells of them; account and membership began at Unix seconds."""

    id: int
    roles: frozenset[int]
    account_since: float
    member_since: float


def check_place(policy: Policy, channel_id: int) -> None:
    """Raise the `RuleUnmet` that keeps everybody from cloning here."""
    if not policy.cloning:
        raise Refused("rule.cloning_off")
    if policy.clone_channels and channel_id not in policy.clone_channels:
        raise Refused("rule.channel", channels=Ids(policy.clone_channels))


def check_applicant(policy: Policy, who: Applicant, now: float) -> None:
    """Raise the `RuleUnmet` that says which rule a member does not meet, and when or how they can."""
    if policy.clone_roles and not who.roles.intersection(policy.clone_roles):
        raise Refused("rule.role", roles=Ids(policy.clone_roles))
    if now < (old_enough := who.account_since + policy.account_days * DAY):
        raise Refused("rule.account_age", days=policy.account_days, when=int(old_enough))
    if now < (long_enough := who.member_since + policy.member_days * DAY):
        raise Refused("rule.member_age", days=policy.member_days, when=int(long_enough))


def check_grounds(policy: Policy, rights: Rights, speaker: Speaker | None) -> None:
    """Raise the `RuleUnmet` that asks for a speaker's approval where a member has only their own word."""
    if rights is Rights.PERMISSION and speaker is None:
        if policy.approval:
            raise Refused("rule.approval")
        if not policy.outsiders:
            raise Refused("rule.outsiders_off")


def check_limits(
    policy: Policy,
    member_id: int,
    *,
    voices: int,
    cloned: Sequence[ClonedHere],
    waiting: Sequence[int],
    now: float,
) -> None:
    """Raise the `RuleUnmet` that says which limit is reached, and when there is room again.

    The member has `voices` that were cloned here; `waiting` are the owners of the clones under way here.
    """
    mine = waiting.count(member_id)
    if policy.voices_a_member and voices + mine >= policy.voices_a_member:
        raise Refused("rule.voices", limit=policy.voices_a_member)
    for limit, times, more in (
        (policy.clones_a_member, [one.at for one in cloned if one.owner_id == member_id], mine),
        (policy.clones_in_all, [one.at for one in cloned], len(waiting)),
    ):
        today = sorted([at for at in times if at > now - DAY] + [now] * more)
        if limit and len(today) >= limit:
            raise Refused("rule.clones", limit=limit, when=int(today[-limit] + DAY))
