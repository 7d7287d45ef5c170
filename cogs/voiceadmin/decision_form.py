"""The forms in which moderators say why they remove a voice or block its owner; to send one is to decide."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import ui

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.errors import Refused
from bot.i18n import translate
from bot.text import clean_text, is_blank
from cogs._ui.interaction import FORM_SECONDS
from cogs.voiceadmin.permissions import check_moderator

REASON_LENGTH = 200
"""Longest reason, in characters."""

READER_LENGTH = 32
"""How much of a name a label of 45 characters has room for."""

DAYS = 365
"""Longest block that has an end, in days."""


def reason_of(typed: str) -> str:
    """Return a reason as it is kept; `ReasonBlank` if there is nothing to read."""
    reason = clean_text(typed)
    if is_blank(reason):
        raise Refused("refused.reason_blank")
    return reason


Decide = Callable[[discord.Interaction[Clonevoice], str, int | None], Awaitable[None]]
"""What to do with the reason, and the days of a block, once the form is sent."""


class VerdictForm(ui.Modal):
    """Asks for a reason, and for a block how long it lasts; `kind` is the family of its sentences."""

    def __init__(
        self,
        kind: str,
        locale: str,
        decide: Decide,
        *,
        about: str,
        reader: str,
        reason: str = "",
        days: bool = False,
    ) -> None:
        super().__init__(title=translate(locale, f"verdict.form.{kind}"), timeout=FORM_SECONDS)
        self._decide = decide
        self._reason: ui.TextInput[Any] = ui.TextInput(
            default=reason[:REASON_LENGTH], max_length=REASON_LENGTH, style=discord.TextStyle.paragraph
        )
        self._days: ui.TextInput[Any] = ui.TextInput(max_length=3, required=False)
        self.add_item(ui.TextDisplay(about))
        label = translate(locale, "verdict.reason", name=reader[:READER_LENGTH])
        self.add_item(ui.Label(text=label, component=self._reason))
        if days:
            self.add_item(ui.Label(text=translate(locale, "verdict.days"), component=self._days))

    async def on_submit(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Decide, if whoever sent it still may."""
        async with replying_on_error(interaction):
            if interaction.message:  # it stood below that
                await interaction.response.defer()
            else:
                await interaction.response.defer(ephemeral=True, thinking=True)
            await check_moderator(interaction)
            await self._decide(interaction, reason_of(self._reason.value), self._read_days())

    def _read_days(self) -> int | None:
        typed = self._days.value.strip() if self._days.value else ""
        if not typed:
            return None
        if not typed.isdecimal() or not 1 <= int(typed) <= DAYS:
            raise Refused("refused.days", most=DAYS)
        return int(typed)
