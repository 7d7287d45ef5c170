"""What moderators do about a voice or a member, seen through to its end."""

from bot.voices.clock import Clock
from bot.voices.cloner import Cloner
from bot.voices.library import Library
from bot.voices.models import OwedDeletion, Voice
from bot.voices.moderation import Moderation
from bot.voices.notices import Notices
from bot.voices.policy import AuditEntry, Block, Decision, Moderator
from bot.voices.reports import Target
from bot.voices.store import Store, recording


class Measures:
    """Takes voices and members out of a server. Whoever calls has checked who decides."""

    def __init__(
        self,
        *,
        store: Store,
        moderation: Moderation,
        library: Library,
        cloner: Cloner,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self._store = store
        self._moderation = moderation
        self._library = library
        self._cloner = cloner
        self._notices = notices
        self._clock = clock

    async def remove(
        self, guild_id: int, by: Moderator, target: Target, reason: str, *, case_id: int = 0
    ) -> bool:
        """Take a voice out of a server; whether it is destroyed.

        One that was cloned there is deleted, and its sample blocked; one from elsewhere is unshared and
        barred, for it is not this server's to destroy.
        """
        entry = AuditEntry(
            self._clock.now(),
            by.id,
            by.name,
            Decision.REMOVE,
            target.title,
            target.owner_id,
            reason,
            case_id=case_id,
        )
        with recording():
            if not target.cloned_here:
                await self._store.servers.bar_voice(guild_id, target.voice_id)
            elif target.sample_sha256:
                await self._store.servers.ban_sample(guild_id, target.sample_sha256)
            await self._moderation.record(guild_id, entry, tell=False)
            if voice := await self._voice(target):
                await self._end(guild_id, voice, destroy=target.cloned_here)
        await self._moderation.listener(guild_id, entry)
        key = "notice.removed" if target.cloned_here else "notice.barred"
        await self._notices.tell(
            target.owner_id, guild_id, key, title=target.title, reason=reason, by=by.name
        )
        return target.cloned_here

    async def _end(self, guild_id: int, voice: Voice, *, destroy: bool) -> None:
        if destroy:
            owed = OwedDeletion(voice.id, voice.account, voice.owner_id)
            await self._store.pending.put_owed(owed)
            await self._library.discard(voice, owed)
        else:
            await self._library.withdraw(voice, guild_id)

    async def _voice(self, target: Target) -> Voice | None:
        voices = await self._store.members.voices(target.owner_id)
        return next((voice for voice in voices if voice.id == target.voice_id), None)

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
        """Block a member in a server: what they share there ends, what waits is cancelled."""
        block = await self._moderation.block(guild_id, by, member, reason, days, case_id=case_id)
        await self._cloner.call_off(member.id, guild_id)
        with recording():
            await self._library.community.withdraw(guild_id, member.id)
        key = "notice.blocked_until" if block.until else "notice.blocked"
        await self._notices.tell(
            member.id, guild_id, key, reason=reason, by=by.name, until=int(block.until or 0)
        )
        return block
