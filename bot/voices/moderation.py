"""What a server's moderators decide, with a trail, and what follows from it for everybody else."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from bot.errors import (
    ApprovalMissing,
    Blocked,
    CloningOff,
    NotBlocked,
    SampleBlocked,
    SharingOff,
    SpeakingOff,
    VoiceBarred,
)
from bot.voices.clock import Clock
from bot.voices.jobs import Job
from bot.voices.models import Rights, Speaker, Viewer, Voice
from bot.voices.policy import (
    DAY,
    Applicant,
    AuditEntry,
    Block,
    Decision,
    Moderator,
    Policy,
    check_applicant,
    check_grounds,
    check_limits,
)
from bot.voices.store import Store, recording


class Applicants(Protocol):
    """Members as Discord tells of them now."""

    async def applicant(self, guild_id: int, user_id: int) -> Applicant | None:
        """Return what rules ask of somebody; None if that can't be found out just now."""
        ...


class Moderation:
    """The rules of servers, asked wherever they matter, and changed only by whom the caller has checked.

    Whoever writes to log channels sets `listener`, which must not fail; whoever knows Discord, `applicants`.
    """

    applicants: Applicants
    listener: Callable[[int, AuditEntry], Awaitable[None]]

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def policy(self, guild_id: int) -> Policy:
        """Return a server's rules."""
        return await self._store.servers.policy(guild_id)

    async def change(self, guild_id: int, by: Moderator, **rules: Any) -> Policy:  # noqa: ANN401 - as in dataclasses.replace
        """Change rules, each with an entry in the audit."""
        before = await self.policy(guild_id)
        policy = replace(before, **rules)
        if policy == before:
            return before
        with recording():
            await self._store.servers.put_policy(guild_id, policy)
            for name, was in asdict(before).items():
                if (now := getattr(policy, name)) != was:
                    entry = AuditEntry(
                        self._clock.now(),
                        by.id,
                        by.name,
                        Decision.POLICY,
                        name,
                        was=_told(was),
                        now=_told(now),
                    )
                    await self.record(guild_id, entry)
        return policy

    async def reset(self, guild_id: int, by: Moderator) -> Policy:
        """Go back to the defaults."""
        return await self.change(guild_id, by, **asdict(Policy()))

    async def block(
        self,
        guild_id: int,
        by: Moderator,
        member: Moderator,
        reason: str,
        days: int | None,
        *,
        case_id: int = 0,
    ) -> Block:
        """Block a member here, for some days or until they are unblocked."""
        now = self._clock.now()
        block = Block(member.id, member.name, by.id, reason, now, now + days * DAY if days else None)
        entry = AuditEntry(
            now, by.id, by.name, Decision.BLOCK, member.name, member.id, reason, case_id=case_id
        )
        with recording():
            await self._store.servers.put_block(guild_id, block)
            await self.record(guild_id, entry)
        return block

    async def unblock(self, guild_id: int, by: Moderator, member: Moderator) -> None:
        """Let a member take part again."""
        if all(block.member_id != member.id for block in await self.blocked(guild_id)):
            raise NotBlocked
        entry = AuditEntry(self._clock.now(), by.id, by.name, Decision.UNBLOCK, member.name, member.id)
        with recording():
            await self._store.servers.drop_block(guild_id, member.id)
            await self.record(guild_id, entry)

    async def record(self, guild_id: int, entry: AuditEntry, *, tell: bool = True) -> None:
        """Put a decision on the trail, and tell the log channel; a case's is there once, however often."""
        trail = await self._store.servers.audit(guild_id) if entry.case_id else ()
        if all(other.case_id != entry.case_id for other in trail):
            await self._store.servers.add_entry(guild_id, entry)
        if tell:
            await self.listener(guild_id, entry)

    async def blocked(self, guild_id: int) -> list[Block]:
        """Return who is blocked now, the newest block first."""
        now = self._clock.now()
        blocks = [block for block in await self._store.servers.blocks(guild_id) if block.holds(now)]
        return sorted(blocks, key=lambda block: block.at, reverse=True)

    async def audit(
        self, guild_id: int, *, member_id: int | None = None, decision: Decision | None = None
    ) -> list[AuditEntry]:
        """Return what was decided, newest first: about or by one member, of one kind, if given."""
        return [
            entry
            for entry in await self._store.servers.audit(guild_id)
            if member_id in (None, entry.member_id, entry.by) and decision in (None, entry.decision)
        ]

    async def admit(
        self,
        guild_id: int,
        who: Applicant,
        channel_id: int,
        waiting: Sequence[int],
        *,
        rights: Rights,
        speaker: Speaker | None,
    ) -> None:
        """Raise the `RuleUnmet` that keeps a member from cloning; `waiting` own the clones under way here."""
        policy = await self._policy_for(Viewer(who.id, guild_id))
        check_applicant(policy, who, channel_id, self._clock.now())
        check_grounds(policy, rights, speaker)
        await self._check_limits(policy, Viewer(who.id, guild_id), waiting)

    async def permit(self, job: Job) -> None:
        """Raise the `RuleUnmet` that keeps a clone that waited from being sent after all."""
        viewer = Viewer(job.owner_id, job.guild_id)
        policy = await self._policy_for(viewer)
        if not policy.cloning:
            raise CloningOff
        check_grounds(policy, job.rights, job.speaker)
        await self.check_sample(job.guild_id, job.sample_sha256 or "")
        if policy.clone_roles or policy.account_days or policy.member_days:
            who = await self.applicants.applicant(job.guild_id, job.owner_id)
            if who is not None:
                check_applicant(policy, who, job.channel_id, self._clock.now())
        await self._check_limits(policy, viewer, ())

    async def _check_limits(self, policy: Policy, viewer: Viewer, waiting: Sequence[int]) -> None:
        voices = await self._store.members.voices(viewer.id)
        check_limits(
            policy,
            viewer.id,
            voices=sum(voice.guild_id == viewer.guild_id and not voice.deleting for voice in voices),
            cloned=await self._store.servers.cloned(viewer.guild_id),
            waiting=waiting,
            now=self._clock.now(),
        )

    async def check_sample(self, guild_id: int, sha256: str) -> None:
        """Raise `SampleBlocked` for a sample of which moderators removed the voice here."""
        if sha256 in await self._store.servers.banned_samples(guild_id):
            raise SampleBlocked

    async def check_sharing(self, viewer: Viewer, voice: Voice) -> None:
        """Raise the `RuleUnmet` that keeps a member from sharing a voice here."""
        policy = await self._policy_for(viewer)
        if not policy.sharing:
            raise SharingOff
        await self._check_voice(policy, viewer.guild_id, voice)

    async def check_speaking(self, viewer: Viewer) -> None:
        """Raise the `RuleUnmet` that keeps a member from speaking here at all."""
        if not (await self._policy_for(viewer)).speaking:
            raise SpeakingOff

    async def check_speaking_with(self, viewer: Viewer, voice: Voice) -> None:
        """Raise the `RuleUnmet` that keeps a member from speaking with a voice here."""
        await self._check_voice(await self.policy(viewer.guild_id), viewer.guild_id, voice)

    async def check_reporting(self, viewer: Viewer) -> None:
        """Raise `Blocked` if a member may not report here."""
        await self._policy_for(viewer)

    async def _check_voice(self, policy: Policy, guild_id: int, voice: Voice) -> None:
        if voice.id in await self._store.servers.barred_voices(guild_id):
            raise VoiceBarred(title=voice.title)
        if policy.approval and voice.rights is Rights.PERMISSION and voice.speaker is None:
            raise ApprovalMissing(title=voice.title)

    async def _policy_for(self, viewer: Viewer) -> Policy:
        """Return the rules that a member has to meet; `Blocked` if they may do nothing here."""
        for block in await self.blocked(viewer.guild_id):
            if block.member_id == viewer.id:
                raise Blocked(reason=block.reason, when=int(block.until) if block.until else None)
        return await self.policy(viewer.guild_id)


def _told(value: object) -> str:
    """Write a rule's value for the audit."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] -- ids
