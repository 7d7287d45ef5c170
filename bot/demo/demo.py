"""`clonevoice demo`: the real bot in a browser, offline and without any account."""

import asyncio
import signal
import socket
import webbrowser
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.demo.breakage import UPLOAD_RATE, Breakage, WatchedUpstream, tell_call
from bot.demo.changes import Changes
from bot.demo.club.acts import Acts
from bot.demo.club.server import Server
from bot.demo.live import Live
from bot.demo.page import SAMPLES, Page
from bot.demo.process import BotProcess
from bot.demo.story import Story
from bot.demo.upstream import Upstream
from bot.errors import ClonevoiceError
from bot.i18n import ENGLISH, translate
from bot.log import configure_logging
from bot.policy.models import Policy
from bot.store.tiny.store import open_store

GOOD_SAMPLE = SAMPLES / "good-sample.mp3"

CLONE_SECONDS = 8.0  # Seconds that the emulated API takes to clone. The real one takes 60 to 90.
SPEECH_SECONDS = 4.0  # Seconds that the emulated API takes to speak. The real one takes 20 to 90.
CLONE_TIMEOUT = 30  # Seconds that the bot waits for a clone, and that it searches for one: in proportion to the above


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: the page's address, and what is behind it."""

    url: str
    server: Server
    acts: Acts
    upstream: WatchedUpstream
    breakage: Breakage
    story: Story


async def serve(port: int | None = None) -> None:
    """Serve the demo on this or a free loopback port until a signal arrives.

    Raises `ClonevoiceError` if the port can't be used.
    """
    configure_logging("WARNING", "text", ())
    try:
        socket.create_server(("127.0.0.1", port or 0)).close()
    except (OSError, OverflowError) as error:
        raise ClonevoiceError("error.port", port=str(port), reason=getattr(error, "strerror", None) or error) from error
    if task := asyncio.current_task():
        for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT is ignored if a script started the demo
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with running_demo(port=port) as demo:
        print(translate(ENGLISH, "demo.ready", url=demo.url))  # noqa: T201 - output of the program
        await asyncio.to_thread(_open_browser, demo.url)
        await asyncio.Event().wait()


@asynccontextmanager
async def running_demo(
    *, clone_seconds: float = CLONE_SECONDS, speech_seconds: float = SPEECH_SECONDS, port: int | None = None
) -> AsyncGenerator[Demo]:
    """Run the bot as in production, but with a simulated Discord and an emulated API."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
        changes = Changes()
        story = Story(folder / "data", changes)
        server = await stack.enter_async_context(Server(changes, partial(tell_call, story)))
        upstream = await stack.enter_async_context(
            WatchedUpstream(
                story=story, making_seconds=clone_seconds, speech_seconds=speech_seconds, read_rate=UPLOAD_RATE
            )
        )
        await _prepare(folder / "data", server, upstream)
        process = BotProcess(server.wire.url, upstream.url, _environment(folder / "data", upstream), folder, changes)
        breakage = Breakage(process, upstream, server, story)
        acts = Acts(server, changes, lambda name, command: story.tell("demo.story.used", name=name, command=command))
        reading = "story-hour.mp3", await asyncio.to_thread(GOOD_SAMPLE.read_bytes)
        acts.post(server.people["ada"], server.studio.id, translate(ENGLISH, "demo.reading"), [reading])
        live = Live(changes, server, process, story, breakage)
        page = await stack.enter_async_context(Page(server, acts, live, breakage, port))
        await stack.enter_async_context(process.running())
        watching = asyncio.create_task(story.watch())
        stack.callback(watching.cancel)
        await server.wire.connected.wait()
        yield Demo(page.url, server, acts, upstream, breakage, story)


def _environment(data: Path, upstream: Upstream) -> Mapping[str, str]:
    tokens = {"DISCORD_TOKEN": "offline", "USEAPI_TOKEN": upstream.token}
    return tokens | {"DATA_DIR": str(data), "CLONE_TIMEOUT": str(CLONE_TIMEOUT), "LOG_LEVEL": "ERROR"}


async def _prepare(data: Path, server: Server, upstream: Upstream) -> None:
    """Store the durations of earlier jobs, for the first estimates, and where the server's log is."""
    async with open_store(data) as store:
        await store.pending.add_duration(upstream.making_seconds + 1)
        await store.pending.add_duration(upstream.speech_seconds + 2, "speech")
        policy = Policy(moderator_role=server.moderator_role.id, log_channel=server.log_channel.id)
        await store.servers.put_policy(server.guild.id, policy)


def _open_browser(url: str) -> None:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is not webbrowser.GenericBrowser:  # a text browser would take over the terminal
        browser.open(url)
