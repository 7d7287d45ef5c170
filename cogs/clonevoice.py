"""`/clonevoice`: an MP3 becomes a voice, while its member watches."""

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.client import Clonevoice
from bot.errors import AlreadyCloning
from bot.tree import command_text
from bot.voices.cloner import Cloner
from bot.voices.jobs import Order
from bot.voices.models import DESCRIPTION_LENGTH, TITLE_LENGTH, Language, Rights
from cogs._buttons import CloneButton, reply_in
from cogs._live import Cards
from cogs._ways import DiscordWays


class CloneVoice(commands.Cog):
    """The command, and the cards of the clones that it starts."""

    def __init__(self, cloner: Cloner, cards: Cards) -> None:
        self._cloner = cloner
        self._cards = cards

    @app_commands.command(name="clonevoice", description=command_text("clonevoice.about"))
    @app_commands.describe(
        sample=command_text("clonevoice.sample"),
        title=command_text("clonevoice.title"),
        rights=command_text("clonevoice.rights"),
        description=command_text("clonevoice.description"),
        language=command_text("clonevoice.language"),
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
    ) -> None:
        """Take the order; the card follows the clone from here."""
        answer = await interaction.response.defer(ephemeral=True, thinking=True)
        locale = str(interaction.locale)
        server_locale = str(interaction.guild_locale) if interaction.guild_locale else None
        order = Order(
            sample_url=sample.url,
            sample_size=sample.size,
            owner_id=interaction.user.id,
            owner_name=interaction.user.display_name,
            guild_id=interaction.guild_id or 0,
            channel_id=interaction.channel_id or 0,
            title=title,
            description=description,
            rights=Rights(rights),
            language=Language(language) if language else Language.of_locales(locale, server_locale),
            locale=locale,
            reply=reply_in((answer and answer.message_id) or 0, interaction),
        )
        try:
            job = await self._cloner.accept(order)
        except AlreadyCloning:
            if running := self._cloner.running(order.owner_id):
                job = await self._cloner.follow(running.id, running.owner_id, order.reply)
                await self._cards.move(job, before=running)
                return
            raise
        self._cloner.begin(job)


async def setup(bot: Clonevoice) -> None:
    """Hand the cog its tools."""
    cards = Cards(DiscordWays(bot), bot.previews, bot.cloner.clock)
    bot.cloner.sink = cards
    bot.add_dynamic_items(CloneButton)
    await bot.add_cog(CloneVoice(bot.cloner, cards))
