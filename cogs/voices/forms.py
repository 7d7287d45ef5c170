"""The forms that rename a voice and that erase a member's data."""

from typing import Any

from discord import ui

from bot.errors import Refused
from bot.i18n import translate, translate_markdown
from bot.text import cut, without_format
from bot.voices.models import TITLE_LENGTH
from cogs._ui.form import Form
from cogs._ui.interaction import Interaction, viewer_of
from cogs.voices.replies import show_voice


class RenameForm(Form):
    """Renames the voice, and updates its card."""

    def __init__(self, locale: str, voice_id: str) -> None:
        super().__init__(locale, "rename.form", "rename", voice_id)
        self._voice_id = int(voice_id)
        self._title = self.add(ui.TextInput[Any](max_length=TITLE_LENGTH), "rename.title")

    async def prepare(self, interaction: Interaction) -> None:
        voice = await interaction.client.services.library.get_own(viewer_of(interaction), self._voice_id)
        self._title.default = cut(without_format(voice.title), TITLE_LENGTH)

    async def submit(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        library, viewer = interaction.client.services.library, viewer_of(interaction)
        await show_voice(interaction, await library.rename(viewer, self._voice_id, self._title.value))


class EraseForm(Form):
    """Asks the member to type a word that confirms the erasure."""

    def __init__(self, locale: str) -> None:
        super().__init__(locale, "forget.form", "forget")
        self._word = translate(locale, "forget.word")
        self.add_item(ui.TextDisplay(translate(locale, "forget.about")))
        typed = ui.TextInput[Any](max_length=50, placeholder=self._word)
        self._typed = self.add(typed, "forget.type", word=self._word)

    async def submit(self, interaction: Interaction) -> None:
        """Erase the member's data. Answer with what was deleted, what is pending, and what remains."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        if self._typed.value.strip().casefold() != self._word.casefold():
            raise Refused("refused.forget_unconfirmed", word=self._word)
        result = await interaction.client.services.erasure.erase(interaction.user.id)
        locale = str(interaction.locale)
        gone = result.complete and not result.pending
        lines = [translate_markdown(locale, "forget.done" if gone else "forget.unfinished", deleted=result.deleted)]
        if result.pending:
            lines.append(translate_markdown(locale, "forget.owed", owed=result.pending))
        if result.cloning:
            lines.append(translate(locale, "forget.cloning"))
        if result.unreadable:
            lines.append(translate(locale, "forget.unreadable"))
        lines.append(translate(locale, "forget.stays"))
        await interaction.edit_original_response(content="\n".join(lines))
