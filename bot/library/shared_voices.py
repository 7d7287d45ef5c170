"""The voices shared in each server: only a cache, since the owner's file decides and is checked before each use."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from weakref import WeakValueDictionary

from bot.clock import Clock, repeat
from bot.errors import StoreError, expected_error, tolerating_store_errors
from bot.library.models import SharedVoice
from bot.library.ports import Membership, SharesRepository
from bot.library.title_search import search_titles
from bot.policy.rules import Rules
from bot.voices.models import Language, Voice
from bot.voices.repository import MembersRepository

_log = logging.getLogger(__name__)

OPEN_SERVERS = 256  # the number of servers whose lists stay in memory

USED_SECONDS = 60 * 60.0
"""A voice's `used_at` is written at most this often: it only affects the order, and the whole list is in one file."""

FIRST_SWEEP_SECONDS = 10 * 60.0  # seconds from the start to the first sweep for owners and servers that are gone …
SWEEP_SECONDS = 24 * 60 * 60.0  # … and between two sweeps


@dataclass(slots=True, weakref_slot=True, eq=False)
class _Server:
    """A server's rows by voice ID, once they are read, and the `used_at` last written of each."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    read: bool = False
    rows: dict[int, SharedVoice] = field(default_factory=dict[int, SharedVoice])
    written: dict[int, float] = field(default_factory=dict[int, float])


@dataclass(eq=False, repr=False)
class SharedVoices:
    """The shared voices of all servers."""

    members: MembersRepository
    shares: SharesRepository
    rules: Rules
    membership: Membership
    clock: Clock
    _recent: OrderedDict[int, _Server] = field(default_factory=OrderedDict[int, _Server], init=False)
    _servers: WeakValueDictionary[int, _Server] = field(default_factory=WeakValueDictionary[int, _Server], init=False)

    async def list_shares(self, guild_id: int) -> list[SharedVoice]:
        """Return a server's visible rows, last used first. They are not verified."""
        hidden = await self.rules.hidden(guild_id)
        rows = [row for row in await self.rows(guild_id) if not hidden.hides(row.voice_id, row.owner_id)]
        return sorted(rows, key=lambda row: (row.used_at, row.voice_id), reverse=True)

    async def search(self, guild_id: int, text: str, language: Language | None) -> list[SharedVoice]:
        """Return a server's visible rows, optionally only of one language and with a matching title."""
        rows = [row for row in await self.list_shares(guild_id) if language in (None, row.language)]
        return await search_titles(text, rows, len(rows))

    async def verify(self, guild_id: int, rows: Iterable[SharedVoice]) -> list[tuple[SharedVoice, Voice]]:
        """Return the valid rows, each with its voice. Invalid rows are removed, and titles updated."""
        rows = list(rows)
        voices = await asyncio.gather(*(self._voice(guild_id, row) for row in rows))
        return [(row, voice) for row, voice in zip(rows, voices, strict=True) if voice]

    async def get(self, guild_id: int, voice_id: int) -> Voice | None:
        """Return a shared voice whose owner is still a member of the server."""
        row = next((row for row in await self.rows(guild_id) if row.voice_id == voice_id), None)
        if row is None or (await self.rules.hidden(guild_id)).hides(voice_id, row.owner_id):
            return None
        if (voice := await self._voice(guild_id, row)) is None:
            return None
        if not await self.membership.is_member(guild_id, row.owner_id):
            await self.unshare_member(guild_id, row.owner_id)
            return None
        return voice

    async def add(self, guild_id: int, row: SharedVoice, record: Callable[[], Awaitable[Voice]]) -> Voice:
        """Add a row, then await `record`, which changes the owner's file. If interrupted, the row is invalid."""
        async with self._locked(guild_id) as server:
            await self.shares.put_share(guild_id, row)
            server.rows[row.voice_id] = row
            return await record()

    async def refresh(self, guild_id: int, voice: Voice) -> None:
        """Update a voice's title and `used_at` in a server's list. A failure is logged: the list is only a cache."""
        with tolerating_store_errors(f"the list of the voices shared in server {guild_id} is out of date"):
            await self._refresh(guild_id, voice)

    async def _refresh(self, guild_id: int, voice: Voice) -> None:
        async with self._locked(guild_id) as server:
            if (row := server.rows.get(voice.id)) is None:
                return
            fresh = replace(row, title=voice.title, used_at=voice.used_at)
            if row.title != voice.title or voice.used_at - server.written.get(voice.id, 0.0) > USED_SECONDS:
                await self.shares.put_share(guild_id, fresh)
                server.written[voice.id] = voice.used_at
            server.rows[voice.id] = fresh

    async def remove(self, guild_id: int, voice_id: int) -> None:
        """Remove a voice's row. A failure is logged: the caller has changed the owner's file, so the row is invalid."""
        with tolerating_store_errors(f"the list of the voices shared in server {guild_id} is out of date"):
            async with self._locked(guild_id) as server:
                await self._remove_row(guild_id, server, voice_id)

    async def unshare_member(self, guild_id: int, owner_id: int) -> None:
        """Unshare all voices of a member who has left the server."""
        async with self._locked(guild_id) as server:  # so that none is shared meanwhile
            for row in [row for row in server.rows.values() if row.owner_id == owner_id]:
                await self._unshare(guild_id, row)
                await self._remove_row(guild_id, server, row.voice_id)

    async def unshare_all(self, guild_id: int) -> None:
        """Unshare all voices of a server that the bot has left."""
        async with self._locked(guild_id) as server:
            for row in server.rows.values():
                try:
                    await self._unshare(guild_id, row)
                except StoreError as error:  # without its row the voice is not shared
                    _log.warning("a voice could not be unshared in server %d: %s", guild_id, error)
            await self.shares.remove_shares(guild_id)
            server.rows.clear()

    async def run(self) -> None:
        """Sweep all servers once a day. Never returns."""
        await self.clock.sleep(FIRST_SWEEP_SECONDS)
        await repeat(self._sweep_all, self.clock, SWEEP_SECONDS)

    async def _sweep_all(self) -> None:
        for guild_id in await self.shares.sharing():
            await self._try_to_sweep(guild_id)

    async def _try_to_sweep(self, guild_id: int) -> None:
        try:
            await self.sweep(guild_id)
        except Exception as error:  # noqa: BLE001 - the other servers are swept anyway
            expected_error(f"sweeping the shared voices of server {guild_id}", error)

    async def sweep(self, guild_id: int) -> None:
        """Remove a server's invalid rows, and unshare the voices of members who have left it."""
        rows = await self.rows(guild_id)
        for row in rows:
            await self.verify(guild_id, [row])
        for owner_id in {row.owner_id for row in rows}:
            if not await self.membership.is_member(guild_id, owner_id):
                await self.unshare_member(guild_id, owner_id)

    async def _voice(self, guild_id: int, row: SharedVoice) -> Voice | None:
        """Return the row's voice if it is valid. Otherwise remove the row, unless the file can't be read."""
        try:
            voice = await self._shared(guild_id, row)
            if voice is None:
                await self._remove_invalid(guild_id, row)
        except StoreError:
            return None
        if voice and voice.title != row.title:
            await self.refresh(guild_id, voice)
        return voice

    async def _shared(self, guild_id: int, row: SharedVoice) -> Voice | None:
        """Return the row's voice if its owner's file says that it is shared in the server."""
        voice = await self.members.voice(row.owner_id, row.voice_id)
        return voice if voice and guild_id in voice.shared_in and not voice.deleting else None

    async def _remove_invalid(self, guild_id: int, row: SharedVoice) -> None:
        async with self._locked(guild_id) as server:
            if await self._shared(guild_id, row) is None:  # checked again: it may have just been shared
                await self._remove_row(guild_id, server, row.voice_id)

    async def _remove_row(self, guild_id: int, server: _Server, voice_id: int) -> None:
        await self.shares.remove_share(guild_id, voice_id)
        server.rows.pop(voice_id, None)

    async def _unshare(self, guild_id: int, row: SharedVoice) -> None:
        await self.members.change(row.owner_id, row.voice_id, lambda voice: voice.unshared(guild_id))

    async def rows(self, guild_id: int) -> list[SharedVoice]:
        """Return all rows of a server, including hidden ones. They are not verified."""
        async with self._locked(guild_id) as server:
            return [*server.rows.values()]

    @asynccontextmanager
    async def _locked(self, guild_id: int) -> AsyncGenerator[_Server]:
        """Lock and read a server. While it is in use it is shared, even if it is evicted from the cache."""
        server = self._servers.setdefault(guild_id, _Server())
        self._recent[guild_id] = server
        self._recent.move_to_end(guild_id)
        while len(self._recent) > OPEN_SERVERS:
            self._recent.popitem(last=False)
        async with server.lock:
            if not server.read:
                server.rows = {row.voice_id: row for row in await self.shares.shares(guild_id)}
                server.read = True
            yield server
