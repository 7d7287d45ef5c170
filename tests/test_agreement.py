"""The API's voices and the store agree after any sequence of operations, faults and kills."""

import asyncio
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import fields, replace
from functools import partial
from itertools import count, product
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bot.app import open_resources
from bot.audio.inspector import SampleInspector
from bot.audio.sample_info import SampleInfo
from bot.demo.upstream import Fault, Upstream
from bot.downloads import SampleDownloads
from bot.errors import ClonevoiceError
from bot.jobs.record import InteractionReply
from bot.library.library import Library
from bot.services import Ports, Services, build_services
from bot.speaking.job import SpeechJob
from bot.voices.models import Viewer
from support.audio import GOOD
from support.builders import JOB
from support.clocks import FastClock, until
from support.reading import read_files
from support.world import settings as bot_settings

HERE, THERE, _ = GUILDS = (200000000000000001, 200000000000000002, 200000000000000003)

WHO = st.integers(0, 2)
WHICH = st.integers(0, 9)
TITLE = st.sampled_from(["Ada", "ADA", "Grace", "Linus"])
GUILD = st.sampled_from(GUILDS)
SELDOM = st.integers(0, 5).map(lambda number: number == 5)
END = st.sampled_from([*[None] * 12, *[0.0, 0.001, 0.004] * 2, *range(1, 9)])
"""How a command ends: by itself (None), some time after the next ones begin (the wait for it is this
number of seconds), or with the bot, which is killed before its nth use of a record."""

ROUTES = (("POST", "/speech/voice"), ("POST", "/speech"), ("GET", "/speech/voices/"), ("DELETE", "/speech/voice"))
REFUSED = [
    *(Fault(status=code) for code in (400, 404, 429, 596)),
    Fault(status=596, body={"code": "REFRESH_IN_PROGRESS"}),
]
UNCLEAR = [
    Fault(status=500),
    Fault(then="reset"),
    Fault(then="cut_off", body=b"{"),
    Fault(headers={"Content-Type": "text/html"}, body=b"<html>"),
]
FAULTS = [
    replace(fault, method=method, path=path, takes_effect=takes_effect)
    for fault, (method, path), takes_effect in product(REFUSED + UNCLEAR, ROUTES, (False, True))
    if not takes_effect or method == "DELETE" or (method == "POST" and fault in UNCLEAR)
]
"""Faults of the API. A refused clone or clip has no effect."""


class Mistakes(logging.Handler):
    """Keeps log records of unexpected exceptions."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and not isinstance(record.exc_info[1], ClonevoiceError):
            self.seen.append(logging.Formatter().format(record))


def name_of(person: int) -> str:
    return f"member-{person % 1000:03}"


class Agreement(RuleBasedStateMachine):
    """A bot without Discord, three members and the API. A new member replaces each erased one.

    It is also the membership: all members are in all servers, except for those in `away`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbers = count(1)
        self.people = [self.stranger() for _ in range(3)]
        self.forgotten: set[int] = set()
        self.away: set[tuple[int, int]] = set()
        self.closed: set[int] = set()
        self.flights: set[asyncio.Task[None]] = set()
        self.uses: float = inf
        self.clock = FastClock(1000)
        self.mistakes = Mistakes()
        logging.getLogger("bot").addHandler(self.mistakes)
        self.home = TemporaryDirectory()
        self.folder = Path(self.home.name)
        self.life = AsyncExitStack()
        self.runner = asyncio.Runner()
        self.upstream = Upstream(clone_seconds=0.01, speech_seconds=0.01, page_size=5)
        self.runner.run(self.upstream.__aenter__())
        self.services = self.runner.run(self.wake())

    def stranger(self) -> int:
        return 100000000000000000 + next(self.numbers)

    async def wake(self) -> Services:
        """Start the services on the data folder, without Discord."""
        options = bot_settings(self.folder, clone_timeout=60, max_voices_per_member=6)
        opening = open_resources(options, api=self.upstream.url, clock=self.clock)
        resources = await self.life.enter_async_context(opening)
        store: Any = resources.store
        store._records.run = self.mortal(store._records.run)  # noqa: SLF001 - every access goes through it
        self.store = resources.store
        silence: Any = AsyncMock(show=Mock(), on_audit_entry=Mock(), snapshot=AsyncMock(return_value=None))
        ports: dict[str, Any] = {field.name: silence for field in fields(Ports)} | {"membership": self}
        services = build_services(resources, Ports(**ports))
        self.forgotten |= {*await self.store.pending.pending_erasures()}
        await self.life.enter_async_context(services.running())
        return services

    def mortal(self, use: Callable[[str, Any], Awaitable[object]]) -> Callable[[str, Any], Awaitable[object]]:
        """Let no record be read or written after `uses` accesses, as if the bot were dead."""

        async def counted(name: str, work: Any) -> object:
            self.uses -= 1
            if self.uses < 0:
                await asyncio.Event().wait()
            return await use(name, work)

        return counted

    async def sleep(self) -> None:
        for flight in self.flights:
            flight.cancel()
        await asyncio.gather(*self.flights, return_exceptions=True)
        await self.life.aclose()

    @rule()
    def restart(self) -> None:
        self.runner.run(self.sleep())
        self.uses = inf
        self.services = self.runner.run(self.wake())

    def do(self, work: Coroutine[Any, Any, None], end: float | None = None) -> None:
        """Run an operation, and end it as `END` says."""
        self.uses = end if isinstance(end, int) else inf

        async def begin() -> None:
            self.flights.add(flight := asyncio.create_task(work))
            flight.add_done_callback(self.landed)
            if isinstance(end, int):
                await until(lambda: self.uses < 0 or flight.done())
            else:
                await asyncio.wait({flight}, timeout=end)

        self.runner.run(begin())
        if isinstance(end, int):
            self.restart()

    def landed(self, flight: asyncio.Task[None]) -> None:
        self.flights.discard(flight)
        error = None if flight.cancelled() else flight.exception()
        if error and not isinstance(error, ClonevoiceError):
            self.mistakes.seen.append(repr(error))

    def change(
        self, way: Callable[..., Awaitable[object]], who: int, which: int, end: float | None, *told: str, at: int = 0
    ) -> None:
        """Run an operation on one of a member's voices, if there is one and the member is there."""

        async def begin(viewer: Viewer) -> None:
            if voices := await self.services.library.list_own(viewer.id):
                await way(self.services.library, viewer, voices[which % len(voices)].id, *told)

        if viewer := self.at(at, who):
            self.do(begin(viewer), end)

    def at(self, guild: int, who: int) -> Viewer | None:
        gone = guild in self.closed or (guild, self.people[who]) in self.away
        return None if gone else Viewer(self.people[who], guild)

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        return (guild_id, user_id) not in self.away

    def bot_in_guild(self, guild_id: int) -> bool:
        return guild_id not in self.closed

    async def ask_bot_in_guild(self, guild_id: int) -> bool:
        return self.bot_in_guild(guild_id)

    def reply(self) -> InteractionReply:
        return InteractionReply(f"token-{next(self.numbers)}", 1, self.clock.now(), 1000)

    @initialize()
    def begin(self) -> None:
        for who, title in product(range(len(self.people)), ("Ada", "Grace")):
            self.clone(who, title, None)
            self.share(who, 0, HERE, None)

    @rule(who=WHO, title=TITLE, end=END)
    def clone(self, who: int, title: str, end: float | None) -> None:
        owner = self.people[who]
        order = replace(JOB, id=JOB.new_id(owner), owner_id=owner, owner_name=name_of(owner), guild_id=HERE)
        order = replace(order, title=title, description="", reply=self.reply())

        async def work() -> None:
            await self.services.cloner.submit(order, sample_size=1)
            await until(lambda: not self.services.cloner.running(owner))

        self.do(work(), end)

    @rule(who=WHO, which=WHICH, title=TITLE, end=END)
    def rename(self, who: int, which: int, title: str, end: float | None) -> None:
        self.change(Library.rename, who, which, end, title)

    @rule(who=WHO, which=WHICH, guild=GUILD, end=END)
    def share(self, who: int, which: int, guild: int, end: float | None) -> None:
        share = partial(Library.share, owner_name=name_of(self.people[who]))
        self.change(share, who, which, end, at=guild)

    @rule(who=WHO, which=WHICH, guild=GUILD, end=END)
    def unshare(self, who: int, which: int, guild: int, end: float | None) -> None:
        self.change(Library.unshare, who, which, end, at=guild)

    @rule(who=WHO, which=WHICH, end=END)
    def delete(self, who: int, which: int, end: float | None) -> None:
        self.change(Library.delete, who, which, end)

    @rule(who=WHO, which=WHICH, guild=GUILD, end=END)
    def speak(self, who: int, which: int, guild: int, end: float | None) -> None:
        text = f"line {next(self.numbers)}"

        async def work(viewer: Viewer) -> None:
            if found := await self.services.library.suggest(viewer, ""):
                voice = await self.services.library.get_visible(viewer, found[which % len(found)].voice_id)
                author = {"author_id": viewer.id, "author_name": name_of(viewer.id), "guild_id": guild, "channel_id": 1}
                job = SpeechJob.with_voice(
                    voice, self.clock.now(), text=text, locale="en-US", reply=self.reply(), **author
                )
                await self.services.synthesizer.submit(job)

        if viewer := self.at(guild, who):
            self.do(work(viewer), end)

    @rule(who=WHO, end=END, seldom=SELDOM)
    def forget(self, who: int, end: float | None, *, seldom: bool = True) -> None:
        async def work(person: int) -> None:
            await self.services.erasure.erase(person)
            self.forgotten.add(person)

        if seldom:
            person, self.people[who] = self.people[who], self.stranger()
            self.do(work(person), end)

    @rule(who=WHO, guild=GUILD)
    def come_or_go(self, who: int, guild: int) -> None:
        self.away ^= {(guild, self.people[who])}

    @rule(guild=GUILD, end=END)
    def invite_or_remove_the_bot(self, guild: int, end: float | None) -> None:
        self.closed ^= {guild}
        if guild in self.closed:
            self.do(self.services.library.shared_voices.unshare_all(guild), end)

    @rule(guild=GUILD, end=END)
    def sweep(self, guild: int, end: float | None) -> None:
        self.do(self.services.library.shared_voices.sweep(guild), end)

    @rule(who=WHO, end=END)
    def try_again(self, who: int, end: float | None) -> None:
        async def work() -> None:
            for job in self.jobs():
                if job["owner_id"] == self.people[who]:
                    await self.services.cloner.retry(job["id"], job["owner_id"])

        self.do(work(), end)

    @rule(who=WHO, seldom=SELDOM)
    def call_off(self, who: int, *, seldom: bool) -> None:
        if seldom and (job := self.services.cloner.running(self.people[who])):
            with suppress(ClonevoiceError):
                self.runner.run(self.services.cloner.cancel(job.id, job.owner_id))

    @rule(fault=st.sampled_from(FAULTS))
    def break_something(self, fault: Fault) -> None:
        self.upstream.faults.append(fault)

    @rule(milliseconds=st.integers(0, 20))
    def wait(self, milliseconds: int) -> None:
        self.runner.run(asyncio.sleep(milliseconds / 1000))

    def on_disk(self, pattern: str) -> dict[str, defaultdict[str, dict[str, Any]]]:
        found = read_files(self.folder, pattern)
        return {stem: defaultdict(dict, json.loads(content)) for stem, content in found.items()}

    def pending(self, table: str) -> set[str]:
        return {key for tables in self.on_disk("pending.json").values() for key in tables[table]}

    def jobs(self) -> list[dict[str, Any]]:
        return [job for tables in self.on_disk("jobs/*.json").values() for job in tables["job"].values()]

    @invariant()
    def nothing_is_lost_or_double(self) -> None:
        assert not self.mistakes.seen, "\n".join(self.mistakes.seen)
        members = self.on_disk("members/*.json")
        for owner, tables in members.items():
            kept = [voice for voice in tables["voices"].values() if not voice["deleting"]]
            gone = {str(voice["id"]) for voice in kept if voice["id"] not in self.upstream.voices}
            assert gone <= self.pending("pending_deletions") or owner in self.pending("pending_erasures"), "it is gone"
            titles = Counter(voice["title"].casefold() for voice in kept)
            assert set(titles.values()) <= {1}, "two voices have one title"
        spoken = Counter(line.text for line in self.upstream.speeches)
        assert set(spoken.values()) <= {1}, "a clip was spoken twice"

    def teardown(self) -> None:
        """Wait until nothing is running, and check the agreement."""
        try:
            self.uses = inf
            self.upstream.faults.clear()
            self.runner.run(until(self.at_rest))
            self.nothing_is_lost_or_double()
            self.the_voices_agree()
            self.erased_members_are_gone()
            self.runner.run(self.the_servers_agree())
        finally:
            self.runner.run(self.sleep())
            self.runner.run(self.upstream.__aexit__())
            self.runner.close()
            self.home.cleanup()
            logging.getLogger("bot").removeHandler(self.mistakes)

    def at_rest(self) -> bool:
        under_way = [job for job in self.jobs() if not job["delivered"]] + [*self.on_disk("speeches/*.json")]
        return not (self.flights or under_way or self.pending("pending_deletions") or self.pending("pending_erasures"))

    def the_voices_agree(self) -> None:
        recorded = {int(voice) for tables in self.on_disk("members/*.json").values() for voice in tables["voices"]}
        assert recorded <= {*self.upstream.voices}
        lost = Counter(voice.description for voice in self.upstream.voices.values() if voice.id not in recorded)
        offered = Counter(job["description"] for job in self.jobs() if job["outcome_unknown_since"])
        assert lost <= offered, f"on no record, and no job searches for them: {lost - offered}"

    def erased_members_are_gone(self) -> None:
        for file in (file for file in self.folder.rglob("*") if file.is_file()):
            content = f"{file} {file.read_bytes().decode(errors='replace')}"
            for person in self.forgotten:
                assert str(person) not in content
                assert name_of(person) not in content

    async def the_servers_agree(self) -> None:
        community = self.services.library.shared_voices
        owners = map(int, self.on_disk("members/*.json"))
        voices = [voice for owner in owners for voice in await self.services.library.list_own(owner)]
        for guild in GUILDS:
            confirmed = await community.verify(guild, await community.list_shares(guild))
            shared = {voice.id for voice in voices if guild in voice.shared_in}
            assert {voice.id for _, voice in confirmed} == shared


@pytest.fixture(autouse=True, scope="module")
def no_discord_and_no_decoder() -> Generator[None]:
    """Let every download return a good sample, and don't decode it, which takes 0.3 s."""
    downloaded = AsyncMock(return_value=GOOD[1])
    inspected = AsyncMock(return_value=SampleInfo(12.0, "MP3", 44100, 1, 64000, -3.0, -20.0))
    with patch.object(SampleDownloads, "get", downloaded), patch.object(SampleInspector, "inspect", inspected):
        yield


def test_api_and_store_agree_after_200_random_operations_with_faults():
    run_state_machine_as_test(
        Agreement,
        settings=settings(
            max_examples=5,
            stateful_step_count=200,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # to shrink 200 steps takes minutes
            # HTTP and fsync are slow, and the choices of 200 steps many.
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


@contextmanager
def begun() -> Generator[Agreement]:
    """Begin as the random runs do, and check the agreement at the end."""
    agreement = Agreement()
    try:
        agreement.begin()
        yield agreement
    finally:
        agreement.teardown()


@pytest.mark.parametrize("nth", range(1, 9))
def test_api_and_store_agree_after_a_kill_at_any_record(nth: int):
    with begun() as agreement:
        agreement.share(0, 0, THERE, nth)
        agreement.rename(0, 0, "Linus", nth)
        agreement.speak(1, 1, HERE, nth)
        agreement.clone(1, "Linus", nth)
        agreement.unshare(1, 0, HERE, nth)
        agreement.delete(2, 1, nth)


@pytest.mark.parametrize("nth", range(1, 9))
def test_member_is_erased_whatever_was_interrupted_before(nth: int):
    with begun() as agreement:
        agreement.unshare(0, 0, HERE, nth)
        agreement.share(1, 0, THERE, nth)
        agreement.delete(2, 0, nth)
        agreement.forget(0, nth)
        agreement.forget(1, None)
        agreement.forget(2, None)


@pytest.mark.parametrize("leaves", ["the bot", "the owner"])
def test_share_is_complete_or_absent_if_its_owner_or_the_bot_leaves(leaves: str):
    with begun() as agreement:
        community = agreement.services.library.shared_voices
        agreement.unshare(0, 0, HERE, None)
        owner = agreement.people[0]
        leaving = community.unshare_all(HERE) if leaves == "the bot" else community.unshare_member(HERE, owner)
        agreement.do(leaving, 0.0)
        agreement.share(0, 0, HERE, None)


def clone_whose_response_hangs(agreement: Agreement) -> Callable[[], None]:
    """Begin a clone and wait for its voice; return what ends the hanging requests, as the bot would after 30 s."""
    upstream = agreement.upstream
    upstream.faults += [Fault(then="hang", takes_effect=True, method="POST")]
    agreement.clone(0, "Linus", 0.0)
    agreement.runner.run(until(lambda: len(upstream.voices) > 6))

    def hang_up() -> None:
        for hanging in upstream._handlers:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - faults have no end
            hanging.cancel()

    return hang_up


def test_erasure_during_a_clone_leaves_no_voice():
    with begun() as agreement:
        hang_up = clone_whose_response_hangs(agreement)
        agreement.forget(0, None)
        agreement.wait(100)
        hang_up()


@pytest.mark.parametrize("looking", [True, False])
def test_erasure_also_deletes_a_voice_of_unknown_outcome(looking: bool):  # noqa: FBT001 - both cases
    """A search for the voice is running, or the next search fails."""
    with begun() as agreement:
        hang_up, upstream = clone_whose_response_hangs(agreement), agreement.upstream
        upstream.faults += [Fault(status=500, method="GET")] * 20
        agreement.restart()
        agreement.runner.run(until(lambda: all(job["delivered"] for job in agreement.jobs())))
        upstream.faults[:] = [Fault(then="hang" if looking else "answer", status=500, method="GET")]
        if looking:
            agreement.try_again(0, None)
            agreement.runner.run(until(lambda: not upstream.faults))
        agreement.forget(0, 0.02)
        agreement.runner.run(until(lambda: not upstream.faults))
        hang_up()
