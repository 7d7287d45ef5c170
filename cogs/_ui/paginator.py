"""Lists in pages: the rows of a page, the buttons that turn pages, the select that opens an entry."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import discord

from bot.client.actions import ActionItem
from bot.client.client import Clonevoice
from bot.i18n import shorten_markdown, translate
from bot.text import shorten, without_format
from cogs._ui.action import OPTION_LENGTH, action_button, action_select, chosen, view_of
from cogs._ui.formatting import BLURPLE, DESCRIPTION_LENGTH, card
from cogs._ui.interaction import Interaction

PAGE = 10  # rows on a page

_T = TypeVar("_T")
_V = TypeVar("_V")

ShowPage = Callable[[Interaction, str, int], Awaitable[None]]
"""Edits the original response to show a page of a list; receives the list's filter and the page's index."""

OpenEntry = Callable[[Interaction, str], Awaitable[None]]
"""Answers with the entry that was chosen; receives the option's value."""


def register_list(bot: Clonevoice, kind: str, show: ShowPage) -> None:
    """Register the page buttons of a kind of list."""

    async def turn(interaction: Interaction, page: str, list_filter: str) -> None:
        await interaction.response.defer()
        await show(interaction, list_filter, int(page))

    bot.actions.add(f"page:{kind}", r"(?P<page>\d{1,5}):(?P<list_filter>.*)", turn)


def register_picker(bot: Clonevoice, kind: str, open_entry: OpenEntry) -> None:
    """Register the select that opens an entry of a kind of list."""

    async def pick(interaction: Interaction, select: discord.ui.Select[Any]) -> None:
        await open_entry(interaction, chosen(select))

    bot.actions.add(f"pick:{kind}", "", pick, select=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """A page of a list: its index, its rows, and the number of rows on all pages."""

    index: int
    rows: Sequence[_T]
    total: int


def page_of(rows: Sequence[_T], index: int) -> Page[_T]:
    """Return a page of a list; the last page if there are fewer."""
    index = max(0, min(index, (len(rows) - 1) // PAGE))
    return Page(index, rows[index * PAGE : (index + 1) * PAGE], len(rows))


async def verified_page(
    search: Callable[[], Awaitable[Sequence[_T]]], verify: Callable[[Sequence[_T]], Awaitable[Sequence[_V]]], index: int
) -> Page[_V]:
    """Return a page of a list whose outdated rows `verify` removes. If it removed any, search again."""
    page = page_of(await search(), index)
    verified = await verify(page.rows)
    if len(verified) < len(page.rows):
        page = page_of(await search(), index)
        verified = await verify(page.rows)
    return Page(page.index, verified, page.total)


def entry_picker(
    locale: str, kind: str, entries: Sequence[tuple[str, str, str]], placeholder: str = "list.open"
) -> ActionItem | None:
    """Return a select that opens an entry, or None if there are none. An entry is a value, label, description."""
    if not entries:
        return None
    options = [
        discord.SelectOption(
            value=value,
            label=shorten(without_format(label), OPTION_LENGTH),
            description=shorten(without_format(text), OPTION_LENGTH),
        )
        for value, label, text in entries
    ]
    select = discord.ui.Select[Any](options=options, placeholder=translate(locale, placeholder))
    return action_select(select, "pick", kind)


def list_message(
    locale: str,
    kind: str,
    page: Page[Any],
    list_filter: str = "",
    *,
    title: str,
    lines: Sequence[str],
    empty: str,
    picker: ActionItem | None = None,
) -> dict[str, Any]:
    """Return a page as a message with its lines, or the text `empty`, and with page buttons.

    All lines together are as long as an embed can be. `list_filter` identifies the list's rows. It must fit into
    the 100 characters of a custom ID.
    """
    longest = DESCRIPTION_LENGTH // max(1, len(lines)) - 1
    embed = card(BLURPLE, title, "\n".join(shorten_markdown(line, longest) for line in lines) or empty)
    view = view_of(picker) if picker else view_of()
    pages = (page.total - 1) // PAGE + 1
    if pages > 1:
        embed.set_footer(text=translate(locale, "list.page", page=page.index + 1, pages=pages))
    if page.index > 0:
        view.add_item(action_button(locale, "button.previous", "page", kind, page.index - 1, list_filter))
    if page.index + 1 < pages:
        view.add_item(action_button(locale, "button.next", "page", kind, page.index + 1, list_filter))
    return {"embed": embed, "view": view}
