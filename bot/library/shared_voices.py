"""What a server shares: a list to choose from, which the owners' files confirm whenever it counts."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from weakref import WeakValueDictionary

from bot.clock import Clock
from bot.errors import StoreError
from bot.library.models import SharedVoice
from bot.library.ports import Membership
from bot.library.title_search import best_matches
from bot.policy.models import HiddenVoices
from bot.policy.rules import Rules
from bot.store.protocol import Store
from bot.voices.models import Language, Voice

_log = logging.getLogger(__name__)

OPEN_SERVERS = 256
"""How many servers' lists stay in memory."""

USED_SECONDS = 60 * 60.0
"""How exactly a server's file knows when a voice was used."""

FIRST_SWEEP_SECONDS = 10 * 60.0
"""Seconds from the start to the first look for owners, and servers, that are gone …"""

SWEEP_SECONDS = 24 * 60 * 60.0
"""… and from each look to the next."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class _Server:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    rows: dict[int, SharedVoice] | None = None
    written: dict[int, float] = field(default_factory=dict[int, float])


class SharedVoices:
    """Shares by server. Whoever knows Discord sets `membership`."""

    membership: Membership

    def __init__(self, store: Store, rules: Rules, clock: Clock) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._recent: OrderedDict[int, _Server] = OrderedDict()
        self._servers: WeakValueDictionary[int, _Server] = WeakValueDictionary()

    async def list_shares(self, guild_id: int) -> list[SharedVoice]:
        """Return what is shared in a server, the last used first; unconfirmed."""
        withheld = await self._rules.hidden(guild_id)
        rows = [row for row in await self.rows(guild_id) if not _holds_back(withheld, row)]
        return sorted(rows, key=lambda share: (share.used_at, share.voice_id), reverse=True)

    async def search(self, guild_id: int, text: str, language: Language | None) -> list[SharedVoice]:
        """Return what is shared in a server, in one language if given, and fits a text if there is one."""
        rows = [row for row in await self.list_shares(guild_id) if language in (None, row.language)]
        if not text.strip():
            return rows
        titles = [row.title for row in rows]
        return [rows[place] for place in await asyncio.to_thread(best_matches, text, titles, len(rows))]

    async def verify(self, guild_id: int, rows: Iterable[SharedVoice]) -> list[tuple[SharedVoice, Voice]]:
        """Return the rows that hold, each with its voice; drop those that don't, and mend titles."""
        rows = list(rows)
        voices = await asyncio.gather(*(self._voice(guild_id, row) for row in rows))
        return [(row, voice) for row, voice in zip(rows, voices, strict=True) if voice]

    async def get(self, guild_id: int, voice_id: int) -> Voice | None:
        """Return a voice that is shared in a server by somebody who still is there."""
        row = next((row for row in await self.rows(guild_id) if row.voice_id == voice_id), None)
        if row is None or _holds_back(await self._rules.hidden(guild_id), row):
            return None
        if (voice := await self._voice(guild_id, row)) is None:
            return None
        if not await self.membership.is_member(guild_id, row.owner_id):
            await self.unshare_member(guild_id, row.owner_id)
            return None
        return voice

    async def add(self, guild_id: int, row: SharedVoice, record: Callable[[], Awaitable[Voice]]) -> Voice:
        """Put a voice on a server's list, and have its owner's file say so with `record`.

        In this order: broken off in the middle, it leaves a row that is not confirmed, and so goes.
        """
        server = self._server(guild_id)
        async with server.lock:
            rows = await self._rows(guild_id, server)
            await self._store.servers.put_share(guild_id, row)
            rows[row.voice_id] = row
            return await record()

    async def refresh(self, guild_id: int, voice: Voice) -> None:
        """Bring a server's list up to what the owner's file says of a voice.

        Only its order depends on when a voice was used, so that is written now and then: the file holds
        the whole list.
        """
        server = self._server(guild_id)
        async with server.lock:
            rows = await self._rows(guild_id, server)
            if (row := rows.get(voice.id)) is None:
                return
            fresh = replace(row, title=voice.title, used_at=voice.used_at)
            if row.title != voice.title or voice.used_at - server.written.get(voice.id, 0.0) > USED_SECONDS:
                await self._store.servers.put_share(guild_id, fresh)
                server.written[voice.id] = voice.used_at
            rows[voice.id] = fresh

    async def remove(self, guild_id: int, voice_id: int) -> None:
        """Take a voice off a server's list."""
        server = self._server(guild_id)
        async with server.lock:
            rows = await self._rows(guild_id, server)
            await self._store.servers.drop_share(guild_id, voice_id)
            rows.pop(voice_id, None)

    async def unshare_member(self, guild_id: int, owner_id: int) -> None:
        """End what a member shares in a server, since they have left it."""
        server = self._server(guild_id)
        async with server.lock:  # so that nothing is shared in the middle
            rows = await self._rows(guild_id, server)
            for row in [row for row in rows.values() if row.owner_id == owner_id]:
                await self._end(guild_id, row)
                await self._store.servers.drop_share(guild_id, row.voice_id)
                del rows[row.voice_id]

    async def unshare_all(self, guild_id: int) -> None:
        """End all that is shared in a server, since the bot has left it."""
        server = self._server(guild_id)
        async with server.lock:
            for row in (await self._rows(guild_id, server)).values():
                try:
                    await self._end(guild_id, row)
                except (StoreError, OSError, ValueError) as error:  # without its row nothing is shared
                    _log.warning("a share in server %d could not be ended: %s", guild_id, error)
            await self._store.servers.drop_shares(guild_id)
            server.rows = {}

    async def run(self) -> None:
        """Look once a day whether the bot, and those who share, are still where they shared."""
        await self._clock.sleep(FIRST_SWEEP_SECONDS)
        while True:
            try:
                for guild_id in await self._store.servers.sharing():
                    await self._try_to_sweep(guild_id)
            except OSError:
                _log.exception("where voices are shared can't be read")
            await self._clock.sleep(SWEEP_SECONDS)

    async def _try_to_sweep(self, guild_id: int) -> None:
        try:
            await self.sweep(guild_id)
        except Exception:  # noqa: BLE001 - one server must not end the looking at all
            _log.exception("what is shared in server %d could not be looked at", guild_id)

    async def sweep(self, guild_id: int) -> None:
        """End what is shared in a server by those who have left it, and forget rows that don't hold."""
        if not self.membership.bot_in_guild(guild_id):
            await self.unshare_all(guild_id)
            return
        rows = await self.rows(guild_id)
        for row in rows:
            await self.verify(guild_id, [row])
        for owner_id in {row.owner_id for row in rows}:
            if not await self.membership.is_member(guild_id, owner_id):
                await self.unshare_member(guild_id, owner_id)

    async def _voice(self, guild_id: int, row: SharedVoice) -> Voice | None:
        try:
            voice = await self._shared(guild_id, row)
            if voice is None:
                await self._drop_unconfirmed(guild_id, row)
        except StoreError:
            return None  # reported where it was set aside
        except (OSError, ValueError):
            _log.exception("the voices of member %d can't be read", row.owner_id)
            return None
        if voice and voice.title != row.title:
            await self.refresh(guild_id, voice)
        return voice

    async def _shared(self, guild_id: int, row: SharedVoice) -> Voice | None:
        """Return a row's voice if its owner's file says that it is shared here."""
        for voice in await self._store.members.voices(row.owner_id):
            if voice.id == row.voice_id and guild_id in voice.shared_in and not voice.deleting:
                return voice
        return None

    async def _drop_unconfirmed(self, guild_id: int, row: SharedVoice) -> None:
        server = self._server(guild_id)
        async with server.lock:
            if await self._shared(guild_id, row) is None:  # else it was just being shared
                rows = await self._rows(guild_id, server)
                await self._store.servers.drop_share(guild_id, row.voice_id)
                rows.pop(row.voice_id, None)

    async def _end(self, guild_id: int, row: SharedVoice) -> None:
        await self._store.members.change(row.owner_id, row.voice_id, lambda voice: without(voice, guild_id))

    async def rows(self, guild_id: int) -> list[SharedVoice]:
        """Return what members share in a server, whether it holds that back or not; unconfirmed."""
        server = self._server(guild_id)
        async with server.lock:
            return [*(await self._rows(guild_id, server)).values()]

    async def _rows(self, guild_id: int, server: _Server) -> dict[int, SharedVoice]:
        if server.rows is None:
            server.rows = {row.voice_id: row for row in await self._store.servers.shares(guild_id)}
        return server.rows

    def _server(self, guild_id: int) -> _Server:
        """Open a server's list; one in use stays the same for all, however many are opened meanwhile."""
        server = self._servers.get(guild_id)
        if server is None:
            server = self._servers[guild_id] = _Server()
        self._recent[guild_id] = server
        self._recent.move_to_end(guild_id)
        while len(self._recent) > OPEN_SERVERS:
            self._recent.popitem(last=False)
        return server


def without(voice: Voice, guild_id: int) -> Voice:
    """Return a voice as it is when it is shared in a server no more."""
    return replace(voice, shared_in=tuple(shared for shared in voice.shared_in if shared != guild_id))


def _holds_back(withheld: HiddenVoices, row: SharedVoice) -> bool:
    """Whether a server does not share a voice, whatever its owner wants."""
    return withheld.everything or row.owner_id in withheld.owners or row.voice_id in withheld.voices
