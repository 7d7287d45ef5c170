"""`clonevoice doctor`: checks the settings, the data folder, Discord and the API, and prints a table."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import aiohttp
import discord

from bot.bounds import without_page
from bot.errors import ClonevoiceError
from bot.i18n import ENGLISH, translate
from bot.mureka.client import API, MurekaClient
from bot.mureka.errors import MurekaError
from bot.settings import Settings
from bot.store.tiny.inspection import inspect_folder

Finding = tuple[str, bool, str]  # a row: the key of its subject, True if a check passed, its result or what to do


def _finding(subject: str, key: str, *, ok: bool = False, **values: object) -> Finding:
    return subject, ok, translate(ENGLISH, key, **values)


async def examine(settings: Settings, *, api: str = API) -> int:
    """Run all checks and print their results. Returns the exit status: 0 if all passed, else 1."""
    all_ok = True
    async for subject, ok, text in _findings(settings, api):
        all_ok = all_ok and ok
        print(f"{'✔' if ok else '✘'} {translate(ENGLISH, subject):<12} {text}")  # noqa: T201 - the operator's terminal
    return 0 if all_ok else 1


async def _findings(settings: Settings, api: str) -> AsyncIterator[Finding]:
    yield _finding("doctor.settings", "doctor.settings_read", ok=True)
    yield await _folder(settings)
    yield await _discord(settings)
    async with aiohttp.ClientSession() as session:
        token = settings.useapi_token.get_secret_value()
        mureka = MurekaClient(session, token, clone_timeout=settings.clone_timeout, base=api)
        async for finding in _accounts(mureka, settings.useapi_accounts):
            yield finding
        for name in ("support_url", "privacy_url"):
            if url := getattr(settings, name):
                yield await _link(session, name.upper(), url)


async def _folder(settings: Settings) -> Finding:
    folder = settings.data_dir
    try:
        found = await asyncio.to_thread(inspect_folder, folder)
    except ClonevoiceError as error:
        return "doctor.data", False, translate(ENGLISH, error.key, **error.values)
    counts = tuple(translate(ENGLISH, f"doctor.records.{kind}", number=count) for kind, count in found.counts.items())
    if found.unusable:
        files = "; ".join(f"{name} ({reason})" if reason else name for name, reason in found.unusable.items())
        return _finding("doctor.data", "doctor.folder_bad", folder=folder, counts=counts, files=files)
    key = "doctor.folder_in_use" if found.in_use else "doctor.folder"
    return _finding("doctor.data", key, ok=True, folder=folder, counts=counts)


async def _discord(settings: Settings) -> Finding:
    async with discord.Client(intents=discord.Intents.none()) as client:
        try:
            await client.login(settings.discord_token.get_secret_value())
        except discord.LoginFailure:
            return _finding("doctor.discord", "settings.discord_token")
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            return _finding("doctor.discord", "error.discord_unreachable", reason=without_page(str(error)))
        return _finding("doctor.discord", "doctor.login", ok=True, name=client.user)


async def _link(session: aiohttp.ClientSession, variable: str, url: str) -> Finding:
    """Check that a page which `/help` links to exists. A site may turn programs away, but its pages exist then."""
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(10)) as response:
            gone = response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
    except (aiohttp.ClientError, TimeoutError, OSError):
        gone = True
    key = "doctor.link_bad" if gone else "doctor.link"
    return _finding("doctor.links", key, ok=not gone, variable=variable, url=url)


async def _accounts(mureka: MurekaClient, wanted: tuple[str, ...]) -> AsyncIterator[Finding]:
    try:
        known = await mureka.accounts()
    except MurekaError as error:
        yield _finding("doctor.useapi", f"doctor.{error.key}")
        return
    if not known or (len(known) > 1 and not wanted):
        yield _finding("doctor.useapi", "doctor.several_accounts" if known else "doctor.mureka.account_missing")
    for account in wanted or known:
        if account not in known:
            yield _finding("doctor.useapi", "doctor.no_account", account=account)
        elif problem := known[account]:
            yield _finding("doctor.useapi", "doctor.account_bad", account=account, problem=problem[:200])
        else:
            yield await _plan(mureka, account)


async def _plan(mureka: MurekaClient, account: str) -> Finding:
    try:
        profile = await mureka.profile(account)
    except MurekaError as error:
        return _finding("doctor.useapi", f"doctor.{error.key}")
    plan, left = profile.plan or "?", "?" if profile.credits is None else profile.credits
    premier = "premier" in plan.lower()
    key = "doctor.account" if premier else "doctor.account_plan"
    return _finding("doctor.useapi", key, ok=premier, account=account, plan=plan, credits=left)
