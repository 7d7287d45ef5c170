"""The Discord client: the commands, and the least that is asked of Discord."""

from importlib import import_module

import discord
from discord.ext import commands

from bot.client.actions import ActionItem, Actions
from bot.client.tree import Tree
from bot.services import Ports, Resources, build_services

discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # no voice channels here

EXTENSIONS = ("cogs.clonevoice", "cogs.voices", "cogs.speak", "cogs.consent", "cogs.voiceadmin")


class Clonevoice(commands.Bot):
    """The bot. It has the cogs build the ports of the services, and builds the services."""

    def __init__(self, resources: Resources) -> None:
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
        self.previews = resources.previews
        self.actions = Actions()
        self.add_dynamic_items(ActionItem)
        # Cogs import the bot and never the other way round, so the bot loads them by name.
        ports: Ports = import_module("cogs.ports").build_ports(self, resources.clock)
        self.services = build_services(resources, ports)

    async def setup_hook(self) -> None:
        """Load the commands and sync them with Discord, once per start."""
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        await self.tree.sync()
