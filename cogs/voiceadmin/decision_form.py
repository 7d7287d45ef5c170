"""The form that asks a moderator for the reason of a decision; submitting it decides."""

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from bot.errors import Refused
from bot.i18n import translate, translate_markdown
from bot.text import clean_text, cut, is_blank, without_format
from bot.voices.models import Voice
from cogs._ui.form import Form
from cogs._ui.interaction import Interaction
from cogs.voiceadmin.permissions import check_moderator

REASON_LENGTH = 200  # longest reason, in characters
DAYS = 365  # longest temporary block, in days
CLONES = 10  # most clones of the same sample that are listed


def clean_reason(typed: str) -> str:
    """Return a reason as it is stored. Raises `Refused` if it is blank."""
    reason = clean_text(typed)
    if is_blank(reason):
        raise Refused("refused.reason_blank")
    return reason


def also_removed(clones: Sequence[Voice], locale: str) -> str:
    """Return a line about the clones of the same sample that were removed with a voice. Empty if there were none."""
    voices = tuple(translate_markdown(locale, "choice.roster", title=one.title, owner=one.owner_name) for one in clones)
    return "\n" + translate(locale, "verdict.also_removed", voices=voices[:CLONES]) if voices else ""


class DecisionForm(Form):
    """Asks for a reason and, if it `blocks`, for the length of a block."""

    def __init__(self, locale: str, name: str, *arguments: object, blocks: bool = False) -> None:
        super().__init__(locale, "verdict.form.blocking", name, *arguments)
        self._about = ui.TextDisplay[Any]("")
        self.add_item(self._about)
        reason = ui.TextInput[Any](max_length=REASON_LENGTH, style=discord.TextStyle.paragraph)
        self._reason = self.add(reason, "verdict.reason")
        self._days = ui.TextInput[Any](max_length=3, required=False)
        if blocks:
            self.add(self._days, "verdict.days")

    def describe(self, kind: str, *, title: str, name: str, reason: str, clones: Sequence[Voice] = ()) -> None:
        """Fill in the texts.

        `kind` is part of their keys. `title` is the voice's, `name` that of the member who will read the reason.
        `clones` of the same sample are removed, too.
        """
        self.title = translate(self._locale, f"verdict.form.{kind}")
        about = [translate_markdown(self._locale, f"verdict.about.{kind}", title=title, name=name)]
        if clones:
            about += ["", translate(self._locale, "verdict.clones")]
            for clone in clones[:CLONES]:
                values = {"title": clone.title, "owner": clone.owner_name}
                about.append("- " + translate_markdown(self._locale, "choice.roster", **values))
            if more := clones[CLONES:]:
                about.append("- " + translate(self._locale, "verdict.more_clones", clones=len(more)))
        self._about.content = "\n".join(about)
        self.add_hint(self._reason, "verdict.reader", name=name)
        self._reason.default = cut(without_format(reason), REASON_LENGTH)

    async def decide(self, interaction: Interaction, reason: str, days: int | None) -> None:
        """Carry out the decision, which blocks for some days or, without them, for good."""
        raise NotImplementedError

    async def submit(self, interaction: Interaction) -> None:
        """Carry out the decision, if the member is still a moderator."""
        if interaction.message:  # the form was opened from a button
            await interaction.response.defer()
        else:
            await interaction.response.defer(ephemeral=True, thinking=True)
        await check_moderator(interaction)
        await self.decide(interaction, clean_reason(self._reason.value), self._read_days())

    def _read_days(self) -> int | None:
        typed = self._days.value.strip() if self._days.value else ""
        if not typed:
            return None
        if not typed.isdecimal() or not 1 <= int(typed) <= DAYS:
            raise Refused("refused.days", most=DAYS)
        return int(typed)
