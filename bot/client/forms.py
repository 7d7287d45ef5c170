"""Forms that work after a restart: their custom IDs say which one it is, and what members typed is kept for a while."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import discord

from bot.client.actions import Actions
from bot.client.tree import replying_on_error
from bot.clock import Clock
from bot.errors import Refused

KEPT_SECONDS = 60 * 60.0  # how long what was typed, or what a form is about, is kept in memory
KEPT = 500  # most of each that is kept

_T = TypeVar("_T")


class Memory(Generic[_T]):
    """The newest values, in memory only: a restart forgets them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: OrderedDict[object, tuple[float, _T]] = OrderedDict()

    def put(self, key: object, value: _T) -> None:
        self._values.pop(key, None)  # so that it becomes the last one
        self._values[key] = self._clock.monotonic(), value
        self._forget()

    def get(self, key: object) -> _T | None:
        """Return a value, or None if it is too old or unknown."""
        self._forget()
        return self._values[key][1] if key in self._values else None

    def pop(self, key: object) -> None:
        """Forget a value, if there is one."""
        self._values.pop(key, None)

    def _forget(self) -> None:
        """Forget values that are too old or too many."""
        oldest = self._clock.monotonic() - KEPT_SECONDS
        while self._values and (len(self._values) > KEPT or next(iter(self._values.values()))[0] < oldest):
            self._values.popitem(last=False)


class Forms(Actions):
    """Maps custom IDs of forms to handlers of what was submitted.

    `typed` has what members typed into forms that were refused, by member and custom ID. `samples` has the audio
    files of a message, each with who posted it if that is known, by member and message: without a privileged
    intent they can't be fetched again.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.typed = Memory[Mapping[str, Sequence[str]]](clock)
        self.samples = Memory[Mapping[str, tuple[discord.Attachment, int | None]]](clock)

    async def receive(self, interaction: discord.Interaction[Any], custom_id: str) -> None:
        """Handle a submitted form. discord.py knows none: it would forget them at a restart."""
        async with replying_on_error(interaction):
            found = self.find(custom_id)
            if found is None:
                raise Refused("refused.form_unknown")
            handler, arguments = found
            await handler(interaction, **arguments)
