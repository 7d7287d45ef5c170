"""The Discord client: the commands, and the least that is asked of Discord."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from importlib import import_module

import aiohttp
import discord
from discord.backoff import ExponentialBackoff
from discord.ext import commands

from bot.client.actions import ActionItem, Actions
from bot.client.forms import Forms
from bot.client.gateway import keep_reading
from bot.client.tree import Tree
from bot.services import Ports, Resources, build_services

_log = logging.getLogger(__name__)

discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # no voice channels here

EXTENSIONS = ("cogs.clonevoice", "cogs.voices", "cogs.speak", "cogs.consent", "cogs.voiceadmin", "cogs.help")

RECENT = 1000  # the last interactions, which are known if Discord sends them again

RECONNECT_SECONDS = 1  # the longest first wait before connecting again; Discord allows 1,000 new sessions a day


@dataclass(frozen=True, slots=True)
class Operator:
    """How members reach the person who runs the bot. What is not set is empty."""

    contact: str
    support_url: str
    privacy_url: str


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
        settings = resources.settings
        self.operator = Operator(settings.operator_contact, settings.support_url, settings.privacy_url)
        self.previews = resources.previews
        self.actions = Actions()
        self.forms = Forms(resources.clock)
        self.acknowledged = deque[int](maxlen=RECENT)
        self.add_dynamic_items(ActionItem)
        keep_reading(self._connection.parsers)
        # Cogs import the bot and never the other way round, so the bot loads them by name.
        ports: Ports = import_module("cogs.ports").build_ports(self, resources.clock)
        self.services = build_services(resources, ports)

    async def setup_hook(self) -> None:
        """Load the commands and sync them with Discord, once per start."""
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        await self.tree.sync()

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        if interaction.type is discord.InteractionType.modal_submit:
            await self.forms.receive(interaction, (interaction.data or {}).get("custom_id", ""))
        elif interaction.type is discord.InteractionType.component:
            await self.actions.answer_dropped(interaction)

    async def connect(self, *, reconnect: bool = True) -> None:
        """Stay connected to Discord. After a frame that discord.py can't read, connect again."""
        backoff = ExponentialBackoff[bool](RECONNECT_SECONDS)
        while True:
            try:
                return await super().connect(reconnect=reconnect)
            except (discord.DiscordException, aiohttp.ClientError, OSError):
                raise
            except Exception:  # noqa: BLE001 - a payload can make discord.py raise anything
                _log.exception("a frame from Discord can't be read: connecting again")
            if self.ws:  # None before the first connection
                await self.ws.close()
            await asyncio.sleep(backoff.delay())
