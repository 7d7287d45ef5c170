"""The library: which voices somebody may see and speak with, and what their owners do with them."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from weakref import WeakValueDictionary

from bot.cloning.errors import ApprovalRevoked
from bot.errors import Refused, StoreError
from bot.library.deletions import UpstreamDeletions
from bot.library.errors import BeingDeleted, VoiceUnknown
from bot.library.models import SUGGESTIONS, SharedVoice, VoiceSuggestion
from bot.library.shared_voices import SharedVoices, without
from bot.library.title_search import best_matches
from bot.policy.rules import Rules
from bot.store.protocol import Store, recording
from bot.tasks import Background
from bot.text import clean_text, is_blank, same_title
from bot.voices.models import TITLE_LENGTH, Clip, Consent, PendingDeletion, Viewer, Voice

_log = logging.getLogger(__name__)


class Library:
    """Voices as their owner, and others, may use them.

    What somebody may not see is `VoiceUnknown`, exactly like what does not exist. `titles` returns those
    of a member's clones under way. Of the `leaving`, all that is stored is being deleted.
    """

    def __init__(
        self,
        store: Store,
        community: SharedVoices,
        deletions: UpstreamDeletions,
        titles: Callable[[int], Iterable[str]],
        leaving: Collection[int],
        rules: Rules,
    ) -> None:
        self._store = store
        self.shared_voices = community
        self._deletions = deletions
        self._titles = titles
        self._leaving = leaving
        self._rules = rules
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def start(self, background: Background) -> None:
        """Settle what is owed, and look after what is shared, from now on."""
        background.start(self._deletions.run())
        background.start(self.shared_voices.run())

    async def list_own(self, owner_id: int) -> list[Voice]:
        """Return a member's voices, the last used first, those on their way out last."""
        voices = await self._store.members.voices(owner_id)
        return sorted(voices, key=lambda voice: (voice.deleting, -voice.used_at, -voice.id))

    async def get_visible(self, viewer: Viewer, voice_id: int) -> Voice:
        """Return a voice that somebody may see: their own, one shared in this server, one they approved."""
        try:
            return await self._get_own_or_shared(viewer, voice_id)
        except VoiceUnknown:
            for _, voice in await self.list_consented(viewer.id):
                if voice.id == voice_id:
                    return voice
            raise

    async def get_usable(self, viewer: Viewer, voice_id: int) -> Voice:
        """Return a voice that somebody may speak with; `RuleUnmet` where nobody, or not they, may speak."""
        await self._rules.check_speaking(viewer)
        voice = _check_not_deleting(await self._get_own_or_shared(viewer, voice_id))
        await self._rules.check_speaking_with(viewer, voice)
        if voice.speaker:
            given = await self._store.members.consents(voice.speaker.id)
            if all(consent.job_id != voice.job_id or consent.revoked for consent in given):
                raise ApprovalRevoked(name=voice.speaker.name)
        return voice

    async def list_consented(self, speaker_id: int) -> list[tuple[Consent, Voice]]:
        """Return the voices that are a member's, but somebody else's to use, as the speaker approved."""
        found: list[tuple[Consent, Voice]] = []
        for consent in await self._store.members.consents(speaker_id):
            try:
                voices = await self._store.members.voices(consent.owner_id)
            except StoreError:
                continue  # reported where it was set aside
            made = [voice for voice in voices if voice.job_id == consent.job_id and not voice.deleting]
            found += [(consent, voice) for voice in made]
        return found

    async def _get_own_or_shared(self, viewer: Viewer, voice_id: int) -> Voice:
        """Return a voice of somebody's own, or one that is shared in this server."""
        try:
            return await self.get_own(viewer, voice_id)
        except VoiceUnknown:
            shared = await self.shared_voices.get(viewer.guild_id, voice_id) if viewer.guild_id else None
            if shared is None:
                raise
            return shared

    async def get_own(self, viewer: Viewer, voice_id: int) -> Voice:
        """Return a voice of somebody's own."""
        for voice in await self._store.members.voices(viewer.id):
            if voice.id == voice_id:
                return voice
        raise VoiceUnknown

    async def resolve(self, viewer: Viewer, text: str, *, own: bool = False) -> Voice:
        """Return the voice that an option names: by the id of a suggestion, or by its title typed in full."""
        if text.isdecimal():
            try:
                voice_id = int(text)
                return await (self.get_own(viewer, voice_id) if own else self.get_visible(viewer, voice_id))
            except VoiceUnknown:
                pass  # it may still be a title
        for voice in await self._store.members.voices(viewer.id):
            if same_title(voice.title, text) and not voice.deleting:
                return voice
        if own or not viewer.guild_id:
            raise VoiceUnknown
        rows = await asyncio.to_thread(_titled, text, await self.shared_voices.list_shares(viewer.guild_id))
        ids = {row.voice_id for row, _ in await self.shared_voices.verify(viewer.guild_id, rows)}
        ids |= {
            voice.id for _, voice in await self.list_consented(viewer.id) if same_title(voice.title, text)
        }
        match [*ids]:
            case [voice_id]:
                return await self.get_visible(viewer, voice_id)
            case []:
                raise VoiceUnknown
            case _:
                raise Refused("refused.voice_ambiguous", title=text)

    async def suggest(
        self, viewer: Viewer, text: str, *, own: bool = False, approved: bool = False
    ) -> list[VoiceSuggestion]:
        """Return what a member may mean by what is typed so far, 25 at most.

        Their own voices come first, then those that they `approved`, if wanted, then shared ones.
        """
        theirs = [voice for voice in await self.list_own(viewer.id) if not voice.deleting]
        if approved:
            theirs += [voice for _, voice in await self.list_consented(viewer.id)]
        shared = [] if own or not viewer.guild_id else await self.shared_voices.list_shares(viewer.guild_id)
        ids = {voice.id for voice in theirs}
        found: list[Voice | SharedVoice] = [*theirs, *(row for row in shared if row.voice_id not in ids)]
        if text.strip():
            titles = [voice.title for voice in found]
            found = [
                found[place] for place in await asyncio.to_thread(best_matches, text, titles, SUGGESTIONS)
            ]
        found = found[:SUGGESTIONS]
        rows = [one for one in found if isinstance(one, SharedVoice)]
        held = {
            voice.id: (voice, row) for row, voice in await self.shared_voices.verify(viewer.guild_id, rows)
        }
        suggestions: list[VoiceSuggestion] = []
        for one in found:
            if isinstance(one, Voice):
                mine = one.owner_id == viewer.id
                suggestions.append(
                    VoiceSuggestion(one.id, one.title, None if mine else one.owner_name, approved=not mine)
                )
            elif one.voice_id in held:
                voice, row = held[one.voice_id]
                suggestions.append(VoiceSuggestion(voice.id, voice.title, row.owner_name))
        return suggestions

    async def list_clips(self, viewer: Viewer, voice_id: int) -> tuple[Clip, ...]:
        """Return who spoke what with a voice of one's own, newest first, 50 at most."""
        await self.get_own(viewer, voice_id)
        return await self._store.members.lines(viewer.id, voice_id)

    async def rename(self, viewer: Viewer, voice_id: int, title: str) -> Voice:
        """Give a voice another title, here and wherever it is shared; the API can't."""
        title = clean_text(title)[:TITLE_LENGTH]
        if is_blank(title):
            raise Refused("refused.title_blank")
        async with self._lock(viewer.id):
            others = [
                voice.title
                for voice in await self._store.members.voices(viewer.id)
                if voice.id != voice_id and not voice.deleting
            ]
            if any(same_title(title, other) for other in (*others, *self._titles(viewer.id))):
                raise Refused("refused.title_taken", title=title)
            voice = await self._change(viewer, voice_id, lambda voice: replace(voice, title=title))
        with recording():
            await self._sync_shares(voice)
        return voice

    async def share(self, viewer: Viewer, voice_id: int, *, owner_name: str) -> Voice:
        """Let the members of this server use a voice."""
        guild_id = viewer.guild_id
        if not guild_id:
            raise Refused("refused.no_server")

        def shared(voice: Voice) -> Voice:
            return replace(voice, shared_in=(*without(voice, guild_id).shared_in, guild_id))

        voice = _check_not_deleting(await self.get_own(viewer, voice_id))
        await self._rules.check_sharing(viewer, voice)
        row = SharedVoice(voice.id, voice.owner_id, owner_name, voice.title, voice.language, voice.used_at)
        with recording():
            return await self.shared_voices.add(guild_id, row, lambda: self._change(viewer, voice_id, shared))

    async def unshare(self, viewer: Viewer, voice_id: int) -> Voice:
        """Let nobody else in this server use a voice any more."""
        voice = await self._change(viewer, voice_id, lambda voice: without(voice, viewer.guild_id))
        with recording():
            await self.shared_voices.remove(viewer.guild_id, voice_id)
        return voice

    async def unshare_from(self, voice: Voice, guild_id: int) -> None:
        """End that a voice is shared in a server, as its moderators decided."""
        await self._store.members.change(voice.owner_id, voice.id, lambda voice: without(voice, guild_id))
        await self.shared_voices.remove(guild_id, voice.id)

    async def delete(self, viewer: Viewer, voice_id: int) -> bool:
        """Delete a voice for good; False if that is not done yet: it then stays owed."""
        voice = await self.get_own(viewer, voice_id)
        owed = PendingDeletion(voice.id, voice.account, voice.owner_id)
        with recording():
            await self._store.pending.put_owed(owed)  # from now on it happens, whatever happens here
        try:
            return await self.delete_owed(voice, owed)
        except StoreError as error:
            _log.error("voice %d is not deleted wholly yet: %s", voice_id, error)
            return False

    async def delete_owed(self, voice: Voice, owed: PendingDeletion) -> bool:
        """Take a voice whose deletion is owed out of everybody's reach, and try to be even with the API."""
        with recording():
            marked = await self._store.members.change(
                voice.owner_id, voice.id, lambda voice: replace(voice, deleting=True)
            )
            for guild_id in (marked or voice).shared_in:
                await self.shared_voices.remove(guild_id, voice.id)
            return await self._deletions.delete(owed)

    async def record_use(self, voice: Voice, line: Clip) -> Voice | None:
        """Remember that, by whom and for what a voice was used; None if it is gone."""
        used = await self._store.members.change(
            voice.owner_id, voice.id, lambda voice: replace(voice, last_used=line.at)
        )
        if used:
            await self._store.members.add_line(voice.owner_id, line)
            await self._sync_shares(used, line.guild_id)
        return used

    async def _change(self, viewer: Viewer, voice_id: int, change: Callable[[Voice], Voice]) -> Voice:
        if viewer.id in self._leaving:
            raise Refused("refused.being_forgotten")
        with recording():
            voice = await self._store.members.change(
                viewer.id, voice_id, lambda voice: change(_check_not_deleting(voice))
            )
        if voice is None:
            raise VoiceUnknown
        return voice

    async def _sync_shares(self, voice: Voice, *guilds: int) -> None:
        """Carry a change through to the servers that share a voice."""
        for guild_id in voice.shared_in:
            if not guilds or guild_id in guilds:
                await self.shared_voices.refresh(guild_id, voice)

    def _lock(self, owner_id: int) -> asyncio.Lock:
        lock = self._locks.get(owner_id)
        if lock is None:
            lock = self._locks[owner_id] = asyncio.Lock()
        return lock


def _titled(text: str, rows: Iterable[SharedVoice]) -> list[SharedVoice]:
    return [row for row in rows if same_title(row.title, text)]


def _check_not_deleting(voice: Voice) -> Voice:
    if voice.deleting:
        raise BeingDeleted(title=voice.title)
    return voice
