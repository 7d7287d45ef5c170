"""`/clonevoice`: clones a voice from an MP3 file."""

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.client.client import Clonevoice
from bot.client.tree import command_text
from bot.i18n import ENGLISH, LOCALE
from bot.voices.models import DESCRIPTION_LENGTH, TITLE_LENGTH, Language, Rights
from cogs._ui.form import register_form
from cogs._ui.interaction import Interaction
from cogs.clonevoice.actions import handle_click
from cogs.clonevoice.menu import choose_file, clone_this
from cogs.clonevoice.submit import CloneForm, clone, sample_language


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
        language=[Choice(name=command_text(f"language.{language}"), value=language.value) for language in Language],
    )
    async def clonevoice(
        self,
        interaction: Interaction,
        sample: discord.Attachment,
        title: app_commands.Range[str, 1, TITLE_LENGTH],
        rights: str,
        description: app_commands.Range[str, 1, DESCRIPTION_LENGTH] | None = None,
        language: str | None = None,
        speaker: discord.User | None = None,
    ) -> None:
        await clone(
            interaction,
            sample,
            title=title,
            rights=Rights(rights),
            description=description,
            language=Language(language) if language else sample_language(interaction),
            speaker=speaker,
            shown_in=ENGLISH,  # the choices of commands, which are not translated
        )


async def setup(bot: Clonevoice) -> None:
    """Add the commands and register the buttons."""
    shown = rf"(?::(?P<shown_in>{LOCALE}):(?P<version>\d{{1,9}}))?"
    bot.actions.add("clone", r"(?P<action>anyway|mine|cancel|again):(?P<job_id>[\w-]+)", handle_click)
    bot.actions.add("sample", r"(?P<message_id>\d{1,20})", choose_file, select=True)
    register_form(bot, "cloning", r"(?P<message_id>\d{1,20}):(?P<sample_id>\d{1,20})" + shown, CloneForm)
    await bot.add_cog(CloneVoice())
    bot.tree.add_command(app_commands.ContextMenu(name=command_text("clonevoice.menu"), callback=clone_this))
