"""Jobs of an earlier run continue: stages, look-alikes, retries, canceling and shutdown."""

import asyncio
import gc
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.audio.sample_info import SampleInfo
from bot.client.messenger import DeliveryError, Messenger
from bot.clock import Clock
from bot.cloning.errors import OfferLapsed
from bot.cloning.job import CloneJob, Stage
from bot.demo.upstream import ClonedVoice, Fault, Upstream
from bot.errors import ClonevoiceError, Refused
from bot.jobs.record import Failure, InteractionReply
from bot.jobs.registry import JobRegistry
from bot.mureka.responses import VoiceResponse
from bot.store.tiny.store import open_store
from bot.voices.models import Voice
from support.audio import GOOD, id3v2, mp3
from support.builders import JOB
from support.clocks import PATIENCE, FastClock, ManualClock, until
from support.reading import buttons, sentence, text
from support.world import HeldUpstream, World, on_disk, opened

ADA, GRACE, LINUS = 1456074443980800002, 1456074443980800003, 1456074443980800004
"""The IDs of the world's members: simcord counts from the same number in each run."""

NOW = 1_800_000_000.0
"""The start of the test clocks, a Unix timestamp."""

ACCOUNT = "demo@example.com"
DAY = 24 * 60 * 60
MINUTE = 60.0
LOST = Failure("mureka.not_found", {})
REPLY = InteractionReply("dead-token", 77, NOW - MINUTE, 1000)


def left(stage: Stage, owner: int = ADA, *, since: float = 30.0, **changes: Any) -> CloneJob:
    """Return a job that entered `stage` `since` seconds ago."""
    job = replace(
        JOB,
        id=f"{owner}-{stage}",
        owner_id=owner,
        title="Left",
        description="two words",
        sample_url="http://127.0.0.1:1/nothing.mp3",
        stage=stage,
        times={Stage.RECEIVED: NOW - since - MINUTE, stage: NOW - since},
        sample_sha256="ab" * 32,
        sample_info=SampleInfo(6.0 if stage is Stage.CONFIRMING else 12.0, "MP3", 44100, 1, 64000, -3.0, -20.0),
        outcome_unknown_since=NOW - since if stage is Stage.FAILED else None,
        reply=None,
    )
    return replace(job, **changes)


FAILED = left(Stage.FAILED, failure=LOST, delivered=True)


def recorded(job: CloneJob, number: int) -> Voice:
    return job.to_voice(VoiceResponse(id=number), NOW)


def exists(upstream: Upstream, number: int, job: CloneJob, **changes: Any) -> None:
    """Create a voice upstream as a job would have made it."""
    voice = ClonedVoice(number, job.account or ACCOUNT, job.title, job.description, job.language, GOOD[1], int(NOW))
    upstream.voices[number] = replace(voice, **changes)


Start = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
def start(tmp_path: Path, upstream: Upstream) -> Start:
    """Return a function that starts a bot on the jobs and voices that a killed bot left."""

    @asynccontextmanager
    async def start(
        *jobs: CloneJob,
        voices: Iterable[Voice] = (),
        api: Upstream = upstream,
        clock: Clock | None = None,
        **given: Any,
    ) -> AsyncGenerator[World]:
        async with open_store(tmp_path) as store:
            for job in jobs:
                await store.jobs.put_sample(job.id, GOOD[1])
                await store.jobs.put(job)
            for voice in voices:
                await store.members.put(voice)
        async with opened(tmp_path, api, clock or FastClock(), **given) as world:
            yield world

    return start


def ids(world: World, member: int) -> list[int]:
    """List the IDs of a member's recorded voices."""
    file = world.folder / "members" / f"{member}.json"
    return [voice["id"] for voice in json.loads(file.read_text("utf-8"))["voices"].values()] if file.exists() else []


def record(world: World, job_id: str = "*") -> dict[str, Any]:
    """Read a job from disk; without an ID the only one."""
    [file] = (world.folder / "jobs").glob(f"{job_id}.json")
    return json.loads(file.read_text("utf-8"))["job"]["1"]


def told(world: World) -> str:
    """Return all messages in direct messages and channels."""
    return json.dumps(world.direct(), ensure_ascii=False)


async def over(world: World) -> None:
    """Wait until no job is left."""
    await until(lambda: not world.jobs())


async def accepted(work: Callable[[], Awaitable[None]]) -> None:
    """Repeat an action until the job accepts it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(OfferLapsed):
                await work()
                return
            await asyncio.sleep(0.005)


class TestEachStage:
    """A job left by a killed bot continues from its stage."""

    async def test_received_job_with_a_dead_link_says_so(self, start: Start):
        async with start(left(Stage.RECEIVED)) as world:
            await over(world)
            assert sentence("sample.link_dead") in told(world)
            assert world.upstream.requests == []

    @pytest.mark.parametrize("stage", [Stage.RECEIVED, Stage.CHECKED, Stage.QUEUED, Stage.UPLOADING])
    async def test_unsent_job_is_sent_and_its_sample_downloaded_again_if_needed(
        self, start: Start, upstream: Upstream, stage: Stage
    ):
        job = left(stage)
        if stage is Stage.RECEIVED:
            job = replace(job, sample_info=None, sample_url=f"{upstream.origin}/files/7.mp3")
            exists(upstream, 7, job, account="the file server's")
        async with start(job, cdn_origin=upstream.origin) as world:
            await over(world)
            assert [bytes(post.body) for post in world.posts()] == [GOOD[1]]
            assert ids(world, ADA) == [max(upstream.voices)]
            assert "Left" in told(world)

    async def test_confirmation_stays_open_for_the_remaining_time(self, start: Start):
        clock = ManualClock()
        expired = left(Stage.CONFIRMING, GRACE, since=15 * MINUTE)
        async with start(left(Stage.CONFIRMING, since=14 * MINUTE, reply=REPLY), expired, clock=clock) as world:
            await until(lambda: world.edits() and len(world.jobs()) == 2)
            await clock.advance(MINUTE - 1)
            await world.idle()
            assert told(world).count(sentence("refused.unanswered")) == len(world.direct()) == 1
            await clock.advance(1)
            await over(world)
            assert told(world).count(sentence("refused.unanswered")) == len(world.direct()) == 2
            assert world.upstream.requests == []

    async def test_confirmation_can_be_answered_after_a_restart(self, start: Start):
        async with start(job := left(Stage.CONFIRMING, since=MINUTE)) as world:
            await accepted(lambda: world.services.cloner.confirm(job.id, ADA))
            await over(world)
            assert ids(world, ADA) == [*world.upstream.voices]

    @pytest.mark.parametrize("oldest", [Stage.QUEUED, Stage.UPLOADING])
    async def test_places_in_the_queue_are_kept(self, start: Start, oldest: Stage):
        jobs = [
            left(oldest, GRACE, title="one", since=90.0),
            left(Stage.QUEUED, LINUS, title="two", since=89.0),
            left(Stage.QUEUED, ADA, title="three", since=88.0),
        ]
        async with Upstream(clone_seconds=0.05) as slow, start(*jobs, api=slow) as world:
            await over(world)
            assert [post.query["title"] for post in world.posts()] == ["one", "two", "three"]

    @pytest.mark.parametrize(
        ("job", "off"),
        [
            pytest.param(left(Stage.CLONING), 0, id="a killed clone"),
            pytest.param(left(Stage.QUEUED, outcome_unknown_since=NOW - DAY / 2), 0, id="a retry that had started"),
            pytest.param(left(Stage.CLONING), -10 * MINUTE, id="the API's clock is slow"),
            pytest.param(left(Stage.CLONING), 10 * MINUTE, id="the API's clock is fast"),
        ],
    )
    async def test_existing_voice_is_found_and_not_made_again(
        self, start: Start, upstream: Upstream, job: CloneJob, off: float
    ):
        exists(upstream, 7, job, created_at=int(NOW + off))
        async with start(job) as world:
            await over(world)
            assert world.posts() == []
            assert ids(world, ADA) == [7]
            assert "Left" in told(world)

    async def test_voice_with_a_known_id_is_taken_and_no_other(self, start: Start, upstream: Upstream):
        job = left(Stage.CLONING, voice_id=7)
        exists(upstream, 7, job, title="Renamed upstream")
        exists(upstream, 8, job)
        async with start(job) as world:
            await over(world)
            assert world.posts() == []
            assert ids(world, ADA) == [7]

    async def test_missing_voice_is_searched_as_long_as_a_clone_takes_and_the_token_erased(self, start: Start):
        job = left(Stage.CLONING, reply=replace(REPLY, since=NOW))
        async with start(job, clone_timeout=30) as world:
            await until(lambda: record(world)["delivered"])
            assert REPLY.token not in on_disk(world)
            assert [request.method for request in world.upstream.requests] == ["GET"] * 4
            assert sentence("button.again") in told(world)
            assert "never confirmed a voice" in told(world)

    async def test_late_voice_is_found_even_if_the_list_fails_at_times(self, start: Start, upstream: Upstream):
        upstream.faults += [Fault(status=500), Fault(then="reset"), Fault(status=596)]
        async with start(job := left(Stage.CLONING)) as world:
            await until(lambda: len(upstream.requests) == 4)
            exists(upstream, 7, job)
            await over(world)
            assert world.posts() == []
            assert ids(world, ADA) == [7]

    @pytest.mark.parametrize("job", [left(Stage.CLONING), left(Stage.DONE, voice_id=7)], ids=lambda job: job.stage)
    async def test_recorded_voice_is_only_delivered_and_only_once(self, start: Start, job: CloneJob):
        other = left(Stage.DONE, GRACE, voice_id=8, title="Known", delivered=True)
        async with start(job, other, voices=[recorded(job, 7), recorded(other, 8)]) as world:
            await over(world)
            assert world.upstream.requests == []
            assert "Left" in told(world)
            assert "Known" not in told(world)
            assert ids(world, ADA) == [7]

    async def test_failure_is_kept_and_delivered_once_even_days_later(
        self, start: Start, caplog: pytest.LogCaptureFixture
    ):
        tried = asyncio.Event()

        async def down(*_: object, **__: object) -> None:
            tried.set()
            raise DeliveryError("Discord is down", temporary=True)

        patch = pytest.MonkeyPatch()
        patch.setattr(Messenger, "dm", down)
        unclear = left(Stage.FAILED, since=2 * DAY, failure=Failure("mureka.rejected", {}))
        final = left(Stage.FAILED, GRACE, failure=Failure("sample.too_large", {"limit": 7}), outcome_unknown_since=None)
        async with start(unclear, final) as world:
            await tried.wait()
            assert len(world.jobs()) == 4
            patch.undo()
            await over(world)
            assert sentence("mureka.rejected") in told(world)
            assert sentence("sample.too_large", limit=7) in told(world)
            assert len([message for message in world.direct() if message.get("embeds")]) == 2
            assert world.upstream.requests == []
        gc.collect()
        assert "never retrieved" not in caplog.text

    async def test_bot_stopped_during_a_clone_finds_the_voice(self, start: Start):
        async with Upstream(clone_seconds=30) as slow:
            async with start(api=slow) as world:
                await world.send(wait=False)
                await until(lambda: slow.voices)
            async with start(api=slow) as world:
                await over(world)
                assert len(world.posts()) == 1
                assert ids(world, ADA) == [*slow.voices]


class TestWhoseVoice:
    """Each member gets their own voice and pays once."""

    async def test_look_alikes_get_their_own_voices(self, start: Start, upstream: Upstream):
        killed, waiting = left(Stage.CLONING), left(Stage.QUEUED, GRACE)
        async with start(killed, waiting, clones_per_account=2) as world:
            await until(lambda: len(upstream.requests) >= 2)
            assert world.posts() == [], "nothing is sent while the owner of the voice is unknown"
            exists(upstream, 7, killed)
            await over(world)
            assert ids(world, ADA) == [7]
            assert len(world.posts()) == 1
            assert ids(world, GRACE) == [number for number in upstream.voices if number != 7]

    async def test_retry_does_not_take_the_voice_of_a_look_alike_in_progress(self, start: Start):
        accounts = ("a@example.com", "b@example.com")
        mine = replace(FAILED, account=accounts[0])
        async with (
            HeldUpstream(accounts=accounts) as slow,
            start(mine, api=slow, useapi_accounts=accounts, clones_per_account=2) as world,
        ):
            sent = await world.send(world.grace, title="Left", description="two words", wait=False)
            await until(lambda: slow.voices)
            [hers] = slow.voices.values()
            assert hers.account == accounts[0]
            await world.services.cloner.retry(mine.id, ADA)
            slow.released.set()
            await world.ended(sent)
            await over(world)
            assert ids(world, GRACE) == [hers.id]
            assert ids(world, ADA) == [number for number in slow.voices if number != hers.id]
            assert len(world.posts()) == 2

    @pytest.mark.parametrize("whose", ["it was there before", "on another's record", "another job's", "a look-alike's"])
    async def test_voice_of_another_job_or_member_is_not_taken(self, start: Start, upstream: Upstream, whose: str):
        job = left(Stage.CLONING, voice_ids_before=(7,) if whose == "it was there before" else ())
        other = left(Stage.DONE, GRACE, voice_id=7)
        exists(upstream, 7, job, description="other words" if whose == "a look-alike's" else "two words")
        # The other job can't be delivered, so that it stays while this one searches.
        others = [replace(other, stage=Stage.CLONING)] if whose == "another job's" else []
        voices = [recorded(other, 7)] if whose == "on another's record" else []
        async with start(job, *others, voices=voices, clone_timeout=30) as world:
            await until(lambda: record(world, job.id)["delivered"])
            assert ids(world, ADA) == []
            assert world.posts() == []


@pytest.fixture
async def failed(start: Start) -> AsyncGenerator[World]:
    """Open a world with a clone that can be retried, as the bot before it has told its member."""
    async with start(FAILED) as world:
        await world.idle()
        assert world.direct() == [], "the result is delivered once"
        yield world


class TestRetry:
    """A clone of unknown outcome can be retried for a day."""

    async def test_retry_expires_after_a_day(self, start: Start):
        clock = ManualClock()
        job = left(Stage.FAILED, since=DAY - 100, failure=LOST, delivered=True)
        async with start(job, clock=clock) as world:
            for _ in range(3):
                await world.idle()
                assert len(world.jobs()) == 2
                await clock.advance(30)
            await clock.advance_until(lambda: not world.jobs(), MINUTE)
            with pytest.raises(OfferLapsed):
                await world.services.cloner.retry(job.id, ADA)

    async def test_only_the_owner_can_retry(self, failed: World):
        for forged, member in ((FAILED.id, GRACE), ("forged", ADA)):
            with pytest.raises(OfferLapsed):
                await failed.services.cloner.retry(forged, member)
        assert failed.upstream.requests == []
        await until(lambda: len(failed.jobs()) == 2)

    async def test_retry_with_a_title_taken_meanwhile_is_refused(self, start: Start):
        async with start(clone_timeout=20) as world:
            world.upstream.faults.append(Fault(then="reset", method="POST"))
            result = await world.send()
            await until(lambda: record(world)["delivered"])
            await world.send(title="ADA")
            asked = len(world.upstream.requests)
            click = await world.press(result, "button.again")
            assert click.followups[0].content == sentence("refused.title_taken", title="Ada")
            assert buttons(result) == [sentence("button.again")]
            assert len(world.upstream.requests) == asked
            assert record(world)["stage"] == "failed"

    async def test_two_retries_at_once_are_one(self, failed: World):
        clicks = [failed.services.cloner.retry(FAILED.id, ADA) for _ in range(2)]
        results = await asyncio.gather(*clicks, return_exceptions=True)
        assert results.count(None) == 1
        assert sum(isinstance(result, ClonevoiceError) for result in results) == 1, results
        await over(failed)
        assert [bytes(post.body) for post in failed.posts()] == [GOOD[1]]
        assert ids(failed, ADA) == [*failed.upstream.voices]

    async def test_second_click_for_a_card_does_not_undo_the_retry(self, failed: World):
        cloner = failed.services.cloner
        fresh = replace(REPLY, token="fresh")
        await asyncio.gather(cloner.move_card(FAILED.id, ADA, fresh), cloner.retry(FAILED.id, ADA))
        await over(failed)
        assert ids(failed, ADA) == [*failed.upstream.voices] != []

    async def test_retry_and_command_at_once_make_one_clone(self, start: Start):
        async with Upstream(clone_seconds=0.3) as slow, start(FAILED, api=slow) as world:
            await world.idle()
            click = asyncio.create_task(world.services.cloner.retry(FAILED.id, ADA))
            await asyncio.sleep(0)
            await world.send(title="Left", wait=False)
            await asyncio.wait({click})
            click.exception()
            await over(world)
            assert len(world.posts()) == 1


class TestCancel:
    """A clone can be canceled until its sample is being sent."""

    @pytest.mark.parametrize("stage", [Stage.RECEIVED, Stage.QUEUED])
    async def test_canceled_clone_is_not_sent_and_frees_its_title(self, start: Start, stage: Stage):
        async with start(busy := left(Stage.CLONING, GRACE), clone_timeout=3000) as world:
            world.cdn.delay = 60 if stage is Stage.RECEIVED else 0
            result = await world.send(wait=False)
            await until(lambda: sentence(f"stage.present.{stage}") in text(result))
            world.cdn.delay = 0
            await world.press(result, "button.cancel")
            await world.ended(result)
            assert sentence("refused.cancelled") in text(result)
            assert buttons(result) == []
            await until(lambda: all(name.startswith(f"{GRACE}") for name in world.jobs()))
            assert world.posts() == []
            exists(world.upstream, 7, busy)
            again = await world.send()
            assert sentence("voice.ready", title="Ada") in text(again)
            assert len(world.posts()) == 1

    @pytest.mark.parametrize("stage", [Stage.CONFIRMING, Stage.QUEUED])
    async def test_clone_can_be_canceled_after_a_restart(self, start: Start, stage: Stage):
        async with start(job := left(stage), left(Stage.CLONING, GRACE, title="Busy")) as world:
            await accepted(lambda: world.services.cloner.cancel(job.id, ADA))
            await until(lambda: sentence("refused.cancelled") in told(world))
            await until(lambda: f"{job.id}.mp3" not in world.jobs())
            assert f"{job.id}.json" not in world.jobs()
            assert world.posts() == []

    async def test_sent_clone_cannot_be_canceled(self, start: Start):
        async with Upstream(read_rate=1_000_000) as slow, start(api=slow) as world:
            slow.faults.append(Fault(then="hang", method="POST", after=1))
            large = ("large.mp3", id3v2(bytes(8_000_000)) + mp3(seconds=12))
            result = await world.send(sample=large, wait=False)
            await until(world.posts)
            assert buttons(result) == []
            [job_id] = {name.partition(".")[0] for name in world.jobs()}
            assert record(world)["stage"] == "uploading"
            with pytest.raises(Refused, match=r"^refused\.too_late\b"):
                await world.services.cloner.cancel(job_id, ADA)
            await world.send(world.grace, title="other", wait=False)
            assert not world.upstream.voices
        async with Upstream(clone_seconds=0.3) as slow, start(api=slow) as world:
            await until(lambda: slow.voices)
            with pytest.raises(Refused, match=r"^refused\.too_late\b"):
                await world.services.cloner.cancel(job_id, ADA)
            await over(world)
            assert len(ids(world, ADA)) == 1


async def test_full_queue_says_when_there_is_room(tmp_path: Path):
    async with open_store(tmp_path) as store:
        jobs = [left(Stage.CONFIRMING, owner) for owner in range(1, 251)]
        await asyncio.gather(*map(store.jobs.put, jobs))
    async with opened(tmp_path, None, ManualClock()) as world:
        result = await world.send()
        assert text(result) == sentence("refused.queue_full", minutes=1 + round(250 * 75 / 60))
        assert len(world.jobs()) == 250
        await world.services.cloner.cancel(jobs[0].id, 1)
        await until(lambda: len(world.jobs()) == 249)
        async with asyncio.timeout(PATIENCE):
            while sentence("voice.ready", title="Ada") not in text(result):
                result = await world.send()


class TestShutdown:
    """A stopping bot finishes uploads and keeps the rest on disk."""

    async def test_shutdown_finishes_uploads_and_keeps_the_queue_on_disk(self, start: Start):
        async with HeldUpstream() as slow:
            async with start(api=slow) as world:
                first = await world.send(wait=False)
                await until(lambda: slow.voices)
                second = await world.send(world.grace, wait=False)
                await until(lambda: sentence("stage.present.queued") in text(second))
                stopping = asyncio.create_task(world.services.drain())
                await asyncio.sleep(0)
                refused = await world.send(world.linus)
                assert text(refused) == sentence("refused.restarting")
                slow.released.set()
                await stopping
                assert ids(world, ADA) == [*slow.voices]
                assert sentence("voice.ready", title="Ada") in text(first)
                await world.idle()
                assert len(world.posts()) == 1
            job = record(world)
            assert (job["owner_id"], job["stage"]) == (GRACE, "queued")
            async with start(api=slow) as world:
                await over(world)
                assert len(world.posts()) == 2
                assert len(ids(world, GRACE)) == 1

    async def test_stopping_bot_accepts_no_retry(self, failed: World):
        await failed.services.drain()
        with pytest.raises(Refused, match=r"^refused\.restarting\b"):
            await failed.services.cloner.retry(FAILED.id, ADA)
        assert record(failed)["stage"] == "failed"


class TestToken:
    """The interaction token is on disk only as long as it is valid and needed."""

    async def test_token_is_private_and_erased_once_it_expired(self, start: Start, tmp_path: Path):
        clock, job = ManualClock(), left(Stage.CONFIRMING, since=0.0, reply=replace(REPLY, since=NOW - 5 * MINUTE))
        file = tmp_path / "jobs" / f"{job.id}.json"
        async with start(job, clock=clock) as world:
            assert file.stat().st_mode & 0o777 == 0o600
            for _ in range(9):
                await clock.advance(MINUTE)
                await world.idle()
            assert REPLY.token in file.read_text("utf-8")
            await clock.advance_until(lambda: REPLY.token not in file.read_text("utf-8"), MINUTE)
            assert file.stat().st_mode & 0o777 == 0o600
            assert record(world)["stage"] == "waiting"

    async def test_new_token_does_not_undo_a_stage_on_disk(self, tmp_path: Path):
        async with open_store(tmp_path) as store:
            jobs = JobRegistry(store.jobs)
            await store.jobs.put(job := left(Stage.UPLOADING, reply=REPLY))
            await jobs.load()
            fresh = replace(REPLY, token="fresh")
            await asyncio.gather(
                jobs.update(job.id, lambda job: job.advance(Stage.CLONING, NOW)),
                jobs.update(job.id, lambda job: replace(job, reply=fresh)),
            )
            assert await store.jobs.all() == (jobs[job.id],)
            assert jobs[job.id].stage is Stage.CLONING, "otherwise a kill would cause a second upload"
            assert jobs[job.id].reply == fresh


async def test_damaged_job_blocks_only_its_member_s_next_clone(start: Start, tmp_path: Path):
    job = left(Stage.QUEUED)
    damaged = tmp_path / "jobs" / f"{job.id}.json"
    async with open_store(tmp_path) as store:
        await store.jobs.put_sample(job.id, GOOD[1])
        await store.jobs.put(job)
    damaged.write_bytes(damaged.read_bytes()[:-9])
    async with start(left(Stage.QUEUED, GRACE)) as world:
        await until(lambda: ids(world, GRACE))
        assert text(await world.send()) == sentence("store.damaged")
        world.env._errors.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the error was wanted
        assert len(world.posts()) == 1
        await world.send(world.linus)
        assert len(ids(world, LINUS)) == 1
        assert ids(world, ADA) == []
        await until(lambda: len(world.jobs()) == 2)
        assert damaged.with_suffix(".mp3").exists(), "the operator may restore it"
        damaged.with_name(f"{damaged.name}.damaged").unlink()
        await world.send()
        assert len(ids(world, ADA)) == 1
