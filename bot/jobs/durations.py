"""The typical duration of a clone or a clip, from this bot's own history."""

import logging
from statistics import median
from typing import Literal, Protocol

from bot.errors import StoreError

_log = logging.getLogger(__name__)

DEFAULT_SECONDS = {"clone": 75.0, "speech": 55.0}
"""The middle of the ranges in the API's documentation (60-90 s and 20-90 s), until there is a history."""


class DurationsRepository(Protocol):
    """Stores the last durations of each kind, in seconds."""

    async def durations(self, kind: Literal["clone", "speech"] = "clone") -> tuple[float, ...]:
        """Return up to 50 durations, newest last."""
        ...

    async def add_duration(self, seconds: float, kind: Literal["clone", "speech"] = "clone") -> None: ...


class TypicalDuration:
    """The median of the last durations of a kind. If the store fails, the default is used."""

    def __init__(self, repository: DurationsRepository, kind: Literal["clone", "speech"]) -> None:
        self._repository = repository
        self._kind: Literal["clone", "speech"] = kind

    async def get(self) -> float:
        """Return the typical duration in seconds."""
        default = DEFAULT_SECONDS[self._kind]
        try:
            return median(await self._repository.durations(self._kind) or (default,))
        except StoreError:
            return default

    async def add(self, seconds: float) -> None:
        """Include a duration. A failed write is logged."""
        try:
            await self._repository.add_duration(seconds, self._kind)
        except StoreError as error:
            _log.error("a duration could not be recorded: %s", error)
