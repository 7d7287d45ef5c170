"""What is stored about a member: handed out as they ask for it, and deleted when they want that."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bot.clock import Clock
from bot.cloning.cloner import Cloner
from bot.consent import Consents
from bot.errors import Refused, StoreError
from bot.library.library import Library
from bot.privacy.export import everything_about
from bot.speaking.synthesizer import Synthesizer
from bot.store.protocol import Store, recording
from bot.tasks import Background
from bot.voices.models import PendingDeletion

_log = logging.getLogger(__name__)

AGAIN_SECONDS = 60.0
"""Seconds until forgetting a member is tried again; they double …"""

LONGEST_SECONDS = 60 * 60.0
"""… up to this."""


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """What became of a member's voices: how many the API has deleted, and how many it still has to.

    `cloning`: one is just being made, and goes when it is done. Not `whole`: something stood in the way,
    and it goes on by itself.
    """

    deleted: int
    pending: int
    cloning: bool
    complete: bool


class Privacy:
    """Exports and forgets. `leaving` are the members who are being forgotten, for all who must know."""

    def __init__(
        self,
        *,
        store: Store,
        cloner: Cloner,
        library: Library,
        speaking: Synthesizer,
        consents: Consents,
        clock: Clock,
        leaving: set[int],
    ) -> None:
        self._store = store
        self._cloner = cloner
        self._library = library
        self._speaking = speaking
        self._consents = consents
        self._clock = clock
        self._leaving = leaving

    async def load(self) -> None:
        """Learn whom an earlier run of the bot began to forget, before anything of theirs goes on."""
        try:
            self._leaving |= {*await self._store.pending.leaving()}
        except StoreError as error:
            _log.error("who is to be forgotten can't be read: %s", error)

    def start(self, background: Background) -> None:
        """Go on forgetting them."""
        self._background = background
        for member_id in self._leaving:
            background.start(self._finish(member_id))

    async def export(self, member_id: int) -> dict[str, Any]:
        """Return all that is stored about a member, as JSON takes it; without tokens."""
        return await everything_about(member_id, self._store)

    async def samples(self, member_id: int) -> list[tuple[str, bytes]]:
        """Return the samples that are kept of a member's clones, by the clones' ids."""
        found: list[tuple[str, bytes]] = []
        for job in await self._store.jobs.all():
            if job.owner_id == member_id:
                with suppress(FileNotFoundError):
                    found.append((job.id, await self._store.jobs.sample(job.id)))
        return found

    async def erase(self, member_id: int) -> ErasureResult:
        """Delete all that is stored about a member; what can't be done at once is done later."""
        if member_id in self._leaving:
            raise Refused("refused.being_forgotten")
        self._leaving.add(member_id)
        try:
            with recording():
                await self._store.pending.put_leaving(member_id)  # from now on it happens, whatever happens
        except BaseException:
            self._leaving.discard(member_id)
            raise
        deleted = owed = 0
        cloning = whole = True
        try:
            with recording():
                await self._speaking.forget(member_id)
                await self._consents.withdraw_all(member_id)
                cloning = await self._cloner.call_off(member_id)
                deleted, owed = await self._delete_voices(member_id)
        except StoreError as error:
            _log.error("a member could not be forgotten wholly yet: %s", error)
            whole = False
        finally:
            self._background.start(self._finish(member_id))
        return ErasureResult(deleted, owed, cloning and whole, whole)

    async def _finish(self, member_id: int) -> None:
        pause = AGAIN_SECONDS
        while True:
            try:
                await self._speaking.forget(member_id)
                await self._consents.withdraw_all(member_id)
                await self._delete_voices(member_id)
                await self._store.members.anonymise(member_id)
                await self._cloner.forget(member_id)
                await self._store.jobs.check(member_id)
                await self._delete_voices(member_id)  # one that was being made
                for guild_id in await self._store.servers.sharing():  # rows of voices that are gone already
                    await self._library.shared_voices.unshare_member(guild_id, member_id)
                await self._store.servers.anonymise(member_id)
                for notice in await self._store.pending.notices():
                    if notice.user_id == member_id:
                        await self._store.pending.drop_notice(notice.id)
                await self._store.members.forget(member_id)
                await self._store.pending.drop_leaving(member_id)
                break
            except Exception:  # noqa: BLE001 - it is owed to the member, so it is tried again
                _log.exception("a member could not be forgotten yet")
                await self._clock.sleep(pause)
                pause = min(2 * pause, LONGEST_SECONDS)
        self._leaving.discard(member_id)

    async def _delete_voices(self, member_id: int) -> tuple[int, int]:
        """Delete a member's voices; from now on, nothing that is owed says whose they were."""
        deleted = owed = 0
        ids = {voice.id for voice in await self._store.members.voices(member_id)}
        for voice in await self._store.members.voices(member_id):
            nobodys = PendingDeletion(voice.id, voice.account)
            await self._store.pending.put_owed(nobodys)
            gone = await self._library.delete_owed(voice, nobodys)
            deleted, owed = deleted + gone, owed + (not gone)
            await self._store.members.drop(member_id, voice.id)
        for other in await self._store.pending.owed():
            if other.owner_id == member_id and other.voice_id not in ids:
                await self._store.pending.put_owed(PendingDeletion(other.voice_id, other.account))
        return deleted, owed
