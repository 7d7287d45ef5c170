"""The bot in a process of its own, killed and started again."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.cloning.job import Stage
from bot.demo.upstream import Upstream
from support.audio import GOOD
from support.clocks import PATIENCE, until
from support.discord_double import GUILD, DiscordDouble, Message
from support.reading import read_files, sentence

ADA = 5001
SIZE = len(GOOD[1])
LAUNCHER = Path(__file__).with_name("launcher.py")
WAITS = ("clone_timeout=2", "bot.cloning.recovery:SEARCH_DELAYS=[0, 0.1]", "bot.cloning.recorder:DISK_FULL_SECONDS=0.1")
"""Shortened: the search for a voice, and the times between searches and between writes."""
TOLD = 100
"""How many of the last deaths, messages, requests and lines of the log are part of an error."""

RECEIVED = sentence("stage.present.received")
AGAIN = sentence("button.again")


@dataclass(frozen=True)
class Death:
    """What a killed bot left: its job on disk (empty if none), and the number of uploads so far."""

    job: dict[str, Any]
    sendings: int

    @property
    def stage(self) -> str:
        return self.job.get("stage", "-")


@dataclass(eq=False)
class Life:
    """One member's clone, the bots that work on it in sequence, and the Discord and API around them.

    `asked` is the number of deaths before the member was last asked whether to retry; `began` is when the
    last command, click or start happened (monotonic seconds).
    """

    home: Path
    double: DiscordDouble
    upstream: Upstream
    holds: AsyncExitStack
    waits: tuple[str, ...] = ()
    deaths: list[Death] = field(default_factory=list[Death])
    asked: int = 0
    began: float = 0.0

    async def start(self) -> None:
        with (self.home / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(LAUNCHER), self.double.url, self.upstream.url, *WAITS, *self.waits),
                env={"DISCORD_TOKEN": "offline", "USEAPI_TOKEN": "user:1234-demo", "DATA_DIR": "data"}
                | {name: value for name, value in os.environ.items() if name.startswith("PYTHON")},
                cwd=self.home,
                stdout=log,
                stderr=log,
            )
        self.began = time.monotonic()

    async def kill(self) -> None:
        """Kill the bot and record what it left."""
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        await until(lambda: not self.double.connected.is_set())
        self.deaths.append(Death(self.job(), self.sendings))
        await self.holds.aclose()

    async def order(self, title: str) -> None:
        async with asyncio.timeout(PATIENCE):
            self.answer = await self.double.slash(ADA, "clonevoice", sample=GOOD, title=title, rights="own")
        self.began = time.monotonic()

    @property
    def card(self) -> Message | None:
        return self.answer.original

    @property
    def accepted(self) -> bool:
        """True if the card has ever said that the sample was received."""
        return any(RECEIVED in text for text in self.card.texts) if self.card else False

    @property
    def sendings(self) -> int:
        return sum(request.method == "POST" for request in self.upstream.requests)

    def received(self) -> int:
        """Return the number of sample bytes that the API has received since the last death."""
        sent = [len(request.body) for request in self.upstream.requests if request.method == "POST"]
        return max(sent[self.deaths[-1].sendings if self.deaths else 0 :], default=0)

    def job(self) -> dict[str, Any]:
        for content in read_files(self.home, "data/jobs/*.json").values():
            return json.loads(content)["job"]["1"]
        return {}

    def last_cards(self, *signs: str) -> list[Message]:
        """List the messages with a result that have all of these signs in their text or buttons."""
        ends = [m for m in self.double.messages.values() if m.text and "▫️" not in m.text and not m.deleted]
        return [card for card in ends if all(sign in card.text or sign in card.buttons for sign in signs)]

    def records(self) -> list[dict[str, Any]]:
        file = self.home / "data" / "members" / f"{ADA}.json"
        return list(json.loads(file.read_bytes())["voices"].values()) if file.exists() else []

    async def ended(self) -> None:
        """Wait until no job is left or the member is asked whether to retry."""
        jobs = self.home / "data" / "jobs"
        await until(lambda: self.last_cards(AGAIN) or not any(jobs.iterdir()))

    async def press(self) -> None:
        """Retry the clone; fail if the bot has sent it again without asking."""
        await until(lambda: self.last_cards(AGAIN))
        self.nothing_sent_blindly()
        self.asked = len(self.deaths)
        [card] = self.last_cards(AGAIN)
        await self.double.click(card, AGAIN)
        await until(lambda: not self.last_cards(AGAIN))
        self.began = time.monotonic()

    def nothing_sent_blindly(self) -> None:
        """Check that no sample was sent again after a death at which its voice may have existed."""
        for death in self.deaths[self.asked :]:
            assert death.stage not in {Stage.CLONING, Stage.DONE} or death.sendings == self.sendings

    async def judge(self) -> str:
        """Wait for the end and describe it. Raises `AssertionError` if it is not as required."""
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
        [card] = self.last_cards(sentence("voice.ready", title=title))
        assert card is self.card
        assert [file["size"] for file in card.attachments if file["filename"] == f"{title}.mp3"] == [SIZE]
        assert title != "Ada" or self.last_cards() == [card]
        assert not self.double.dms
        files = {path.name for path in (self.home / "data").rglob("*") if path.is_file()}
        assert files - {"pending.json", f"{GUILD}.json"} == {"lock", "version.json", f"{ADA}.json"}
        return end


@asynccontextmanager
async def living(home: Path, upstream: Upstream, *waits: str) -> AsyncGenerator[Life]:
    """Start a bot, with more waits shortened, a Discord and an API."""
    async with DiscordDouble() as double, upstream, AsyncExitStack() as holds:
        life = Life(home, double, upstream, holds, waits)
        try:
            await life.start()
            yield life
        except BaseException as error:
            error.add_note(f"{life.deaths[-TOLD:]}\n{[card.texts for card in [*double.messages.values()][-TOLD:]]}")
            error.add_note(f"{[(asked.method, asked.path, len(asked.body)) for asked in upstream.requests[-TOLD:]]}")
            error.add_note("\n".join((home / "log").read_text("utf-8").splitlines()[-TOLD:]))
            raise
        finally:
            if life.process.returncode is None:
                life.process.kill()
            await life.process.wait()


@asynccontextmanager
async def begun(home: Path) -> AsyncGenerator[Life]:
    """Start a bot, a Discord and an API, and send the command."""
    await asyncio.to_thread(home.mkdir)
    async with living(home, Upstream(clone_seconds=0.4, read_rate=300_000)) as life:
        await life.order("Ada")
        yield life
