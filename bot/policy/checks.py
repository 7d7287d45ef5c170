"""Pure checks of a clone against a server's rules. Each raises `Refused` if a rule is not met."""

from collections.abc import Sequence

from bot.errors import Refused
from bot.policy.models import DAY, CloneRecord, MemberSnapshot, Policy
from bot.voices.models import Rights, Speaker


def check_channel(policy: Policy, channel_id: int) -> None:
    """Check that voices may be cloned in this server and channel."""
    if not policy.cloning:
        raise Refused("rule.cloning_off")
    if policy.clone_channels and channel_id not in policy.clone_channels:
        raise Refused("rule.channel", channels=policy.clone_channels)


def check_member(policy: Policy, member: MemberSnapshot, now: float) -> None:
    """Check a member's roles, and the ages of their account and membership. `now` is a Unix timestamp."""
    if policy.clone_roles and not member.roles.intersection(policy.clone_roles):
        raise Refused("rule.role", roles=policy.clone_roles)
    if now < (old_enough := member.account_since + policy.min_account_days * DAY):
        raise Refused("rule.account_age", days=policy.min_account_days, when=int(old_enough))
    if now < (long_enough := member.member_since + policy.min_member_days * DAY):
        raise Refused("rule.member_age", days=policy.min_member_days, when=int(long_enough))


def check_consent_rule(policy: Policy, rights: Rights, speaker: Speaker | None) -> None:
    """Check that a speaker is named if the server requires one for other people's voices."""
    if rights is Rights.PERMISSION and speaker is None:
        if policy.require_consent:
            raise Refused("rule.approval")
        if not policy.allow_absent_speakers:
            raise Refused("rule.outsiders_off")


def check_limits(
    policy: Policy, member_id: int, *, voices: int, cloned: Sequence[CloneRecord], running: Sequence[int], now: float
) -> None:
    """Check the limits on voices and on clones within 24 hours, for a member and for the server.

    `voices` is the number of the member's voices that were cloned in the server. `running` has the owner
    of each unfinished clone in the server. `now` is a Unix timestamp.
    """
    own = running.count(member_id)
    if policy.max_voices_per_member and voices + own >= policy.max_voices_per_member:
        raise Refused("rule.voices", limit=policy.max_voices_per_member)
    own_times = [record.at for record in cloned if record.owner_id == member_id]
    all_times = [record.at for record in cloned]
    for limit, times, unfinished in (
        (policy.max_clones_per_member, own_times, own),
        (policy.max_clones_per_day, all_times, len(running)),
    ):
        today = sorted([at for at in times if at > now - DAY] + [now] * unfinished)
        if limit and len(today) >= limit:
            raise Refused("rule.clones", limit=limit, when=int(today[-limit] + DAY))
