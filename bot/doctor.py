"""`clonevoice doctor`: a table of what holds and what to do about the rest."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import discord

from bot.errors import ClonevoiceError, FolderInUse
from bot.i18n import ENGLISH, translate
from bot.mureka.client import API, MurekaClient
from bot.mureka.errors import MurekaError
from bot.settings import Settings
from bot.store.tiny.store import open_store


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the table: what was looked at, whether it holds, and a sentence."""

    subject: str
    holds: bool
    sentence: str


async def examine(settings: Settings, *, api: str = API) -> int:
    """Look at everything that the bot depends on and print what was found; 0 if all holds, else 1."""
    sound = True
    async for finding in _findings(settings, api):
        sound = sound and finding.holds
        mark = "✔" if finding.holds else "✘"
        print(f"{mark} {translate(ENGLISH, finding.subject):<12} {finding.sentence}")  # noqa: T201 - the operator's terminal
    return 0 if sound else 1


async def _findings(settings: Settings, api: str) -> AsyncIterator[Finding]:
    yield Finding("doctor.settings", holds=True, sentence=translate(ENGLISH, "doctor.settings_read"))
    yield await _folder(settings)
    yield await _discord(settings)
    async with aiohttp.ClientSession() as session:
        token = settings.useapi_token.get_secret_value()
        mureka = MurekaClient(session, token, clone_timeout=settings.clone_timeout, base=api)
        async for finding in _accounts(mureka, settings.useapi_accounts):
            yield finding


async def _folder(settings: Settings) -> Finding:
    try:
        async with open_store(settings.data_dir) as store:
            jobs = await store.jobs.all()
            if damaged := await store.set_aside():
                sentence = translate(ENGLISH, "doctor.set_aside", files=", ".join(damaged))
                return Finding("doctor.data", holds=False, sentence=sentence)
    except FolderInUse:
        sentence, holds = translate(ENGLISH, "doctor.folder_in_use", folder=settings.data_dir), True
    except ClonevoiceError as error:
        sentence, holds = translate(ENGLISH, error.key, **error.values), False
    else:
        sentence, holds = translate(ENGLISH, "doctor.folder", folder=settings.data_dir, jobs=len(jobs)), True
    return Finding("doctor.data", holds, sentence)


async def _discord(settings: Settings) -> Finding:
    async with discord.Client(intents=discord.Intents.none()) as client:
        try:
            await client.login(settings.discord_token.get_secret_value())
        except discord.LoginFailure:
            return Finding(
                "doctor.discord", holds=False, sentence=translate(ENGLISH, "settings.discord_token")
            )
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            sentence = translate(ENGLISH, "error.discord_unreachable", reason=error)
            return Finding("doctor.discord", holds=False, sentence=sentence)
        return Finding(
            "doctor.discord", holds=True, sentence=translate(ENGLISH, "doctor.login", name=client.user)
        )


async def _accounts(mureka: MurekaClient, wanted: tuple[str, ...]) -> AsyncIterator[Finding]:
    try:
        known = await mureka.accounts()
    except MurekaError as error:
        yield Finding("doctor.useapi", holds=False, sentence=translate(ENGLISH, f"doctor.{error.key}"))
        return
    if not known or (len(known) > 1 and not wanted):
        key = "doctor.several_accounts" if known else "doctor.mureka.account_missing"
        yield Finding("doctor.useapi", holds=False, sentence=translate(ENGLISH, key))
    for account in wanted or known:
        if account not in known:
            yield Finding(
                "doctor.useapi",
                holds=False,
                sentence=translate(ENGLISH, "doctor.no_account", account=account),
            )
        elif problem := known[account]:
            sentence = translate(ENGLISH, "doctor.account_bad", account=account, problem=problem[:200])
            yield Finding("doctor.useapi", holds=False, sentence=sentence)
        else:
            yield await _plan(mureka, account)


async def _plan(mureka: MurekaClient, account: str) -> Finding:
    try:
        profile = await mureka.profile(account)
    except MurekaError as error:
        return Finding("doctor.useapi", holds=False, sentence=translate(ENGLISH, f"doctor.{error.key}"))
    plan, left = profile.plan or "?", "?" if profile.credits is None else profile.credits
    premier = "premier" in plan.lower()
    key = "doctor.account" if premier else "doctor.account_plan"
    return Finding(
        "doctor.useapi",
        holds=premier,
        sentence=translate(ENGLISH, key, account=account, plan=plan, credits=left),
    )
