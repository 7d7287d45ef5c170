"""Whenever the bot is killed, an accepted clone goes on to one voice and one card; nothing is made twice."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.cloning.stage import Stage
from bot.demo.upstream import Upstream
from conftest import GOOD, sentence, until
from discord_double import GUILD, Call, DiscordDouble, Message

ADA = 5001
SIZE = len(GOOD[1])
LAUNCHER = Path(__file__).with_name("launcher.py")
WAITS = ("clone_timeout=2", "bot.voices.sender:LOOKS=[0.0, 0.1]", "bot.voices.sender:DISK_SECONDS=0.1")
"""Shortened: how long a voice is looked for, and the times between looks and between writes."""

PATH = [*Stage]
RECEIVED = sentence("stage.present.received")
AGAIN = sentence("button.again")


@dataclass(frozen=True)
class Death:
    """What a killed bot left: its job on disk (empty: none), and how often a sample had been sent."""

    job: dict[str, Any]
    sendings: int

    @property
    def stage(self) -> str:
        return self.job.get("stage", "-")


@dataclass(eq=False)
class Life:
    """One member's clone: the bots that see it through, one after another, and all that is around them.

    The member was `asked` whether to try again after so many deaths; the last act `began` then (monotonic
    seconds).
    """

    home: Path
    double: DiscordDouble
    upstream: Upstream
    holds: AsyncExitStack
    deaths: list[Death] = field(default_factory=list[Death])
    asked: int = 0
    began: float = 0.0

    async def start(self, *waits: str) -> None:
        """Start a bot, with more waits shortened."""
        with (self.home / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(LAUNCHER), self.double.url, self.upstream.url, *WAITS, *waits),
                env={"DISCORD_TOKEN": "offline", "USEAPI_TOKEN": "user:1234-demo", "DATA_DIR": "data"}
                | {name: value for name, value in os.environ.items() if name.startswith("PYTHON")},
                cwd=self.home,
                stdout=log,
                stderr=log,
            )
        self.began = time.monotonic()

    async def kill(self) -> None:
        """Kill the bot, and note what it left."""
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        await until(lambda: not self.double.online.is_set())
        self.deaths.append(Death(self.job(), self.sendings))
        await self.holds.aclose()

    async def order(self, title: str) -> None:
        """Type the command."""
        async with asyncio.timeout(10):
            self.answer = await self.double.slash(ADA, "clonevoice", sample=GOOD, title=title, rights="own")
        self.began = time.monotonic()

    @property
    def card(self) -> Message | None:
        """The message that answered the last command."""
        return self.answer.message()

    @property
    def accepted(self) -> bool:
        """Whether its member has ever read that the sample was received."""
        return any(RECEIVED in text for text in self.card.texts) if self.card else False

    @property
    def sendings(self) -> int:
        """How many requests to clone the API has got."""
        return sum(request.method == "POST" for request in self.upstream.requests)

    def received(self) -> int:
        """How many bytes of the sample the API has got since the last death."""
        sent = [len(request.body) for request in self.upstream.requests if request.method == "POST"]
        return max(sent[self.deaths[-1].sendings if self.deaths else 0 :], default=0)

    def job(self) -> dict[str, Any]:
        """Read the job on disk."""
        for file in self.home.glob("data/jobs/*.json"):
            return json.loads(file.read_bytes())["job"]["1"]
        return {}

    def last_cards(self, *signs: str) -> list[Message]:
        """List the messages that tell how a clone ended, with all of these signs in their text or buttons."""
        ends = [m for m in self.double.messages.values() if m.text and "▫️" not in m.text and not m.deleted]
        return [card for card in ends if all(sign in card.text or sign in card.buttons for sign in signs)]

    def records(self) -> list[dict[str, Any]]:
        """Read the member's voices on disk."""
        file = self.home / "data" / "members" / f"{ADA}.json"
        return list(json.loads(file.read_bytes())["voices"].values()) if file.exists() else []

    async def ended(self) -> None:
        """Wait until nothing more is to come: no job is left, or its member is asked."""
        jobs = self.home / "data" / "jobs"
        await until(lambda: self.last_cards(AGAIN) or not any(jobs.iterdir()))

    async def press(self) -> None:
        """Have the clone tried again, which must have been asked for and not done unasked."""
        await until(lambda: self.last_cards(AGAIN))
        self.nothing_sent_blindly()
        self.asked = len(self.deaths)
        [card] = self.last_cards(AGAIN)
        await self.double.click(card, AGAIN)
        await until(lambda: not self.last_cards(AGAIN))
        self.began = time.monotonic()

    def nothing_sent_blindly(self) -> None:
        """Check that no sample was sent again after a death by which its voice may have existed."""
        for death in self.deaths[self.asked :]:
            assert death.stage not in {Stage.CLONING, Stage.DONE} or death.sendings == self.sendings

    async def judge(self) -> str:
        """Wait for the end and say what it is; `AssertionError` if it is not as it has to be."""
        await self.ended()
        end, title = "a voice", "Ada"
        if not self.accepted:
            assert len(self.upstream.voices) <= 1
            end, title = f"not accepted: {len(self.upstream.voices)} voices, then another", "Grace"
            await self.order(title)
            await until(lambda: self.last_cards(title))
        elif not self.upstream.voices:
            assert Stage.CLONING in [death.stage for death in self.deaths[self.asked :]], "the clone was lost"
            end = "a question, then a voice"
            await self.press()
        else:
            self.nothing_sent_blindly()
        await self.ended()
        made = [str(voice.id) for voice in self.upstream.voices.values() if voice.title == title]
        assert len(made) == 1
        assert [str(voice["id"]) for voice in self.records() if voice["title"] == title] == made
        [card] = self.last_cards(sentence("voice.title", title=title))
        assert card is self.card
        assert title != "Ada" or self.last_cards() == [card]
        assert not self.double.dms
        files = {path.name for path in (self.home / "data").rglob("*") if path.is_file()}
        assert files - {"pending.json", f"{GUILD}.json"} == {"lock", f"{ADA}.json"}
        return end


@dataclass(frozen=True)
class Instant:
    """When the bot is killed: as soon as `comes` returns, which is begun with the command or the restart."""

    name: str
    comes: Callable[[Life], Awaitable[object]]


def after(seconds: float) -> Instant:
    return Instant(
        f"{seconds:.3f} s later", lambda life: asyncio.sleep(life.began + seconds - time.monotonic())
    )


def recorded(stage: Stage) -> Instant:
    """Return the instant when a stage is on disk, or a later one: the short ones pass between two looks."""

    def passed(life: Life) -> bool:
        job = life.job()
        return PATH.index(job["stage"]) >= PATH.index(stage) if job else bool(life.records())

    return Instant(f"once {stage} is on disk", lambda life: until(lambda: passed(life)))


def read(size: int) -> Instant:
    return Instant(
        f"once {size} of {SIZE} bytes have arrived", lambda life: until(lambda: life.received() >= size)
    )


def pressed(instant: Instant) -> Instant:
    async def comes(life: Life) -> None:
        await life.press()
        await instant.comes(life)

    return Instant(f"after `{AGAIN}` {instant.name}", comes)


def told(name: str, fits: Callable[[Call], bool], *, takes_effect: bool) -> Instant:
    async def comes(life: Life) -> None:
        reached = await life.holds.enter_async_context(life.double.hold(fits, takes_effect=takes_effect))
        await asyncio.wait_for(reached.wait(), 10)

    return Instant(f"{name}, which {'arrives' if takes_effect else 'gets lost'}", comes)


def is_edit(call: Call) -> bool:
    return call.method == "PATCH"


def is_last_edit(call: Call) -> bool:
    return is_edit(call) and "▫️" not in json.dumps(call.payload, ensure_ascii=False)


def is_acknowledgement(call: Call) -> bool:
    return call.path.endswith("/callback")


QUEUED, HALF, CLONING = recorded(Stage.QUEUED), read(SIZE // 2), recorded(Stage.CLONING)
MADE = Instant("once the voice exists", lambda life: until(lambda: life.upstream.voices))
KEPT = Instant("once the voice is on record", lambda life: until(life.records))
UNTOLD = told("with the last card", is_last_edit, takes_effect=False)
TOLD = told("with the last card", is_last_edit, takes_effect=True)

SHORT = (
    told("with the first card", is_edit, takes_effect=False),
    told("with the first card", is_edit, takes_effect=True),
    *(QUEUED, HALF, CLONING, MADE, KEPT, UNTOLD, TOLD),
)
LONG = (
    told("with the acknowledgement", is_acknowledgement, takes_effect=False),
    told("with the acknowledgement", is_acknowledgement, takes_effect=True),
    *(recorded(stage) for stage in (Stage.RECEIVED, Stage.CHECKED, Stage.UPLOADING, Stage.DONE)),
    *(read(size) for size in (1, SIZE // 10, SIZE * 9 // 10, SIZE - 2**14, SIZE - 2**12, SIZE)),
    Instant("once the job is gone", lambda life: until(lambda: life.records() and not life.job())),
)
TWICE = (
    *((first, second) for first in (QUEUED, HALF) for second in (HALF, CLONING, MADE, KEPT, UNTOLD)),
    *((first, second) for first in (MADE, KEPT, UNTOLD, TOLD) for second in (UNTOLD, TOLD)),
    *((CLONING, second) for second in (after(0.5), after(1), after(2), UNTOLD, TOLD)),
    *((CLONING, pressed(second)) for second in (HALF, CLONING, MADE, KEPT, UNTOLD, TOLD)),
    (QUEUED, HALF, CLONING, pressed(HALF), CLONING, pressed(CLONING), pressed(MADE), UNTOLD, TOLD),
)


@asynccontextmanager
async def begun(home: Path) -> AsyncGenerator[Life]:
    """Begin a life: a bot, a Discord and an API, and the command."""
    await asyncio.to_thread(home.mkdir)
    async with (
        DiscordDouble() as double,
        Upstream(clone_seconds=0.4, read_rate=300_000) as upstream,
        AsyncExitStack() as holds,
    ):
        life = Life(home, double, upstream, holds)
        try:
            await life.start()
            await life.order("Ada")
            yield life
        except BaseException as error:
            error.add_note(f"{life.deaths}\n{[card.texts for card in double.messages.values()]}")
            error.add_note(f"{[(asked.method, asked.path, len(asked.body)) for asked in upstream.requests]}")
            error.add_note((home / "log").read_text("utf-8"))
            raise
        finally:
            if life.process.returncode is None:
                life.process.kill()
            await life.process.wait()


async def lived(home: Path, instants: Sequence[Instant]) -> tuple[str, ...]:
    """Kill a bot at these instants, one after another; return a row of the table."""
    async with begun(home) as life:
        for instant in instants:
            await instant.comes(life)
            await life.kill()
            await life.start()
        end = await life.judge()
        return ", then ".join(i.name for i in instants), "/".join(d.stage for d in life.deaths), end


async def lives(folder: Path, all_instants: Sequence[Sequence[Instant]]) -> list[tuple[str, ...]]:
    """Live through many deaths, a few at a time; an `ExceptionGroup` holds those that did not end well."""
    few = asyncio.Semaphore(3)

    async def one(number: int, instants: Sequence[Instant]) -> tuple[str, ...]:
        async with few:
            return await lived(folder / str(number), instants)

    ends = await asyncio.gather(*(one(*each) for each in enumerate(all_instants)), return_exceptions=True)
    if failures := [end for end in ends if isinstance(end, Exception)]:
        raise ExceptionGroup(f"{len(failures)} of {len(ends)} lives ended badly", failures)
    return [end for end in ends if isinstance(end, tuple)]


async def test_an_undisturbed_life_ends_with_a_voice_and_a_card(tmp_path: Path):
    async with begun(tmp_path / "life") as life:
        await until(life.last_cards)
        assert await life.judge() == "a voice"
        assert life.answer.acknowledged_after is not None
        assert life.answer.acknowledged_after < 1
        assert life.card is not None
        assert [file["size"] for file in life.card.attachments if file["filename"] == "Ada.mp3"] == [SIZE]


async def test_a_clone_survives_the_death_of_the_bot(tmp_path: Path):
    await lives(tmp_path, [[instant] for instant in SHORT])


@pytest.mark.soak
async def test_a_clone_survives_any_death_of_the_bot(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    async with begun(tmp_path / "undisturbed") as life:
        await until(life.last_cards)
        whole = time.monotonic() - life.began
    often = (
        after(whole * part / 20) for part in range(41)
    )  # lives last longer when others go on beside them
    rows = await lives(tmp_path, [*((instant,) for instant in (*SHORT, *LONG, *often)), *TWICE])
    with capsys.disabled():
        print(*("", *(f"{end:<42} {stages:<20} {when}" for when, stages, end in rows)), sep="\n")  # noqa: T201 - the table
