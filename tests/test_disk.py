"""A full disk or a damaged file: no voice gets lost, none is made twice, and nothing blocks."""

import resource
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cloning.job import CloneJob, Stage
from bot.demo.upstream import Fault
from bot.errors import RecordDamaged
from bot.store.tiny.jobs import TinyJobs
from bot.store.tiny.members import TinyMembers
from bot.store.tiny.store import open_store
from bot.voices.models import Voice
from support.builders import JOB
from support.clocks import FastClock, until
from support.faults import full_disk, shown, voice_appears
from support.lives import Life, begun
from support.reading import buttons, embed_of, sentence, text
from support.world import World, opened

AGAIN = sentence("button.again")


def limit_files(life: Life, size: int) -> None:
    """Let no file of the bot, new or old, grow beyond a number of bytes."""
    resource.prlimit(life.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def test_full_disk_refuses_commands_and_delays_voices_until_there_is_room(tmp_path: Path):
    async with begun(tmp_path / "life") as life:
        await until(life.last_cards)
        before = life.records()
        await life.order("Grace")
        await until(lambda: len(life.upstream.voices) == 2)
        limit_files(life, 0)
        await until(lambda: life.card and sentence("note.disk_full") in life.card.text)
        assert life.records() == before
        limit_files(life, resource.RLIM_INFINITY)
        await until(lambda: life.last_cards("Grace"))
        assert [voice["title"] for voice in life.records()] == ["Ada", "Grace"]
        assert life.sendings == 2
        await until(lambda: not any((life.home / "data" / "jobs").iterdir()))

        limit_files(life, 0)
        await life.order("Linus")
        await until(lambda: life.card and sentence("store.unwritable") in life.card.text)
        assert [*(life.home / "data" / "jobs").iterdir()] == []
        limit_files(life, resource.RLIM_INFINITY)
        await life.order("Linus")
        await until(lambda: life.last_cards("Linus"))
        assert [voice["title"] for voice in life.records()] == ["Ada", "Grace", "Linus"]


@pytest.mark.parametrize("records", [TinyMembers, TinyJobs])
async def test_voice_and_its_id_wait_for_disk_space(
    world: World, monkeypatch: pytest.MonkeyPatch, records: type[TinyMembers | TinyJobs]
):
    refused = full_disk(monkeypatch, records, lambda one: isinstance(one, Voice) or one.voice_id is not None, times=3)
    result = await world.send()
    assert len(refused) == 3
    assert shown(world, "note.disk_full")
    assert embed_of(result).title == sentence("voice.ready", title="Ada")
    assert len(world.posts()) == len(world.stored(world.ada)) == len(world.upstream.voices) == 1
    await until(lambda: not world.jobs())


@pytest.mark.parametrize(
    ("method", "stage"),
    [
        ("put", Stage.RECEIVED),
        ("put_sample", None),
        *(("put", stage) for stage in (Stage.CHECKED, Stage.QUEUED, Stage.UPLOADING, Stage.CLONING)),
    ],
)
async def test_clone_that_cannot_be_recorded_ends_before_it_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str, stage: Stage | None
):
    full_disk(monkeypatch, TinyJobs, lambda job: stage is None or job.stage is stage, times=1, method=method)
    assert sentence("store.unwritable") in text(await world.send())
    assert world.upstream.requests == [] or stage in {Stage.UPLOADING, Stage.CLONING}
    await until(lambda: not world.jobs())
    assert world.stored(world.ada) == []
    assert world.upstream.voices == {}
    await world.send()
    assert len(world.stored(world.ada)) == 1


async def test_lost_voice_can_be_retried_if_its_loss_cannot_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fails(job: CloneJob) -> bool:
        return job.stage is Stage.FAILED or job.outcome_unknown_since is not None

    async with opened(tmp_path, clock=FastClock(), clone_timeout=20) as world:
        refused = full_disk(monkeypatch, TinyJobs, fails, times=99)
        world.upstream.faults.append(Fault(method="POST", status=500))
        result = await world.send(wait=False)
        await until(lambda: AGAIN in buttons(result))
        assert refused
        voice_appears(world)
        monkeypatch.undo()
        await world.press(result, "button.again")
        await until(lambda: world.stored(world.ada))
        assert len(world.posts()) == 1


async def test_voice_kept_out_by_a_damaged_file_is_recorded_by_a_retry(world: World, monkeypatch: pytest.MonkeyPatch):
    async def damaged(*_: object) -> None:
        raise RecordDamaged(file="members/1.json", aside="members/1.json.damaged")

    with monkeypatch.context() as patch:
        patch.setattr(TinyMembers, "put", damaged)
        result = await world.send(wait=False)
        await until(lambda: AGAIN in buttons(result))
        assert sentence("store.damaged") in text(result)
        assert world.services.cloner.running(world.ada.id) is None, "the member can clone again"
        listed = dict(world.upstream.voices)
        world.upstream.voices.clear()  # a known voice is not made again, even if the list lacks it
        await world.press(result, "button.again")
        await until(lambda: sentence("mureka.not_found") in text(result) and AGAIN in buttons(result))
    world.upstream.voices.update(listed)
    await world.press(result, "button.again")
    await until(lambda: world.stored(world.ada))
    assert len(world.posts()) == 1


async def test_full_disk_at_start_does_not_prevent_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with open_store(tmp_path) as store:
        await store.jobs.put(replace(JOB, stage=Stage.UPLOADING))
    refused = full_disk(monkeypatch, TinyJobs, times=99)
    async with opened(tmp_path, clock=FastClock()):
        await until(lambda: refused)


async def test_sweep_continues_after_a_failure(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.jobs.record.TOKEN_SECONDS", 60.0)  # the sweep comes sooner
    refused = full_disk(monkeypatch, TinyJobs, lambda job: job.reply is None, times=1)
    world.upstream.faults.append(Fault(method="POST", then="hang"))
    await world.send(wait=False)
    await until(lambda: refused)
    await until(lambda: (job := world.services.cloner.running(world.ada.id)) and job.reply is None)
