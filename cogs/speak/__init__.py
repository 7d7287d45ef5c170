"""`/speak`: a text becomes a line in a cloned voice, for everybody there to hear."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Clonevoice
from bot.client.messenger import DiscordMessenger
from bot.client.tree import command_text
from bot.library.library import Library
from bot.speaking.job import TEXT_LENGTH
from bot.speaking.synthesizer import Synthesizer
from cogs._ui.interaction import viewer_of
from cogs._ui.voice_option import VoiceOption, any_voice
from cogs.speak.form import TextForm, speak
from cogs.speak.presenter import DiscordSpeechPresenter


class Speak(commands.Cog):
    """The command; the lines that it starts are shown by `Lines`."""

    def __init__(self, library: Library, speaking: Synthesizer) -> None:
        self._library = library
        self._speaking = speaking

    @app_commands.command(name="speak", description=command_text("speak.about"))
    @app_commands.describe(voice=command_text("speak.voice"), text=command_text("speak.text"))
    @app_commands.autocomplete(voice=any_voice)
    async def speak(
        self,
        interaction: discord.Interaction[Clonevoice],
        voice: VoiceOption,
        text: app_commands.Range[str, 1, TEXT_LENGTH] | None = None,
    ) -> None:
        """Take the line, or ask for it: what is longer than an option holds comfortably goes into a form."""
        viewer = viewer_of(interaction)
        if text is None:
            self._speaking.check(viewer.id)
            found = await self._library.resolve(viewer, voice)
            form = TextForm(await self._library.get_usable(viewer, found.id), str(interaction.locale))
            await interaction.response.send_modal(form)
            return
        await speak(interaction, voice, text)


async def setup(bot: Clonevoice) -> None:
    """Hand the cog its tools."""
    bot.speaking.sink = DiscordSpeechPresenter(DiscordMessenger(bot), bot.previews, bot.cloner.clock)
    await bot.add_cog(Speak(bot.library, bot.speaking))
