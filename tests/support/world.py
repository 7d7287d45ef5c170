"""The whole bot for a test: real parts on every side, only Discord is simulated."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import aiohttp
import discord
import simcord
from pydantic import SecretStr
from simcord.builders import ChannelHandle, UserHandle
from simcord.results import InteractionResult
from yarl import URL

from bot.app import open_resources
from bot.audio.inspector import SampleInspector
from bot.client.client import Clonevoice
from bot.clock import Clock
from bot.demo.upstream import ClonedVoice, Request, Upstream
from bot.errors import ClonevoiceError
from bot.services import Services
from bot.settings import Settings
from bot.store.protocol import Store
from support.audio import GOOD
from support.builders import VOICE
from support.cdn import ORIGIN, SimulatedCdn
from support.clocks import FastClock, until
from support.reading import over, sentence


@dataclass(kw_only=True, eq=False)
class HeldUpstream(Upstream):
    """Answers clones, whose voices exist before, only once they are released."""

    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def _clone(self, request: Request) -> object:
        answer = await super()._clone(request)
        await self.released.wait()
        return answer


@dataclass
class World:
    """A running bot in a server, with members, an API and a data folder."""

    bot: Clonevoice
    store: Store
    env: simcord.Env
    upstream: Upstream
    cdn: SimulatedCdn
    folder: Path
    channel: ChannelHandle
    ada: simcord.MemberActor
    grace: simcord.MemberActor
    linus: simcord.MemberActor
    life: AsyncExitStack
    begin: Callable[[AsyncExitStack], Awaitable[tuple[Clonevoice, Store]]]
    voice_ids: "count[int]" = field(default_factory=lambda: count(10**13))

    @property
    def services(self) -> Services:
        return self.bot.services

    @property
    def guild_id(self) -> int:
        return self.ada.guild.id

    def release(self) -> None:
        """Let the API answer clones; the world's mark must have `held=True`."""
        assert isinstance(self.upstream, HeldUpstream)
        self.upstream.released.set()

    def skip(self, seconds: float) -> None:
        clock = self.bot.services.clock
        assert isinstance(clock, FastClock)
        clock.skip(seconds)

    async def later(self, true: Callable[[], object]) -> None:
        """Wait until a condition is true while time passes five times as fast as else."""
        await until(lambda: self.skip(2) or true())

    async def forge(self, custom_id: str, channel: ChannelHandle | None = None) -> discord.Message:
        """Post a button that the bot never posted, with the label "x"."""
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="x", custom_id=custom_id))
        return await self.post(view, channel)

    async def forge_select(
        self, custom_id: str, *values: str, on: str = "", channel: ChannelHandle | None = None
    ) -> discord.Message:
        """Post a select that the bot never posted; `on` is the value that it shows as selected."""
        view = discord.ui.View(timeout=None)
        options = [discord.SelectOption(label=value, value=value, default=value == on) for value in values]
        view.add_item(discord.ui.Select(custom_id=custom_id, options=options, min_values=0, max_values=len(values)))
        return await self.post(view, channel)

    async def post(self, view: discord.ui.View, channel: ChannelHandle | None = None) -> discord.Message:
        """Post buttons and selects that the bot never posted; it knows only their custom IDs."""
        message = await self.bot.get_partial_messageable((channel or self.channel).id).send("x", view=view)
        view.stop()  # the bot forgets the view, as after a restart, and simcord walks none that it has
        return message

    async def idle(self) -> None:
        """Wait until the bot only waits for time to pass or for members."""
        await self.env.settle()

    async def restart(self) -> None:
        """End the bot and start another one on the same folder, in the same Discord."""
        await self.life.aclose()
        self.bot, self.store = await self.begin(self.life)
        await self.env.restart_bot(self.bot)
        await self.life.enter_async_context(self.bot.services.running())

    def elsewhere(self, *members: simcord.MemberActor) -> tuple[ChannelHandle, list[simcord.MemberActor]]:
        """Open another server with the bot; return its channel, and the members as they are there."""
        guild = self.env.create_guild("Elsewhere")
        channel = guild.create_text_channel("hall")
        return channel, [guild.add_member(member.user) for member in members]

    async def voice(self, who: simcord.MemberActor, title: str, *, share: bool = False, **details: Any) -> int:
        """Give a member a voice, here and at the API, without cloning it, and share it; return its ID."""
        voice_id = next(self.voice_ids)
        voice = replace(
            VOICE,
            id=voice_id,
            job_id=f"{who.id}-{voice_id}",
            owner_id=who.id,
            guild_id=who.guild.id,
            owner_name=who.user.name,
            title=title,
            description=f"{title} (made for a test)",
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
        await self.store.members.put(voice)
        if share:
            await who.slash(self.channel, "voices share", voice=str(voice_id))
        return voice_id

    async def send(
        self, who: simcord.MemberActor | None = None, *, wait: bool = True, **options: Any
    ) -> InteractionResult:
        """Send `/clonevoice` and wait for the last card."""
        given = {"sample": GOOD, "title": "Ada", "rights": "own"} | options
        result = await (who or self.ada).slash(self.channel, "clonevoice", **given)
        if wait:
            await self.ended(result)
        return result

    async def press(self, result: InteractionResult, key: str) -> InteractionResult:
        assert result.response is not None
        return await self.ada.click(result.response, label=sentence(key))

    async def ended(self, result: InteractionResult) -> None:
        await until(lambda: over(result))

    def stored(self, member: simcord.MemberActor) -> list[dict[str, Any]]:
        file = self.folder / "members" / f"{member.id}.json"
        return list(json.loads(file.read_text("utf-8"))["voices"].values()) if file.exists() else []

    def server_file(self) -> Path:
        return self.folder / "servers" / f"{self.guild_id}.json"

    def jobs(self) -> list[str]:
        """List the files of jobs on disk, without those that are being written."""
        return sorted(file.name for file in (self.folder / "jobs").iterdir() if file.suffix != ".tmp")

    def posts(self) -> list[Request]:
        return [one for one in self.upstream.requests if (one.method, one.path) == ("POST", "/speech/voice")]

    def direct(self) -> list[dict[str, Any]]:
        """List the bodies of all messages sent outside of interactions."""
        sent = [one for one in self.env.http_requests if one.method == "POST" and one.path.startswith("/channels/")]
        return [entry.json or {} for entry in sent]

    def edits(self) -> list[dict[str, Any]]:
        sent = [one for one in self.env.http_requests if one.method == "PATCH" and "/messages/" in one.path]
        return [entry.json or {} for entry in sent]


def settings(folder: Path, **changes: Any) -> Settings:
    """Return settings that don't depend on the environment: the defaults with changes."""
    values: dict[str, Any] = {name: field.default for name, field in Settings.model_fields.items()}
    values |= {"discord_token": SecretStr("offline"), "useapi_token": SecretStr("user:1234-demo"), "data_dir": folder}
    return Settings(**(values | changes))


class _Env(simcord.Env):
    """Looks every 5 ms instead of every 50 ms whether the bot is idle."""

    async def _settle_internal(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as simcord has it
        idle: float = 0.005,
        dispatch: str | None = None,
        _deadline: float | None = None,
    ) -> None:
        await super()._settle_internal(timeout=timeout, idle=min(idle, 0.005), dispatch=dispatch, _deadline=_deadline)


class _Inspector(SampleInspector):
    """Runs the decoder once in a session for the same sample and limit."""

    _answers: ClassVar[dict[tuple[bytes, float], bytes]] = {}

    async def _decode(self, sample: bytes) -> bytes:
        key = (sample, self._max_seconds)
        if key not in self._answers:
            self._answers[key] = await super()._decode(sample)
        return self._answers[key]


@asynccontextmanager
async def _discord(bot: Clonevoice) -> AsyncGenerator[tuple[simcord.Env, list[UserHandle]]]:
    """Do as `simcord.run`, which cannot end in a fixture: pytest ends fixtures in another context.

    The members are created first, so that their IDs do not depend on the number of commands.
    """
    env = _Env(bot)
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
    cdn_origin: str = ORIGIN,
    accounts: Sequence[str] = ("demo@example.com",),
    clone_seconds: float = 0,
    speech_seconds: float = 0,
    held: bool = False,
    **changes: Any,
) -> AsyncGenerator[World]:
    """Open a world; `changes` are settings of the operator; accounts and durations are those of a new API.

    If it is `held`, the new API answers clones only after `World.release`.
    A world with many interactions must not `keep_alive` its connections: simcord takes their timers for
    work of the bot and waits for it.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(patch("bot.services.SampleInspector", _Inspector))
        new = HeldUpstream if held else Upstream
        upstream = upstream or await stack.enter_async_context(
            new(accounts=accounts, clone_seconds=clone_seconds, speech_seconds=speech_seconds)
        )
        origin = URL(upstream.origin)
        cdn = await stack.enter_async_context(SimulatedCdn())

        async def begin(life: AsyncExitStack) -> tuple[Clonevoice, Store]:
            resources = await life.enter_async_context(
                open_resources(
                    settings(folder, **changes),
                    api=upstream.url,
                    may_fetch=lambda url: url.origin() == origin,
                    cdn=cdn_origin,
                    open_session=lambda: aiohttp.ClientSession(
                        middlewares=(cdn.middleware,), connector=aiohttp.TCPConnector(force_close=not keep_alive)
                    ),
                    clock=clock,
                )
            )
            return await life.enter_async_context(Clonevoice(resources)), resources.store

        last = await stack.enter_async_context(AsyncExitStack())
        bot, store = await begin(last)
        env, people = await stack.enter_async_context(_discord(bot))
        cdn.serve(env)
        guild = env.create_guild("Voice Club")
        channel = guild.create_text_channel("studio")
        ada, grace, linus = map(guild.add_member, people)
        life = await stack.enter_async_context(AsyncExitStack())
        life.push_async_exit(last.pop_all())
        await life.enter_async_context(bot.services.running())
        yield World(bot, store, env, upstream, cdn, folder, channel, ada, grace, linus, life, begin)


def on_disk(world: World) -> str:
    """Read the whole data folder, file names included."""
    found: list[str] = []
    for file in world.folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):
            found += [file.name, file.read_bytes().decode("utf-8", "replace")]
    return "\n".join(found)


def shared_titles(world: World) -> list[str]:
    file = world.folder / "servers" / f"{world.ada.guild.id}.shares.json"
    if not file.exists():
        return []
    return [row["title"] for row in json.loads(file.read_text("utf-8")).get("shares", {}).values()]
