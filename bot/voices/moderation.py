"""What a server's moderators decide, with a trail, and what follows from it for everybody else."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from bot.errors import Blocked, CloningOff, NotBlocked, SharingOff, SpeakingOff
from bot.voices.clock import Clock
from bot.voices.models import Viewer
from bot.voices.policy import (
    DAY,
    Applicant,
    AuditEntry,
    Block,
    Decision,
    Moderator,
    Policy,
    check_applicant,
    check_limits,
)
from bot.voices.store import Store, recording


class Moderation:
    """The rules of servers, asked wherever they matter, and changed only by whom the caller has checked.

    Whoever writes to log channels sets `listener`; it must not fail.
    """

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
                    await self._record(guild_id, entry)
        return policy

    async def reset(self, guild_id: int, by: Moderator) -> Policy:
        """Go back to the defaults."""
        return await self.change(guild_id, by, **asdict(Policy()))

    async def block(
        self, guild_id: int, by: Moderator, member: Moderator, reason: str, days: int | None
    ) -> Block:
        """Block a member here, for some days or until they are unblocked."""
        now = self._clock.now()
        block = Block(member.id, member.name, by.id, reason, now, now + days * DAY if days else None)
        entry = AuditEntry(now, by.id, by.name, Decision.BLOCK, member.name, member.id, reason)
        with recording():
            await self._store.servers.put_block(guild_id, block)
            await self._record(guild_id, entry)
        return block

    async def unblock(self, guild_id: int, by: Moderator, member: Moderator) -> None:
        """Let a member take part again."""
        if all(block.member_id != member.id for block in await self.blocked(guild_id)):
            raise NotBlocked
        entry = AuditEntry(self._clock.now(), by.id, by.name, Decision.UNBLOCK, member.name, member.id)
        with recording():
            await self._store.servers.drop_block(guild_id, member.id)
            await self._record(guild_id, entry)

    async def _record(self, guild_id: int, entry: AuditEntry) -> None:
        await self._store.servers.add_entry(guild_id, entry)
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

    async def admit(self, guild_id: int, who: Applicant, channel_id: int, waiting: Sequence[int]) -> None:
        """Raise the `RuleUnmet` that keeps a member from cloning; `waiting` own the clones under way here."""
        policy, now = await self._policy_for(Viewer(who.id, guild_id)), self._clock.now()
        check_applicant(policy, who, channel_id, now)
        voices = await self._store.members.voices(who.id)
        check_limits(
            policy,
            who.id,
            voices=sum(voice.guild_id == guild_id and not voice.deleting for voice in voices),
            cloned=await self._store.servers.cloned(guild_id),
            waiting=waiting,
            now=now,
        )

    async def permit(self, viewer: Viewer) -> None:
        """Raise the `RuleUnmet` that keeps a clone that waited from being sent after all."""
        if not (await self._policy_for(viewer)).cloning:
            raise CloningOff

    async def check_sharing(self, viewer: Viewer) -> None:
        """Raise the `RuleUnmet` that keeps a member from sharing here."""
        if not (await self._policy_for(viewer)).sharing:
            raise SharingOff

    async def check_speaking(self, viewer: Viewer) -> None:
        """Raise the `RuleUnmet` that keeps a member from speaking here."""
        if not (await self._policy_for(viewer)).speaking:
            raise SpeakingOff

    async def _policy_for(self, viewer: Viewer) -> Policy:
        """Return the rules that a member has to meet; `Blocked` if they may do nothing here."""
        for block in await self.blocked(viewer.guild_id):
            if block.member_id == viewer.id:
                raise Blocked(reason=block.reason, when=int(block.until) if block.until else None)
        return await self.policy(viewer.guild_id)


def _told(value: object) -> str:
    """Write a rule's value for the audit."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] -- ids
