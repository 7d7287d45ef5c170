"""Ends that come at a bad moment: what may exist upstream stays within reach, and nobody is blocked."""

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.client.messenger import DiscordMessenger
from bot.cloning.job import CloneJob
from bot.cloning.stage import Stage
from bot.demo.upstream import ClonedVoice, Fault
from bot.errors import RecordDamaged, Refused
from bot.store.tiny.jobs import TinyJobs
from bot.store.tiny.members import TinyMembers
from bot.store.tiny.store import open_store
from conftest import FastClock, World, buttons, opened, sentence, text, until
from test_jobs import JOB

AGAIN = sentence("button.again")
LOST = Fault(method="POST", path="/speech/voice", status=500)
LIST = "/speech/voices/"


def refuse(monkeypatch: pytest.MonkeyPatch, when: Callable[[CloneJob], bool]) -> None:
    """Let the disk be full for some records of jobs."""
    put_job = TinyJobs.put

    async def put(store: TinyJobs, job: CloneJob) -> None:
        if when(job):
            raise OSError(errno.ENOSPC, "No space left on device")
        await put_job(store, job)

    monkeypatch.setattr(TinyJobs, "put", put)


def appear(world: World) -> None:
    """Let the voice that was asked for exist after all."""
    asked = world.posts()[0].query
    world.upstream.voices[77] = ClonedVoice(
        77, "demo@example.com", asked["title"], asked["desc"], asked["lang"], b"", 1
    )


async def test_a_new_try_while_the_old_end_is_still_being_told_is_told_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def stuck(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    async with opened(tmp_path, clock=FastClock(), clone_timeout=310) as world:
        monkeypatch.setattr(DiscordMessenger, "dm", stuck)  # so late an end goes by DM as well
        world.upstream.faults.append(LOST)
        result = await world.send(wait=False)
        await until(lambda: AGAIN in buttons(result))
        await world.press(result, "button.again")
        await until(lambda: sentence("voice.title", title="Ada") in text(result))
        assert len(world.stored(world.ada)) == len(world.upstream.voices) == 1


async def test_a_lost_voice_stays_within_reach_when_its_loss_can_not_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with opened(tmp_path, clock=FastClock(), clone_timeout=20) as world:
        refuse(monkeypatch, lambda job: job.stage is Stage.FAILED or job.outcome_unknown_since is not None)
        world.upstream.faults.append(LOST)
        result = await world.send(wait=False)
        await until(lambda: AGAIN in buttons(result))
        appear(world)
        monkeypatch.undo()
        await world.press(result, "button.again")
        await until(lambda: world.stored(world.ada))
        assert len(world.posts()) == 1


async def test_what_was_sent_once_can_not_be_cancelled_while_it_is_looked_for(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock(), clone_timeout=20) as world:
        world.upstream.faults.append(LOST)
        result = await world.send(wait=False)
        await until(lambda: AGAIN in buttons(result))
        appear(world)
        world.upstream.faults.append(Fault(method="GET", path=LIST, then="hang"))
        await world.press(result, "button.again")
        await until(lambda: sentence("card.again") in text(result))
        assert buttons(result) == []
        running = world.bot.cloner.running(world.ada.id)
        assert running is not None
        with pytest.raises(Refused, match=r"^refused\.too_late\b"):
            world.bot.cloner.cancel(running.id, world.ada.id)


async def test_a_voice_that_a_damaged_file_kept_out_is_recorded_by_a_new_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def damaged(*_: object) -> None:
        raise RecordDamaged(file="members/1.json", aside="members/1.json.damaged")

    async with opened(tmp_path, clock=FastClock()) as world:
        with monkeypatch.context() as patch:
            patch.setattr(TinyMembers, "put", damaged)
            result = await world.send(wait=False)
            await until(lambda: AGAIN in buttons(result))
            assert sentence("store.damaged") in text(result)
            assert world.bot.cloner.running(world.ada.id) is None, "the member is free"
        await world.press(result, "button.again")
        await until(lambda: world.stored(world.ada))
        assert len(world.posts()) == 1


async def test_a_known_voice_that_the_list_does_not_show_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def damaged(*_: object) -> None:
        raise RecordDamaged(file="members/1.json", aside="members/1.json.damaged")

    async with opened(tmp_path, clock=FastClock()) as world:
        monkeypatch.setattr(TinyMembers, "put", damaged)
        result = await world.send(wait=False)
        await until(lambda: AGAIN in buttons(result))
        world.upstream.voices.clear()
        await world.press(result, "button.again")
        await until(lambda: sentence("mureka.not_found") in text(result))
        assert len(world.posts()) == 1


async def test_a_full_disk_at_start_keeps_nobody_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with open_store(tmp_path) as store:
        job: Any = JOB
        for stage in (Stage.CHECKED, Stage.QUEUED, Stage.UPLOADING):
            job = job.moved(stage, 1.0)
        await store.jobs.put(job)
    refuse(monkeypatch, lambda _: True)
    async with opened(tmp_path, clock=FastClock()):
        pass


@pytest.mark.parametrize("content", ['{"voices": []}', '{"voices": {"x": 1}}', '{"voices": 5}'])
async def test_a_members_file_of_another_shape_stops_nobody_else(tmp_path: Path, content: str):
    async with open_store(tmp_path):
        pass
    (tmp_path / "members" / "1.json").write_text(content, "utf-8")
    async with opened(tmp_path) as world:
        await world.send()
        assert len(world.stored(world.ada)) == 1


async def test_an_account_named_twice_is_one(tmp_path: Path):
    accounts = "demo@example.com, demo@example.com"
    async with opened(tmp_path, clock=FastClock(), useapi_accounts=accounts) as world:
        world.upstream.faults += [Fault(method="POST", status=402)] * 3
        assert sentence("mureka.exhausted") in text(await world.send())
        assert len(world.posts()) == 1


async def test_a_sweep_that_fails_once_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.voices.jobs.TOKEN_SECONDS", 60.0)  # the sweep comes sooner
    async with opened(tmp_path, clock=FastClock()) as world:
        erase, failed = world.bot.cloner._ledger.erase, asyncio.Event()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- where it fails does not matter

        async def once(*given: Any, **changes: Any) -> None:
            if not failed.is_set():
                failed.set()
                raise ValueError("not what it should hold")
            await erase(*given, **changes)

        monkeypatch.setattr(world.bot.cloner._ledger, "erase", once)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the same
        world.upstream.faults.append(Fault(method="POST", then="hang"))
        await world.send(wait=False)
        await asyncio.wait_for(failed.wait(), 15)
        await until(lambda: (job := world.bot.cloner.running(world.ada.id)) and job.reply is None)
