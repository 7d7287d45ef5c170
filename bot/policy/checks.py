"""Pure checks of a request against a server's rules."""

from collections.abc import Sequence

from bot.errors import (
    Refused,
)
from bot.policy.models import DAY, CloneRecord, Ids, MemberSnapshot, Policy
from bot.voices.models import Rights, Speaker


def check_channel(policy: Policy, channel_id: int) -> None:
    """Raise the `RuleUnmet` that keeps everybody from cloning here."""
    if not policy.cloning:
        raise Refused("rule.cloning_off")
    if policy.clone_channels and channel_id not in policy.clone_channels:
        raise Refused("rule.channel", channels=Ids(policy.clone_channels))


def check_member(policy: Policy, who: MemberSnapshot, now: float) -> None:
    """Raise the `RuleUnmet` that says which rule a member does not meet, and when or how they can."""
    if policy.clone_roles and not who.roles.intersection(policy.clone_roles):
        raise Refused("rule.role", roles=Ids(policy.clone_roles))
    if now < (old_enough := who.account_since + policy.min_account_days * DAY):
        raise Refused("rule.account_age", days=policy.min_account_days, when=int(old_enough))
    if now < (long_enough := who.member_since + policy.min_member_days * DAY):
        raise Refused("rule.member_age", days=policy.min_member_days, when=int(long_enough))


def check_consent_rule(policy: Policy, rights: Rights, speaker: Speaker | None) -> None:
    """Raise the `RuleUnmet` that asks for a speaker's approval where a member has only their own word."""
    if rights is Rights.PERMISSION and speaker is None:
        if policy.require_consent:
            raise Refused("rule.approval")
        if not policy.allow_absent_speakers:
            raise Refused("rule.outsiders_off")


def check_limits(
    policy: Policy,
    member_id: int,
    *,
    voices: int,
    cloned: Sequence[CloneRecord],
    waiting: Sequence[int],
    now: float,
) -> None:
    """Raise the `RuleUnmet` that says which limit is reached, and when there is room again.

    The member has `voices` that were cloned here; `waiting` are the owners of the clones under way here.
    """
    mine = waiting.count(member_id)
    if policy.max_voices_per_member and voices + mine >= policy.max_voices_per_member:
        raise Refused("rule.voices", limit=policy.max_voices_per_member)
    for limit, times, more in (
        (policy.max_clones_per_member, [one.at for one in cloned if one.owner_id == member_id], mine),
        (policy.max_clones_per_day, [one.at for one in cloned], len(waiting)),
    ):
        today = sorted([at for at in times if at > now - DAY] + [now] * more)
        if limit and len(today) >= limit:
            raise Refused("rule.clones", limit=limit, when=int(today[-limit] + DAY))
