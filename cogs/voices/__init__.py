"""`/voices`: what a member does with their voices, and what a server shares."""

import asyncio
import io
import json
import logging
import zipfile

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.client.client import Clonevoice
from bot.client.membership import DiscordMembership
from bot.client.tree import command_text
from bot.errors import StoreError
from bot.i18n import translate
from bot.library.library import Library
from bot.privacy.erasure import Privacy
from bot.text import clean_text
from bot.voices.models import TITLE_LENGTH, Language, Voice
from cogs._ui.formatting import file_name
from cogs._ui.interaction import deferred, viewer_of
from cogs._ui.paginator import PageButton, PickSelect
from cogs._ui.voice_option import VoiceOption, own_voice, seen_voice
from cogs.voices.actions import VoiceButton, ask_to_delete, show_voice
from cogs.voices.erase_form import EraseForm
from cogs.voices.lists import own_page, show_community
from cogs.voices.notices import show_unread

_log = logging.getLogger(__name__)


ENTRY_BYTES = 1000
"""More than an entry in an archive takes besides its content."""


class Voices(commands.GroupCog, group_name="voices", group_description=command_text("voices.about")):
    """The group of commands."""

    def __init__(self, library: Library, privacy: Privacy) -> None:
        self._library = library
        self._privacy = privacy

    @app_commands.command(name="list", description=command_text("voices.list"))
    async def list_(self, interaction: discord.Interaction[Clonevoice]) -> None:
        """Show the member's voices; a clone under way comes first, and goes on here."""
        reply = await deferred(interaction)
        message = await own_page(interaction, 0)
        if await interaction.client.cloner.show_anew(interaction.user.id, reply):
            await interaction.followup.send(ephemeral=True, **message)
        else:
            await interaction.edit_original_response(**message)
        await show_unread(interaction)

    @app_commands.command(name="show", description=command_text("voices.show"))
    @app_commands.describe(voice=command_text("voices.which"))
    @app_commands.autocomplete(voice=seen_voice)
    async def show(self, interaction: discord.Interaction[Clonevoice], voice: VoiceOption) -> None:
        """Show a voice's card."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await show_voice(interaction, await self._library.resolve(viewer_of(interaction), voice))

    @app_commands.command(name="rename", description=command_text("voices.rename"))
    @app_commands.describe(voice=command_text("voices.which"), title=command_text("voices.title"))
    @app_commands.autocomplete(voice=own_voice)
    async def rename(
        self,
        interaction: discord.Interaction[Clonevoice],
        voice: VoiceOption,
        title: app_commands.Range[str, 1, TITLE_LENGTH],
    ) -> None:
        """Give a voice another title."""
        found = await self._own(interaction, voice)
        await show_voice(interaction, await self._library.rename(viewer_of(interaction), found.id, title))

    @app_commands.command(name="delete", description=command_text("voices.delete"))
    @app_commands.describe(voice=command_text("voices.which"))
    @app_commands.autocomplete(voice=own_voice)
    async def delete(self, interaction: discord.Interaction[Clonevoice], voice: VoiceOption) -> None:
        """Ask whether a voice is to be deleted for good."""
        await ask_to_delete(interaction, await self._own(interaction, voice))

    @app_commands.command(name="share", description=command_text("voices.share"))
    @app_commands.describe(voice=command_text("voices.which"))
    @app_commands.autocomplete(voice=own_voice)
    async def share(self, interaction: discord.Interaction[Clonevoice], voice: VoiceOption) -> None:
        """Let this server's members use a voice."""
        found, viewer = await self._own(interaction, voice), viewer_of(interaction)
        name = interaction.user.display_name
        await show_voice(interaction, await self._library.share(viewer, found.id, owner_name=name))

    @app_commands.command(name="unshare", description=command_text("voices.unshare"))
    @app_commands.describe(voice=command_text("voices.which"))
    @app_commands.autocomplete(voice=own_voice)
    async def unshare(self, interaction: discord.Interaction[Clonevoice], voice: VoiceOption) -> None:
        """Let this server's members use a voice no more."""
        found, viewer = await self._own(interaction, voice), viewer_of(interaction)
        await show_voice(interaction, await self._library.unshare(viewer, found.id))

    @app_commands.command(name="community", description=command_text("voices.community"))
    @app_commands.describe(
        search=command_text("community.search"), language=command_text("community.language")
    )
    @app_commands.choices(
        language=[
            Choice(name=command_text(f"language.{language}"), value=language.value) for language in Language
        ]
    )
    async def community(
        self,
        interaction: discord.Interaction[Clonevoice],
        search: app_commands.Range[str, 1, TITLE_LENGTH] | None = None,
        language: str | None = None,
    ) -> None:
        """List what this server shares."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await show_community(interaction, f"{language or ''}:{clean_text(search or '')[:TITLE_LENGTH]}", 0)

    @app_commands.command(name="export", description=command_text("voices.export"))
    async def export(self, interaction: discord.Interaction[Clonevoice]) -> None:
        """Hand out all that is stored about the member, with the previews if they fit."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        member, limit = interaction.user.id, interaction.filesize_limit
        stored = await self._privacy.export(member)
        record = (await asyncio.to_thread(json.dumps, stored, ensure_ascii=False, indent=2)).encode()
        files = [("stored.json", record)]
        if len(record) > limit:
            files = [("stored.zip", await asyncio.to_thread(_packed, files))]
        audio, whole = await self._audio(interaction.client, member, limit - len(files[0][1]))
        if audio:
            files.append(("audio.zip", await asyncio.to_thread(_packed, audio)))
        await interaction.edit_original_response(
            content=translate(str(interaction.locale), "export.all" if whole else "export.without_all_audio"),
            attachments=[discord.File(io.BytesIO(content), name) for name, content in files],
        )

    @app_commands.command(name="forget", description=command_text("voices.forget"))
    async def forget(self, interaction: discord.Interaction[Clonevoice]) -> None:
        """Ask for a word to be typed, then delete all that is stored about the member."""
        await interaction.response.send_modal(EraseForm(str(interaction.locale)))

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """End all that was shared in a server that the bot has left."""
        try:
            await self._library.shared_voices.unshare_all(guild.id)
        except (StoreError, OSError, ValueError):
            _log.exception("what was shared in server %d could not be ended yet", guild.id)

    async def _own(self, interaction: discord.Interaction[Clonevoice], voice: str) -> Voice:
        await interaction.response.defer(ephemeral=True, thinking=True)
        return await self._library.resolve(viewer_of(interaction), voice, own=True)

    async def _audio(
        self, bot: Clonevoice, member_id: int, room: int
    ) -> tuple[list[tuple[str, bytes]], bool]:
        """Return the samples and previews that can be had and fit, by name, and whether these are all."""
        found = [(f"sample-{name}.mp3", sample) for name, sample in await self._privacy.samples(member_id)]
        whole = True
        for voice in await self._library.list_own(member_id):
            preview = await bot.previews.get(voice.preview_url, limit=room)
            if preview is None:
                whole = False
            else:
                found.append((f"{voice.id}-{file_name(voice.title)}", preview))
        kept: list[tuple[str, bytes]] = []
        for name, content in found:
            room -= len(content) + ENTRY_BYTES
            if room > 0:
                kept.append((name, content))
        return kept, whole and len(kept) == len(found)


def _packed(contents: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents:
            archive.writestr(name, content)
    return packed.getvalue()


async def setup(bot: Clonevoice) -> None:
    """Hand the cog its tools."""
    bot.library.shared_voices.membership = DiscordMembership(bot, bot.cloner.clock)
    bot.add_dynamic_items(VoiceButton, PageButton, PickSelect)
    await bot.add_cog(Voices(bot.library, bot.privacy))
