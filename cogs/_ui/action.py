"""Creates buttons and selects for the actions that command groups register in `Clonevoice.actions`."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import discord

from bot.client.actions import ActionItem
from bot.errors import Refused
from bot.i18n import translate
from bot.text import shorten

Select = discord.ui.Select[Any] | discord.ui.RoleSelect[Any] | discord.ui.ChannelSelect[Any]

LABEL_LENGTH, OPTION_LENGTH = 80, 100
"""Longest label of a button and of an option, in UTF-16 code units.

https://discord.com/developers/docs/components/reference
"""

_PRIMARY = {"button.anyway", "button.mine", "button.again", "button.speak", "button.open"}
_DANGER = {"button.sure", "button.gone", "button.reset_rules", "button.case.remove", "button.case.remove_clip"}
_STYLES = {
    **dict.fromkeys(_PRIMARY, discord.ButtonStyle.primary),
    **dict.fromkeys(_DANGER, discord.ButtonStyle.danger),
    "button.approve": discord.ButtonStyle.success,
}


def action_button(locale: str, label: str, name: str, /, *arguments: object, **values: object) -> ActionItem:
    """Return a button for the action `name`. Its label is a key of the catalog, filled in with `values`."""
    style = _STYLES.get(label, discord.ButtonStyle.secondary)
    text = shorten(translate(locale, label, **values), LABEL_LENGTH)
    return ActionItem(discord.ui.Button(label=text, style=style, custom_id=_custom_id(name, arguments)))


def action_buttons(locale: str, name: str, actions: Iterable[str], subject: object) -> discord.ui.View:
    """Return buttons with custom IDs of the form `name:action:subject`."""
    return view_of(*(action_button(locale, f"button.{action}", name, action, subject) for action in actions))


def view_of(*items: ActionItem) -> discord.ui.View:
    """Return a view that never times out: its handlers are found by their custom IDs."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    return view


def action_select(select: Select, name: str, *arguments: object) -> ActionItem:
    """Give a select the custom ID of the action `name`."""
    select.custom_id = _custom_id(name, arguments)
    return ActionItem(select)


def select_options(labels: Mapping[str, str], chosen: Collection[str] = ()) -> list[discord.SelectOption]:
    """Return an option for each value and its label."""
    return [
        discord.SelectOption(label=shorten(text, OPTION_LENGTH), value=value, default=value in chosen)
        for value, text in labels.items()
    ]


def chosen(select: Select) -> str:
    """Return the only value of a select with options. Raises `Refused` if there is none: anyone can send anything."""
    if not isinstance(select, discord.ui.Select) or not select.values:
        raise Refused("refused.action_unknown")
    return str(select.values[0])


def _custom_id(name: str, arguments: tuple[object, ...]) -> str:
    return ":".join(map(str, (name, *arguments)))
