"""The forms (modals) that are about a voice: its new title, and a text to speak."""

import io
from typing import Any

import discord
from discord import ui

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.errors import Refused
from bot.i18n import translate, translate_markdown
from bot.speaking.job import TEXT_LENGTH, SpeechRequest
from bot.voices.models import Voice
from cogs._ui.interaction import FORM_SECONDS, deferred, viewer_of

FIRST_LENGTH = 4000
"""What one text input holds: https://discord.com/developers/docs/components/reference#text-input"""


TITLE_SHOWN = 30
"""How much of a title a label of 45 characters has room for."""


class TextForm(ui.Modal):
    """Asks for a text in two inputs, since one does not hold it, and has it spoken."""

    def __init__(self, voice: Voice, locale: str) -> None:
        super().__init__(title=translate(locale, "speak.form"), timeout=FORM_SECONDS)
        self._voice = voice
        self._first: ui.TextInput[Any] = ui.TextInput(
            style=discord.TextStyle.paragraph, max_length=FIRST_LENGTH
        )
        self._rest: ui.TextInput[Any] = ui.TextInput(
            style=discord.TextStyle.paragraph, max_length=TEXT_LENGTH - FIRST_LENGTH, required=False
        )
        title = voice.title if len(voice.title) <= TITLE_SHOWN else f"{voice.title[:TITLE_SHOWN]}…"
        self.add_item(ui.Label(text=translate(locale, "speak.first", title=title), component=self._first))
        self.add_item(ui.Label(text=translate(locale, "speak.rest"), component=self._rest))

    async def on_submit(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Speak."""
        async with replying_on_error(interaction):
            text = joined(self._first.value, self._rest.value)
            try:
                await speak(interaction, str(self._voice.id), text)
            except Refused as error:  # what was typed is handed back
                await interaction.edit_original_response(
                    content=translate_markdown(str(interaction.locale), error.key, **error.values),
                    attachments=[discord.File(io.BytesIO(text.encode()), "text.txt")],
                )


def joined(first: str, rest: str) -> str:
    """Make one text of two inputs; the space between them gives way where there is no room for it."""
    spaced = f"{first} {rest}".strip()
    return spaced if len(spaced) <= TEXT_LENGTH else first + rest


async def speak(interaction: discord.Interaction[Clonevoice], voice: str, text: str) -> None:
    """Take a line; the card follows it from here, for nobody but its member to see."""
    reply = await deferred(interaction)
    found = await interaction.client.library.resolve(viewer_of(interaction), voice)
    line = SpeechRequest(
        author_id=interaction.user.id,
        author_name=interaction.user.display_name,
        guild_id=interaction.guild_id or 0,
        channel_id=interaction.channel_id or 0,
        text=text,
        locale=str(interaction.locale),
        reply=reply,
    )
    speaking = interaction.client.speaking
    speaking.begin(await speaking.accept(line, found.id))
