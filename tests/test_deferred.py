"""No reply shows "thinking" forever: not after a kill, and not if its token can't be stored."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.demo.upstream import Upstream
from bot.jobs.deferred import DeferredReply
from bot.jobs.delivery import RETRY_SECONDS
from bot.jobs.record import TOKEN_SECONDS
from bot.privacy.export import Exporter
from bot.store.tiny.pending import TinyPending
from support.clocks import PATIENCE, ManualClock, until
from support.discord_double import LOADING
from support.faults import full_disk, hanging
from support.lives import ADA, living
from support.reading import sentence, text
from support.world import World, on_disk

RESTARTED = sentence("error.restarted")


@pytest.mark.parametrize("takes_effect", [True, False])
async def test_kill_around_the_acknowledgement_leaves_no_thinking_reply(tmp_path: Path, *, takes_effect: bool):
    async with living(tmp_path, Upstream()) as life:
        async with life.double.hold(lambda call: call.path.endswith("/callback"), takes_effect=takes_effect) as reached:
            await life.order("Ada")
            await asyncio.wait_for(reached.wait(), PATIENCE)
            await life.kill()
        await life.start()
        pending = life.home / "data" / "pending.json"
        await until(lambda: not json.loads(pending.read_bytes())["deferred_replies"])
        messages = life.double.messages.values()
        assert [message.text for message in messages] == [RESTARTED] * takes_effect
        assert not any(message.flags & LOADING for message in messages)
        log = (life.home / "log").read_text("utf-8")
        assert " WARNING " not in log
        assert " ERROR " not in log


async def test_interaction_that_discord_sends_twice_keeps_the_token_of_the_first(tmp_path: Path):
    async with living(tmp_path, Upstream()) as life:
        async with life.double.hold(lambda call: call.method == "PATCH", takes_effect=False) as reached:
            answer = await life.double.slash(ADA, "voices list")
            await asyncio.wait_for(reached.wait(), PATIENCE)
            life.double.dispatch("INTERACTION_CREATE", answer.sent)
            await until(lambda: "40060" in (life.home / "log").read_text("utf-8"))
            await life.kill()
        await life.start()
        await until(lambda: answer.original and answer.original.text == RESTARTED)


async def stored(world: World) -> list[str]:
    return [reply.token for reply in await world.store.pending.deferred_replies()]


@pytest.mark.world(clock=ManualClock())
async def test_token_is_on_disk_until_the_reply_has_an_answer(world: World, monkeypatch: pytest.MonkeyPatch):
    export, seen = Exporter.export, list[str]()

    async def look(exporter: Exporter, member_id: int) -> dict[str, Any]:
        seen.extend(token for token in await stored(world) if token in on_disk(world))
        return await export(exporter, member_id)

    monkeypatch.setattr(Exporter, "export", look)
    await world.ada.slash(world.channel, "voices export")
    [token] = seen
    await until(lambda: token not in on_disk(world))


async def test_token_is_erased_when_it_expires(world: World):
    await world.services.deferred_replies.add(DeferredReply(1, "a token", "en-US", world.services.clock.now()))
    assert "a token" in on_disk(world)
    world.skip(TOKEN_SECONDS)
    await until(lambda: "a token" not in on_disk(world))


async def test_reply_of_an_earlier_run_is_ended_once_discord_answers(world: World):
    replies = world.services.deferred_replies
    end = AsyncMock(side_effect=[False, True])
    replies.responder = AsyncMock(end=end)
    await replies.add(DeferredReply(1, "a token", "en-US", world.services.clock.now()))
    await replies.start()
    await until(lambda: end.await_count == 1)
    assert "a token" in on_disk(world)
    world.skip(RETRY_SECONDS)
    await until(lambda: "a token" not in on_disk(world))
    assert end.await_count == 2


async def test_reply_is_deferred_although_the_disk_is_full(world: World, monkeypatch: pytest.MonkeyPatch):
    full_disk(monkeypatch, TinyPending, times=2, method="replace_deferred_replies")
    assert sentence("list.empty") in text(await world.ada.slash(world.channel, "voices list"))


async def test_reply_is_deferred_although_the_disk_hangs(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.jobs.deferred.WRITE_SECONDS", 0.01)
    hanging(monkeypatch, TinyPending, "replace_deferred_replies")
    await world.services.deferred_replies.add(DeferredReply(1, "a token", "en-US", world.services.clock.now()))


async def test_replies_that_wait_for_a_write_share_the_next_one(world: World, monkeypatch: pytest.MonkeyPatch):
    replace, writes = TinyPending.replace_deferred_replies, list[int]()

    async def count(store: TinyPending, replies: Sequence[DeferredReply]) -> None:
        writes.append(len(replies))
        await replace(store, replies)

    monkeypatch.setattr(TinyPending, "replace_deferred_replies", count)
    now = world.services.clock.now()
    new = [DeferredReply(number, f"token {number}", "en-US", now) for number in range(1, 501)]
    await asyncio.gather(*(world.services.deferred_replies.add(reply) for reply in new))
    assert writes == [1, 500]
    assert await stored(world) == [reply.token for reply in new]
