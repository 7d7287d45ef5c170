"""`/voices`: a member's voices and data, and the voices that a server shares."""

import logging

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.client.client import Clonevoice
from bot.client.tree import command_text
from bot.errors import StoreError
from bot.i18n import translate
from bot.library.departures import Departures
from bot.library.library import Library
from bot.text import clean_text, cut
from bot.voices.models import TITLE_LENGTH, Language, Voice
from cogs._ui.form import register_form
from cogs._ui.formatting import attachments
from cogs._ui.interaction import Interaction, defer, viewer_of
from cogs._ui.paginator import register_list, register_picker
from cogs._ui.voice_option import VoiceOption, own_voice, seen_voice
from cogs.voices.actions import change, handle_click
from cogs.voices.export import export_files
from cogs.voices.forms import EraseForm, RenameForm
from cogs.voices.history import show_history
from cogs.voices.lists import open_voice, own_page, show_community, show_own
from cogs.voices.replies import show_undelivered, show_voice

_log = logging.getLogger(__name__)


class Voices(commands.GroupCog, group_name="voices", group_description=command_text("voices.about")):
    """The commands, and the end of sharing in a server that the bot leaves."""

    def __init__(self, library: Library, departures: Departures) -> None:
        self._library = library
        self._departures = departures

    @app_commands.command(name="list", description=command_text("voices.list"))
    async def list_(self, interaction: Interaction) -> None:
        """List the member's voices. The card of a running clone moves to this answer, before the list."""
        reply = await defer(interaction)
        message = await own_page(interaction, 0)
        if await interaction.client.services.cloner.move_running_card(interaction.user.id, reply):
            await interaction.followup.send(ephemeral=True, **message)
        else:
            await interaction.edit_original_response(**message)
        await show_undelivered(interaction)

    @app_commands.command(name="show", description=command_text("voices.show"))
    @app_commands.describe(voice=command_text("voices.which"))
    @app_commands.autocomplete(voice=seen_voice)
    async def show(self, interaction: Interaction, voice: VoiceOption) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await show_voice(interaction, await self._library.resolve(viewer_of(interaction), voice))

    @app_commands.command(name="rename", description=command_text("voices.rename"))
    @app_commands.describe(voice=command_text("voices.which"), title=command_text("voices.title"))
    @app_commands.autocomplete(voice=own_voice)
    async def rename(
        self, interaction: Interaction, voice: VoiceOption, title: app_commands.Range[str, 1, TITLE_LENGTH]
    ) -> None:
        own = await self._own(interaction, voice)
        await show_voice(interaction, await self._library.rename(viewer_of(interaction), own.id, title))

    @app_commands.command(name="delete", description=command_text("voices.delete"))
    @app_commands.describe(voice=command_text("voices.which"))
    @app_commands.autocomplete(voice=own_voice)
    async def delete(self, interaction: Interaction, voice: VoiceOption) -> None:
        await self._change(interaction, "delete", voice)

    @app_commands.command(name="share", description=command_text("voices.share"))
    @app_commands.describe(voice=command_text("voices.which"))
    @app_commands.autocomplete(voice=own_voice)
    async def share(self, interaction: Interaction, voice: VoiceOption) -> None:
        await self._change(interaction, "share", voice)

    @app_commands.command(name="unshare", description=command_text("voices.unshare"))
    @app_commands.describe(voice=command_text("voices.which"))
    @app_commands.autocomplete(voice=own_voice)
    async def unshare(self, interaction: Interaction, voice: VoiceOption) -> None:
        await self._change(interaction, "unshare", voice)

    @app_commands.command(name="community", description=command_text("voices.community"))
    @app_commands.describe(search=command_text("community.search"), language=command_text("community.language"))
    @app_commands.choices(
        language=[Choice(name=command_text(f"language.{language}"), value=language.value) for language in Language]
    )
    async def community(
        self,
        interaction: Interaction,
        search: app_commands.Range[str, 1, TITLE_LENGTH] | None = None,
        language: str | None = None,
    ) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await show_community(interaction, f"{language or ''}:{cut(clean_text(search or ''), TITLE_LENGTH)}", 0)

    @app_commands.command(name="export", description=command_text("voices.export"))
    async def export(self, interaction: Interaction) -> None:
        """Answer with all data that is stored about the member, and the audio that fits."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        files, key = await export_files(interaction.client, interaction.user.id, interaction.filesize_limit)
        text = translate(str(interaction.locale), key)
        await interaction.edit_original_response(content=text, attachments=attachments(files))

    @app_commands.command(name="forget", description=command_text("voices.forget"))
    async def forget(self, interaction: Interaction) -> None:
        await EraseForm(str(interaction.locale)).open(interaction)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        try:
            await self._departures.check(guild.id)
        except StoreError as error:
            _log.warning("whether the bot has left server %d can't be checked; retried later: %s", guild.id, error)

    async def _change(self, interaction: Interaction, action: str, voice: str) -> None:
        await change(interaction, action, (await self._own(interaction, voice)).id)

    async def _own(self, interaction: Interaction, voice: str) -> Voice:
        await interaction.response.defer(ephemeral=True, thinking=True)
        return await self._library.resolve(viewer_of(interaction), voice, own=True)


async def setup(bot: Clonevoice) -> None:
    """Add the commands and register the buttons and lists."""
    actions = "speak|share|unshare|rename|delete|gone|keep|history|lost"
    bot.actions.add("voice", rf"(?P<action>{actions}):(?P<voice_id>\d{{1,20}})", handle_click)
    register_list(bot, "own", show_own)
    register_list(bot, "community", show_community)
    register_list(bot, "history", show_history)
    register_picker(bot, "voice", open_voice)
    register_form(bot, "rename", r"(?P<voice_id>\d{1,20})", RenameForm)
    register_form(bot, "forget", "", EraseForm)
    await bot.add_cog(Voices(bot.services.library, bot.services.departures))
