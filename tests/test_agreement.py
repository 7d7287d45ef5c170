"""The voices upstream and the store agree, in whatever order things are done, break and are broken off."""

import asyncio
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import count, product
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tinydb import TinyDB

import conftest
from bot.app import assembled
from bot.client import Clonevoice
from bot.demo.upstream import Fault, Upstream
from bot.errors import ClonevoiceError
from bot.voices.jobs import Order, Reply
from bot.voices.library import Library
from bot.voices.models import Facts, Language, Rights, Viewer
from bot.voices.speech import Line
from conftest import GOOD, FastClock

GUILDS = (200000000000000001, 200000000000000002, 200000000000000003)

WHO = st.integers(0, 2)
WHICH = st.integers(0, 9)
TITLE = st.sampled_from(["Ada", "ADA", "Grace", "Linus"])
GUILD = st.sampled_from(GUILDS)
SELDOM = st.integers(0, 5).map(lambda number: number == 5)
END = st.sampled_from([*[None] * 12, *[0.0, 0.001, 0.004] * 2, *range(1, 9)])
"""How a command ends: by itself (None), some time after the next ones begin (it is waited for so many
seconds), or with the bot, which is killed when about to use a record for the nth time from then on."""

ROUTES = (
    ("POST", "/speech/voice"),
    ("POST", "/speech"),
    ("GET", "/speech/voices/"),
    ("DELETE", "/speech/voice"),
)
REFUSED = [
    *(Fault(status=status) for status in (400, 404, 429, 596)),
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
"""What can go wrong. What the API refuses to clone or to speak, it has not cloned or spoken."""

_T = TypeVar("_T")


class SwiftClock(FastClock):
    """A minute takes 60 ms."""

    SPEED = 1000


class Silence:
    """Somebody who is told everything and shows nothing."""

    def show(self, *_: object, **__: object) -> None:
        """Take note."""

    async def move(self, *_: object, **__: object) -> None:
        """Take note."""

    async def alarm(self, *_: object, **__: object) -> None:
        """Take note."""

    async def deliver(self, *_: object, **__: object) -> bool:
        """Take note."""
        return True


@dataclass
class Places:
    """Who is where: everybody everywhere, but for those who are away."""

    away: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    closed: set[int] = field(default_factory=set[int])

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        return (guild_id, user_id) not in self.away

    def is_here(self, guild_id: int) -> bool:
        return guild_id not in self.closed


class Mistakes(logging.Handler):
    """Keeps what is logged with a traceback: whatever was not foreseen."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.seen.append(logging.Formatter().format(record))


@dataclass(frozen=True)
class Person:
    """Somebody who never comes back under the same id once they are forgotten."""

    id: int
    name: str


async def download(_: str) -> bytes:
    return GOOD[1]


async def inspect(_: bytes) -> Facts:
    return Facts(12.0, "MP3", 44100, 1, 64000, -3.0, -20.0)


class Agreement(RuleBasedStateMachine):
    """A bot without Discord, its members and its API."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = count(1)
        self.known: list[Person] = []
        self.people = [self.stranger() for _ in range(3)]
        self.forgotten: set[Person] = set()
        self.places = Places()
        self.flights: set[asyncio.Task[None]] = set()
        self.uses: float = inf
        self.clock = SwiftClock()
        self.mistakes = Mistakes()
        logging.getLogger("bot").addHandler(self.mistakes)
        self.home = TemporaryDirectory()
        self.folder = Path(self.home.name)
        self.life = AsyncExitStack()
        self.runner = asyncio.Runner()
        self.upstream = Upstream(clone_seconds=0.01, speech_seconds=0.01, page_size=5)
        self.runner.run(self.upstream.__aenter__())
        self.bot = self.runner.run(self.wake())

    def stranger(self) -> Person:
        number = next(self.numbers)
        self.known.append(Person(100000000000000000 + number, f"nobody-{number:03}"))
        return self.known[-1]

    async def wake(self) -> Clonevoice:
        """Start the bot on what lies in the folder."""
        options = conftest.settings(self.folder, clone_timeout=60, max_voices_per_member=6)
        bot = await self.life.enter_async_context(
            assembled(options, api=self.upstream.url, clock=self.clock)
        )
        self.store = bot.cloner._store  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - to see what is owed
        self.freeze(self.store)
        intake: Any = bot.cloner._intake  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - decoding takes 0.3 s
        intake._download, intake._inspect = download, inspect  # noqa: SLF001 - as above
        bot.cloner.sink = bot.speaking.sink = Silence()
        bot.library.community.membership = self.places
        leaving = await self.store.pending.leaving()
        self.forgotten |= {person for person in self.known if person.id in leaving}
        await self.life.enter_async_context(bot.at_work())
        return bot

    def freeze(self, store: Any) -> None:
        """Let nothing be read or written any more once `uses` are used up, as if the bot were dead."""
        use = store._records.use  # noqa: SLF001 - the one way to the records

        async def counted(name: str, work: Callable[[TinyDB], object]) -> object:
            self.uses -= 1
            if self.uses < 0:
                await asyncio.Event().wait()
            return await use(name, work)

        store._records.use = counted  # noqa: SLF001 - as above

    async def sleep(self) -> None:
        """End the bot, wherever it is."""
        for flight in self.flights:
            flight.cancel()
        await asyncio.gather(*self.flights, return_exceptions=True)
        await self.life.aclose()

    @rule()
    def restart(self) -> None:
        async def work() -> Clonevoice:
            await self.sleep()
            self.uses = inf
            return await self.wake()

        self.bot = self.runner.run(work())

    def do(self, work: Coroutine[Any, Any, None], end: float | None = None) -> None:
        """Do what somebody asks for, and let it end as `END` says."""
        killed = isinstance(end, int)
        self.uses = end if killed else inf

        async def begin() -> None:
            self.flights.add(flight := asyncio.create_task(work))
            flight.add_done_callback(self.landed)
            while killed and self.uses >= 0 and not flight.done():
                await asyncio.sleep(0)
            await asyncio.wait({flight}, timeout=0 if killed else end)

        self.runner.run(begin())
        if killed:
            self.restart()

    def landed(self, flight: asyncio.Task[None]) -> None:
        self.flights.discard(flight)
        error = None if flight.cancelled() else flight.exception()
        if error and not isinstance(error, ClonevoiceError):
            self.mistakes.seen.append(repr(error))

    def change(
        self, who: int, which: int, end: float | None, work: Callable[[Library, int], Awaitable[object]]
    ) -> None:
        """Do something with one of a member's voices, if there is any."""

        async def begin(owner_id: int) -> None:
            if voices := await self.bot.library.own(owner_id):
                await work(self.bot.library, voices[which % len(voices)].id)

        self.do(begin(self.people[who].id), end)

    def at(self, guild: int, who: int) -> Viewer | None:
        viewer = Viewer(self.people[who].id, guild)
        gone = guild in self.places.closed or (guild, viewer.id) in self.places.away
        return None if gone else viewer

    def reply(self) -> Reply:
        return Reply(f"token-{next(self.numbers)}", 1, self.clock.now(), 1000)

    @initialize()
    def begin(self) -> None:
        """Give everybody two voices, the older one shared."""
        for who, title in product(range(len(self.people)), ("Ada", "Grace")):
            self.clone(who, title, None)
            self.share(who, -1, GUILDS[0], None)

    @rule(who=WHO, title=TITLE, end=END)
    def clone(self, who: int, title: str, end: float | None) -> None:
        person = self.people[who]
        order = Order(
            sample_url="",
            sample_size=len(GOOD[1]),
            owner_id=person.id,
            guild_id=GUILDS[0],
            channel_id=1,
            title=title,
            owner_name=person.name,
            rights=Rights.OWN,
            language=Language.ENGLISH,
            locale="en-US",
            reply=self.reply(),
        )

        async def work() -> None:
            job = await self.bot.cloner.accept(order)
            self.bot.cloner.begin(job)
            while job.id in {other.id for other in await self.store.jobs.all() if not other.over}:
                await asyncio.sleep(0.005)

        self.do(work(), end)

    @rule(who=WHO, which=WHICH, title=TITLE, end=END)
    def rename(self, who: int, which: int, title: str, end: float | None) -> None:
        viewer = Viewer(self.people[who].id, 0)
        self.change(who, which, end, lambda library, voice: library.rename(viewer, voice, title))

    @rule(who=WHO, which=WHICH, guild=GUILD, end=END)
    def share(self, who: int, which: int, guild: int, end: float | None) -> None:
        name = self.people[who].name
        if viewer := self.at(guild, who):
            self.change(
                who, which, end, lambda library, voice: library.share(viewer, voice, owner_name=name)
            )

    @rule(who=WHO, which=WHICH, guild=GUILD, end=END)
    def unshare(self, who: int, which: int, guild: int, end: float | None) -> None:
        if viewer := self.at(guild, who):
            self.change(who, which, end, lambda library, voice: library.unshare(viewer, voice))

    @rule(who=WHO, which=WHICH, end=END)
    def delete(self, who: int, which: int, end: float | None) -> None:
        viewer = Viewer(self.people[who].id, 0)
        self.change(who, which, end, lambda library, voice: library.delete(viewer, voice))

    @rule(who=WHO, which=WHICH, guild=GUILD, end=END)
    def speak(self, who: int, which: int, guild: int, end: float | None) -> None:
        person, viewer = self.people[who], self.at(guild, who)
        line = Line(person.id, person.name, guild, 1, f"line {next(self.numbers)}", "en-US", self.reply())

        async def work(viewer: Viewer) -> None:
            if found := await self.bot.library.suggest(viewer, ""):
                speech = await self.bot.speaking.accept(line, found[which % len(found)].voice_id)
                self.bot.speaking.begin(speech)

        if viewer:
            self.do(work(viewer), end)

    @rule(who=WHO, end=END, seldom=SELDOM)
    def forget(self, who: int, end: float | None, *, seldom: bool) -> None:
        if not seldom:
            return
        person, self.people[who] = self.people[who], self.stranger()

        async def work() -> None:
            await self.bot.privacy.forget(person.id)
            self.forgotten.add(person)

        self.do(work(), end)

    @rule(who=WHO, guild=GUILD)
    def come_or_go(self, who: int, guild: int) -> None:
        self.places.away ^= {(guild, self.people[who].id)}

    @rule(guild=GUILD, end=END)
    def invite_or_remove_the_bot(self, guild: int, end: float | None) -> None:
        self.places.closed ^= {guild}
        if guild in self.places.closed:
            self.do(self.bot.library.community.close(guild), end)

    @rule(guild=GUILD, end=END)
    def sweep(self, guild: int, end: float | None) -> None:
        self.do(self.bot.library.community.sweep(guild), end)

    @rule(who=WHO, end=END)
    def try_again(self, who: int, end: float | None) -> None:
        async def work() -> None:
            for job in await self.store.jobs.all():
                if job.owner_id == self.people[who].id and job.retryable:
                    await self.bot.cloner.try_again(job.id, job.owner_id)

        self.do(work(), end)

    @rule(who=WHO, seldom=SELDOM)
    def call_off(self, who: int, *, seldom: bool) -> None:
        async def work() -> None:
            if seldom and (job := self.bot.cloner.running(self.people[who].id)):
                self.bot.cloner.cancel(job.id, job.owner_id)

        self.do(work())

    @rule(fault=st.sampled_from(FAULTS))
    def break_something(self, fault: Fault) -> None:
        self.upstream.faults.append(fault)

    @rule(milliseconds=st.integers(0, 20))
    def wait(self, milliseconds: int) -> None:
        self.runner.run(asyncio.sleep(milliseconds / 1000))

    def tables(self, file: Path) -> defaultdict[str, dict[str, Any]]:
        """Read a file as it lies on disk."""
        return defaultdict(dict, json.loads(file.read_bytes()) if file.exists() else {})

    @invariant()
    def all_is_well_so_far(self) -> None:
        assert not self.mistakes.seen, "\n".join(self.mistakes.seen)
        files = {file.stem: self.tables(file) for file in (self.folder / "members").glob("*.json")}
        pending = self.tables(self.folder / "pending.json")
        for owner, tables in files.items():
            kept = [voice for voice in tables["voices"].values() if not voice["deleting"]]
            gone = {str(voice["id"]) for voice in kept if voice["id"] not in self.upstream.voices}
            assert owner in pending["leaving"] or gone <= {*pending["owed"]}, "kept, but gone upstream"
            titles = Counter(voice["title"].casefold() for voice in kept)
            assert set(titles.values()) <= {1}, "two voices of one title"
        spoken = Counter(line.text for line in self.upstream.speeches)
        assert set(spoken.values()) <= {1}, "a line was spoken twice"

    def teardown(self) -> None:
        """Let everything come to rest, and see whether it agrees."""
        try:
            self.runner.run(self.rest())
            self.all_is_well_so_far()
            self.runner.run(self.the_voices_agree())
            self.whoever_was_forgotten_is()
            self.runner.run(self.the_servers_agree())
        finally:
            self.runner.run(self.close())
            self.runner.close()
            self.home.cleanup()
            logging.getLogger("bot").removeHandler(self.mistakes)

    async def close(self) -> None:
        await self.sleep()
        await self.upstream.__aexit__()

    async def rest(self) -> None:
        self.uses = inf
        self.upstream.faults.clear()
        async with asyncio.timeout(30):
            while not await self.at_rest():
                await asyncio.sleep(0.01)

    async def at_rest(self) -> bool:
        under_way = [job for job in await self.store.jobs.all() if not (job.retryable and job.told)]
        owed = [*await self.store.pending.owed(), *await self.store.pending.leaving()]
        return not (self.flights or under_way or owed or await self.store.speeches.all())

    async def the_voices_agree(self) -> None:
        recorded = await self.store.members.voice_ids()
        assert recorded <= {*self.upstream.voices}
        lost = Counter(voice.description for voice in self.upstream.voices.values() if voice.id not in recorded)
        offered = Counter(job.description for job in await self.store.jobs.all())
        assert lost <= offered, f"nobody has these, and no job looks for them: {lost - offered}"

    def whoever_was_forgotten_is(self) -> None:
        for file in (file for file in self.folder.rglob("*") if file.is_file()):
            content = f"{file} {file.read_bytes().decode(errors='replace')}"
            for person in self.forgotten:
                assert str(person.id) not in content, f"{person} is in {content}"
                assert person.name not in content, f"{person} is in {content}"

    async def the_servers_agree(self) -> None:
        community = self.bot.library.community
        voices = [voice for person in self.known for voice in await self.store.members.voices(person.id)]
        for guild in GUILDS:
            confirmed = await community.confirmed(guild, await community.shares(guild))
            listed = {row.voice_id for row, _ in confirmed}
            shared = {voice.id for voice in voices if guild in voice.shared_in}
            assert listed == shared, f"listed only: {listed - shared}, not listed: {shared - listed}"


def test_the_voices_upstream_and_the_store_agree_after_200_random_operations_with_faults():
    run_state_machine_as_test(
        Agreement,
        settings=settings(
            max_examples=5,
            stateful_step_count=200,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
