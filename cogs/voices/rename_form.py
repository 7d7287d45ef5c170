"""The form that asks for a voice's new title."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import ui

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.i18n import translate
from bot.voices.models import TITLE_LENGTH, Voice
from cogs._ui.interaction import FORM_SECONDS, viewer_of


class RenameForm(ui.Modal):
    """Asks for a voice's new title, and shows its card."""

    def __init__(
        self,
        voice: Voice,
        locale: str,
        show: Callable[[discord.Interaction[Clonevoice], Voice], Awaitable[None]],
    ) -> None:
        super().__init__(title=translate(locale, "rename.form"), timeout=FORM_SECONDS)
        self._voice = voice
        self._show = show
        self._title: ui.TextInput[Any] = ui.TextInput(default=voice.title, max_length=TITLE_LENGTH)
        self.add_item(ui.Label(text=translate(locale, "rename.title"), component=self._title))

    async def on_submit(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Rename."""
        async with replying_on_error(interaction):
            await interaction.response.defer()
            library, viewer = interaction.client.library, viewer_of(interaction)
            voice = await library.rename(viewer, self._voice.id, self._title.value)
            await self._show(interaction, voice)
