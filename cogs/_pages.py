"""Lists in pages: which part is shown, and the buttons that turn them, after a restart too."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeVar

import discord

from bot.client import Clonevoice
from bot.i18n import say
from bot.tree import answering

PAGE = 10
"""How many rows a page has."""

_T = TypeVar("_T")

_Show = Callable[[discord.Interaction[Clonevoice], str, int], Awaitable[None]]

LISTS: dict[str, _Show] = {}
"""What shows a page of a list, by the list's kind: given what the list is of, and the number of the page."""


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
        async with answering(interaction):
            await interaction.response.defer()
            if show := LISTS.get(self._kind):
                await show(interaction, self._of, self._page)


def page_of(rows: Sequence[_T], page: int) -> tuple[int, Sequence[_T]]:
    """Return a page's rows, and its number: the last one if there are no longer as many."""
    page = max(0, min(page, (len(rows) - 1) // PAGE))
    return page, rows[page * PAGE : (page + 1) * PAGE]


def turning(view: discord.ui.View, kind: str, page: int, rows: int, of: str, locale: str) -> None:
    """Add the buttons that turn the pages of a list, where there are any to turn."""
    pages = (rows - 1) // PAGE + 1
    if page > 0:
        view.add_item(PageButton(kind, page - 1, of, say(locale, "button.previous")))
    if page + 1 < pages:
        view.add_item(PageButton(kind, page + 1, of, say(locale, "button.next", page=page + 2, pages=pages)))
