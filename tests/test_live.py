"""How often a card is edited, and that what Discord does to it harms nobody."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import aiohttp
import discord
import pytest

from bot.client.messenger import DeliveryError, Server
from bot.cloning.job import CloneJob
from bot.cloning.stage import Progress, Stage
from bot.downloads import Previews
from bot.i18n import ENGLISH
from bot.jobs.record import InteractionReply
from bot.mureka.errors import Rejected
from cogs._ui.live_message import EDIT_SECONDS
from cogs.clonevoice.presenter import DiscordClonePresenter
from conftest import ManualClock, sentence
from test_jobs import JOB

FRESH = InteractionReply("fresh", 6, 1_800_000_000.0, 1000)
MINE = replace(
    JOB,
    times={Stage.RECEIVED: FRESH.since},
    reply=InteractionReply("mine", 5, FRESH.since, 1000),
    title="Diary",
)
CLONING = replace(MINE, stage=Stage.CLONING)
TROUBLES = [DeliveryError("503", passing=True), DeliveryError("404", passing=False)]


@dataclass(frozen=True)
class Sent:
    """What went one of the ways, at clock seconds `at`; `to` is a reply's or a channel's, or a user."""

    way: str
    at: float
    to: InteractionReply | int
    message: dict[str, Any]

    @property
    def text(self) -> str:
        """All that is to be read in it."""
        embed: discord.Embed = self.message.get("embed") or discord.Embed()
        parts = (self.message.get("content"), embed.title, embed.description, embed.footer.text)
        return "\n".join(filter(None, parts))


@dataclass
class NotedWays:
    """Ways that note what was sent; each of `trouble` happens to its way; while `jam` is held, all wait."""

    clock: ManualClock
    sent: list[Sent] = field(default_factory=list[Sent])
    trouble: dict[str, DeliveryError] = field(default_factory=dict[str, DeliveryError])
    jam: asyncio.Lock = field(default_factory=asyncio.Lock)
    begun: int = 0

    async def _send(self, way: str, to: InteractionReply | int, **message: Any) -> None:
        self.begun += 1
        async with self.jam:
            pass
        self.sent.append(Sent(way, self.clock.now(), to, message))
        if error := self.trouble.get(way):
            raise error

    async def edit(self, reply: InteractionReply, **message: Any) -> None:
        await self._send("edit", reply, **message)

    async def remove(self, reply: InteractionReply) -> None:
        await self._send("remove", reply)

    async def follow_up(self, reply: InteractionReply, **message: Any) -> None:
        await self._send("follow_up", reply, **message)

    async def dm(self, user_id: int, **message: Any) -> None:
        await self._send("dm", user_id, **message)

    async def ping(self, channel_id: int, user_id: int, content: str, **message: Any) -> None:
        await self._send("mention", channel_id, user_id=user_id, content=content, **message)

    async def server(self, guild_id: int) -> Server:
        return Server(f"server {guild_id}", ENGLISH)

    async def tell_operator(self, **message: Any) -> None:
        await self._send("tell_operator", 0, **message)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def ways(clock: ManualClock) -> NotedWays:
    return NotedWays(clock)


@pytest.fixture
async def cards(ways: NotedWays, clock: ManualClock) -> AsyncGenerator[DiscordClonePresenter]:
    async with aiohttp.ClientSession() as session:
        yield DiscordClonePresenter(ways, Previews(session), clock)


async def a_moment() -> None:
    """Let everything happen that needs no time."""
    for _ in range(20):
        await asyncio.sleep(0)


async def let(seconds: float, clock: ManualClock) -> None:
    await clock.advance(seconds)
    await a_moment()


def show(cards: DiscordClonePresenter, job: CloneJob, done: float = 0) -> None:
    cards.show(job, Progress(job.stage, done, 75))


async def ticks(cards: DiscordClonePresenter, clock: ManualClock, seconds: int, *, each: float) -> None:
    """Let a clone tell of its progress for so many seconds."""
    for step in range(round(seconds / each)):
        show(cards, CLONING, step * each)
        await let(each, clock)


async def test_within_a_stage_a_card_is_edited_once_in_two_seconds_at_most(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
):
    await ticks(cards, clock, 60, each=0.125)
    times = [sent.at for sent in ways.sent]
    assert 29 <= len(times) <= 31
    assert all(later - sooner >= EDIT_SECONDS for sooner, later in pairwise(times))


async def test_a_new_stage_shows_at_once(cards: DiscordClonePresenter, ways: NotedWays):
    path = [Stage.RECEIVED, Stage.CHECKED, Stage.QUEUED, Stage.UPLOADING, Stage.CLONING]
    for stage in path:
        show(cards, replace(MINE, stage=stage))
        await a_moment()
    assert len(ways.sent) == len(path)


async def test_a_new_stage_shows_at_once_also_while_a_pause_runs(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
):
    queued = replace(MINE, stage=Stage.QUEUED)
    for ahead in (2, 1):
        show(cards, queued, ahead)
        await let(0.5, clock)
    assert len(ways.sent) == 1, "the other waits"
    show(cards, CLONING)
    await a_moment()
    assert len(ways.sent) == 2
    assert "Cloning" in ways.sent[-1].text
    await let(10, clock)
    assert len(ways.sent) == 2, "the queue is no news any more"


async def test_what_is_not_due_yet_shows_later_without_further_news(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
):
    queued = replace(MINE, stage=Stage.QUEUED)
    for ahead in (3, 2, 1):
        show(cards, queued, ahead)
        await a_moment()
    await let(EDIT_SECONDS - 0.25, clock)
    assert len(ways.sent) == 1
    await let(0.25, clock)
    assert len(ways.sent) == 2
    assert sentence("stage.queued_behind", ahead=1) in ways.sent[-1].text


async def test_while_discord_is_slow_only_the_newest_progress_counts(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
):
    async with ways.jam:
        await ticks(cards, clock, 20, each=0.5)
    await a_moment()
    assert len(ways.sent) == 2
    assert "0:20 of" in ways.sent[-1].text


async def test_cards_do_not_wait_for_one_another(cards: DiscordClonePresenter, ways: NotedWays):
    for number in range(5):
        show(cards, replace(CLONING, id=f"{number}-x"))
    await a_moment()
    assert len(ways.sent) == 5


async def test_without_news_nothing_is_edited_again(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
):
    show(cards, CLONING, 1)
    await a_moment()
    for _ in range(10):
        await let(10, clock)
    assert len(ways.sent) == 1


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
async def test_a_failed_edit_costs_nothing_but_itself(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock, trouble: DeliveryError
):
    ways.trouble["edit"] = trouble
    show(cards, MINE)
    await a_moment()
    await ticks(cards, clock, 10, each=1)
    assert len(ways.sent) == 6, "it is neither repeated nor given up"
    ways.trouble.clear()
    await ticks(cards, clock, 2, each=1)
    assert len(ways.sent) == 7


async def test_a_clone_whose_card_is_out_of_reach_is_no_error(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
):
    lost = replace(CLONING, reply=None)
    show(cards, lost, 1)
    await let(10, clock)
    assert ways.sent == []


async def test_a_card_that_moves_keeps_what_it_shows_and_leaves_no_old_one(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
):
    before = replace(MINE, stage=Stage.QUEUED)
    show(cards, before, 3)
    await a_moment()
    moved = replace(before, reply=FRESH)
    await cards.move(moved, before)
    assert [(sent.way, sent.to) for sent in ways.sent[1:]] == [("edit", FRESH), ("remove", before.reply)]
    assert sentence("stage.queued_behind", ahead=3) in ways.sent[1].text
    show(cards, moved, 2)
    await let(10, clock)
    assert [sent.to for sent in ways.sent[3:]] == [FRESH]


async def test_news_that_waited_while_a_card_moved_shows_where_it_is_now(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
):
    for done in (1, 2):
        show(cards, CLONING, done)
        await a_moment()
    await cards.move(replace(CLONING, reply=FRESH), CLONING)
    await let(10, clock)
    assert [sent.to for sent in ways.sent if sent.way == "edit"] == [CLONING.reply, FRESH]
    assert "0:02 of" in ways.sent[1].text


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
async def test_a_card_moves_even_if_the_old_one_can_not_be_removed(
    cards: DiscordClonePresenter, ways: NotedWays, trouble: DeliveryError
):
    ways.trouble["remove"] = trouble
    await cards.move(replace(CLONING, reply=FRESH), CLONING)
    assert [sent.to for sent in ways.sent if sent.way == "edit"] == [FRESH]


async def test_the_last_card_comes_after_an_edit_that_is_under_way_and_nothing_after_it(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
):
    async with ways.jam:
        for done in (1, 2):
            show(cards, CLONING, done)
            await a_moment()
        ending = asyncio.create_task(cards.deliver(CLONING, Rejected()))
        await let(10, clock)
        assert ways.begun == 1
    assert await ending
    await let(10, clock)
    before, last = ways.sent
    assert "0:01 of" in before.text
    assert sentence("mureka.rejected") in last.text


async def test_what_still_waits_to_be_shown_does_not_show_after_the_last_card(
    cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
):
    for done in (1, 2):
        show(cards, CLONING, done)
        await a_moment()
    async with asyncio.timeout(1):  # real seconds: it does not wait for the pause that is running
        assert await cards.deliver(CLONING, Rejected())
    await let(10, clock)
    assert len(ways.sent) == 2
    assert sentence("mureka.rejected") in ways.sent[-1].text


async def test_a_card_is_forgotten_with_the_end_of_its_clone(cards: DiscordClonePresenter, ways: NotedWays):
    queued = replace(MINE, stage=Stage.QUEUED)
    show(cards, queued, 3)
    await a_moment()
    await cards.deliver(queued, Rejected())
    await cards.move(replace(queued, reply=FRESH), queued)  # would show what is remembered
    assert [sent.to for sent in ways.sent if sentence("stage.present.queued") in sent.text] == [FRESH]


async def test_the_end_of_a_clone_without_a_card_is_no_error(cards: DiscordClonePresenter, ways: NotedWays):
    assert await cards.deliver(CLONING, Rejected())
    assert len(ways.sent) == 1
