"""The voices upstream and the store agree, in whatever order things are done, break and are broken off."""

import asyncio
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import count, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import conftest
from bot.app import assembled
from bot.client import Clonevoice
from bot.demo.upstream import Fault, Upstream
from bot.errors import ClonevoiceError
from bot.voices.jobs import Job, Order, Reply
from bot.voices.models import Facts, Language, Rights, Viewer, Voice, same_title
from bot.voices.speech import Line
from conftest import GOOD, FastClock

GUILDS = (200000000000000001, 200000000000000002, 200000000000000003)
FACTS = Facts(12.0, "MP3", 44100, 1, 64000, -3.0, -20.0)

WHO = st.integers(0, 2)
WHICH = st.integers(0, 9)
TITLE = st.sampled_from(["Ada", "ADA", "Grace", "Linus"])
GUILD = st.sampled_from(GUILDS)
PAUSE = st.sampled_from([None, 0.0, 0.001, 0.004])
"""How many seconds a command is waited for; None: to its end."""
SELDOM = st.integers(0, 9).map(lambda number: number == 7)

_CLONES, _LISTS, _LINES, _DELETIONS = (
    {"method": method, "path": path}
    for method, path in (
        ("POST", "/speech/voice"),
        ("GET", "/speech/voices/"),
        ("POST", "/speech"),
        ("DELETE", "/speech/voice"),
    )
)
_REFUSED = [Fault(status=status) for status in (400, 404, 429, 596)]
_REFUSED.append(Fault(status=596, body={"code": "REFRESH_IN_PROGRESS"}))
_UNCLEAR = [
    Fault(status=500),
    Fault(then="reset"),
    Fault(then="cut_off", body=b"{"),
    Fault(headers={"Content-Type": "text/html"}, body=b"<html>"),
]
FAULTS = [
    *(replace(fault, **where) for fault, where in product(_REFUSED, (_CLONES, _LISTS, _LINES, _DELETIONS))),
    *(replace(fault, **where) for fault, where in product(_UNCLEAR, (_CLONES, _LISTS, _LINES, _DELETIONS))),
    *(
        replace(fault, takes_effect=True, **where)
        for fault, where in product(_UNCLEAR, (_CLONES, _LINES, _DELETIONS))
    ),
    *(replace(fault, takes_effect=True, **_DELETIONS) for fault in _REFUSED),
]
"""What can go wrong. The API says no to a clone or a line only if it has not made it."""


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


class Agreement(RuleBasedStateMachine):
    """A bot without Discord, its members and its API."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = count(1)
        self.known: list[Person] = []
        self.people = [self.stranger() for _ in range(3)]
        self.forgotten: set[Person] = set()
        self.places = Places()
        self.flights: set[asyncio.Task[Any]] = set()
        self.clock = SwiftClock()
        self.mistakes = Mistakes()
        logging.getLogger("bot").addHandler(self.mistakes)
        self.home = TemporaryDirectory()
        self.folder = Path(self.home.name)
        self.life = AsyncExitStack()
        self.runner = asyncio.Runner()
        self.upstream = self.runner.run(self.wake_upstream())
        self.bot = self.runner.run(self.wake())

    def stranger(self) -> Person:
        number = next(self.numbers)
        self.known.append(Person(100000000000000000 + number, f"nobody-{number:03}"))
        return self.known[-1]

    async def wake_upstream(self) -> Upstream:
        return await Upstream(clone_seconds=0.01, speech_seconds=0.01, page_size=5).__aenter__()

    async def wake(self) -> Clonevoice:
        """Start the bot on what lies in the folder."""
        options = conftest.settings(self.folder, clone_timeout=60, max_voices_per_member=6)
        bot = await self.life.enter_async_context(assembled(options, api=self.upstream.url, clock=self.clock))
        intake = bot.cloner._intake  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - decoding takes 0.3 s
        intake._download, intake._inspect = download, inspect  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        leaving = await bot.cloner._store.pending.leaving()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        self.forgotten |= {person for person in self.known if person.id in leaving}
        bot.cloner.sink = bot.speaking.sink = Silence()
        bot.library.community.membership = self.places
        await self.life.enter_async_context(bot.at_work())
        return bot

    async def sleep(self) -> None:
        """End the bot, wherever it is."""
        for flight in self.flights:
            flight.cancel()
        await asyncio.gather(*self.flights, return_exceptions=True)
        await self.life.aclose()

    @property
    def store(self):
        return self.bot.cloner._store  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - to see what is owed

    def do(self, work: Coroutine[Any, Any, object], *, pause: float | None = None) -> None:
        """Do what a member asks for; without waiting for it, let it only begin."""

        async def begin() -> None:
            flight = asyncio.create_task(work)
            self.flights.add(flight)
            flight.add_done_callback(self.landed)
            await asyncio.wait({flight}, timeout=pause)

        self.runner.run(begin())

    def landed(self, flight: asyncio.Task[Any]) -> None:
        self.flights.discard(flight)
        error = None if flight.cancelled() else flight.exception()
        if error and not isinstance(error, ClonevoiceError):
            self.mistakes.handle(
                logging.makeLogRecord(
                    {"msg": "a command failed", "exc_info": (type(error), error, error.__traceback__)}
                )
            )

    def with_own(
        self, who: int, which: int, work: Callable[[int], Awaitable[object]], *, pause: float | None
    ) -> None:
        """Do something with one of a member's voices, if there is any."""

        async def begin(owner_id: int) -> None:
            if voices := await self.bot.library.own(owner_id):
                await work(voices[which % len(voices)].id)

        self.do(begin(self.people[who].id), pause=pause)

    def tables(self, file: Path) -> defaultdict[str, dict[str, Any]]:
        """Read a file as it lies on disk."""
        content = json.loads(file.read_bytes()) if file.exists() else {}
        return defaultdict(dict, content)

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

    @rule(who=WHO, title=TITLE, pause=PAUSE)
    def clone(self, who: int, title: str, pause: float | None) -> None:
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
            while job.id in {other.id for other in await self.jobs() if not other.over}:
                await asyncio.sleep(0.005)

        self.do(work(), pause=pause)

    @rule(who=WHO, which=WHICH, title=TITLE, pause=PAUSE)
    def rename(self, who: int, which: int, title: str, pause: float | None) -> None:
        viewer = Viewer(self.people[who].id, 0)
        self.with_own(who, which, lambda voice: self.bot.library.rename(viewer, voice, title), pause=pause)

    @rule(who=WHO, which=WHICH, guild=GUILD, pause=PAUSE)
    def share(self, who: int, which: int, guild: int, pause: float | None) -> None:
        if viewer := self.at(guild, who):
            name = self.people[who].name
            self.with_own(
                who,
                which,
                lambda voice: self.bot.library.share(viewer, voice, owner_name=name),
                pause=pause,
            )

    @rule(who=WHO, which=WHICH, guild=GUILD, pause=PAUSE)
    def unshare(self, who: int, which: int, guild: int, pause: float | None) -> None:
        if viewer := self.at(guild, who):
            self.with_own(who, which, lambda voice: self.bot.library.unshare(viewer, voice), pause=pause)

    @rule(who=WHO, which=WHICH, pause=PAUSE)
    def delete(self, who: int, which: int, pause: float | None) -> None:
        viewer = Viewer(self.people[who].id, 0)
        self.with_own(who, which, lambda voice: self.bot.library.delete(viewer, voice), pause=pause)

    @rule(who=WHO, which=WHICH, guild=GUILD, pause=PAUSE)
    def speak(self, who: int, which: int, guild: int, pause: float | None) -> None:
        person, viewer = self.people[who], self.at(guild, who)
        text = f"line {next(self.numbers)}"

        async def work(viewer: Viewer) -> None:
            if found := await self.bot.library.suggest(viewer, ""):
                line = Line(person.id, person.name, guild, 1, text, "en-US", self.reply())
                speech = await self.bot.speaking.accept(line, found[which % len(found)].voice_id)
                self.bot.speaking.begin(speech)

        if viewer:
            self.do(work(viewer), pause=pause)

    @rule(who=WHO, pause=PAUSE, seldom=SELDOM)
    def forget(self, who: int, pause: float | None, seldom: bool) -> None:
        if not seldom:
            return
        person, self.people[who] = self.people[who], self.stranger()

        async def work() -> None:
            await self.bot.privacy.forget(person.id)
            self.forgotten.add(person)

        self.do(work(), pause=pause)

    @rule(who=WHO, guild=GUILD)
    def come_or_go(self, who: int, guild: int) -> None:
        self.places.away ^= {(guild, self.people[who].id)}

    @rule(guild=GUILD, pause=PAUSE)
    def invite_or_remove_the_bot(self, guild: int, pause: float | None) -> None:
        self.places.closed ^= {guild}
        if guild in self.places.closed:
            self.do(self.bot.library.community.close(guild), pause=pause)

    @rule(guild=GUILD, pause=PAUSE)
    def sweep(self, guild: int, pause: float | None) -> None:
        self.do(self.bot.library.community.sweep(guild), pause=pause)

    @rule(who=WHO)
    def try_again(self, who: int) -> None:
        async def work() -> None:
            for job in await self.store.jobs.all():
                if job.owner_id == self.people[who].id and job.retryable:
                    await self.bot.cloner.try_again(job.id, job.owner_id)

        self.do(work())

    @rule(who=WHO, seldom=SELDOM)
    def call_off(self, who: int, seldom: bool) -> None:
        if not seldom:
            return

        async def work() -> None:
            if job := self.bot.cloner.running(self.people[who].id):
                self.bot.cloner.cancel(job.id, job.owner_id)

        self.do(work())

    @rule(fault=st.sampled_from(FAULTS))
    def break_something(self, fault: Fault) -> None:
        self.upstream.faults.append(fault)

    @rule(milliseconds=st.integers(0, 40))
    def wait(self, milliseconds: int) -> None:
        self.runner.run(asyncio.sleep(milliseconds / 1000))

    @rule()
    def restart(self) -> None:
        async def work() -> Clonevoice:
            await self.sleep()
            return await self.wake()

        self.bot = self.runner.run(work())

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
            self.the_voices_agree(self.runner.run(self.jobs()))
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

    async def jobs(self) -> tuple[Job, ...]:
        return await self.store.jobs.all()

    async def rest(self) -> None:
        self.upstream.faults.clear()
        async with asyncio.timeout(30):
            while not await self.at_rest():
                await asyncio.sleep(0.01)

    async def at_rest(self) -> bool:
        under_way = [job for job in await self.jobs() if not (job.retryable and job.told)]
        owed = [*await self.store.pending.owed(), *await self.store.pending.leaving()]
        return not (self.flights or under_way or owed or await self.store.speeches.all())

    def the_voices_agree(self, jobs: tuple[Job, ...]) -> None:
        recorded = set(self.runner.run(self.store.members.voice_ids()))
        assert recorded <= {*self.upstream.voices}
        lost = [voice.description for number, voice in self.upstream.voices.items() if number not in recorded]
        offered = [job.description for job in jobs]
        assert not Counter(lost) - Counter(offered), "a voice that nobody has, and no job looks for"

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


async def download(_: str) -> bytes:
    return GOOD[1]


async def inspect(_: bytes) -> Facts:
    return FACTS


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
