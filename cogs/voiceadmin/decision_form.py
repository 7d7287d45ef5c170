"""The form that asks a moderator for the reason of a decision; submitting it decides."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import ui

from bot.errors import Refused
from bot.i18n import translate_markdown
from bot.text import clean_text, is_blank
from cogs._ui.form import Form
from cogs._ui.interaction import Interaction
from cogs.voiceadmin.permissions import check_moderator

REASON_LENGTH = 200  # longest reason, in characters
READER_LENGTH = 32  # most characters of a name in a label, which holds 45
DAYS = 365  # longest temporary block, in days


def clean_reason(typed: str) -> str:
    """Return a reason as it is stored. Raises `Refused` if it is blank."""
    reason = clean_text(typed)
    if is_blank(reason):
        raise Refused("refused.reason_blank")
    return reason


Decide = Callable[[Interaction, str, int | None], Awaitable[None]]
"""Carries out the decision; receives the reason and the days of a block."""


class DecisionForm(Form):
    """Asks for a reason and, if `kind` is "blocking", for the length of a block.

    `kind` is part of its texts' keys. `title` is the voice's, `name` that of the member who will read the reason.
    """

    def __init__(self, kind: str, locale: str, decide: Decide, *, title: str, name: str, reason: str) -> None:
        super().__init__(locale, f"verdict.form.{kind}")
        self._decide = decide
        self.add_item(ui.TextDisplay(translate_markdown(locale, f"verdict.about.{kind}", title=title, name=name)))
        style, longest = discord.TextStyle.paragraph, REASON_LENGTH
        reason_input = ui.TextInput[Any](default=reason[:longest], max_length=longest, style=style)
        self._reason = self.add(reason_input, "verdict.reason", name=name[:READER_LENGTH])
        self._days = ui.TextInput[Any](max_length=3, required=False)
        if kind == "blocking":
            self.add(self._days, "verdict.days")

    async def submit(self, interaction: Interaction) -> None:
        """Carry out the decision, if the member is still a moderator."""
        if interaction.message:  # the form was opened from a button
            await interaction.response.defer()
        else:
            await interaction.response.defer(ephemeral=True, thinking=True)
        await check_moderator(interaction)
        await self._decide(interaction, clean_reason(self._reason.value), self._read_days())

    def _read_days(self) -> int | None:
        typed = self._days.value.strip() if self._days.value else ""
        if not typed:
            return None
        if not typed.isdecimal() or not 1 <= int(typed) <= DAYS:
            raise Refused("refused.days", most=DAYS)
        return int(typed)
