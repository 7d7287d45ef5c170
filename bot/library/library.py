"""The library of cloned voices: listing, using, renaming, sharing and deleting them."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bot.erasures import PendingErasures
from bot.errors import Refused, StoreError
from bot.library.deletions import UpstreamDeletions
from bot.library.errors import BeingDeleted, VoiceUnknown
from bot.library.models import SUGGESTIONS, SharedVoice, VoiceSuggestion
from bot.library.ports import RunningTitles
from bot.library.shared_voices import SharedVoices
from bot.library.title_search import search_titles
from bot.library.titles import check_title, clean_title
from bot.policy.rules import Rules
from bot.tasks import BackgroundTasks, Locks
from bot.text import same_title
from bot.voices.models import Clip, Consent, PendingDeletion, Viewer, Voice
from bot.voices.repository import MembersRepository, PendingDeletionsRepository

_log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class Library:
    """All voices. A voice that a member may not see raises `VoiceUnknown`, as if it did not exist."""

    members: MembersRepository
    pending_deletions: PendingDeletionsRepository
    shared_voices: SharedVoices
    deletions: UpstreamDeletions
    clones: RunningTitles
    erasures: PendingErasures
    rules: Rules
    tasks: BackgroundTasks
    _locks: Locks = field(default_factory=Locks, init=False)

    def start(self) -> None:
        """Start retrying the pending deletions and sweeping the shared voices."""
        self.tasks.start(self.deletions.run())
        self.tasks.start(self.shared_voices.run())

    async def list_own(self, owner_id: int) -> list[Voice]:
        """Return a member's voices, last used first, followed by those that are being deleted."""
        voices = await self.members.voices(owner_id)
        return sorted(voices, key=lambda voice: (voice.deleting, -voice.used_at, -voice.id))

    async def list_consented(self, speaker_id: int) -> list[tuple[Consent, Voice]]:
        """Return the voices that others cloned from this member with their consent."""
        found: list[tuple[Consent, Voice]] = []
        for consent in await self.members.consents(speaker_id):
            try:
                voices = await self.members.voices(consent.owner_id)
            except StoreError:
                continue
            cloned = [voice for voice in voices if voice.job_id == consent.job_id and not voice.deleting]
            found += [(consent, voice) for voice in cloned]
        return found

    async def list_clips(self, viewer: Viewer, voice_id: int) -> tuple[Clip, ...]:
        """Return the last 50 clips that were made with one of the member's own voices, newest first."""
        await self.get_own(viewer, voice_id)
        return await self.members.clips(viewer.id, voice_id)

    async def get_visible(self, viewer: Viewer, voice_id: int) -> Voice:
        """Return a voice that is the member's own, shared in the server, or made with their consent."""
        try:
            return await self._get_own_or_shared(viewer, voice_id)
        except VoiceUnknown:
            for _, voice in await self.list_consented(viewer.id):
                if voice.id == voice_id:
                    return voice
            raise

    async def get_usable(self, viewer: Viewer, voice_id: int) -> Voice:
        """Return a voice for clips. Raises `Refused` if the rules forbid it or the speaker withdrew consent."""
        await self.rules.check_speaking(viewer)
        voice = _check_not_deleting(await self._get_own_or_shared(viewer, voice_id))
        if voice.owner_id in self.erasures:
            raise BeingDeleted(title=voice.title)
        await self.rules.check_voice(viewer.guild_id, voice)
        if voice.speaker:
            given = await self.members.consents(voice.speaker.id)
            if all(consent.job_id != voice.job_id or consent.revoked for consent in given):
                raise Refused("refused.approval_revoked", name=voice.speaker.name)
        return voice

    async def get_own(self, viewer: Viewer, voice_id: int) -> Voice:
        if voice := await self.members.voice(viewer.id, voice_id):
            return voice
        raise VoiceUnknown

    async def _get_own_or_shared(self, viewer: Viewer, voice_id: int) -> Voice:
        try:
            return await self.get_own(viewer, voice_id)
        except VoiceUnknown:
            if viewer.guild_id and (shared := await self.shared_voices.get(viewer.guild_id, voice_id)):
                return shared
            raise

    async def resolve(self, viewer: Viewer, text: str, *, own: bool = False) -> Voice:
        """Return the visible voice, or with `own` the member's own, with this ID or title.

        The member's own voices take precedence over others. Raises `Refused` if the title is ambiguous.
        """
        if text.isdecimal():
            with suppress(VoiceUnknown):  # a title can consist of digits, too
                return await (self.get_own if own else self.get_visible)(viewer, int(text))
        for voice in await self.members.voices(viewer.id):
            if same_title(voice.title, text) and not voice.deleting:
                return voice
        if own or not viewer.guild_id:
            raise VoiceUnknown
        shared = await self.shared_voices.list_shares(viewer.guild_id)
        rows = await asyncio.to_thread(lambda: [row for row in shared if same_title(row.title, text)])
        consented = [voice for _, voice in await self.list_consented(viewer.id)]
        ids = {row.voice_id for row, _ in await self.shared_voices.verify(viewer.guild_id, rows)}
        ids |= {voice.id for voice in consented if same_title(voice.title, text)}
        if len(ids) > 1:
            raise Refused("refused.voice_ambiguous", title=text)
        if not ids:
            raise VoiceUnknown
        return await self.get_visible(viewer, ids.pop())

    async def suggest(
        self, viewer: Viewer, text: str, *, own: bool = False, approved: bool = False
    ) -> list[VoiceSuggestion]:
        """Return up to 25 voices: the member's own, those they approved if `approved`, and shared ones unless `own`."""
        voices = [voice for voice in await self.list_own(viewer.id) if not voice.deleting]
        if approved:
            voices += [voice for _, voice in await self.list_consented(viewer.id)]
        ids = {voice.id for voice in voices}
        rows = [] if own or not viewer.guild_id else await self.shared_voices.list_shares(viewer.guild_id)
        choices = [*voices, *(row for row in rows if row.voice_id not in ids)]
        found = await search_titles(text, choices, SUGGESTIONS)
        rows = [choice for choice in found if isinstance(choice, SharedVoice)]
        verified = {voice.id: voice for _, voice in await self.shared_voices.verify(viewer.guild_id, rows)}
        suggestions: list[VoiceSuggestion] = []
        for choice in found:
            if isinstance(choice, SharedVoice):
                if voice := verified.get(choice.voice_id):
                    suggestions.append(VoiceSuggestion(voice.id, voice.title, choice.owner_name))
            else:
                mine = choice.owner_id == viewer.id
                owner = None if mine else choice.owner_name
                suggestions.append(VoiceSuggestion(choice.id, choice.title, owner, approved=not mine))
        return suggestions

    async def rename(self, viewer: Viewer, voice_id: int, title: str) -> Voice:
        """Rename a voice here; the API can't rename voices. Raises `Refused` if the title is blank or taken."""
        title = clean_title(title)
        async with self._locks[viewer.id]:
            voices = await self.members.voices(viewer.id)
            taken = [voice.title for voice in voices if voice.id != voice_id and not voice.deleting]
            check_title(title, [*taken, *self.clones.titles(viewer.id)])
            voice = await self._change(viewer, voice_id, lambda voice: replace(voice, title=title))
        for guild_id in voice.shared_in:
            await self.shared_voices.refresh(guild_id, voice)
        return voice

    async def share(self, viewer: Viewer, voice_id: int, *, owner_name: str) -> Voice:
        """Share a voice with the members of the server. Raises `Refused` if the rules forbid it."""
        if not (guild_id := viewer.guild_id):
            raise Refused("refused.no_server")
        voice = _check_not_deleting(await self.get_own(viewer, voice_id))
        await self.rules.check_sharing(viewer, voice)
        row = SharedVoice(voice.id, voice.owner_id, owner_name, voice.title, voice.language, voice.used_at)
        return await self.shared_voices.add(
            guild_id, row, lambda: self._change(viewer, voice_id, lambda voice: voice.shared(guild_id))
        )

    async def unshare(self, viewer: Viewer, voice_id: int) -> Voice:
        """Stop sharing one of the member's own voices in the server."""
        voice = await self._change(viewer, voice_id, lambda voice: voice.unshared(viewer.guild_id))
        await self.shared_voices.remove(viewer.guild_id, voice_id)
        return voice

    async def unshare_from(self, voice: Voice, guild_id: int) -> None:
        """Stop sharing a voice in a server because its moderators removed it."""
        await self.members.change(voice.owner_id, voice.id, lambda voice: voice.unshared(guild_id))
        await self.shared_voices.remove(guild_id, voice.id)

    async def delete(self, viewer: Viewer, voice_id: int) -> bool:
        """Delete a voice. Returns False if it is not deleted upstream yet. That is retried.

        Raises `Refused` if the store failed after the deletion was recorded. That is retried, too.
        """
        voice = await self.get_own(viewer, voice_id)
        deletion = PendingDeletion(voice.id, voice.account, voice.owner_id)
        await self.pending_deletions.put_pending_deletion(deletion)  # from now on it is retried
        try:
            return await self.delete_pending(voice, deletion)
        except StoreError as error:
            _log.error("voice %d is not deleted completely yet: %s", voice_id, error)
            raise Refused("refused.not_deleted_yet", title=voice.title) from error

    async def delete_pending(self, voice: Voice, deletion: PendingDeletion) -> bool:
        """Disable, unshare and delete a voice whose pending deletion is stored. Returns False if it still exists."""
        marked = await self.members.change(voice.owner_id, voice.id, lambda voice: replace(voice, deleting=True))
        for guild_id in (marked or voice).shared_in:
            await self.shared_voices.remove(guild_id, voice.id)
        return await self.deletions.delete(deletion)

    async def record_use(self, voice: Voice, clip: Clip) -> Voice | None:
        """Record that a clip was made with a voice. Returns None if the voice was deleted."""
        used = await self.members.change(voice.owner_id, voice.id, lambda voice: replace(voice, last_used=clip.at))
        if used:
            await self.members.add_clip(voice.owner_id, clip)
            if clip.guild_id in used.shared_in:
                await self.shared_voices.refresh(clip.guild_id, used)
        return used

    async def _change(self, viewer: Viewer, voice_id: int, change: Callable[[Voice], Voice]) -> Voice:
        self.erasures.check(viewer.id)
        voice = await self.members.change(viewer.id, voice_id, lambda voice: change(_check_not_deleting(voice)))
        if voice is None:
            raise VoiceUnknown
        return voice


def _check_not_deleting(voice: Voice) -> Voice:
    if voice.deleting:
        raise BeingDeleted(title=voice.title)
    return voice
