"""`clonevoice demo`: the real bot in a browser, with an emulated API, offline and with no account."""

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

from bot.app import open_bot
from bot.demo.cdn import SimulatedCdn
from bot.demo.page import DiscordPage, discord_page
from bot.demo.upstream import Upstream
from bot.errors import ClonevoiceError
from bot.i18n import ENGLISH, translate
from bot.log import configure_logging
from bot.settings import Settings
from bot.store.tiny.store import open_store

SAMPLES = Path(__file__).with_name("samples")
"""Files to pick in the browser: a good one, one too short, one in disguise, one of unusual length."""

CLONE_SECONDS = 7.0
"""The emulated API is quicker than the real one's 60 to 90 s, for the sake of whoever is watching."""

SPEECH_SECONDS = 4.0
"""The same for a spoken line, which takes the real one 20 to 90 s."""

UPLOAD_RATE = 25_000
"""Bytes a second that the emulated API reads, so that there is an upload to watch."""

SEND_BUFFER = 8192
"""Bytes that the system takes from the bot ahead of the API; loopback would take megabytes."""


async def serve(port: int | None = None) -> None:
    """Serve the demo on a port of loopback, or on a free one, until its page is closed for good."""
    configure_logging("WARNING", "text", ())
    try:
        socket.create_server(("127.0.0.1", port or 0)).close()
    except (OSError, OverflowError) as error:
        raise ClonevoiceError(
            "error.port", port=port, reason=getattr(error, "strerror", None) or error
        ) from error
    this = asyncio.current_task()
    if this:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    async with running_demo(port=port) as page:
        print(translate(ENGLISH, "demo.ready", url=page.url, samples=SAMPLES))  # noqa: T201 - the visitor's terminal
        await asyncio.to_thread(_open_browser, page.url)
        await page.closed()


@asynccontextmanager
async def running_demo(
    *,
    clone_seconds: float = CLONE_SECONDS,
    speech_seconds: float = SPEECH_SECONDS,
    port: int | None = None,
) -> AsyncGenerator[DiscordPage]:
    """Set up the bot as in production, but between a simulated Discord and an emulated API."""
    with TemporaryDirectory() as folder:
        async with open_store(Path(folder)) as store:
            # As if the bot had some experience already.
            await store.pending.add_duration(clone_seconds + 1)
            await store.pending.add_duration(speech_seconds + 2, "speech")
        async with (
            Upstream(
                clone_seconds=clone_seconds, speech_seconds=speech_seconds, read_rate=UPLOAD_RATE
            ) as upstream,
            SimulatedCdn() as cdn,
            open_bot(
                _settings(Path(folder)),
                api=upstream.url,
                may_fetch=lambda url: url.origin() == URL(upstream.origin),
                open_session=lambda: _slow_session(cdn),
            ) as bot,
            discord_page(
                bot,
                greeting=translate(ENGLISH, "demo.greeting", samples=_near(SAMPLES)),
                samples=[await _good_sample()],
                port=port,
            ) as page,
            bot.running(),
        ):
            cdn.serve(page.env)
            yield page


def _slow_session(cdn: SimulatedCdn) -> aiohttp.ClientSession:
    def narrow(address: tuple[Any, ...]) -> socket.socket:
        made = socket.socket(address[0], address[1], address[2])
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        return made

    return aiohttp.ClientSession(
        middlewares=(cdn.middleware,), connector=aiohttp.TCPConnector(socket_factory=narrow)
    )


def _settings(folder: Path) -> Settings:
    """Name every setting, so that nothing of the visitor's own environment counts."""
    return Settings(
        discord_token=SecretStr("offline"),
        useapi_token=SecretStr("user:1234-demo"),
        useapi_accounts=(),
        data_dir=folder,
        clones_per_account=1,
        clone_timeout=300,
        max_sample_mb=10,
        max_sample_seconds=300,
        max_voices_per_member=10,
        log_level="WARNING",
        log_format="text",
    )


def _near(folder: Path) -> Path:
    """Say where a folder is as briefly as the visitor's own place allows."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


async def _good_sample() -> tuple[str, bytes]:
    file = SAMPLES / "good-sample.mp3"
    return file.name, await asyncio.to_thread(file.read_bytes)


def _open_browser(url: str) -> None:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is not webbrowser.GenericBrowser:  # that would be one for terminals, in the way of ours
        browser.open(url)
