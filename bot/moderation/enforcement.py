"""Enforces moderators' decisions. Every step is idempotent, so an interrupted decision can be resumed."""

from contextlib import suppress
from dataclasses import dataclass

from bot.cloning.cloner import Cloner
from bot.errors import StoreError
from bot.library.library import Library
from bot.moderation.models import Case, Decision, ReportedVoice
from bot.moderation.ports import CaseBoard
from bot.notifications import Notifications
from bot.policy.models import DAY, AuditEntry, Block, UserRef
from bot.policy.ports import RulesRepository
from bot.policy.rules import Rules
from bot.voices.models import PendingDeletion, Voice
from bot.voices.repository import MembersRepository, PendingDeletionsRepository


@dataclass(eq=False, repr=False)
class Enforcement:
    """Removes voices and clips from servers, and blocks members. The caller checks the moderator's permissions."""

    members: MembersRepository
    servers: RulesRepository
    deletions: PendingDeletionsRepository
    rules: Rules
    library: Library
    cloner: Cloner
    board: CaseBoard
    notifications: Notifications

    async def ban(self, guild_id: int, reported: ReportedVoice) -> None:
        """Ban a voice's sample if the voice was cloned here, else the voice."""
        if not reported.cloned_here:
            await self.servers.ban_voice(guild_id, reported.voice_id)
        elif reported.sample_sha256:
            await self.servers.ban_sample(guild_id, reported.sample_sha256)

    async def same_sample(self, guild_id: int, reported: ReportedVoice) -> list[Voice]:
        """Return the other voices that are removed with a voice: those of its sample that were cloned or shared here.

        Files that can't be read are skipped.
        """
        sha256, shared = reported.sample_sha256, self.library.shared_voices
        if not reported.cloned_here or not sha256:
            return []
        voices: list[Voice | None] = []
        with suppress(StoreError):  # the store has logged it, as below
            voices += [voice for _, voice in await shared.verify(guild_id, await shared.rows(guild_id))]
        for record in await self.servers.clone_records(guild_id):
            if record.sample_sha256 == sha256:
                with suppress(StoreError):
                    voices.append(await self.members.voice(record.owner_id, record.voice_id))
        found = {voice.id: voice for voice in voices if voice and voice.sample_sha256 == sha256 and not voice.deleting}
        found.pop(reported.voice_id, None)
        return [*found.values()]

    async def remove(self, guild_id: int, case: Case, decision: Decision) -> None:
        """Delete a case's voice if it was cloned here, else unshare it. Its owner is told."""
        reported = case.voice
        if voice := await self.members.voice(reported.owner_id, reported.voice_id):
            if reported.cloned_here:
                await self._notify_speaker(guild_id, case, voice)
                deletion = PendingDeletion(voice.id, voice.account, voice.owner_id)
                await self.deletions.put_pending_deletion(deletion)
                await self.library.delete_pending(voice, deletion)
            else:
                await self.library.unshare_from(voice, guild_id)
        await self.rules.record_once(guild_id, case.audit_entries())
        if reported.owner_id not in case.erasing:
            await self.notifications.send(
                reported.owner_id,
                guild_id,
                "notice.removed" if reported.cloned_here else "notice.barred",
                once=case.id,
                title=reported.title,
                reason=decision.reason,
                reason_code=decision.reason_code,
                by=decision.by.name,
            )

    async def _notify_speaker(self, guild_id: int, case: Case, voice: Voice) -> None:
        if voice.speaker and voice.speaker.id not in case.erasing:
            values = {"title": voice.title, "owner": voice.owner_name or str(voice.owner_id)}
            once = f"{case.id} speaker"
            await self.notifications.send(voice.speaker.id, guild_id, "notice.removed_speaker", once=once, **values)

    async def remove_clips(self, guild_id: int, case: Case, decision: Decision) -> None:
        """Delete the messages with a case's clips. Raises as `CaseBoard.delete_clips`."""
        await self.board.delete_clips(guild_id, [clip.link for clip in case.clips])
        await self.rules.record_once(guild_id, case.audit_entries())
        for author_id in {clip.author_id for clip in case.clips}.difference(case.erasing, {0}):
            await self.notifications.send(
                author_id,
                guild_id,
                "notice.clip_removed",
                once=f"{case.id} clip",
                title=case.voice.title,
                reason=decision.reason,
                reason_code=decision.reason_code,
                by=decision.by.name,
            )

    async def block(
        self, guild_id: int, by: UserRef, member: UserRef, reason: str, days: int | None, *, notify: bool
    ) -> Block:
        """Block a member and cancel their unsent clones. With `notify`, send them a changed reason or end."""
        before = await self.rules.get_block(guild_id, member.id)
        block = await self.rules.block(guild_id, by, member, reason, days)
        await self.cloner.cancel_all(member.id, guild_id, block.refusal())
        if notify and (before is None or (before.reason, before.until) != (block.reason, block.until)):
            await self._notify_blocked(guild_id, block, by)
        return block

    async def unblock(self, guild_id: int, by: UserRef, member: UserRef, *, notify: bool) -> None:
        """Unblock a member. Raises `Refused` if they are not blocked."""
        await self.rules.unblock(guild_id, by, member)
        if notify:
            await self.notifications.send(member.id, guild_id, "notice.unblocked")

    async def block_member(self, guild_id: int, case: Case, decision: Decision) -> None:
        """Block the member named in a decision. If they are blocked already, the longer block is kept."""
        assert decision.member is not None  # noqa: S101 - every block names a member
        by, member = decision.by, decision.member
        until = decision.at + decision.days * DAY if decision.days else None
        if before := await self.rules.get_block(guild_id, member.id):
            until = max(until, before.until) if until and before.until else None
        block = Block(member.id, member.name, by.id, decision.reason, decision.at, until, decision.reason_code)
        if not await self.rules.is_recorded(guild_id, case.id):  # else it may have been lifted since
            await self.rules.put_block(guild_id, block, AuditEntry.from_block(block, by, case_id=case.id))
        await self.cloner.cancel_all(member.id, guild_id, block.refusal())
        if member.id not in case.erasing:
            await self._notify_blocked(guild_id, block, by, once=case.id)

    async def _notify_blocked(self, guild_id: int, block: Block, by: UserRef, *, once: int | None = None) -> None:
        key = "notice.blocked_until" if block.until else "notice.blocked"
        await self.notifications.send(
            block.member_id,
            guild_id,
            key,
            once=once,
            by=by.name,
            until=int(block.until or 0),
            reason=block.reason,
            reason_code=block.reason_code,
        )
