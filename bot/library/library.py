"""The library: which voices somebody may see and speak with, and what their owners do with them."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from weakref import WeakValueDictionary

from bot.cloning.errors import ApprovalRevoked
from bot.errors import Refused, StoreError
from bot.library.deletions import Deletions
from bot.library.errors import BeingDeleted, VoiceUnknown
from bot.library.models import SUGGESTIONS, Share, Suggestion
from bot.library.shared_voices import Community, without
from bot.library.title_search import best
from bot.policy.rules import Moderation
from bot.store.protocol import Store, recording
from bot.tasks import Background
from bot.text import clean_text, is_blank, same_title
from bot.voices.models import TITLE_LENGTH, Consent, OwedDeletion, SpokenLine, Viewer, Voice

_log = logging.getLogger(__name__)


class Library:
    """Voices as their owner, and others, may use them.

    What somebody may not see is `VoiceUnknown`, exactly like what does not exist. `titles` returns those
    of a member's clones under way. Of the `leaving`, all that is stored is being deleted.
    """

    def __init__(
        self,
        store: Store,
        community: Community,
        deletions: Deletions,
        titles: Callable[[int], Iterable[str]],
        leaving: Collection[int],
        rules: Moderation,
    ) -> None:
        self._store = store
        self.community = community
        self._deletions = deletions
        self._titles = titles
        self._leaving = leaving
        self._rules = rules
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def start(self, background: Background) -> None:
        """Settle what is owed, and look after what is shared, from now on."""
        background.start(self._deletions.keep())
        background.start(self.community.keep())

    async def own(self, owner_id: int) -> list[Voice]:
        """Return a member's voices, the last used first, those on their way out last."""
        voices = await self._store.members.voices(owner_id)
        return sorted(voices, key=lambda voice: (voice.deleting, -voice.used_at, -voice.id))

    async def see(self, viewer: Viewer, voice_id: int) -> Voice:
        """Return a voice that somebody may see: their own, one shared in this server, one they approved."""
        try:
            return await self._within_reach(viewer, voice_id)
        except VoiceUnknown:
            for _, voice in await self.approved(viewer.id):
                if voice.id == voice_id:
                    return voice
            raise

    async def usable(self, viewer: Viewer, voice_id: int) -> Voice:
        """Return a voice that somebody may speak with; `RuleUnmet` where nobody, or not they, may speak."""
        await self._rules.check_speaking(viewer)
        voice = _sound(await self._within_reach(viewer, voice_id))
        await self._rules.check_speaking_with(viewer, voice)
        if voice.speaker:
            given = await self._store.members.consents(voice.speaker.id)
            if all(consent.job_id != voice.job_id or consent.revoked for consent in given):
                raise ApprovalRevoked(name=voice.speaker.name)
        return voice

    async def approved(self, speaker_id: int) -> list[tuple[Consent, Voice]]:
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

    async def _within_reach(self, viewer: Viewer, voice_id: int) -> Voice:
        """Return a voice of somebody's own, or one that is shared in this server."""
        try:
            return await self.owned(viewer, voice_id)
        except VoiceUnknown:
            shared = await self.community.find(viewer.guild_id, voice_id) if viewer.guild_id else None
            if shared is None:
                raise
            return shared

    async def owned(self, viewer: Viewer, voice_id: int) -> Voice:
        """Return a voice of somebody's own."""
        for voice in await self._store.members.voices(viewer.id):
            if voice.id == voice_id:
                return voice
        raise VoiceUnknown

    async def find(self, viewer: Viewer, text: str, *, own: bool = False) -> Voice:
        """Return the voice that an option names: by the id of a suggestion, or by its title typed in full."""
        if text.isdecimal():
            try:
                voice_id = int(text)
                return await (self.owned(viewer, voice_id) if own else self.see(viewer, voice_id))
            except VoiceUnknown:
                pass  # it may still be a title
        for voice in await self._store.members.voices(viewer.id):
            if same_title(voice.title, text) and not voice.deleting:
                return voice
        if own or not viewer.guild_id:
            raise VoiceUnknown
        rows = await asyncio.to_thread(_titled, text, await self.community.shares(viewer.guild_id))
        ids = {row.voice_id for row, _ in await self.community.confirmed(viewer.guild_id, rows)}
        ids |= {voice.id for _, voice in await self.approved(viewer.id) if same_title(voice.title, text)}
        match [*ids]:
            case [voice_id]:
                return await self.see(viewer, voice_id)
            case []:
                raise VoiceUnknown
            case _:
                raise Refused("refused.voice_ambiguous", title=text)

    async def suggest(
        self, viewer: Viewer, text: str, *, own: bool = False, approved: bool = False
    ) -> list[Suggestion]:
        """Return what a member may mean by what is typed so far, 25 at most.

        Their own voices come first, then those that they `approved`, if wanted, then shared ones.
        """
        theirs = [voice for voice in await self.own(viewer.id) if not voice.deleting]
        if approved:
            theirs += [voice for _, voice in await self.approved(viewer.id)]
        shared = [] if own or not viewer.guild_id else await self.community.shares(viewer.guild_id)
        ids = {voice.id for voice in theirs}
        found: list[Voice | Share] = [*theirs, *(row for row in shared if row.voice_id not in ids)]
        if text.strip():
            titles = [voice.title for voice in found]
            found = [found[place] for place in await asyncio.to_thread(best, text, titles, SUGGESTIONS)]
        found = found[:SUGGESTIONS]
        rows = [one for one in found if isinstance(one, Share)]
        held = {
            voice.id: (voice, row) for row, voice in await self.community.confirmed(viewer.guild_id, rows)
        }
        suggestions: list[Suggestion] = []
        for one in found:
            if isinstance(one, Voice):
                mine = one.owner_id == viewer.id
                suggestions.append(
                    Suggestion(one.id, one.title, None if mine else one.owner_name, approved=not mine)
                )
            elif one.voice_id in held:
                voice, row = held[one.voice_id]
                suggestions.append(Suggestion(voice.id, voice.title, row.owner_name))
        return suggestions

    async def lines(self, viewer: Viewer, voice_id: int) -> tuple[SpokenLine, ...]:
        """Return who spoke what with a voice of one's own, newest first, 50 at most."""
        await self.owned(viewer, voice_id)
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
            await self._carry(voice)
        return voice

    async def share(self, viewer: Viewer, voice_id: int, *, owner_name: str) -> Voice:
        """Let the members of this server use a voice."""
        guild_id = viewer.guild_id
        if not guild_id:
            raise Refused("refused.no_server")

        def shared(voice: Voice) -> Voice:
            return replace(voice, shared_in=(*without(voice, guild_id).shared_in, guild_id))

        voice = _sound(await self.owned(viewer, voice_id))
        await self._rules.check_sharing(viewer, voice)
        row = Share(voice.id, voice.owner_id, owner_name, voice.title, voice.language, voice.used_at)
        with recording():
            return await self.community.put(guild_id, row, lambda: self._change(viewer, voice_id, shared))

    async def unshare(self, viewer: Viewer, voice_id: int) -> Voice:
        """Let nobody else in this server use a voice any more."""
        voice = await self._change(viewer, voice_id, lambda voice: without(voice, viewer.guild_id))
        with recording():
            await self.community.drop(viewer.guild_id, voice_id)
        return voice

    async def withdraw(self, voice: Voice, guild_id: int) -> None:
        """End that a voice is shared in a server, as its moderators decided."""
        await self._store.members.change(voice.owner_id, voice.id, lambda voice: without(voice, guild_id))
        await self.community.drop(guild_id, voice.id)

    async def delete(self, viewer: Viewer, voice_id: int) -> bool:
        """Delete a voice for good; False if that is not done yet: it then stays owed."""
        voice = await self.owned(viewer, voice_id)
        owed = OwedDeletion(voice.id, voice.account, voice.owner_id)
        with recording():
            await self._store.pending.put_owed(owed)  # from now on it happens, whatever happens here
        try:
            return await self.discard(voice, owed)
        except StoreError as error:
            _log.error("voice %d is not deleted wholly yet: %s", voice_id, error)
            return False

    async def discard(self, voice: Voice, owed: OwedDeletion) -> bool:
        """Take a voice whose deletion is owed out of everybody's reach, and try to be even with the API."""
        with recording():
            marked = await self._store.members.change(
                voice.owner_id, voice.id, lambda voice: replace(voice, deleting=True)
            )
            for guild_id in (marked or voice).shared_in:
                await self.community.drop(guild_id, voice.id)
            return await self._deletions.settle(owed)

    async def used(self, voice: Voice, line: SpokenLine) -> Voice | None:
        """Remember that, by whom and for what a voice was used; None if it is gone."""
        used = await self._store.members.change(
            voice.owner_id, voice.id, lambda voice: replace(voice, last_used=line.at)
        )
        if used:
            await self._store.members.add_line(voice.owner_id, line)
            await self._carry(used, line.guild_id)
        return used

    async def _change(self, viewer: Viewer, voice_id: int, change: Callable[[Voice], Voice]) -> Voice:
        if viewer.id in self._leaving:
            raise Refused("refused.being_forgotten")
        with recording():
            voice = await self._store.members.change(viewer.id, voice_id, lambda voice: change(_sound(voice)))
        if voice is None:
            raise VoiceUnknown
        return voice

    async def _carry(self, voice: Voice, *guilds: int) -> None:
        """Carry a change through to the servers that share a voice."""
        for guild_id in voice.shared_in:
            if not guilds or guild_id in guilds:
                await self.community.touch(guild_id, voice)

    def _lock(self, owner_id: int) -> asyncio.Lock:
        lock = self._locks.get(owner_id)
        if lock is None:
            lock = self._locks[owner_id] = asyncio.Lock()
        return lock


def _titled(text: str, rows: Iterable[Share]) -> list[Share]:
    return [row for row in rows if same_title(row.title, text)]


def _sound(voice: Voice) -> Voice:
    if voice.deleting:
        raise BeingDeleted(title=voice.title)
    return voice
