"""How long a clone or a line usually takes, learned from this bot's own."""

import logging
from statistics import median
from typing import Literal

from bot.errors import StoreError
from bot.store.protocol import Store

_log = logging.getLogger(__name__)

DEFAULT_SECONDS = {"clone": 75.0, "speech": 55.0}
"""The middle of what the API's pages give, 60 to 90 s and 20 to 90 s, until there is experience."""


class TypicalDuration:
    """The median of the last durations of a kind, in seconds. A store that fails costs only exactness."""

    def __init__(self, store: Store, kind: Literal["clone", "speech"]) -> None:
        self._store = store
        self._kind: Literal["clone", "speech"] = kind

    async def get(self) -> float:
        """Return the usual duration."""
        try:
            return median(await self._store.pending.durations(self._kind) or (DEFAULT_SECONDS[self._kind],))
        except (StoreError, OSError, ValueError):
            return DEFAULT_SECONDS[self._kind]

    async def add(self, seconds: float) -> None:
        """Take one more into account."""
        try:
            await self._store.pending.add_duration(seconds, self._kind)
        except (StoreError, OSError, ValueError):
            _log.exception("a duration could not be recorded")
