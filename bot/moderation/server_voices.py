"""The voices that were cloned or are shared in a server, for its moderators."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.clock import Clock
from bot.errors import Refused, StoreError
from bot.library.shared_voices import SharedVoices
from bot.library.title_search import search_titles
from bot.policy.models import CloneRecord
from bot.policy.ports import RulesRepository
from bot.tasks import BackgroundTasks
from bot.text import same_title
from bot.voices.models import Voice
from bot.voices.repository import MembersRepository

_log = logging.getLogger(__name__)

SUGGESTION_POOL = 200  # autocomplete considers this many of the newest voices: each needs its owner's file to be read


class VoiceFilter(StrEnum):
    """Which of a server's voices to list."""

    ALL = "all"
    SHARED = "shared"
    PRIVATE = "private"

    def includes(self, *, shared: bool) -> bool:
        """Return True if a shared, or private, voice is listed."""
        return self is VoiceFilter.ALL or shared is (self is VoiceFilter.SHARED)


@dataclass(frozen=True, slots=True)
class ServerVoice:
    """A list entry. `at` is the Unix timestamp of the clone, or of the last use if cloned elsewhere."""

    voice_id: int
    owner_id: int
    at: float
    shared: bool


@dataclass(eq=False, repr=False)
class ServerVoices:
    """The lists of all servers. An entry may be outdated: `verify` checks it against its owner's file."""

    members: MembersRepository
    servers: RulesRepository
    shared_voices: SharedVoices
    tasks: BackgroundTasks
    clock: Clock

    def start(self) -> None:
        """Add voices to the servers' lists that are only in the members' files."""
        self.tasks.start(self._complete())

    async def _complete(self) -> None:
        for guild_id, voices in (await self.members.cloned_in()).items():
            try:
                known = {record.voice_id for record in await self.servers.clone_records(guild_id)}
                for voice in voices:
                    if voice.id not in known:
                        record = CloneRecord.from_voice(voice, voice.created_at)
                        await self.servers.add_clone_record(guild_id, record, self.clock.now())
            except StoreError as error:
                _log.warning("the voices cloned in server %d can't be listed: %r", guild_id, error)

    async def list_voices(
        self, guild_id: int, *, owner_id: int | None = None, voice_filter: VoiceFilter = VoiceFilter.ALL
    ) -> list[ServerVoice]:
        """Return a server's voices, newest first, optionally of one owner."""
        voices = {
            row.voice_id: ServerVoice(row.voice_id, row.owner_id, row.used_at, shared=True)
            for row in await self.shared_voices.rows(guild_id)
        }
        for record in await self.servers.clone_records(guild_id):
            if not record.deleted:
                shared = record.voice_id in voices
                voices[record.voice_id] = ServerVoice(record.voice_id, record.owner_id, record.at, shared)
        found = [
            voice
            for voice in voices.values()
            if voice_filter.includes(shared=voice.shared) and owner_id in (None, voice.owner_id)
        ]
        return sorted(found, key=lambda voice: (voice.at, voice.voice_id), reverse=True)

    async def verify(self, guild_id: int, entries: Sequence[ServerVoice]) -> list[Voice]:
        """Return the voices that still exist. The others are removed from the list."""
        voices = await asyncio.gather(*(self._voice(guild_id, entry) for entry in entries))
        return [voice for voice in voices if voice]

    async def resolve(self, guild_id: int, text: str) -> Voice:
        """Return a voice by its ID or title. Raises `Refused` if none, or more than one, has this title."""
        entries = await self.list_voices(guild_id)
        for voice in await self.verify(guild_id, [entry for entry in entries if str(entry.voice_id) == text]):
            return voice
        voices = await self.verify(guild_id, entries[:SUGGESTION_POOL])
        match [voice for voice in voices if same_title(voice.title, text)]:
            case [voice]:
                return voice
            case _:
                raise Refused("refused.voice_not_here")

    async def suggest(self, guild_id: int, text: str, limit: int) -> list[Voice]:
        voices = await self.verify(guild_id, (await self.list_voices(guild_id))[:SUGGESTION_POOL])
        return await search_titles(text, voices, limit)

    async def _voice(self, guild_id: int, entry: ServerVoice) -> Voice | None:
        try:
            voice = await self.members.voice(entry.owner_id, entry.voice_id)
        except StoreError:
            return None
        if voice and not voice.deleting:
            return voice if guild_id in (voice.guild_id, *voice.shared_in) else None
        await self.servers.mark_deleted(guild_id, entry.voice_id)
        return None
