"""Speaks a text, from the command or from the form."""

from typing import Any

import discord
from discord import ui

from bot.errors import ClonevoiceError
from bot.i18n import translate_markdown
from bot.speaking.job import TEXT_LENGTH, SpeechJob
from cogs._ui.form import Form
from cogs._ui.formatting import attachments
from cogs._ui.interaction import Interaction, defer, name_of, viewer_of

FIRST_LENGTH = 4000
"""Most characters in a text input: https://discord.com/developers/docs/components/reference#text-input"""


class TextForm(Form):
    """Asks for a text in two inputs, since it may be too long for one."""

    def __init__(self, locale: str, voice_id: str) -> None:
        super().__init__(locale, "speak.form", "speak", voice_id)
        self._voice_id = voice_id
        first = ui.TextInput[Any](style=discord.TextStyle.paragraph, max_length=FIRST_LENGTH)
        self._first = self.add(first, "speak.first")
        rest_length = TEXT_LENGTH - FIRST_LENGTH
        rest = ui.TextInput[Any](style=discord.TextStyle.paragraph, max_length=rest_length, required=False)
        self._rest = self.add(rest, "speak.rest")

    async def prepare(self, interaction: Interaction) -> None:
        services, viewer = interaction.client.services, viewer_of(interaction)
        voice = await services.library.get_usable(viewer, int(self._voice_id))
        services.synthesizer.check(viewer.id)
        self.add_hint(self._first, "speak.hint", title=voice.title)

    async def submit(self, interaction: Interaction) -> None:
        """Speak the text. If that fails, return the text as a file too, so that a restart can't lose it."""
        text = joined(self._first.value, self._rest.value)
        try:
            await speak(interaction, self._voice_id, text)
        except ClonevoiceError as error:
            await interaction.edit_original_response(
                content=translate_markdown(str(interaction.locale), error.key, **error.values),
                attachments=attachments([("text.txt", text.encode())]),
                view=self.reopener(interaction),
            )


def joined(first: str, rest: str) -> str:
    """Join the texts with a space, unless that makes the text too long."""
    spaced = f"{first} {rest}".strip()
    return spaced if len(spaced) <= TEXT_LENGTH else first + rest


async def speak(interaction: Interaction, voice: str, text: str) -> None:
    """Start a clip. An ephemeral card shows its progress."""
    reply = await defer(interaction)
    found = await interaction.client.services.library.resolve(viewer_of(interaction), voice)
    job = SpeechJob.with_voice(
        found,
        interaction.client.services.clock.now(),
        author_id=interaction.user.id,
        author_name=name_of(interaction.user),
        guild_id=interaction.guild_id or 0,
        channel_id=interaction.channel_id or 0,
        text=text,
        locale=str(interaction.locale),
        reply=reply,
    )
    await interaction.client.services.synthesizer.submit(job)
