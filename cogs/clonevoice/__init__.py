"""`/clonevoice`: an MP3 becomes a voice, while its member watches."""

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.client.client import Clonevoice
from bot.client.messenger import DiscordMessenger
from bot.client.tree import command_text
from bot.errors import Refused
from bot.voices.models import DESCRIPTION_LENGTH, TITLE_LENGTH, Language, Rights
from cogs.clonevoice.actions import CloneButton
from cogs.clonevoice.presenter import DiscordClonePresenter
from cogs.clonevoice.submit import CloneForm, clone, spoken_by
from cogs.consent.actions import ConsentButton


class CloneVoice(commands.Cog):
    """The command."""

    @app_commands.command(name="clonevoice", description=command_text("clonevoice.about"))
    @app_commands.describe(
        sample=command_text("clonevoice.sample"),
        title=command_text("clonevoice.title"),
        rights=command_text("clonevoice.rights"),
        description=command_text("clonevoice.description"),
        language=command_text("clonevoice.language"),
        speaker=command_text("clonevoice.speaker"),
    )
    @app_commands.choices(
        rights=[Choice(name=command_text(f"rights.{rights}"), value=rights.value) for rights in Rights],
        language=[
            Choice(name=command_text(f"language.{language}"), value=language.value) for language in Language
        ],
    )
    async def clonevoice(
        self,
        interaction: discord.Interaction[Clonevoice],
        sample: discord.Attachment,
        title: app_commands.Range[str, 1, TITLE_LENGTH],
        rights: str,
        description: app_commands.Range[str, 1, DESCRIPTION_LENGTH] | None = None,
        language: str | None = None,
        speaker: discord.User | None = None,
    ) -> None:
        """Take the order; the card follows the clone from here."""
        await clone(
            interaction,
            sample,
            title=title,
            rights=Rights(rights),
            description=description,
            language=Language(language) if language else spoken_by(interaction),
            speaker=speaker,
        )


async def clone_this(interaction: discord.Interaction[Clonevoice], message: discord.Message) -> None:
    """Ask what the voice in a message's audio is to be called, and clone it."""
    sample = next((file for file in message.attachments if _is_audio(file)), None)
    if sample is None:
        raise Refused("refused.no_audio")
    # Kept with the form: fetched anew, a message has no attachments without a privileged intent.
    form = CloneForm(sample, str(interaction.locale), spoken_by(interaction), author_id=message.author.id)
    await interaction.response.send_modal(form)


def _is_audio(file: discord.Attachment) -> bool:
    return (file.content_type or "").startswith("audio/") or file.filename.lower().endswith(".mp3")


async def setup(bot: Clonevoice) -> None:
    """Hand the cog its tools."""
    bot.cloner.sink = DiscordClonePresenter(DiscordMessenger(bot), bot.previews, bot.cloner.clock)
    bot.add_dynamic_items(CloneButton, ConsentButton)
    await bot.add_cog(CloneVoice())
    bot.tree.add_command(app_commands.ContextMenu(name=command_text("clonevoice.menu"), callback=clone_this))
