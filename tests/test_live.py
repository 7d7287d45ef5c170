"""How often a card is edited, and that what Discord does to it harms nobody."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import discord
import pytest

from bot.errors import Rejected
from bot.voices.progress import Progress, Stage
from cogs._live import EDIT_SECONDS, Cards
from test_jobs import JOB

CLONING = replace(JOB, stage=Stage.CLONING)


class Time:
    """A clock read by the cards."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Answer:
    """What the cards use of an interaction: its message, which notes when it was edited."""

    filesize_limit = 1000

    def __init__(self, time: Time) -> None:
        self.time = time
        self.edits: list[tuple[float, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.deleted = False

    async def edit_original_response(self, **message: Any) -> None:
        await self.gate.wait()
        self.edits.append((self.time.now, message["embed"].description))
        if self.error:
            raise self.error

    async def delete_original_response(self) -> None:
        self.deleted = True


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def answer(time: Time) -> Any:
    return Answer(time)


@pytest.fixture
async def cards(time: Time, answer: Any) -> Cards:
    cards = Cards(previews=None, monotonic=time)  # pyright: ignore[reportArgumentType] -- these clones make no voice
    await cards.open(JOB, answer)
    return cards


async def ticks(cards: Cards, time: Time, seconds: int, *, each: float) -> None:
    """Let a clone tell of its progress for so many seconds."""
    steps = round(seconds / each)
    for step in range(steps):
        cards.show(CLONING, Progress(Stage.CLONING, step * each, 75))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.now += each


async def test_within_a_stage_a_card_is_edited_once_in_two_seconds_at_most(
    cards: Cards, answer: Any, time: Time
):
    await ticks(cards, time, 60, each=0.1)
    times = [when for when, _ in answer.edits[1:]]
    assert 25 <= len(times) <= 31
    assert all(later - sooner >= EDIT_SECONDS for sooner, later in pairwise(times))


async def test_a_new_stage_shows_at_once(cards: Cards, answer: Any):
    for stage in (Stage.CHECKED, Stage.QUEUED, Stage.UPLOADING, Stage.CLONING):
        cards.show(replace(JOB, stage=stage), Progress(stage))
        await asyncio.sleep(0.001)
    assert len(answer.edits) == 5


async def test_while_discord_is_slow_only_the_newest_progress_counts(cards: Cards, answer: Any, time: Time):
    answer.gate.clear()
    await ticks(cards, time, 20, each=0.5)
    answer.gate.set()
    await asyncio.sleep(0.001)
    assert len(answer.edits) == 3
    assert "0:20 of" in answer.edits[-1][1]


async def test_without_news_nothing_is_edited_again(cards: Cards, answer: Any, time: Time):
    cards.show(CLONING, Progress(Stage.CLONING, 1, 75))
    await asyncio.sleep(0.001)
    time.now += 100
    await asyncio.sleep(0.001)
    assert len(answer.edits) == 2


@pytest.mark.parametrize("error", [ConnectionResetError(), discord.DiscordException(), RuntimeError("oh")])
async def test_a_failed_edit_is_tried_again_with_the_next_news(
    cards: Cards, answer: Any, time: Time, error: Exception
):
    answer.error = error
    await ticks(cards, time, 10, each=1)
    assert len(answer.edits) == 6


async def test_a_card_that_moves_leaves_no_old_one_behind(cards: Cards, answer: Any, time: Time):
    fresh: Any = Answer(time)
    await cards.open(JOB, fresh)
    assert answer.deleted
    cards.show(CLONING, Progress(Stage.CLONING, 1, 75))
    await asyncio.sleep(0.001)
    assert len(answer.edits) == 1
    assert len(fresh.edits) == 2


async def test_the_last_card_comes_after_an_edit_that_is_still_under_way(cards: Cards, answer: Any):
    answer.gate.clear()
    cards.show(CLONING, Progress(Stage.CLONING, 1, 75))
    await asyncio.sleep(0.001)
    ending = asyncio.create_task(cards.deliver(CLONING, Rejected()))
    await asyncio.sleep(0.001)
    answer.gate.set()
    await ending
    assert "Mureka does not accept" in answer.edits[-1][1]


async def test_the_end_of_a_clone_without_a_card_is_no_error(cards: Cards):
    await cards.deliver(replace(CLONING, id="other"), Rejected())
