"""How long a clone usually takes, learned from this bot's own."""

import logging
from statistics import median

from bot.errors import StoreError
from bot.voices.store import Store

_log = logging.getLogger(__name__)

USUAL_SECONDS = 75.0
"""The middle of the 60 to 90 s that the API's page gives, until there are clones of one's own."""


class Estimate:
    """The median of the last clones' durations, in seconds. A store that fails costs only exactness."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def usual(self) -> float:
        """Return the usual duration."""
        try:
            return median(await self._store.durations() or (USUAL_SECONDS,))
        except (StoreError, OSError, ValueError):
            return USUAL_SECONDS

    async def learn(self, seconds: float) -> None:
        """Take one more clone into account."""
        try:
            await self._store.add_duration(seconds)
        except (StoreError, OSError, ValueError):
            _log.exception("a clone's duration could not be recorded")
