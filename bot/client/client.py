"""The discord.py client: which commands it has, and the least it asks of Discord."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import discord
from discord.ext import commands

from bot.client.tree import Tree
from bot.cloning.cloner import GRACE_SECONDS, Cloner
from bot.consent import Consents
from bot.downloads import Previews
from bot.library.library import Library
from bot.moderation.cases import Cases
from bot.moderation.enforcement import Enforcement
from bot.moderation.server_voices import ServerVoices
from bot.notifications import Notifications
from bot.policy.rules import Rules
from bot.privacy.erasure import Privacy
from bot.speaking.synthesizer import Synthesizer
from bot.tasks import Background

discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # no voice channels here

EXTENSIONS = ("cogs.clonevoice", "cogs.voices", "cogs.speak", "cogs.voiceadmin")


class Clonevoice(commands.Bot):
    """The bot. It receives its tools and builds none; cogs take them from here in their `setup`."""

    def __init__(  # noqa: PLR0913 - all that cogs work with, by name
        self,
        *,
        cloner: Cloner,
        library: Library,
        speaking: Synthesizer,
        consents: Consents,
        notices: Notifications,
        privacy: Privacy,
        moderation: Rules,
        roster: ServerVoices,
        measures: Enforcement,
        cases: Cases,
        previews: Previews,
    ) -> None:
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
        self.library = library
        self.speaking = speaking
        self.consents = consents
        self.notices = notices
        self.privacy = privacy
        self.moderation = moderation
        self.roster = roster
        self.measures = measures
        self.cases = cases
        self.previews = previews

    async def setup_hook(self) -> None:
        """Load the commands and tell Discord of them, once a start."""
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        await self.tree.sync()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Take up what an earlier run left, and work in the background; commands need it, once logged in."""
        await self.privacy.load()
        async with Background() as background, self.cloner.at_work(background):
            await self.notices.start(background)
            await self.speaking.start(background)
            self.privacy.start(background)
            self.library.start(background)
            self.roster.start(background)
            self.consents.start(background)
            self.cases.start(background)
            yield

    async def drain(self) -> None:
        """Take nothing new, and give what is being sent a little time to finish."""
        await asyncio.gather(self.cloner.wind_down(), self.speaking.wind_down(GRACE_SECONDS))
