"""How often a card is edited, and what failing edits affect."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from bot.client.messenger import DeliveryError
from bot.cloning.job import CloneJob, Progress, Stage
from bot.i18n import Markup
from bot.jobs.record import TOKEN_SECONDS
from bot.mureka.errors import Rejected
from cogs._ui.live_message import EDIT_SECONDS, RETRY_SECONDS
from cogs.clonevoice.presenter import DiscordClonePresenter
from support.clocks import PATIENCE, ManualClock, turns
from support.messenger import FRESH, MINE, MINE_REPLY, Recorder
from support.reading import sentence

CLONING = replace(MINE, stage=Stage.CLONING)
QUEUED = replace(MINE, stage=Stage.QUEUED)
TROUBLES = [DeliveryError("503", temporary=True), DeliveryError("404", temporary=False)]


async def let(seconds: float, clock: ManualClock) -> None:
    await clock.advance(seconds)
    await turns()


async def show(cards: DiscordClonePresenter, job: CloneJob, *done: float) -> None:
    """Report the progress of a clone, once for each number."""
    for each in done or (0,):
        cards.show(job, Progress(job.stage, each, 75))
        await turns()


async def move(cards: DiscordClonePresenter, job: CloneJob) -> CloneJob:
    """Move a card to `FRESH`."""
    moved = replace(job, reply=FRESH)
    await cards.redraw(moved)
    await cards.retire(moved, MINE_REPLY)
    return moved


async def ticks(cards: DiscordClonePresenter, clock: ManualClock, seconds: int, *, each: float) -> None:
    """Report the progress of a clone for this number of seconds."""
    for step in range(round(seconds / each)):
        await show(cards, CLONING, step * each)
        await let(each, clock)


async def test_card_is_edited_once_in_two_seconds_within_a_stage(cards: DiscordClonePresenter, ways: Recorder):
    await ticks(cards, ways.clock, 60, each=0.125)
    times = [sent.at for sent in ways.sent]
    assert 29 <= len(times) <= 31
    assert all(later - sooner >= EDIT_SECONDS for sooner, later in pairwise(times))


async def test_new_stage_is_shown_at_once_even_during_a_pause(cards: DiscordClonePresenter, ways: Recorder):
    path = [Stage.RECEIVED, Stage.CHECKED, Stage.QUEUED, Stage.UPLOADING]
    for stage in path:
        await show(cards, replace(MINE, stage=stage), 2, 1)
    assert len(ways.sent) == len(path), "the second of each stage waits"
    await show(cards, CLONING)
    assert len(ways.sent) == len(path) + 1
    assert "Cloning" in ways.sent[-1].text
    await let(10, ways.clock)
    assert len(ways.sent) == len(path) + 1, "what waited is not shown any later"


async def test_throttled_progress_is_shown_later_and_once(cards: DiscordClonePresenter, ways: Recorder):
    await show(cards, QUEUED, 3, 2, 1)
    await let(EDIT_SECONDS - 0.25, ways.clock)
    assert len(ways.sent) == 1
    await let(0.25, ways.clock)
    assert len(ways.sent) == 2
    assert sentence("stage.queued_behind", ahead=1) in ways.sent[-1].text
    for _ in range(10):
        await let(10, ways.clock)
    assert len(ways.sent) == 2, "an unchanged card is not edited"


async def test_only_the_newest_progress_is_shown_while_discord_is_slow(cards: DiscordClonePresenter, ways: Recorder):
    async with ways.jam:
        await ticks(cards, ways.clock, 20, each=0.5)
    await turns()
    assert len(ways.sent) == 2
    assert "0:20 of" in ways.sent[-1].text


async def test_cards_do_not_wait_for_each_other(cards: DiscordClonePresenter, ways: Recorder):
    for number in range(5):
        await show(cards, replace(CLONING, id=f"{number}-x"))
    assert len(ways.sent) == 5


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
async def test_failed_edit_does_not_stop_later_edits(
    cards: DiscordClonePresenter, ways: Recorder, trouble: DeliveryError
):
    ways.trouble["edit"] = trouble
    await show(cards, MINE)
    await ticks(cards, ways.clock, 10, each=1)
    assert len(ways.sent) == 7, "the edit is neither repeated nor dropped"
    ways.trouble.clear()
    await ticks(cards, ways.clock, 2, each=1)
    assert len(ways.sent) == 8


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
async def test_question_that_could_not_be_shown_is_shown_again_while_the_reply_is_alive(
    cards: DiscordClonePresenter, ways: Recorder, trouble: DeliveryError
):
    ways.trouble["edit"] = trouble
    await show(cards, QUEUED, 3)
    await let(RETRY_SECONDS, ways.clock)
    assert len(ways.sent) == 2
    ways.trouble.clear()
    await let(RETRY_SECONDS, ways.clock)
    assert sentence("stage.queued_behind", ahead=3) in ways.sent[2].text
    await let(RETRY_SECONDS, ways.clock)
    assert len(ways.sent) == 3

    ways.trouble["edit"] = trouble
    await show(cards, QUEUED, 2)
    for _ in range(int(2 * TOKEN_SECONDS / RETRY_SECONDS)):
        await let(RETRY_SECONDS, ways.clock)
    sent = len(ways.sent)
    await let(RETRY_SECONDS, ways.clock)
    assert len(ways.sent) == sent, "Discord no longer accepts the token"


async def test_result_without_a_card_comes_by_dm(cards: DiscordClonePresenter, ways: Recorder):
    await show(cards, replace(CLONING, reply=None), 1)
    await let(10, ways.clock)
    assert ways.sent == []
    assert await cards.deliver(replace(CLONING, reply=None), Rejected())
    assert await cards.deliver(replace(CLONING, id="1-never-shown"), Rejected())
    assert [sent.way for sent in ways.sent] == ["dm", "edit"]


async def test_moved_card_keeps_its_content_and_replaces_the_old_one(cards: DiscordClonePresenter, ways: Recorder):
    await show(cards, QUEUED, 3)
    moved = await move(cards, QUEUED)
    assert [sent.to for sent in ways.sent[1:]] == [FRESH, MINE_REPLY]
    assert sentence("stage.queued_behind", ahead=3) in ways.sent[1].text
    assert ways.sent[2].text.endswith(sentence("card.moved", link=Markup(FRESH.link)))
    assert ways.sent[2].message["view"] is None
    await show(cards, moved, 2)
    await let(10, ways.clock)
    assert [sent.to for sent in ways.sent[3:]] == [FRESH]


async def test_old_card_points_to_the_new_one_only_after_its_last_edit(cards: DiscordClonePresenter, ways: Recorder):
    async with ways.jam:
        await show(cards, QUEUED, 3)
        moving = asyncio.create_task(move(cards, QUEUED))
        await turns()
    await moving
    assert sentence("card.moved", link=Markup(FRESH.link)) in [s for s in ways.sent if s.to == MINE_REPLY][-1].text


@pytest.mark.parametrize("trouble", [None, *TROUBLES], ids=str)
async def test_progress_during_a_move_is_shown_on_the_new_card(
    cards: DiscordClonePresenter, ways: Recorder, trouble: DeliveryError | None
):
    await show(cards, CLONING, 1, 2)
    if trouble:
        ways.trouble["edit"] = trouble
    moved = await move(cards, CLONING)
    await let(10, ways.clock)
    assert [sent.to for sent in ways.sent] == [MINE_REPLY, FRESH, MINE_REPLY]
    assert "0:02 of" in ways.sent[1].text
    ways.trouble.clear()
    await show(cards, moved, 3)
    assert "0:03 of" in ways.sent[-1].text


async def test_last_card_follows_a_running_edit_and_ends_all_edits(cards: DiscordClonePresenter, ways: Recorder):
    async with ways.jam:
        await show(cards, CLONING, 1, 2)
        ending = asyncio.create_task(cards.deliver(CLONING, Rejected()))
        await let(10, ways.clock)
        assert ways.begun == 1
    assert await ending
    await let(10, ways.clock)
    before, last = ways.sent
    assert "0:01 of" in before.text
    assert sentence("mureka.rejected") in last.text


async def test_throttled_progress_is_not_shown_after_the_last_card(cards: DiscordClonePresenter, ways: Recorder):
    await show(cards, CLONING, 1, 2)
    async with asyncio.timeout(PATIENCE):  # the clock stands still: no pause ends
        assert await cards.deliver(CLONING, Rejected())
    await let(10, ways.clock)
    assert len(ways.sent) == 2
    assert sentence("mureka.rejected") in ways.sent[-1].text


async def test_card_is_dropped_at_the_end_of_its_clone(cards: DiscordClonePresenter, ways: Recorder):
    await show(cards, QUEUED, 3)
    await cards.deliver(QUEUED, Rejected())
    await move(cards, QUEUED)  # would show what is remembered
    assert [sent.to for sent in ways.sent if sentence("stage.present.queued") in sent.text] == [FRESH]
