"""A bot that is killed at any moment of its use leaves no reply without an end, and no job stuck or doubled."""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bot.cloning.job import Stage
from bot.demo.upstream import Upstream
from bot.demo.wire import Call
from support.clocks import until
from support.crowd import MEMBERS, Crowd, with_button
from support.discord_double import LOADING, Message
from support.lives import Life, living
from support.reading import read_files, sentence

LIVES = 200

QUIET_SECONDS = 90.0
"""Seconds in which the last bot must finish everything."""

LAST_STEPS = 60
"""How many of the last steps are part of an error."""

PROGRESS = [
    *map(sentence, ("card.unsent", "card.again", "card.sending", "card.sent", "line.sent")),
    sentence("line.posting", title="")[:18],
]
"""Texts of cards that show progress."""

CALLS: dict[str, Callable[[Call], bool]] = {
    "an acknowledgement": lambda call: call.path.endswith("/callback"),
    "a deferred reply": lambda call: call.path.endswith("/callback") and call.payload.get("type") == 5,
    "an edit": lambda call: call.method == "PATCH",
    "a message": lambda call: call.method == "POST" and call.path.endswith("/messages"),
    "a follow-up": lambda call: call.method == "POST" and "/webhooks/" in call.path,
}
"""Requests to Discord at which the bot is killed."""


@dataclass(eq=False)
class Soak:
    """A bot that lives many times among the same members, and what each death left.

    `posted` is the life in which each message was first seen, `unposted` has the first words of the clips that
    each death left to be posted.
    """

    life: Life
    crowd: Crowd
    seed: int
    posted: dict[str, int] = field(default_factory=dict[str, int])
    unposted: list[set[str]] = field(default_factory=list[set[str]])

    async def live(self, number: int) -> None:
        """Use the bot until it is killed at a random moment."""
        random = Random(f"{self.seed} {number}")  # noqa: S311 - the same moments for the same seed
        self.crowd.begin(random)
        self.crowd.acts.append(f"life {number}")
        using = asyncio.create_task(self._use(random))
        try:
            await self._moment(random, using)
        finally:
            using.cancel()
            await asyncio.wait({using})
        await self.life.kill()
        if not using.cancelled():
            using.result()
        self._note_death(number)

    async def _use(self, random: Random) -> None:
        for _ in range(random.randint(1, 16)):
            await self.crowd.act()
            match random.choice(("at once", "soon", "answered")):
                case "soon":
                    await asyncio.sleep(random.random() / 3)
                case "answered":
                    await self.crowd.wait(1)
                case _:
                    pass

    async def _moment(self, random: Random, using: asyncio.Task[None]) -> None:
        """Wait for the moment of a death: some call, an API request, or just some time."""
        kind = random.choice([*CALLS, "a request", "some time", "some time", *["a long time"] * 3, "the start"])
        after, rest, fate = random.randint(0, 4), random.random(), random.choice(("lost", "unanswered", "answered"))
        self.crowd.acts.append(f"dies at {kind}, after {after} others or {rest:.3f} s, {fate}")
        match kind:
            case "some time":
                await asyncio.wait({using})
                await asyncio.sleep(rest)
            case "a long time":
                await asyncio.wait({using})
                await asyncio.sleep(4 * rest)
            case "the start":
                await asyncio.sleep(rest)
            case "a request":
                number = len(self.life.upstream.requests) + after
                await self._wait(using, until(lambda: len(self.life.upstream.requests) > number))
            case _:
                reached = await self._hold(CALLS[kind], after, takes_effect=fate != "lost")
                await self._wait(using, reached.wait())
                if fate == "answered":
                    await self.life.holds.aclose()
                    await asyncio.sleep(rest / 50)

    async def _hold(self, fits: Callable[[Call], bool], after: int, *, takes_effect: bool) -> asyncio.Event:
        seen = 0

        def counted(call: Call) -> bool:
            nonlocal seen
            seen += fits(call)
            return fits(call) and seen > after

        return await self.life.holds.enter_async_context(self.life.double.hold(counted, takes_effect=takes_effect))

    async def _wait(self, using: asyncio.Task[None], moment: Any) -> None:
        """Wait for a moment, but not much longer than the members use the bot."""
        coming = asyncio.ensure_future(moment)
        try:
            await asyncio.wait({coming, using}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({coming}, timeout=1)
        finally:
            coming.cancel()

    def _note_death(self, number: int) -> None:
        for message_id in self.life.double.messages:
            self.posted.setdefault(message_id, number)
        speeches = [job for job in self.stored("speeches") if not job["delivered"]]
        self.unposted.append({first_word(job["text"]) for job in speeches})

    def stored(self, kind: str) -> list[dict[str, Any]]:
        """Return the jobs on disk."""
        files = read_files(self.life.home, f"data/{kind}/*.json")
        return [job for content in files.values() for job in json.loads(content)["job"].values()]

    def pending(self) -> dict[str, dict[str, Any]]:
        for content in read_files(self.life.home, "data/pending.json").values():
            return json.loads(content)
        return {}

    # The end

    async def finish(self) -> None:
        """Answer every question, as its member would, until nothing is in progress."""
        began = time.monotonic()
        while (left := self.in_progress()) and time.monotonic() - began < QUIET_SECONDS:
            for question in self._questions():
                found = with_button(self.life.double, question)
                assert found, f"nobody can answer {question}"
                message, item = found[-1]
                await self.life.double.use(message, item)
            for _ in range(100):
                if not (left := self.in_progress()):
                    break
                await asyncio.sleep(0.01)
        assert not left

    def _questions(self) -> list[str]:
        """Return the custom IDs of buttons by which members end the jobs that wait for them."""
        waiting = {Stage.CONFIRMING: "clone:cancel:", Stage.CONSENT: "consent:refuse:", Stage.FAILED: "clone:again:"}
        jobs = [job for job in self.stored("jobs") if job["stage"] != Stage.FAILED or job["delivered"]]
        return [waiting[job["stage"]] + job["id"] for job in jobs if job["stage"] in waiting]

    def in_progress(self) -> list[str]:
        """Describe what is not finished."""
        left = [f"{kind}/{job['id']} {job['stage']}" for kind in ("jobs", "speeches") for job in self.stored(kind)]
        tables = ("pending_deletions", "pending_erasures", "notices", "deferred_replies")
        left += [f"{table} {rows}" for table, rows in self.pending().items() if table in tables and rows]
        left += [f"interaction {answer} thinks" for answer in self.thinking()]
        return left

    def thinking(self) -> list[str]:
        """Return the IDs of interactions whose replies show "thinking"."""
        answers = self.life.double.answers.values()
        return [a.id for a in answers if a.original and a.original.flags & LOADING and not a.original.deleted]

    def judge(self) -> str:
        """Describe the lives. Raises `AssertionError` if they did not end as required."""
        assert not self.thinking()
        shown = [message for message in self.life.double.messages.values() if not message.deleted]
        assert not [card.texts for card in shown if any(text in card.text for text in PROGRESS)]
        files = [file.name for kind in ("jobs", "speeches") for file in (self.life.home / "data" / kind).iterdir()]
        assert not files, "of jobs"
        clones, clips = self._uploads(), Counter(first_word(clip.text) for clip in self.life.upstream.speeches)
        typed = self.crowd.typed
        assert not {word: number for word, number in (clones | clips).items() if number > typed[word]}, "doubled"
        voices = self._voices()
        assert len({voice["job_id"] for voice in voices}) == len(voices)
        assert sorted(voice["id"] for voice in voices) == sorted(self.life.upstream.voices), "recorded, existing"
        posts = [self._check_posts(word) for word in clips if typed[word] == 1]
        log = (self.life.home / "log").read_text("utf-8")
        assert "Traceback" not in log
        answers = [*self.life.double.answers.values()]
        return "\n".join(
            (
                f"{len(self.unposted)} lives, seed {self.seed}",
                f"{len(answers)} interactions, {sum(a.acknowledged_after is None for a in answers)} never acknowledged",
                f"{sum(clones.values())} clones uploaded, {len(voices)} voices left",
                f"{sum(clips.values())} clips made, {sum(posts)} posted, {len(shown)} messages",
            )
        )

    def _uploads(self) -> Counter[str]:
        """Count the samples that the API has received whole, by the first words of their descriptions."""
        posts = [asked for asked in self.life.upstream.requests if (asked.method, asked.path) == CLONING]
        whole = [asked for asked in posts if len(asked.body) == int(asked.headers["Content-Length"])]
        return Counter(first_word(asked.query["desc"]) for asked in whole)

    def _voices(self) -> list[dict[str, Any]]:
        records = read_files(self.life.home, "data/members/*.json").values()
        return [voice for record in records for voice in json.loads(record).get("voices", {}).values()]

    def _check_posts(self, word: str) -> int:
        """Check that a clip was posted again only if a death had left it to be posted."""
        messages = [message for message in self.life.double.messages.values() if is_clip(message, word)]
        lives = [self.posted.get(message.id, len(self.unposted)) for message in messages]
        for first, second in pairwise(lives):
            assert first < second, f"{word} was posted twice"
            assert word in self.unposted[second - 1], f"{word} was posted again after it had been delivered"
        return len(messages)


CLONING = ("POST", "/speech/voice")


def first_word(text: str) -> str:
    return text.split(maxsplit=1)[0]


def is_clip(message: Message, word: str) -> bool:
    embeds = [embed for embed in message.embeds if "author" in embed and "footer" in embed]
    return any(first_word(embed.get("description") or "-") == word for embed in embeds)


async def soaked(home: Path, seed: int, lives: int) -> str:
    """Have a bot live a number of times, and once more without a kill. Describe it."""
    upstream = Upstream(clone_seconds=0.2, speech_seconds=0.2, read_rate=500_000)
    async with living(home, upstream, "bot.speaking.attempt:POLL_SECONDS=0.1") as life:
        life.double.moderators.add(MEMBERS[-1])
        soak = Soak(life, Crowd(life.double, upstream), seed)
        try:
            for number in range(lives):
                await soak.live(number)
                await life.start()
            await soak.finish()
            return soak.judge()
        except BaseException as error:
            last = "\n".join(soak.crowd.acts[-LAST_STEPS:])
            error.add_note(f"Repeat it with SOAK_SEED={seed}. The last steps:\n{last}")
            raise


@pytest.mark.soak
async def test_bot_that_is_killed_in_use_leaves_nothing_unfinished(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    seed = int(os.environ.get("SOAK_SEED") or time.time())
    told = await soaked(tmp_path, seed, LIVES)
    with capsys.disabled():
        print("", told, sep="\n")  # noqa: T201 - what was done
