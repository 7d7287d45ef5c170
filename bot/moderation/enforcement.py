"""What moderators do about a voice or a member, seen through to its end."""

from bot.cloning.cloner import Cloner
from bot.library.library import Library
from bot.moderation.models import Case, Decision, ReportedVoice
from bot.notifications import Notifications
from bot.policy.models import DAY, Block, UserRef
from bot.policy.rules import Rules, blocked, blocking
from bot.store.protocol import Store, recording
from bot.voices.models import PendingDeletion, Voice


class Enforcement:
    """Takes voices and members out of a server. Whoever calls has checked who decides."""

    def __init__(
        self,
        *,
        store: Store,
        moderation: Rules,
        library: Library,
        cloner: Cloner,
        notices: Notifications,
    ) -> None:
        self._store = store
        self._moderation = moderation
        self._library = library
        self._cloner = cloner
        self._notices = notices

    async def remove(self, guild_id: int, case: Case, verdict: Decision) -> None:
        """Take a case's voice out of a server; what of it was done before is not done again.

        One that was cloned there is deleted, and its sample blocked; one from elsewhere is unshared and
        barred, for it is not this server's to destroy.
        """
        target = case.voice
        with recording():
            if not target.cloned_here:
                await self._store.servers.bar_voice(guild_id, target.voice_id)
            elif target.sample_sha256:
                await self._store.servers.ban_sample(guild_id, target.sample_sha256)
            if voice := await self._voice(target):
                await self._end(guild_id, voice, destroy=target.cloned_here)
        await self._moderation.record_once(guild_id, case.audit_entry())
        if target.owner_id not in case.erasing:
            await self._notices.send(
                target.owner_id,
                guild_id,
                "notice.removed" if target.cloned_here else "notice.barred",
                once=case.id,
                title=target.title,
                reason=verdict.reason,
                by=verdict.by.name,
            )

    async def _end(self, guild_id: int, voice: Voice, *, destroy: bool) -> None:
        if destroy:
            owed = PendingDeletion(voice.id, voice.account, voice.owner_id)
            await self._store.pending.put_owed(owed)
            await self._library.delete_owed(voice, owed)
        else:
            await self._library.unshare_from(voice, guild_id)

    async def _voice(self, target: ReportedVoice) -> Voice | None:
        voices = await self._store.members.voices(target.owner_id)
        return next((voice for voice in voices if voice.id == target.voice_id), None)

    async def block(
        self,
        guild_id: int,
        by: UserRef,
        member: UserRef,
        reason: str,
        days: int | None,
        *,
        tell: bool,
    ) -> Block:
        """Block a member, cancel what of theirs waits, and tell them what they don't know yet."""
        before = await self._moderation.block_of(guild_id, member.id)
        block = await self._moderation.block(guild_id, by, member, reason, days)
        await self._cloner.call_off(member.id, guild_id, blocked(block))
        if tell and (before is None or (before.reason, before.until) != (block.reason, block.until)):
            await self._tell_blocked(guild_id, block, by)
        return block

    async def unblock(self, guild_id: int, by: UserRef, member: UserRef, *, tell: bool) -> None:
        """Let a member take part again, and tell them."""
        await self._moderation.unblock(guild_id, by, member)
        if tell:
            await self._notices.send(member.id, guild_id, "notice.unblocked")

    async def block_by(self, guild_id: int, case: Case, verdict: Decision) -> None:
        """Block the member whom a case's verdict names; what of it was done before is not done again."""
        assert verdict.member is not None  # noqa: S101 - a block is somebody's
        by, member = verdict.by, verdict.member
        until = verdict.at + verdict.days * DAY if verdict.days else None
        if before := await self._moderation.block_of(guild_id, member.id):  # the longer one holds
            until = max(until, before.until) if until and before.until else None
        block = Block(member.id, member.name, by.id, verdict.reason, verdict.at, until)
        if not await self._moderation.recorded(guild_id, case.id):  # else it may have been lifted again
            await self._moderation.put_block(guild_id, block)
            await self._moderation.record(guild_id, blocking(block, by, case_id=case.id))
        await self._cloner.call_off(member.id, guild_id, blocked(block))
        if member.id not in case.erasing:
            await self._tell_blocked(guild_id, block, by, once=case.id)

    async def _tell_blocked(
        self, guild_id: int, block: Block, by: UserRef, *, once: int | None = None
    ) -> None:
        key = "notice.blocked_until" if block.until else "notice.blocked"
        until = int(block.until or 0)
        await self._notices.send(
            block.member_id, guild_id, key, once=once, reason=block.reason, by=by.name, until=until
        )
