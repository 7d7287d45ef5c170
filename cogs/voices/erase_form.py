"""The form in which a member types that all that is stored about them is to be deleted."""

from typing import Any

import discord
from discord import ui

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.errors import Refused
from bot.i18n import translate, translate_markdown
from cogs._ui.interaction import FORM_SECONDS


class EraseForm(ui.Modal):
    """Asks for a word; typed, it deletes."""

    def __init__(self, locale: str) -> None:
        super().__init__(title=translate(locale, "forget.form"), timeout=FORM_SECONDS)
        self._word = translate(locale, "forget.word")
        self._typed: ui.TextInput[Any] = ui.TextInput(max_length=50, placeholder=self._word)
        self.add_item(ui.TextDisplay(translate(locale, "forget.about")))
        self.add_item(ui.Label(text=translate(locale, "forget.type", word=self._word), component=self._typed))

    async def on_submit(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Forget, and say what is done and what stays."""
        async with replying_on_error(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            if self._typed.value.strip().casefold() != self._word.casefold():
                raise Refused("refused.forget_unconfirmed", word=self._word)
            forgotten = await interaction.client.privacy.erase(interaction.user.id)
            locale = str(interaction.locale)
            said = [translate_markdown(locale, "forget.done", deleted=forgotten.deleted)]
            if forgotten.pending:
                said.append(translate_markdown(locale, "forget.owed", owed=forgotten.pending))
            if not forgotten.complete:
                said = [translate(locale, "forget.unfinished")]
            if forgotten.cloning:
                said.append(translate(locale, "forget.cloning"))
            said.append(translate(locale, "forget.stays"))
            await interaction.edit_original_response(content="\n".join(said))
