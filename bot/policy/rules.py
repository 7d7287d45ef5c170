"""Reads, checks and changes the rules and blocks of servers. Every change has an audit entry."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bot.clock import Clock
from bot.errors import Refused
from bot.policy.checks import check_channel, check_consent_rule, check_limits, check_member
from bot.policy.models import DAY, AuditEntry, Block, HiddenVoices, MemberSnapshot, ModAction, Policy, UserRef
from bot.policy.ports import AuditListener, CloneTerms, MemberDirectory, RulesRepository
from bot.voices.models import Rights, Viewer, Voice
from bot.voices.repository import MembersRepository


@dataclass(eq=False, repr=False)
class Rules:
    """The rules of all servers. The caller checks whether a moderator may change them."""

    members: MembersRepository
    servers: RulesRepository
    directory: MemberDirectory
    listener: AuditListener
    clock: Clock
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def policy(self, guild_id: int) -> Policy:
        return await self.servers.policy(guild_id)

    async def change(self, guild_id: int, by: UserRef, **rules: Any) -> Policy:  # noqa: ANN401 - as in dataclasses.replace
        """Change rules. Each changed rule has its own audit entry."""
        async with self._changing:  # or two concurrent changes would overwrite each other
            before = await self.policy(guild_id)
            policy = replace(before, **rules)
            if policy == before:
                return before
            now = self.clock.now()
            entries = [
                AuditEntry(now, by.id, by.name, ModAction.POLICY, name, was=_format(was), now=_format(value))
                for name, was in asdict(before).items()
                if (value := getattr(policy, name)) != was
            ]
            await self.servers.put_policy(guild_id, policy, *entries)
            for entry in entries:  # if the log channel was removed, the old one shows it
                self.listener.on_audit_entry(guild_id, entry, policy.log_channel or before.log_channel)
        return policy

    async def block(self, guild_id: int, by: UserRef, member: UserRef, reason: str, days: int | None) -> Block:
        """Block a member for some days, or without `days` until they are unblocked."""
        now = self.clock.now()
        block = Block(member.id, member.name, by.id, reason, now, now + days * DAY if days else None)
        await self.put_block(guild_id, block, AuditEntry.from_block(block, by))
        return block

    async def put_block(self, guild_id: int, block: Block, entry: AuditEntry) -> None:
        await self.servers.put_block(guild_id, block, entry)
        self.listener.on_audit_entry(guild_id, entry, None)

    async def unblock(self, guild_id: int, by: UserRef, member: UserRef) -> None:
        """Unblock a member. Raises `Refused` if they are not blocked."""
        if await self.get_block(guild_id, member.id) is None:
            raise Refused("refused.not_blocked")
        entry = AuditEntry(self.clock.now(), by.id, by.name, ModAction.UNBLOCK, member.name, member.id)
        await self.servers.remove_block(guild_id, member.id, entry)
        self.listener.on_audit_entry(guild_id, entry, None)

    async def get_block(self, guild_id: int, member_id: int) -> Block | None:
        return next((block for block in await self.blocked(guild_id) if block.member_id == member_id), None)

    async def blocked(self, guild_id: int) -> list[Block]:
        """Return the active blocks, newest first."""
        now = self.clock.now()
        blocks = [block for block in await self.servers.blocks(guild_id) if block.is_active(now)]
        return sorted(blocks, key=lambda block: block.at, reverse=True)

    async def record_once(self, guild_id: int, entries: Iterable[AuditEntry]) -> None:
        """Append the audit entries of a case's decision, one for each member, unless they were appended before."""
        recorded = {(entry.case_id, entry.member_id) for entry in await self.servers.audit(guild_id)}
        for entry in entries:
            if (entry.case_id, entry.member_id) not in recorded:
                await self.servers.add_entry(guild_id, entry)
                self.listener.on_audit_entry(guild_id, entry, None)

    async def is_recorded(self, guild_id: int, case_id: int) -> bool:
        """Return True if the decision of this case has an audit entry."""
        return any(entry.case_id == case_id for entry in await self.servers.audit(guild_id))

    async def audit(
        self, guild_id: int, *, member_id: int | None = None, decision: ModAction | None = None
    ) -> list[AuditEntry]:
        """Return the audit entries, newest first. With `member_id`, those by or about this member."""
        return [
            entry
            for entry in await self.servers.audit(guild_id)
            if member_id in (None, entry.member_id, entry.by) and decision in (None, entry.action)
        ]

    async def check_clone(
        self,
        clone: CloneTerms,
        running: Sequence[int],
        *,
        member: MemberSnapshot | None = None,
        sample_sha256: str | None = None,
    ) -> None:
        """Raise `Refused` if the rules don't allow a clone.

        `running` has the owner of each of the server's other clones that count against its limits.
        Without `member`, Discord is asked if a rule needs it. If Discord can't be asked, those rules are
        skipped, because they were checked when the clone was requested.
        """
        viewer = Viewer(clone.owner_id, clone.guild_id)
        member = member or await self._snapshot(viewer)  # before the rules are read, because it takes time
        policy = await self.policy_for(viewer)
        check_channel(policy, clone.channel_id)
        if member:
            check_member(policy, member, self.clock.now())
        check_consent_rule(policy, clone.rights, clone.speaker)
        await self.check_sample(clone.guild_id, sample_sha256 or "")
        voices = await self.members.voices(viewer.id)
        check_limits(
            policy,
            viewer.id,
            voices=sum(voice.guild_id == viewer.guild_id and not voice.deleting for voice in voices),
            cloned=await self.servers.clone_records(viewer.guild_id),
            running=running,
            now=self.clock.now(),
        )

    async def _snapshot(self, viewer: Viewer) -> MemberSnapshot | None:
        """Return the member if a rule needs it. Returns None if Discord can't be asked."""
        policy = await self.policy(viewer.guild_id)
        if policy.clone_roles or policy.min_account_days or policy.min_member_days:
            return await self.directory.snapshot(viewer.guild_id, viewer.id)
        return None

    async def check_sample(self, guild_id: int, sha256: str) -> None:
        """Raise `Refused` if moderators removed a voice that was cloned from this sample."""
        if sha256 in await self.servers.banned_samples(guild_id):
            raise Refused("rule.sample_blocked")

    async def check_sharing(self, viewer: Viewer, voice: Voice) -> None:
        """Raise `Refused` if a member may not share this voice in the server."""
        await self.check_sharing_here(viewer)
        await self.check_voice(viewer.guild_id, voice)

    async def check_sharing_here(self, viewer: Viewer) -> None:
        """Raise `Refused` if a member may not share any voice in the server."""
        if not (await self.policy_for(viewer)).sharing:
            raise Refused("rule.sharing_off")

    async def check_speaking(self, viewer: Viewer) -> None:
        """Raise `Refused` if a member may not use any voice in the server."""
        if not (await self.policy_for(viewer)).speaking:
            raise Refused("rule.speaking_off")

    async def hidden(self, guild_id: int) -> HiddenVoices:
        """Return the voices that are not shared in a server although their owners share them."""
        return HiddenVoices(
            everything=not (await self.policy(guild_id)).sharing,
            owners=frozenset(block.member_id for block in await self.blocked(guild_id)),
            voices=await self.servers.banned_voices(guild_id),
        )

    async def check_voice(self, guild_id: int, voice: Voice) -> None:
        """Raise `Refused` if this voice may not be used in the server."""
        policy = await self.policy(guild_id)
        voices, samples = await self.servers.banned_voices(guild_id), await self.servers.banned_samples(guild_id)
        if voice.id in voices or voice.sample_sha256 in samples:
            raise Refused("rule.voice_barred", title=voice.title)
        if policy.require_consent and voice.rights is Rights.PERMISSION and voice.speaker is None:
            raise Refused("rule.approval_missing", title=voice.title)

    async def policy_for(self, viewer: Viewer) -> Policy:
        """Return the rules. Raises `Refused` if the member is blocked."""
        if block := await self.get_block(viewer.guild_id, viewer.id):
            raise block.refusal()
        return await self.policy(viewer.guild_id)


def _format(value: object) -> str:
    """Format a rule's value for the audit."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] -- ids
