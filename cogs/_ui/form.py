"""The base of all forms."""

from typing import Any, TypeVar

from discord import ui

from bot.client.tree import replying_on_error
from bot.i18n import translate
from cogs._ui.interaction import Interaction

FORM_SECONDS = 15 * 60.0  # seconds until a form is dropped; Discord does not report that a member closed it

_Input = TypeVar("_Input", bound=ui.Item[Any])


class Form(ui.Modal):
    """A form whose errors become replies. `title` is a key of the catalog."""

    def __init__(self, locale: str, title: str) -> None:
        super().__init__(title=translate(locale, title), timeout=FORM_SECONDS)
        self._locale = locale

    def add(self, component: _Input, label: str, **values: object) -> _Input:
        """Add an input below its label, a key of the catalog. Returns the input."""
        self.add_item(ui.Label(text=translate(self._locale, label, **values), component=component))
        return component

    async def on_submit(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        async with replying_on_error(interaction):
            await self.submit(interaction)

    async def submit(self, interaction: Interaction) -> None:
        """Handle the inputs' values."""
        raise NotImplementedError
