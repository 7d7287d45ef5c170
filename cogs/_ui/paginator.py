"""Lists in pages: which part is shown, the buttons that turn them, the select that opens one of it."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeVar

import discord

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.i18n import translate

PAGE = 10
"""How many rows a page has."""

_T = TypeVar("_T")

_Show = Callable[[discord.Interaction[Clonevoice], str, int], Awaitable[None]]

LISTS: dict[str, _Show] = {}
"""What shows a page of a list, by the list's kind: given what the list is of, and the number of the page."""

PICKS: dict[str, Callable[[discord.Interaction[Clonevoice], str], Awaitable[None]]] = {}
"""What opens one of what a list shows, by the list's kind: given its value."""


class PageButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"page:(?P<kind>\w+):(?P<page>\d{1,5}):(?P<of>.*)",
):
    """Another page of a list; `of` says of what, in as few characters as a custom id has left."""

    def __init__(self, kind: str, page: int, of: str, label: str) -> None:
        super().__init__(discord.ui.Button(label=label, custom_id=f"page:{kind}:{page}:{of}"))
        self._kind = kind
        self._page = page
        self._of = of

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the button from its custom id."""
        del interaction, item
        return cls(match["kind"], int(match["page"]), match["of"], "…")

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Turn the page where it is."""
        async with replying_on_error(interaction):
            await interaction.response.defer()
            if show := LISTS.get(self._kind):
                await show(interaction, self._of, self._page)


class PickSelect(
    discord.ui.DynamicItem[discord.ui.Select[Any]], template=r"pick:(?P<kind>voice|case|roster)"
):
    """Opens one of what a list shows, below it."""

    def __init__(self, kind: str, select: discord.ui.Select[Any]) -> None:
        select.custom_id = f"pick:{kind}"
        super().__init__(select)
        self._kind = kind

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Take the select as it is in the message."""
        del interaction
        assert isinstance(item, discord.ui.Select)  # noqa: S101 - the custom id is a select's
        return cls(match["kind"], item)

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- as above
        """Open it."""
        async with replying_on_error(interaction):
            await PICKS[self._kind](interaction, self.item.values[0])


def add_picker(
    view: discord.ui.View, kind: str, rows: Sequence[tuple[str, str, str]], placeholder: str
) -> None:
    """Add the select that opens what a list shows, if it shows anything: value, label, description each."""
    if rows:
        options = [
            discord.SelectOption(label=label, value=value, description=about[:100])
            for value, label, about in rows
        ]
        view.add_item(PickSelect(kind, discord.ui.Select(options=options, placeholder=placeholder)))


def page_of(rows: Sequence[_T], page: int) -> tuple[int, Sequence[_T]]:
    """Return a page's rows, and its number: the last one if there are no longer as many."""
    page = max(0, min(page, (len(rows) - 1) // PAGE))
    return page, rows[page * PAGE : (page + 1) * PAGE]


def add_page_buttons(view: discord.ui.View, kind: str, page: int, rows: int, of: str, locale: str) -> None:
    """Add the buttons that turn the pages of a list, where there are any to turn."""
    pages = (rows - 1) // PAGE + 1
    if page > 0:
        view.add_item(PageButton(kind, page - 1, of, translate(locale, "button.previous")))
    if page + 1 < pages:
        view.add_item(
            PageButton(kind, page + 1, of, translate(locale, "button.next", page=page + 2, pages=pages))
        )
