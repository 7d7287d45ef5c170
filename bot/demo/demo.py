"""`clonevoice demo`: the real bot in a browser, offline and without any account."""

import asyncio
import signal
import socket
import webbrowser
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from pydantic import SecretStr
from yarl import URL

from bot.app import open_resources
from bot.client.client import Clonevoice
from bot.demo.cdn import ORIGIN, SimulatedCdn
from bot.demo.page import DiscordPage, discord_page
from bot.demo.upstream import Upstream
from bot.errors import ClonevoiceError
from bot.i18n import ENGLISH, translate
from bot.log import configure_logging
from bot.settings import Settings
from bot.store.tiny.store import open_store

SAMPLES = Path(__file__).with_name("samples")
"""Files to upload in the browser: a good sample, a short one, one that isn't an MP3, a long one."""

GOOD_SAMPLE = SAMPLES / "good-sample.mp3"

CLONE_SECONDS = 7.0  # Seconds that the emulated API takes to clone. The real one takes 60 to 90.
SPEECH_SECONDS = 4.0  # Seconds that the emulated API takes to speak. The real one takes 20 to 90.
UPLOAD_RATE = 25_000  # bytes per second that the emulated API reads, so that the upload's progress is visible
SEND_BUFFER = 8192  # Size of the bot's send buffers in bytes. By default, loopback connections buffer megabytes.


async def serve(port: int | None = None) -> None:
    """Serve the demo on this or a free loopback port until the page's session ends or a signal arrives.

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
    async with running_demo(port=port) as page:
        text = translate(ENGLISH, "demo.ready", url=page.url, samples=SAMPLES)
        print(text)  # noqa: T201 - output of the program
        await asyncio.to_thread(_open_browser, page.url)
        await page.closed()


@asynccontextmanager
async def running_demo(
    *, clone_seconds: float = CLONE_SECONDS, speech_seconds: float = SPEECH_SECONDS, port: int | None = None
) -> AsyncGenerator[DiscordPage]:
    """Run the bot as in production, but with a simulated Discord and an emulated API."""
    with TemporaryDirectory() as folder:
        settings = Settings.model_construct(  # independent of the environment
            discord_token=SecretStr("offline"),
            useapi_token=SecretStr("user:1234-demo"),
            data_dir=Path(folder),
            log_level="WARNING",
        )
        shown = SAMPLES.relative_to(Path.cwd()) if SAMPLES.is_relative_to(Path.cwd()) else SAMPLES
        async with open_store(settings.data_dir) as store:
            # Durations for the first estimates.
            await store.pending.add_duration(clone_seconds + 1)
            await store.pending.add_duration(speech_seconds + 2, "speech")
        async with (
            Upstream(clone_seconds=clone_seconds, speech_seconds=speech_seconds, read_rate=UPLOAD_RATE) as upstream,
            SimulatedCdn() as cdn,
            open_resources(
                settings,
                api=upstream.url,
                may_fetch=lambda url: url.origin() == URL(upstream.origin),
                cdn=ORIGIN,
                open_session=lambda: _slow_session(cdn),
            ) as resources,
            Clonevoice(resources) as bot,
            discord_page(
                bot,
                greeting=translate(ENGLISH, "demo.greeting", samples=shown),
                samples=[(GOOD_SAMPLE.name, await asyncio.to_thread(GOOD_SAMPLE.read_bytes))],
                port=port,
            ) as page,
            bot.services.running(),
        ):
            cdn.serve(page.env)
            yield page


def _slow_session(cdn: SimulatedCdn) -> aiohttp.ClientSession:
    def open_socket(address: tuple[Any, ...]) -> socket.socket:
        opened = socket.socket(address[0], address[1], address[2])
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        return opened

    connector = aiohttp.TCPConnector(socket_factory=open_socket)
    return aiohttp.ClientSession(middlewares=(cdn.middleware,), connector=connector)


def _open_browser(url: str) -> None:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is not webbrowser.GenericBrowser:  # a text browser would take over the terminal
        browser.open(url)
