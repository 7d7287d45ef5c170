"""What a server's moderators decide, with a trail, and what follows from it for everybody else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from bot.clock import Clock
from bot.cloning.job import CloneJob
from bot.errors import (
    Refused,
)
from bot.policy.checks import check_channel, check_consent_rule, check_limits, check_member
from bot.policy.models import DAY, AuditEntry, Block, HiddenVoices, MemberSnapshot, ModAction, Policy, UserRef
from bot.policy.ports import Members
from bot.store.protocol import Store, recording
from bot.voices.models import Rights, Speaker, Viewer, Voice


class Rules:
    """The rules of servers, asked wherever they matter, and changed only by whom the caller has checked.

    Whoever writes to log channels sets `listener`, which must neither wait nor fail; whoever knows Discord,
    `applicants`.
    """

    applicants: Members
    listener: Callable[[int, AuditEntry, int | None], None]

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._changing = asyncio.Lock()

    async def policy(self, guild_id: int) -> Policy:
        """Return a server's rules."""
        return await self._store.servers.policy(guild_id)

    async def change(self, guild_id: int, by: UserRef, **rules: Any) -> Policy:  # noqa: ANN401 - as in dataclasses.replace
        """Change rules, each with an entry in the audit."""
        async with self._changing:  # else two at once would each put back what the other changed
            before = await self.policy(guild_id)
            policy = replace(before, **rules)
            if policy == before:
                return before
            now = self._clock.now()
            entries = [
                AuditEntry(now, by.id, by.name, ModAction.POLICY, name, was=_told(was), now=_told(value))
                for name, was in asdict(before).items()
                if (value := getattr(policy, name)) != was
            ]
            with recording():
                await self._store.servers.put_policy(guild_id, policy)
            undo = partial(self._store.servers.put_policy, guild_id, before)
            # One that is set to none hears of that, and of what was changed with it.
            await self._enter(guild_id, entries, undo, policy.log_channel or before.log_channel)
        return policy

    async def reset(self, guild_id: int, by: UserRef) -> Policy:
        """Go back to the defaults."""
        return await self.change(guild_id, by, **asdict(Policy()))

    async def block(
        self, guild_id: int, by: UserRef, member: UserRef, reason: str, days: int | None
    ) -> Block:
        """Block a member here, for some days or until they are unblocked."""
        now = self._clock.now()
        block = Block(member.id, member.name, by.id, reason, now, now + days * DAY if days else None)
        before = await self.block_of(guild_id, member.id)
        await self.put_block(guild_id, block)
        await self._enter(guild_id, [blocking(block, by)], partial(self._put_back, guild_id, block, before))
        return block

    async def put_block(self, guild_id: int, block: Block) -> None:
        """Let a block hold from now on."""
        with recording():
            await self._store.servers.put_block(guild_id, block)

    async def unblock(self, guild_id: int, by: UserRef, member: UserRef) -> None:
        """Let a member take part again."""
        before = await self.block_of(guild_id, member.id)
        if before is None:
            raise Refused("refused.not_blocked")
        with recording():
            await self._store.servers.drop_block(guild_id, member.id)
        entry = AuditEntry(self._clock.now(), by.id, by.name, ModAction.UNBLOCK, member.name, member.id)
        await self._enter(guild_id, [entry], partial(self.put_block, guild_id, before))

    async def block_of(self, guild_id: int, member_id: int) -> Block | None:
        """Return the block that holds for a member now."""
        return next((one for one in await self.blocked(guild_id) if one.member_id == member_id), None)

    async def _put_back(self, guild_id: int, block: Block, before: Block | None) -> None:
        if before:
            await self.put_block(guild_id, before)
        else:
            await self._store.servers.drop_block(guild_id, block.member_id)

    async def _enter(
        self,
        guild_id: int,
        entries: Sequence[AuditEntry],
        undo: Callable[[], Awaitable[None]],
        log_channel: int | None = None,
    ) -> None:
        """Put what was done on the trail, or undo it: nothing is done that isn't there."""
        try:
            for entry in entries:
                await self.record(guild_id, entry, log_channel)
        except Exception:
            with recording():
                await undo()
            raise

    async def record(self, guild_id: int, entry: AuditEntry, log_channel: int | None = None) -> None:
        """Put a decision on the trail, and then into the log channel: the server's, if none is given."""
        with recording():
            await self._store.servers.add_entry(guild_id, entry)
        self.listener(guild_id, entry, log_channel)

    async def record_once(self, guild_id: int, entry: AuditEntry) -> None:
        """Record the decision of a case, unless it is on the trail."""
        if not await self.recorded(guild_id, entry.case_id):
            await self.record(guild_id, entry)

    async def recorded(self, guild_id: int, case_id: int) -> bool:
        """Whether the decision of a case is on the trail."""
        return any(entry.case_id == case_id for entry in await self._store.servers.audit(guild_id))

    async def blocked(self, guild_id: int) -> list[Block]:
        """Return who is blocked now, the newest block first."""
        now = self._clock.now()
        blocks = [block for block in await self._store.servers.blocks(guild_id) if block.is_active(now)]
        return sorted(blocks, key=lambda block: block.at, reverse=True)

    async def audit(
        self, guild_id: int, *, member_id: int | None = None, decision: ModAction | None = None
    ) -> list[AuditEntry]:
        """Return what was decided, newest first: about or by one member, of one kind, if given."""
        return [
            entry
            for entry in await self._store.servers.audit(guild_id)
            if member_id in (None, entry.member_id, entry.by) and decision in (None, entry.action)
        ]

    async def check_clone(
        self,
        guild_id: int,
        who: MemberSnapshot,
        channel_id: int,
        waiting: Sequence[int],
        *,
        rights: Rights,
        speaker: Speaker | None,
    ) -> None:
        """Raise the `RuleUnmet` that keeps a member from cloning; `waiting` own the clones under way here."""
        policy = await self._policy_for(Viewer(who.id, guild_id))
        check_channel(policy, channel_id)
        check_member(policy, who, self._clock.now())
        check_consent_rule(policy, rights, speaker)
        await self._check_limits(policy, Viewer(who.id, guild_id), waiting)

    async def recheck_clone(self, job: CloneJob, sent: Sequence[int]) -> None:
        """Raise the `RuleUnmet` that keeps a clone that waited from being sent after all.

        `sent` are the owners of the clones in the same server that are being made.
        """
        viewer = Viewer(job.owner_id, job.guild_id)
        who = await self._applicant(viewer)  # first: it takes its time
        policy = await self._policy_for(viewer)
        check_channel(policy, job.channel_id)
        check_consent_rule(policy, job.rights, job.speaker)
        await self.check_sample(job.guild_id, job.sample_sha256 or "")
        if who:  # else what was true at the command counts
            check_member(policy, who, self._clock.now())
        await self._check_limits(policy, viewer, sent)

    async def _applicant(self, viewer: Viewer) -> MemberSnapshot | None:
        """Return what a member is now, if the rules ask for it and it can be found out."""
        policy = await self.policy(viewer.guild_id)
        if policy.clone_roles or policy.min_account_days or policy.min_member_days:
            return await self.applicants.snapshot(viewer.guild_id, viewer.id)
        return None

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
            raise Refused("rule.sample_blocked")

    async def check_sharing(self, viewer: Viewer, voice: Voice) -> None:
        """Raise the `RuleUnmet` that keeps a member from sharing a voice here."""
        policy = await self._policy_for(viewer)
        if not policy.sharing:
            raise Refused("rule.sharing_off")
        await self._check_voice(policy, viewer.guild_id, voice)

    async def check_speaking(self, viewer: Viewer) -> None:
        """Raise the `RuleUnmet` that keeps a member from speaking here at all."""
        if not (await self._policy_for(viewer)).speaking:
            raise Refused("rule.speaking_off")

    async def check_speaking_with(self, viewer: Viewer, voice: Voice) -> None:
        """Raise the `RuleUnmet` that keeps a member from speaking with a voice here."""
        await self._check_voice(await self.policy(viewer.guild_id), viewer.guild_id, voice)

    async def hidden(self, guild_id: int) -> HiddenVoices:
        """Return what a server does not share at the moment."""
        return HiddenVoices(
            everything=not (await self.policy(guild_id)).sharing,
            owners=frozenset(block.member_id for block in await self.blocked(guild_id)),
            voices=await self._store.servers.barred_voices(guild_id),
        )

    async def check_reporting(self, viewer: Viewer) -> None:
        """Raise `Blocked` if a member may not report here."""
        await self._policy_for(viewer)

    async def _check_voice(self, policy: Policy, guild_id: int, voice: Voice) -> None:
        if voice.id in await self._store.servers.barred_voices(guild_id):
            raise Refused("rule.voice_barred", title=voice.title)
        if policy.require_consent and voice.rights is Rights.PERMISSION and voice.speaker is None:
            raise Refused("rule.approval_missing", title=voice.title)

    async def _policy_for(self, viewer: Viewer) -> Policy:
        """Return the rules that a member has to meet; `Blocked` if they may do nothing here."""
        if block := await self.block_of(viewer.guild_id, viewer.id):
            raise blocked(block)
        return await self.policy(viewer.guild_id)


def blocking(block: Block, by: UserRef, *, case_id: int = 0) -> AuditEntry:
    """Write down that a member was blocked."""
    return AuditEntry(
        block.at,
        by.id,
        by.name,
        ModAction.BLOCK,
        block.name,
        block.member_id,
        block.reason,
        now=str(int(block.until)) if block.until else "",
        case_id=case_id,
    )


def blocked(block: Block) -> Refused:
    """Say to a member that they are blocked."""
    if block.until is None:
        return Refused("rule.blocked", reason=block.reason)
    return Refused("rule.blocked_until", reason=block.reason, when=int(block.until))


def _told(value: object) -> str:
    """Write a rule's value for the audit."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] -- ids
