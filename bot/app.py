"""The composition root: what is opened, in which order, and how long it lives."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import discord
from yarl import URL

from bot.audio.inspector import SampleInspector
from bot.client.client import Clonevoice
from bot.clock import Clock, SystemClock
from bot.cloning.admission import Limits
from bot.cloning.cloner import GRACE_SECONDS, Cloner
from bot.consent import Consents
from bot.downloads import MEGABYTE, Previews, fetch_sample, from_mureka
from bot.errors import ClonevoiceError, SettingsError
from bot.library.deletions import UpstreamDeletions
from bot.library.library import Library
from bot.library.shared_voices import SharedVoices
from bot.moderation.cases import Cases
from bot.moderation.enforcement import Enforcement
from bot.moderation.server_voices import ServerVoices
from bot.mureka.client import API, MurekaClient
from bot.notifications import Notifications
from bot.policy.rules import Rules
from bot.privacy.erasure import Privacy
from bot.settings import Settings
from bot.speaking.attempt import SpeechAttempt
from bot.speaking.synthesizer import Synthesizer
from bot.store.protocol import Store
from bot.store.tiny.store import open_store

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_bot(
    settings: Settings,
    *,
    api: str = API,
    may_fetch: Callable[[URL], bool] = from_mureka,
    open_session: Callable[[], aiohttp.ClientSession] = aiohttp.ClientSession,
    clock: Clock | None = None,
) -> AsyncGenerator[Clonevoice]:
    """Open everything that the bot stands on, and close it in reverse."""
    async with (
        open_store(settings.data_dir) as store,
        open_session() as session,
        _bot(settings, store, session, api, Previews(session, may_fetch), clock or SystemClock()) as bot,
    ):
        yield bot


def _bot(
    settings: Settings,
    store: Store,
    session: aiohttp.ClientSession,
    api: str,
    previews: Previews,
    clock: Clock,
) -> Clonevoice:
    token = settings.useapi_token.get_secret_value()
    mureka = MurekaClient(session, token, clone_timeout=settings.clone_timeout, base=api)
    limits = Limits(
        sample_bytes=int(settings.max_sample_mb * MEGABYTE),
        voices=settings.max_voices_per_member,
        at_once=settings.clones_per_account,
    )
    leaving: set[int] = set()
    rules = Rules(store, clock)
    cloner = Cloner(
        store=store,
        mureka=mureka,
        download=partial(fetch_sample, session, limit=limits.sample_bytes),
        inspect=SampleInspector(max_seconds=settings.max_sample_seconds).inspect,
        limits=limits,
        accounts=settings.useapi_accounts or (None,),
        patience=settings.clone_timeout,
        clock=clock,
        rules=rules,
        leaving=leaving,
    )
    library = Library(
        store,
        SharedVoices(store, rules, clock),
        UpstreamDeletions(store, mureka, clock, cloner.watch.report),
        titles=cloner.titles,
        leaving=leaving,
        rules=rules,
    )
    speaking = Synthesizer(
        store=store,
        library=library,
        narrator=SpeechAttempt(mureka, clock, cloner.watch.report),
        clock=clock,
        leaving=leaving,
    )
    notices = Notifications(store, clock)
    consents = Consents(store, cloner, library, notices, clock)
    measures = Enforcement(store=store, moderation=rules, library=library, cloner=cloner, notices=notices)
    cases = Cases(
        store=store,
        moderation=rules,
        community=library.shared_voices,
        measures=measures,
        notices=notices,
        clock=clock,
    )
    privacy = Privacy(
        store=store,
        cloner=cloner,
        library=library,
        speaking=speaking,
        consents=consents,
        clock=clock,
        leaving=leaving,
    )
    return Clonevoice(
        cloner=cloner,
        library=library,
        speaking=speaking,
        consents=consents,
        notices=notices,
        privacy=privacy,
        moderation=rules,
        roster=ServerVoices(store, library.shared_voices, clock),
        measures=measures,
        cases=cases,
        previews=previews,
    )


async def run(settings: Settings) -> None:
    """Serve Discord until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_bot(settings) as bot, _until(stop, bot):
        try:
            await bot.login(settings.discord_token.get_secret_value())
        except discord.LoginFailure as error:
            raise SettingsError("settings.discord_token") from error
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise ClonevoiceError("error.discord_unreachable", reason=error) from error
        async with bot.running():
            try:
                await bot.connect()
            except discord.ConnectionClosed as error:  # for good: discord.py goes through all that passes
                raise SettingsError("settings.discord_token") from error


@asynccontextmanager
async def _until(stop: asyncio.Event, bot: Clonevoice) -> AsyncGenerator[None]:
    """Leave the body, wherever it is, once `stop` is set and the bot has wound down."""
    body = asyncio.current_task()
    assert body is not None  # noqa: S101 - a coroutine runs in a task

    async def wait() -> None:
        await stop.wait()
        _log.info("stopping: no new clones, and %g s for those that are being sent", GRACE_SECONDS)
        await bot.drain()
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
