"""Opens the resources in order, runs the bot, and closes them in reverse."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import discord
from yarl import URL

from bot.bounds import without_page
from bot.client.client import Clonevoice
from bot.clock import Clock, SystemClock
from bot.downloads import Previews, from_mureka
from bot.errors import ClonevoiceError, SettingsError
from bot.log import log_unhandled
from bot.mureka.client import API
from bot.services import Resources
from bot.settings import Settings
from bot.store.tiny.store import open_store
from bot.tasks import GRACE_SECONDS

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_resources(
    settings: Settings,
    *,
    api: str = API,
    may_fetch: Callable[[URL], bool] = from_mureka,
    cdn: str | None = None,
    open_session: Callable[[], aiohttp.ClientSession] = aiohttp.ClientSession,
    clock: Clock | None = None,
) -> AsyncGenerator[Resources]:
    """Open the store and the HTTP session.

    `may_fetch` decides from which URLs previews and clips are downloaded. Samples come from Discord's files, or
    from the origin `cdn` of a simulated Discord.
    """
    async with open_store(settings.data_dir) as store, open_session() as session:
        previews = Previews(session, may_fetch)
        yield Resources(settings, store, session, previews, clock or SystemClock(), api, cdn)


async def run(opened: AbstractAsyncContextManager[Resources]) -> None:
    """Open the resources and serve Discord until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_unhandled)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with opened as resources, Clonevoice(resources) as bot, _until(stop, bot):
        try:
            await bot.login(resources.settings.discord_token.get_secret_value())
        except discord.LoginFailure as error:
            raise SettingsError("settings.discord_token") from error
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise ClonevoiceError("error.discord_unreachable", reason=without_page(str(error))) from error
        async with bot.services.running():
            try:
                await bot.connect()
            except discord.ConnectionClosed as error:  # discord.py reconnects after anything temporary
                raise SettingsError("settings.discord_token") from error


@asynccontextmanager
async def _until(stop: asyncio.Event, bot: Clonevoice) -> AsyncGenerator[None]:
    """Leave the body, wherever it is, when `stop` is set and the running work is drained."""
    body = asyncio.current_task()
    assert body is not None  # noqa: S101 - a coroutine runs in a task

    async def wait() -> None:
        await stop.wait()
        _log.info("stopping: no new clones, and up to %g s for those in flight", GRACE_SECONDS)
        await bot.services.drain()
        body.cancel()

    waiting = asyncio.create_task(wait())
    try:
        yield
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        body.uncancel()
    finally:
        waiting.cancel()
