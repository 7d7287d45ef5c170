"""The discord.py client: which commands it has, and the least it asks of Discord."""

import discord
from discord.ext import commands

from bot.tree import Tree
from bot.voices.cloner import Cloner
from bot.voices.fetch import Previews

discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # no voice channels here

EXTENSIONS = ("cogs.clonevoice",)


class Clonevoice(commands.Bot):
    """The bot. It receives its tools and builds none; cogs take them from here in their `setup`."""

    def __init__(self, cloner: Cloner, previews: Previews) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self.cloner = cloner
        self.previews = previews

    async def setup_hook(self) -> None:
        """Load the commands and tell Discord of them, once a start."""
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        await self.tree.sync()
