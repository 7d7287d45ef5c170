"""Buttons and selects that work after a restart: their custom IDs say which registered handler runs."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Self

import discord

from bot.client.tree import replying_on_error
from bot.errors import Refused

ActionHandler = Callable[..., Awaitable[None]]
"""Receives the interaction, the select if it is one, and the named groups of the custom ID as keywords."""


class Actions:
    """Maps custom IDs to handlers; `handlers` has a regular expression for each action."""

    def __init__(self) -> None:
        self.handlers: dict[re.Pattern[str], ActionHandler] = {}
        self.selects: set[ActionHandler] = set()

    def add(self, name: str, arguments: str, handler: ActionHandler, *, select: bool = False) -> None:
        """Register a handler for custom IDs of the form `name:arguments`, or `name` if there are none.

        `arguments` is a regular expression. Its named groups become the handler's keyword arguments.
        `select` is True for an action of selects, not of buttons.
        """
        if select:
            self.selects.add(handler)
        self.handlers[re.compile(f"{name}:{arguments}" if arguments else name)] = handler

    def find(self, custom_id: str) -> tuple[ActionHandler, dict[str, str]] | None:
        """Return a custom ID's handler and its arguments, or None if no action has this form."""
        for pattern, handler in self.handlers.items():
            if match := pattern.fullmatch(custom_id):
                return handler, match.groupdict()
        return None

    async def answer_dropped(self, interaction: discord.Interaction[Any]) -> None:
        """Answer a click of which discord.py calls no `ActionItem`, as the clicked message has no such component."""
        if not _is_shown(interaction):
            async with replying_on_error(interaction):
                raise Refused("refused.action_unknown")


def _is_shown(interaction: discord.Interaction[Any]) -> bool:
    """Return True if the clicked message has the component."""
    message, clicked = interaction.message, interaction.data or {}
    if message is None:
        return False
    kind = discord.ui.LayoutView if message.flags.components_v2 else discord.ui.View
    try:
        shown = [*kind.from_message(message, timeout=None).walk_children()]
    except ValueError:  # more of them than a message may have
        return False
    wanted = clicked.get("component_type"), clicked.get("custom_id")
    return any((item.type.value, getattr(item, "custom_id", None)) == wanted for item in shown)


class ActionItem(discord.ui.DynamicItem[discord.ui.Item[Any]], template=r"(?s:.*)"):
    """A button or select whose handler is found in the client's `actions`.

    discord.py chooses the class of a dynamic item by its custom ID alone, so this one is for all.
    """

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        del interaction, match
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Run the handler. Errors, and custom IDs without a handler, are answered with a sentence."""
        async with replying_on_error(interaction):
            actions: Actions = interaction.client.actions
            found = actions.find(self.custom_id)
            is_button = isinstance(self.item, discord.ui.Button)
            if found is None or is_button is (found[0] in actions.selects):
                raise Refused("refused.action_unknown")
            handler, arguments = found
            await handler(interaction, *([] if is_button else [self.item]), **arguments)
