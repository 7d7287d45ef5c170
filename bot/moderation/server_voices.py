"""All voices that were cloned or are shared in a server, as its moderators may see them."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.clock import Clock
from bot.errors import Refused, StoreError
from bot.library.shared_voices import SharedVoices
from bot.library.title_search import best_matches
from bot.store.protocol import Store
from bot.tasks import Background
from bot.text import same_title
from bot.voices.models import Voice

_log = logging.getLogger(__name__)

SUGGESTED_FROM = 200
"""How many of the voices that were cloned here last are suggested: their titles are their owners'."""


class VoiceFilter(StrEnum):
    """What to show of a server's voices."""

    ALL = "all"
    SHARED = "shared"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class ServerVoice:
    """A voice as a server knows it; `at` is when it was cloned or used, in Unix seconds."""

    voice_id: int
    owner_id: int
    at: float
    shared: bool


class ServerVoices:
    """A server's voices. What their owners' files don't confirm is no voice of the server."""

    def __init__(self, store: Store, community: SharedVoices, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._community = community

    def start(self, background: Background) -> None:
        """Bring the servers' lists up to what the members' files say."""
        background.start(self._complete())

    async def _complete(self) -> None:
        for guild_id, cloned in (await self._store.members.cloned_in()).items():
            try:
                known = {one.voice_id for one in await self._store.servers.cloned(guild_id)}
                for one in cloned:
                    if one.voice_id not in known:
                        await self._store.servers.add_cloned(guild_id, one, self._clock.now())
            except (StoreError, OSError, ValueError) as error:
                _log.warning("what was cloned in server %d can't be listed: %r", guild_id, error)

    async def list_voices(
        self, guild_id: int, *, owner_id: int | None = None, whereabouts: VoiceFilter = VoiceFilter.ALL
    ) -> list[ServerVoice]:
        """Return a server's voices, the newest first: of one member, or only some, if wanted."""
        shared = {row.voice_id: row for row in await self._community.rows(guild_id)}
        cloned = {one.voice_id: one for one in await self._store.servers.cloned(guild_id) if not one.deleted}
        found = [
            ServerVoice(one.voice_id, one.owner_id, one.at, one.voice_id in shared) for one in cloned.values()
        ]
        found += [
            ServerVoice(row.voice_id, row.owner_id, row.used_at, shared=True)
            for row in shared.values()
            if row.voice_id not in cloned
        ]
        kept = {
            VoiceFilter.ALL: {True, False},
            VoiceFilter.SHARED: {True},
            VoiceFilter.PRIVATE: {False},
        }[whereabouts]
        found = [one for one in found if one.shared in kept and owner_id in (None, one.owner_id)]
        return sorted(found, key=lambda one: (one.at, one.voice_id), reverse=True)

    async def verify(self, guild_id: int, entries: Sequence[ServerVoice]) -> list[Voice]:
        """Return the voices that are there; what is not there any more is on no list from now on."""
        voices = await asyncio.gather(*(self._voice(guild_id, entry) for entry in entries))
        return [voice for voice in voices if voice]

    async def resolve(self, guild_id: int, text: str) -> Voice:
        """Return a voice of a server by its id, or by its title; `VoiceNotHere` if it has none of these."""
        entries = await self.list_voices(guild_id)
        for voice in await self.verify(guild_id, [one for one in entries if str(one.voice_id) == text]):
            return voice
        voices = await self.verify(guild_id, entries[:SUGGESTED_FROM])
        match [voice for voice in voices if same_title(voice.title, text)]:
            case [voice]:
                return voice
            case _:
                raise Refused("refused.voice_not_here")

    async def suggest(self, guild_id: int, text: str, most: int) -> list[Voice]:
        """Return what a moderator may mean by what is typed so far."""
        voices = await self.verify(guild_id, (await self.list_voices(guild_id))[:SUGGESTED_FROM])
        if not text.strip():
            return voices[:most]
        titles = [voice.title for voice in voices]
        return [voices[place] for place in await asyncio.to_thread(best_matches, text, titles, most)]

    async def _voice(self, guild_id: int, entry: ServerVoice) -> Voice | None:
        try:
            voices = await self._store.members.voices(entry.owner_id)
        except StoreError:
            return None  # reported where it was set aside
        for voice in voices:
            if voice.id == entry.voice_id and not voice.deleting:
                return voice if guild_id in (voice.guild_id, *voice.shared_in) else None
        await self._store.servers.lose_cloned(guild_id, entry.voice_id)
        return None
