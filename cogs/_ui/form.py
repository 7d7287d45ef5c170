"""The base of all forms."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import discord
from discord import ui

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.errors import Refused
from bot.i18n import translate
from bot.text import cut, shorten, without_format
from cogs._ui.action import action_button, view_of
from cogs._ui.interaction import Interaction

TITLE_LENGTH, LABEL_LENGTH, HINT_LENGTH = 45, 45, 100
"""Longest title of a form, label of an input and text below it, in UTF-16 code units.

https://discord.com/developers/docs/components/reference#label
"""

_Input = TypeVar("_Input", bound=ui.Item[Any])


class Form(ui.Modal):
    """A form that can be submitted at any time, and opened again after a mistake.

    `title` and the labels are keys of the catalog. The custom ID, `name:argument:...`, is all that a form knows
    when it is submitted: anyone can send any, so `submit` checks all that `prepare` does.
    """

    def __init__(self, locale: str, title: str, name: str, *arguments: object) -> None:
        custom_id = ":".join(map(str, (name, *arguments)))
        super().__init__(title=shorten(translate(locale, title), TITLE_LENGTH), custom_id=custom_id, timeout=None)
        self.stop()  # so that discord.py doesn't keep it: members would share it, and a restart would lose it
        self._locale = locale

    def add(self, component: _Input, label: str, **values: object) -> _Input:
        """Add an input below its label. Returns the input."""
        cast("Any", component).custom_id = label
        text = shorten(translate(self._locale, label, **values), LABEL_LENGTH)
        self.add_item(ui.Label(text=text, component=component))
        return component

    def add_hint(self, component: ui.Item[Any], hint: str, **values: object) -> None:
        """Show a text below the label of an input. `hint` is a key of the catalog."""
        self._label_of(component).description = shorten(translate(self._locale, hint, **values), HINT_LENGTH)

    async def prepare(self, interaction: Interaction) -> None:
        """Fill in what the member sees. Raises `Refused` if the member may not submit the form now."""

    async def submit(self, interaction: Interaction) -> None:
        """Handle the inputs' values."""
        raise NotImplementedError

    async def open(self, interaction: Interaction) -> None:
        """Show the form, with what the member typed the last time if that was refused. Raises `Refused`."""
        await self.prepare(interaction)
        for component, values in self._kept(interaction):
            match component:
                case ui.TextInput():
                    component.default = cut(without_format(values[0]), component.max_length or 0)
                case ui.Select():
                    for option in component.options:
                        option.default = option.value in values
                case ui.UserSelect():
                    component.default_values = [discord.Object(int(value), type=discord.User) for value in values]
                case _:
                    pass
        await interaction.response.send_modal(self)

    async def receive(self, interaction: Interaction) -> None:
        """Read the inputs' values, and submit them. After a refusal, a button opens the form again."""
        data = cast("dict[str, Any]", interaction.data)
        await self._dispatch_submit(interaction, data.get("components", []), data.get("resolved", {}))

    async def on_submit(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        interaction.client.forms.typed.pop((interaction.user.id, self.custom_id))
        async with replying_on_error(interaction, lambda: self.reopener(interaction)):
            if not all(map(_is_valid, self._inputs().values())):
                raise Refused("refused.form_unknown")
            await self.submit(interaction)

    async def on_error(self, interaction: Interaction, error: Exception, /) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        async with replying_on_error(interaction):
            raise Refused("refused.form_unknown") from error  # what was sent does not fit the inputs

    def reopener(self, interaction: Interaction) -> ui.View:
        """Keep what the member typed, and return a button that opens the form with it."""
        typed = {name: _values(component) for name, component in self._inputs().items()}
        interaction.client.forms.typed.put((interaction.user.id, self.custom_id), typed)
        return view_of(action_button(self._locale, "button.form", "form", self.custom_id))

    def _inputs(self) -> dict[str, ui.Item[Any]]:
        return {cast("Any", label.component).custom_id: label.component for label in self._labels()}

    def _labels(self) -> list[ui.Label[Any]]:
        return [item for item in self.children if isinstance(item, ui.Label)]

    def _label_of(self, component: ui.Item[Any]) -> ui.Label[Any]:
        return next(label for label in self._labels() if label.component is component)

    def _kept(self, interaction: Interaction) -> list[tuple[ui.Item[Any], list[str]]]:
        typed = interaction.client.forms.typed.get((interaction.user.id, self.custom_id)) or {}
        return [(component, [*typed[name]]) for name, component in self._inputs().items() if typed.get(name)]


def register_form(bot: Clonevoice, name: str, arguments: str, form: Callable[..., Form]) -> None:
    """Register a form, and the button that opens it again. `form` takes a locale and the groups of `arguments`."""

    async def receive(interaction: Interaction, **values: str) -> None:
        await form(str(interaction.locale), **values).receive(interaction)

    async def reopen(interaction: Interaction, **values: str) -> None:
        await form(str(interaction.locale), **values).open(interaction)

    bot.forms.add(name, arguments, receive)
    bot.actions.add(f"form:{name}", arguments, reopen)


def _is_valid(component: ui.Item[Any]) -> bool:
    """Return True if Discord would have let a member submit the input's value."""
    match component:
        case ui.TextInput():
            least, most = component.required, component.max_length or 0
            return least <= len(component.value) <= most
        case ui.Select():
            options = {option.value for option in component.options}
            return component.required <= len(component.values) <= 1 and options.issuperset(component.values)
        case _:
            return True


def _values(component: ui.Item[Any]) -> list[str]:
    match component:
        case ui.TextInput():
            return [component.value] if component.value else []
        case ui.Select():
            return component.values
        case ui.UserSelect():
            return [str(user.id) for user in component.values]
        case _:
            return []
