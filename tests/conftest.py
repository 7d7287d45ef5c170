"""The whole bot for a test: real parts on every side, Discord alone simulated."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
import simcord
from pydantic import SecretStr
from simcord.builders import ChannelHandle, UserHandle
from simcord.results import InteractionResult
from yarl import URL

from audio import mp3
from bot.app import open_bot
from bot.client.client import Clonevoice
from bot.clock import Clock
from bot.demo.cdn import SimulatedCdn
from bot.demo.upstream import ClonedVoice, Request, Upstream
from bot.errors import ClonevoiceError
from bot.i18n import ENGLISH, translate_markdown
from bot.settings import Settings
from bot.voices.models import Language, Rights, Voice

GOOD = ("good.mp3", mp3(seconds=12))


async def until(true: Callable[[], object], *, seconds: float = 10) -> None:
    """Wait for something that a job does in its own time."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for is seen from outside, as a member sees it
            await asyncio.sleep(0.005)


class ManualClock:
    """A clock that stands still until it is advanced."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        self._moved = asyncio.Condition()

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        end = self.time + seconds
        async with self._moved:
            await self._moved.wait_for(lambda: self.time >= end)

    async def advance(self, seconds: float) -> None:
        async with self._moved:
            self.time += seconds
            self._moved.notify_all()


class FastClock:
    """A clock that runs a hundred times as fast as the real one (simcord has `time.monotonic` for itself)."""

    SPEED = 100

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def skip(self, seconds: float) -> None:
        """Let so many seconds pass at once; who sleeps sleeps on."""
        self._start -= seconds / self.SPEED

    def now(self) -> float:
        return 1_800_000_000.0 + self.monotonic()

    def monotonic(self) -> float:
        return (time.perf_counter() - self._start) * self.SPEED

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.SPEED)


@dataclass
class World:
    """A bot at work in a server, with people, an API and a folder of its own."""

    bot: Clonevoice
    env: simcord.Env
    upstream: Upstream
    cdn: SimulatedCdn
    folder: Path
    channel: ChannelHandle
    ada: simcord.MemberActor
    grace: simcord.MemberActor
    linus: simcord.MemberActor
    life: AsyncExitStack
    begin: Callable[[AsyncExitStack], Awaitable[Clonevoice]]

    async def restart(self) -> None:
        """End the bot and start another one on the same folder, in the same Discord."""
        await self.life.aclose()
        self.bot = await self.begin(self.life)
        await self.env.restart_bot(self.bot)
        await self.life.enter_async_context(self.bot.running())

    def elsewhere(self, *members: simcord.MemberActor) -> tuple[ChannelHandle, list[simcord.MemberActor]]:
        """Open another server with the bot; return its channel, and the members as they are there."""
        guild = self.env.create_guild("Elsewhere")
        channel = guild.create_text_channel("hall")
        return channel, [guild.add_member(member.user) for member in members]

    async def voice(self, who: simcord.MemberActor, title: str, **details: Any) -> int:
        """Give somebody a voice as if they had cloned it, here and at the API; return its id."""
        store = self.bot.cloner._store  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - past the queue
        voice_id = 10**13 + len(await store.members.voice_ids())
        voice = Voice(
            id=voice_id,
            job_id=f"{who.id}-{voice_id}",
            owner_id=who.id,
            guild_id=who.guild.id,
            owner_name=who.user.name,
            title=title,
            description=f"{title} (made for a test)",
            language=Language.ENGLISH,
            rights=Rights.OWN,
            sample_sha256="ab" * 32,
            created_at=1_790_000_000.0 + voice_id % 10**9,
            duration=12.0,
            cover_url=f"{self.upstream.origin}/files/{voice_id}.png",
            preview_url=f"{self.upstream.origin}/files/{voice_id}.mp3",
        )
        voice = replace(voice, **details)
        account = voice.account or "demo@example.com"
        self.upstream.voices[voice_id] = ClonedVoice(
            voice_id, account, title, voice.description, voice.language, GOOD[1], int(voice.created_at)
        )
        await store.members.put(voice)
        return voice_id

    async def send(
        self, who: simcord.MemberActor | None = None, *, wait: bool = True, **options: Any
    ) -> InteractionResult:
        """Type `/clonevoice` as a member would, and wait for the last card."""
        given = {"sample": GOOD, "title": "Ada", "rights": "own"} | options
        result = await (who or self.ada).slash(self.channel, "clonevoice", **given)
        if wait:
            await self.ended(result)
        return result

    async def press(self, result: InteractionResult, key: str) -> InteractionResult:
        """Press a button of an answer, as the member who got it."""
        assert result.response is not None
        return await self.ada.click(result.response, label=sentence(key))

    async def ended(self, result: InteractionResult) -> None:
        """Wait until a card tells how its clone ended."""
        await until(lambda: over(result))

    def stored(self, member: simcord.MemberActor) -> list[dict[str, Any]]:
        """Read a member's voices as they lie on disk."""
        file = self.folder / "members" / f"{member.id}.json"
        return list(json.loads(file.read_text("utf-8"))["voices"].values()) if file.exists() else []

    def jobs(self) -> list[str]:
        """List the files of jobs on disk."""
        return sorted(file.name for file in (self.folder / "jobs").iterdir())

    def posts(self) -> list[Request]:
        """List the clones that the API was asked for."""
        return [
            request
            for request in self.upstream.requests
            if request.path == "/speech/voice" and request.method == "POST"
        ]

    def direct(self) -> list[dict[str, Any]]:
        """List the bodies of all messages that were sent outside of interactions."""
        return [
            entry.json or {}
            for entry in self.env.http_requests
            if entry.method == "POST" and entry.path.startswith("/channels/")
        ]

    def edits(self) -> list[dict[str, Any]]:
        """List the bodies of all edits that Discord was sent."""
        return [
            entry.json or {}
            for entry in self.env.http_requests
            if entry.method == "PATCH" and "/messages/" in entry.path
        ]


def text(result: InteractionResult) -> str:
    """Return all that a member reads in an answer."""
    if result.response is None:
        return ""
    parts = [result.response.content]
    for embed in result.response.embeds:
        parts += [
            embed.title,
            embed.description,
            *(f"{f.name}: {f.value}" for f in embed.fields),
            embed.footer.text,
        ]
    return "\n".join(filter(None, parts))


def over(result: InteractionResult) -> bool:
    """Whether an answer is a sentence or a last card, with no stage under way."""
    return bool(text(result)) and "▫️" not in text(result)


def sentence(key: str, **values: object) -> str:
    """Return a sentence of the catalog as a member reads it."""
    return translate_markdown(ENGLISH, key, **values)


def settings(folder: Path, **changes: Any) -> Settings:
    """Return settings that owe nothing to the environment."""
    values: dict[str, Any] = {
        "discord_token": SecretStr("offline"),
        "useapi_token": SecretStr("user:1234-demo"),
        "useapi_accounts": (),
        "data_dir": folder,
        "clones_per_account": 1,
        "clone_timeout": 300,
        "max_sample_mb": 10,
        "max_sample_seconds": 300,
        "max_voices_per_member": 10,
        "log_level": "INFO",
        "log_format": "text",
    }
    return Settings(**(values | changes))


@asynccontextmanager
async def _discord(bot: Clonevoice) -> AsyncGenerator[tuple[simcord.Env, list[UserHandle]]]:
    """Do as `simcord.run`, whose end can't stand in a fixture: pytest runs that in another context.

    The people come first, so that their ids don't depend on how many commands there are.
    """
    env = simcord.Env(bot)
    people = [env.create_user(name) for name in ("ada", "grace", "linus")]
    await env.start()
    try:
        yield env, people
    finally:
        await env.shutdown()
    mistakes = [getattr(error, "original", error) for error in env.errors]
    assert [error for error in mistakes if not isinstance(error, ClonevoiceError)] == []


@asynccontextmanager
async def opened(
    folder: Path,
    upstream: Upstream | None = None,
    clock: Clock | None = None,
    *,
    keep_alive: bool = True,
    **changes: Any,
) -> AsyncGenerator[World]:
    """Open a world, as the operator set it up.

    One that lives for long must not `keep_alive` its connections: simcord takes their timers for work of
    the bot's, and waits for it.
    """
    async with AsyncExitStack() as stack:
        upstream = upstream or await stack.enter_async_context(Upstream())
        origin = URL(upstream.origin)
        cdn = await stack.enter_async_context(SimulatedCdn())

        async def begin(life: AsyncExitStack) -> Clonevoice:
            return await life.enter_async_context(
                open_bot(
                    settings(folder, **changes),
                    api=upstream.url,
                    may_fetch=lambda url: url.origin() == origin,
                    open_session=lambda: aiohttp.ClientSession(
                        middlewares=(cdn.middleware,),
                        connector=aiohttp.TCPConnector(force_close=not keep_alive),
                    ),
                    clock=clock,
                )
            )

        last = await stack.enter_async_context(AsyncExitStack())
        bot = await begin(last)
        env, people = await stack.enter_async_context(_discord(bot))
        cdn.serve(env)
        guild = env.create_guild("Voice Club")
        channel = guild.create_text_channel("studio")
        ada, grace, linus = map(guild.add_member, people)
        life = await stack.enter_async_context(AsyncExitStack())
        life.push_async_exit(last.pop_all())
        await life.enter_async_context(bot.running())
        yield World(bot, env, upstream, cdn, folder, channel, ada, grace, linus, life, begin)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    """Open a world with the default settings."""
    async with opened(tmp_path / "data") as world:
        yield world


def buttons(result: InteractionResult) -> list[str]:
    """List the labels of an answer's buttons."""
    components = result.response.components if result.response else []
    return [item["label"] for row in components for item in row["components"]]


def embed_of(result: InteractionResult) -> discord.Embed:
    """Return an answer's only embed."""
    assert result.response is not None
    (embed,) = result.response.embeds
    return embed
