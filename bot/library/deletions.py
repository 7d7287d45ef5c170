"""Deletions that are owed to members: asked of the API until the voice is gone there."""

import logging
from collections.abc import Callable
from dataclasses import replace

from bot.clock import Clock
from bot.errors import StoreError
from bot.mureka.client import MurekaClient
from bot.mureka.errors import AccountMissing, MurekaError, Rejected
from bot.store.protocol import Store
from bot.voices.models import PendingDeletion, Voice

_log = logging.getLogger(__name__)

SOONEST_SECONDS = 60.0
"""Seconds until what is owed is asked for again; they double while the API does not help …"""

LATEST_SECONDS = 60 * 60.0
"""… up to this."""


class UpstreamDeletions:
    """What is owed. `report` hears of accounts that are in trouble."""

    def __init__(
        self,
        store: Store,
        mureka: MurekaClient,
        clock: Clock,
        report: Callable[[str | None, MurekaError], None],
    ) -> None:
        self._store = store
        self._mureka = mureka
        self._clock = clock
        self._report = report

    async def delete(self, owed: PendingDeletion) -> bool:
        """Put a voice out of use, delete it at the API and then here; whether it is gone."""
        if owed.owner_id is not None:
            voice = await self._store.members.change(
                owed.owner_id, owed.voice_id, lambda voice: replace(voice, deleting=True)
            )
            if voice:
                await self.remove_references(voice)
        try:
            await self._mureka.delete(owed.voice_id, owed.account)
        except (AccountMissing, Rejected):  # not found, perhaps: no answer is documented for that
            if await self._listed(owed):
                return False
        except MurekaError as error:
            _log.warning("voice %d could not be deleted at the API: %r", owed.voice_id, error)
            self._report(owed.account, error)
            return False
        if owed.owner_id is not None:
            await self._store.members.drop(owed.owner_id, owed.voice_id)
        await self._store.pending.drop_owed(owed.voice_id)
        return True

    async def remove_references(self, voice: Voice) -> None:
        """Take a voice out of others' files; what stays there because one can't be written leads nowhere."""
        try:
            await self._store.servers.lose_cloned(voice.guild_id, voice.id)
            if voice.speaker:
                await self._store.members.drop_consent(voice.speaker.id, voice.job_id)
        except (StoreError, OSError, ValueError) as error:
            _log.warning("voice %d is still named elsewhere: %r", voice.id, error)

    async def run(self) -> None:
        """Ask for what is owed, again and again until it is done."""
        pause = SOONEST_SECONDS
        while True:
            settled = [await self._try(owed) for owed in await self._owed()]
            pause = SOONEST_SECONDS if all(settled) else min(2 * pause, LATEST_SECONDS)
            await self._clock.sleep(pause)

    async def _owed(self) -> tuple[PendingDeletion, ...]:
        try:
            return await self._store.pending.owed()
        except (StoreError, OSError, ValueError):
            _log.exception("what is owed can't be read")
            return ()

    async def _try(self, owed: PendingDeletion) -> bool:
        try:
            return await self.delete(owed)
        except Exception:  # noqa: BLE001 - one voice must not stand in the way of the others
            _log.exception("the deletion of voice %d could not be settled", owed.voice_id)
            return False

    async def _listed(self, owed: PendingDeletion) -> bool:
        """Whether the API still has a voice; also if that can't be found out just now."""
        try:
            return any(
                voice.id == owed.voice_id for voice in await self._mureka.voices(owed.account, complete=True)
            )
        except MurekaError as error:
            _log.warning("voice %d could not be looked for at the API: %r", owed.voice_id, error)
            self._report(owed.account, error)
            return True
