"""`/speak`: speak a text with a cloned voice and post the clip in the channel."""

from discord import app_commands
from discord.ext import commands

from bot.client.client import Clonevoice
from bot.client.tree import command_text
from bot.speaking.job import TEXT_LENGTH
from cogs._ui.form import register_form
from cogs._ui.interaction import Interaction, viewer_of
from cogs._ui.voice_option import VoiceOption, any_voice
from cogs.speak.form import TextForm, speak


class Speak(commands.Cog):
    """The command."""

    @app_commands.command(name="speak", description=command_text("speak.about"))
    @app_commands.describe(voice=command_text("speak.voice"), text=command_text("speak.text"))
    @app_commands.autocomplete(voice=any_voice)
    async def speak(
        self, interaction: Interaction, voice: VoiceOption, text: app_commands.Range[str, 1, TEXT_LENGTH] | None = None
    ) -> None:
        """Speak the text, or open a form for it: an option is too small for a long text."""
        if text is None:
            found = await interaction.client.services.library.resolve(viewer_of(interaction), voice)
            await TextForm(str(interaction.locale), str(found.id)).open(interaction)
        else:
            await speak(interaction, voice, text)


async def setup(bot: Clonevoice) -> None:
    """Add the command, and register its form."""
    register_form(bot, "speak", r"(?P<voice_id>\d{1,20})", TextForm)
    await bot.add_cog(Speak())
