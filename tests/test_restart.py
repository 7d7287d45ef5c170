"""Jobs of an earlier run continue: stages, look-alikes, retries, canceling and shutdown."""

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.audio.sample_info import SampleInfo
from bot.client.messenger import DeliveryError, Messenger
from bot.cloning.errors import OfferLapsed
from bot.cloning.job import CloneJob, Stage
from bot.demo.upstream import ClonedVoice, Fault, Upstream
from bot.errors import ClonevoiceError, Refused
from bot.jobs.record import Failure, InteractionReply
from bot.jobs.registry import JobRegistry
from bot.store.tiny.store import open_store
from bot.voices.models import Language, Rights, Voice
from support.audio import GOOD, id3v2, mp3
from support.clocks import PATIENCE, FastClock, ManualClock, until
from support.reading import buttons, sentence, text
from support.world import World, opened

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
    job = CloneJob(
        id=f"{owner}-{stage}",
        owner_id=owner,
        owner_name="member",
        guild_id=2,
        channel_id=3,
        title="Left",
        description="two words",
        rights=Rights.OWN,
        language=Language.ENGLISH,
        locale="en-US",
        sample_url="http://127.0.0.1:1/nothing.mp3",
        stage=stage,
        times={Stage.RECEIVED: NOW - since - MINUTE, stage: NOW - since},
        sample_sha256="ab" * 32,
        sample_info=SampleInfo(6.0 if stage is Stage.CONFIRMING else 12.0, "MP3", 44100, 1, 64000, -3.0, -20.0),
        outcome_unknown_since=NOW - since if stage is Stage.FAILED else None,
    )
    return replace(job, **changes)


async def leave(folder: Path, *jobs: CloneJob, voices: Iterable[Voice] = ()) -> None:
    """Write the jobs and voices of a killed bot."""
    async with open_store(folder) as store:
        for job in jobs:
            await store.jobs.put_sample(job.id, GOOD[1])
            await store.jobs.put(job)
        for voice in voices:
            await store.members.put(voice)


def exists(upstream: Upstream, number: int, job: CloneJob, **changes: Any) -> None:
    """Create a voice upstream as a job would have made it."""
    voice = ClonedVoice(number, job.account or ACCOUNT, job.title, job.description, job.language, GOOD[1], int(NOW))
    upstream.voices[number] = replace(voice, **changes)


def recorded(job: CloneJob, number: int, **changes: Any) -> Voice:
    """Return the voice of a job as recorded."""
    voice = Voice(number, job.id, job.owner_id, 2, job.title, job.description, job.language, job.rights, "ab", NOW)
    return replace(voice, **changes)


def ids(world: World, member: int) -> list[int]:
    """List the IDs of a member's recorded voices."""
    file = world.folder / "members" / f"{member}.json"
    return [voice["id"] for voice in json.loads(file.read_text("utf-8"))["voices"].values()] if file.exists() else []


def record(world: World, job: CloneJob) -> dict[str, Any]:
    """Read a job from disk."""
    return json.loads((world.folder / "jobs" / f"{job.id}.json").read_text("utf-8"))["job"]["1"]


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


class TestEachStage:
    """A job left by a killed bot continues from its stage."""

    async def test_received_job_is_downloaded_again(self, folder: Path):
        async with Upstream() as upstream:
            job = left(Stage.RECEIVED, sample_info=None)
            exists(upstream, 7, job, account="the file server's")
            await leave(folder, replace(job, sample_url=f"{upstream.origin}/files/7.mp3"))
            async with opened(folder, upstream, FastClock()) as world:
                await over(world)
                assert [bytes(post.body) for post in world.posts()] == [GOOD[1]]
                assert ids(world, ADA) == [max(upstream.voices)]
                assert "Left" in told(world)

    async def test_received_job_with_a_dead_link_says_so(self, folder: Path):
        await leave(folder, left(Stage.RECEIVED))
        async with opened(folder, None, FastClock()) as world:
            await over(world)
            assert sentence("sample.link_dead") in told(world)
            assert world.upstream.requests == []

    @pytest.mark.parametrize("stage", [Stage.CHECKED, Stage.QUEUED, Stage.UPLOADING])
    async def test_unsent_job_is_sent(self, folder: Path, stage: Stage):
        await leave(folder, left(stage))
        async with opened(folder, None, FastClock()) as world:
            await over(world)
            assert [bytes(post.body) for post in world.posts()] == [GOOD[1]]
            assert ids(world, ADA) == [*world.upstream.voices]
            assert "Left" in told(world)

    async def test_confirmation_stays_open_for_the_remaining_time(self, folder: Path):
        clock = ManualClock()
        await leave(folder, left(Stage.CONFIRMING, since=14 * MINUTE, reply=REPLY))
        async with opened(folder, None, clock) as world:
            await until(world.edits)
            await clock.advance(MINUTE - 1)
            await world.idle()
            assert world.direct() == []
            await clock.advance(1)
            await over(world)
            assert sentence("refused.unanswered") in told(world)
            assert world.upstream.requests == []

    async def test_confirmation_can_be_answered_after_a_restart(self, folder: Path):
        await leave(folder, job := left(Stage.CONFIRMING, since=MINUTE))
        async with opened(folder, None, FastClock()) as world:
            await accepted(lambda: world.bot.services.cloner.confirm(job.id, ADA))
            await over(world)
            assert ids(world, ADA) == [*world.upstream.voices]

    async def test_expired_confirmation_is_closed(self, folder: Path):
        await leave(folder, left(Stage.CONFIRMING, since=15 * MINUTE))
        async with opened(folder, None, ManualClock()) as world:
            await over(world)
            assert sentence("refused.unanswered") in told(world)

    @pytest.mark.parametrize("oldest", [Stage.QUEUED, Stage.UPLOADING])
    async def test_places_in_the_queue_are_kept(self, folder: Path, oldest: Stage):
        members = {GRACE: "one", LINUS: "two", ADA: "three"}
        stages = {GRACE: oldest, LINUS: Stage.QUEUED, ADA: Stage.QUEUED}
        jobs = [
            left(stages[member], member, title=title, since=90.0 - place)
            for place, (member, title) in enumerate(members.items())
        ]
        await leave(folder, *jobs)
        async with Upstream(clone_seconds=0.05) as upstream, opened(folder, upstream, FastClock()) as world:
            await over(world)
            assert [post.query["title"] for post in world.posts()] == ["one", "two", "three"]

    async def test_existing_voice_is_found_and_not_made_again(self, folder: Path):
        async with Upstream() as upstream:
            await leave(folder, job := left(Stage.CLONING))
            exists(upstream, 7, job)
            async with opened(folder, upstream, FastClock()) as world:
                await over(world)
                assert world.posts() == []
                assert ids(world, ADA) == [7]
                assert "Left" in told(world)

    async def test_recorded_voice_is_only_delivered(self, folder: Path):
        job = left(Stage.CLONING)
        await leave(folder, job, voices=[recorded(job, 7)])
        async with opened(folder, None, FastClock()) as world:
            await over(world)
            assert world.upstream.requests == []
            assert ids(world, ADA) == [7]
            assert "Left" in told(world)

    async def test_voice_with_a_known_id_is_taken_and_no_other(self, folder: Path):
        async with Upstream() as upstream:
            await leave(folder, job := left(Stage.CLONING, voice_id=7))
            exists(upstream, 7, job, title="Renamed upstream")
            exists(upstream, 8, job)
            async with opened(folder, upstream, FastClock()) as world:
                await over(world)
                assert world.posts() == []
                assert ids(world, ADA) == [7]

    async def test_missing_voice_is_searched_as_long_as_a_clone_takes(self, folder: Path):
        await leave(folder, job := left(Stage.CLONING))
        clock = FastClock()
        async with opened(folder, None, clock, clone_timeout=30) as world:
            await until(lambda: record(world, job)["delivered"])
            assert [request.method for request in world.upstream.requests] == ["GET"] * 4
            assert sentence("button.again") in told(world)
            assert "shows no voice of this title" in told(world)

    async def test_late_voice_is_found_even_if_the_list_fails_at_times(self, folder: Path):
        async with Upstream() as upstream:
            await leave(folder, job := left(Stage.CLONING))
            upstream.faults += [Fault(status=500), Fault(then="reset"), Fault(status=596)]
            async with opened(folder, upstream, FastClock()) as world:
                await until(lambda: len(upstream.requests) == 4)
                exists(upstream, 7, job)
                await over(world)
                assert world.posts() == []
                assert ids(world, ADA) == [7]

    async def test_undelivered_voice_is_delivered_once(self, folder: Path):
        job = left(Stage.DONE, voice_id=7)
        other = left(Stage.DONE, GRACE, voice_id=8, title="Known", delivered=True)
        await leave(folder, job, other, voices=[recorded(job, 7), recorded(other, 8)])
        async with opened(folder, None, FastClock()) as world:
            await over(world)
            assert world.upstream.requests == []
            assert "Left" in told(world)
            assert "Known" not in told(world)
            assert ids(world, ADA) == [7]

    async def test_undelivered_failure_is_delivered_once(self, folder: Path):
        failure = Failure("sample.too_large", {"limit": 7})
        await leave(folder, left(Stage.FAILED, failure=failure, outcome_unknown_since=None))
        async with opened(folder, None, FastClock()) as world:
            await over(world)
            assert sentence("sample.too_large", limit=7) in told(world)
            assert len([message for message in world.direct() if message.get("embeds")]) == 1
            assert world.upstream.requests == []

    async def test_result_is_kept_and_delivered_days_later(self, folder: Path, caplog: pytest.LogCaptureFixture):
        tried = asyncio.Event()

        async def down(*_: object, **__: object) -> None:
            tried.set()
            raise DeliveryError("Discord is down", temporary=True)

        await leave(folder, left(Stage.FAILED, since=2 * DAY, failure=Failure("mureka.rejected", {})))
        patch = pytest.MonkeyPatch()
        patch.setattr(Messenger, "dm", down)
        async with opened(folder, None, FastClock()) as world:
            await tried.wait()
            assert len(world.jobs()) == 2
            patch.undo()
            await over(world)
            assert sentence("mureka.rejected") in told(world)
        gc.collect()
        assert "never retrieved" not in caplog.text

    async def test_bot_stopped_during_a_clone_finds_the_voice(self, folder: Path):
        async with Upstream(clone_seconds=30) as upstream:
            async with opened(folder, upstream, FastClock()) as world:
                await world.send(wait=False)
                await until(lambda: upstream.voices)
            async with opened(folder, upstream, FastClock()) as world:
                await over(world)
                assert len(world.posts()) == 1
                assert ids(world, ADA) == [*upstream.voices]


class TestWhoseVoice:
    """Each member gets their own voice and pays once."""

    async def test_look_alikes_get_their_own_voices(self, folder: Path):
        async with Upstream() as upstream:
            killed, waiting = left(Stage.CLONING), left(Stage.QUEUED, GRACE)
            await leave(folder, killed, waiting)
            async with opened(folder, upstream, FastClock(), clones_per_account=2) as world:
                await until(lambda: len(upstream.requests) >= 2)
                assert world.posts() == [], "nothing is sent while the owner of the voice is unknown"
                exists(upstream, 7, killed)
                await over(world)
                assert ids(world, ADA) == [7]
                assert len(world.posts()) == 1
                assert ids(world, GRACE) == [number for number in upstream.voices if number != 7]

    async def test_retry_does_not_take_the_voice_of_a_look_alike_in_progress(self, folder: Path):
        accounts = ("a@example.com", "b@example.com")
        mine = left(Stage.FAILED, account=accounts[0], failure=LOST, delivered=True, description="two words")
        await leave(folder, mine)
        async with (
            Upstream(accounts=accounts, clone_seconds=0.5) as upstream,
            opened(folder, upstream, FastClock(), useapi_accounts=accounts, clones_per_account=2) as world,
        ):
            sent = await world.send(world.grace, title="Left", description="two words", wait=False)
            await until(lambda: upstream.voices)
            [hers] = upstream.voices.values()
            assert hers.account == accounts[0]
            await world.bot.services.cloner.retry(mine.id, ADA)
            await world.ended(sent)
            await over(world)
            assert ids(world, GRACE) == [hers.id]
            assert ids(world, ADA) == [number for number in upstream.voices if number != hers.id]
            assert len(world.posts()) == 2

    @pytest.mark.parametrize("off", [-10 * MINUTE, 10 * MINUTE])
    async def test_server_clock_may_be_10_minutes_off(self, folder: Path, off: float):
        async with Upstream() as upstream:
            await leave(folder, job := left(Stage.CLONING))
            exists(upstream, 7, job, created_at=int(NOW + off))
            async with opened(folder, upstream, FastClock()) as world:
                await over(world)
                assert ids(world, ADA) == [7]
                assert world.posts() == []

    @pytest.mark.parametrize("whose", ["it was there before", "on another's record", "another job's", "a look-alike's"])
    async def test_voice_of_another_job_or_member_is_not_taken(self, folder: Path, whose: str):
        async with Upstream() as upstream:
            job = left(Stage.CLONING)
            other = left(Stage.DONE, GRACE, voice_id=7)
            exists(upstream, 7, job, description="other words" if whose == "a look-alike's" else "two words")
            await leave(
                folder,
                replace(job, voice_ids_before=(7,) if whose == "it was there before" else ()),
                # The other job can't be delivered, so that it stays while this one searches.
                *((replace(other, stage=Stage.CLONING),) if whose == "another job's" else ()),
                voices=[recorded(other, 7)] if whose == "on another's record" else [],
            )
            async with opened(folder, upstream, FastClock(), clone_timeout=30) as world:
                await until(lambda: record(world, job)["delivered"])
                assert ids(world, ADA) == []
                assert world.posts() == []


class TestRetry:
    """A clone of unknown outcome can be retried for a day."""

    FAILED = left(Stage.FAILED, failure=LOST, delivered=True)

    async def failed(self, world: World) -> str:
        """Clone with a lost response and no voice; return the job's ID."""
        world.upstream.faults.append(Fault(then="reset", method="POST"))
        await world.send()
        await until(lambda: '"delivered":true' in self.only(world).read_text("utf-8"))
        return self.only(world).stem

    def only(self, world: World) -> Path:
        [file] = (world.folder / "jobs").glob("*.json")
        return file

    async def test_retry_searches_first_and_then_sends(self, folder: Path):
        async with opened(folder, None, FastClock(), clone_timeout=20) as world:
            world.upstream.faults.append(Fault(then="reset", method="POST"))
            result = await world.send()
            assert buttons(result) == [sentence("button.again")]
            await until(lambda: '"delivered":true' in self.only(world).read_text("utf-8"))
            asked = len(world.upstream.requests)
            await world.press(result, "button.again")
            await over(world)
            requests = world.upstream.requests[asked:]
            assert [request.method for request in requests] == ["GET", "GET", "POST"]
            assert ids(world, ADA) == [*world.upstream.voices]
            await until(lambda: sentence("voice.title", title="Ada") in text(result))

    async def test_retry_works_after_two_restarts(self, folder: Path):
        async with Upstream() as upstream:
            async with opened(folder, upstream, FastClock(), clone_timeout=20) as world:
                job_id = await self.failed(world)
            async with opened(folder, upstream, FastClock(), clone_timeout=20) as world:
                await world.idle()
                assert world.direct() == [], "the result is delivered once"
                assert (folder / "jobs" / f"{job_id}.mp3").exists()
            async with opened(folder, upstream, FastClock(), clone_timeout=20) as world:
                await accepted_again(world, replace(self.FAILED, id=job_id))
                await over(world)
                assert len(world.posts()) == 2
                assert ids(world, ADA) == [*upstream.voices]

    async def test_started_retry_searches_first_after_a_restart(self, folder: Path):
        async with Upstream() as upstream:
            await leave(folder, job := left(Stage.QUEUED, outcome_unknown_since=NOW - DAY / 2))
            exists(upstream, 7, job)
            async with opened(folder, upstream, FastClock()) as world:
                await over(world)
                assert world.posts() == []
                assert ids(world, ADA) == [7]

    async def test_retry_expires_after_a_day(self, folder: Path):
        clock = ManualClock()
        await leave(folder, left(Stage.FAILED, since=DAY - 100, failure=LOST, delivered=True))
        async with opened(folder, None, clock) as world:
            for _ in range(3):
                await world.idle()
                assert len(world.jobs()) == 2
                await clock.advance(30)
            await clock.advance_until(lambda: not world.jobs(), MINUTE)
            with pytest.raises(OfferLapsed):
                await world.bot.services.cloner.retry(self.FAILED.id, ADA)

    async def test_only_the_owner_can_retry(self, folder: Path):
        await leave(folder, self.FAILED)
        async with opened(folder, None, FastClock()) as world:
            await world.idle()
            for forged, member in ((self.FAILED.id, GRACE), ("forged", ADA)):
                with pytest.raises(OfferLapsed):
                    await world.bot.services.cloner.retry(forged, member)
            assert world.upstream.requests == []
            await until(lambda: len(world.jobs()) == 2)

    async def test_retry_with_a_title_taken_meanwhile_is_refused(self, folder: Path):
        async with opened(folder, None, FastClock(), clone_timeout=20) as world:
            world.upstream.faults.append(Fault(then="reset", method="POST"))
            result = await world.send(title="Ada")
            await until(lambda: '"delivered":true' in self.only(world).read_text("utf-8"))
            await world.send(title="ADA")
            asked = len(world.upstream.requests)
            click = await world.press(result, "button.again")
            assert click.followups[0].content == sentence("refused.title_taken", title="Ada")
            assert buttons(result) == [sentence("button.again")]
            assert len(world.upstream.requests) == asked
            assert '"stage":"failed"' in self.only(world).read_text("utf-8")

    async def test_two_retries_at_once_are_one(self, folder: Path):
        await leave(folder, self.FAILED)
        async with opened(folder, None, FastClock()) as world:
            await world.idle()
            clicks = [world.bot.services.cloner.retry(self.FAILED.id, ADA) for _ in range(2)]
            results = await asyncio.gather(*clicks, return_exceptions=True)
            assert results.count(None) == 1
            assert sum(isinstance(result, ClonevoiceError) for result in results) == 1, results
            await over(world)
            assert len(world.posts()) == 1

    async def test_second_click_for_a_card_does_not_undo_the_retry(self, folder: Path):
        await leave(folder, self.FAILED)
        async with opened(folder, None, FastClock()) as world:
            await world.idle()
            cloner = world.bot.services.cloner
            fresh = replace(REPLY, token="fresh")
            await asyncio.gather(cloner.attach_reply(self.FAILED.id, ADA, fresh), cloner.retry(self.FAILED.id, ADA))
            await over(world)
            assert ids(world, ADA) == [*world.upstream.voices] != []

    async def test_retry_and_command_at_once_make_one_clone(self, folder: Path):
        await leave(folder, self.FAILED)
        async with Upstream(clone_seconds=0.3) as upstream, opened(folder, upstream, FastClock()) as world:
            await world.idle()
            click = asyncio.create_task(world.bot.services.cloner.retry(self.FAILED.id, ADA))
            await asyncio.sleep(0)
            await world.send(title="Left", wait=False)
            await asyncio.wait({click})
            click.exception()
            await over(world)
            assert len(world.posts()) == 1


async def accepted_again(world: World, job: CloneJob) -> None:
    """Retry a clone as soon as the bot accepts it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(OfferLapsed):
                await world.bot.services.cloner.retry(job.id, job.owner_id)
                return
            await asyncio.sleep(0.005)


class TestCancel:
    """A clone can be canceled until its sample is being sent."""

    @pytest.mark.parametrize("stage", [Stage.RECEIVED, Stage.QUEUED])
    async def test_canceled_clone_is_not_sent_and_frees_its_title(self, folder: Path, stage: Stage):
        await leave(folder, busy := left(Stage.CLONING, GRACE))
        async with opened(folder, None, FastClock(), clone_timeout=3000) as world:
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
            assert sentence("voice.title", title="Ada") in text(again)
            assert len(world.posts()) == 1

    @pytest.mark.parametrize("stage", [Stage.CONFIRMING, Stage.QUEUED])
    async def test_clone_can_be_canceled_after_a_restart(self, folder: Path, stage: Stage):
        busy = left(Stage.CLONING, GRACE, title="Busy")
        await leave(folder, job := left(stage), busy)
        async with opened(folder, None, FastClock()) as world:
            await accepted(lambda: world.bot.services.cloner.cancel(job.id, ADA))
            await until(lambda: sentence("refused.cancelled") in told(world))
            await until(lambda: f"{job.id}.mp3" not in world.jobs())
            assert f"{job.id}.json" not in world.jobs()
            assert world.posts() == []

    async def test_sent_clone_cannot_be_canceled(self, folder: Path):
        async with Upstream(read_rate=1_000_000) as upstream, opened(folder, upstream, FastClock()) as world:
            upstream.faults.append(Fault(then="hang", method="POST", after=1))
            large = ("large.mp3", id3v2(bytes(8_000_000)) + mp3(seconds=12))
            result = await world.send(sample=large, wait=False)
            await until(world.posts)
            assert buttons(result) == []
            [job_id] = {name.partition(".")[0] for name in world.jobs()}
            assert record(world, replace(TestRetry.FAILED, id=job_id))["stage"] == "uploading"
            with pytest.raises(Refused, match=r"^refused\.too_late\b"):
                await world.bot.services.cloner.cancel(job_id, ADA)
            await world.send(world.grace, title="other", wait=False)
            assert not world.upstream.voices
        async with Upstream(clone_seconds=0.3) as upstream, opened(folder, upstream, FastClock()) as world:
            await until(lambda: upstream.voices)
            with pytest.raises(Refused, match=r"^refused\.too_late\b"):
                await world.bot.services.cloner.cancel(job_id, ADA)
            await over(world)
            assert len(ids(world, ADA)) == 1


async def test_full_queue_says_when_there_is_room(folder: Path):
    async with open_store(folder) as store:
        jobs = [left(Stage.CONFIRMING, owner) for owner in range(1, 251)]
        await asyncio.gather(*map(store.jobs.put, jobs))
    async with opened(folder, None, ManualClock()) as world:
        result = await world.send()
        assert text(result) == sentence("refused.queue_full", minutes=1 + round(250 * 75 / 60))
        assert len(world.jobs()) == 250
        await world.bot.services.cloner.cancel(jobs[0].id, 1)
        await until(lambda: len(world.jobs()) == 249)
        async with asyncio.timeout(PATIENCE):
            while sentence("voice.title", title="Ada") not in text(result):
                result = await world.send()


class TestShutdown:
    """A stopping bot finishes uploads and keeps the rest on disk."""

    async def test_shutdown_finishes_uploads_and_keeps_the_queue_on_disk(self, folder: Path):
        async with Upstream(clone_seconds=1) as upstream:
            async with opened(folder, upstream, FastClock()) as world:
                first = await world.send(wait=False)
                await until(lambda: upstream.voices)
                second = await world.send(world.grace, wait=False)
                await until(lambda: sentence("stage.present.queued") in text(second))
                stopping = asyncio.create_task(world.bot.services.cloner.drain())
                await asyncio.sleep(0)
                refused = await world.send(world.linus)
                assert text(refused) == sentence("refused.restarting")
                await stopping
                assert ids(world, ADA) == [*upstream.voices]
                assert sentence("voice.title", title="Ada") in text(first)
                await world.idle()
                assert len(world.posts()) == 1
            [job_id] = {name.partition(".")[0] for name in world.jobs()}
            assert job_id.startswith(str(GRACE))
            assert record(world, left(Stage.QUEUED, id=job_id))["stage"] == "queued"
            async with opened(folder, upstream, FastClock()) as world:
                await over(world)
                assert len(world.posts()) == 2
                assert len(ids(world, GRACE)) == 1

    async def test_stopping_bot_accepts_no_retry(self, folder: Path):
        await leave(folder, TestRetry.FAILED)
        async with opened(folder, None, FastClock()) as world:
            await world.idle()
            await world.bot.services.cloner.drain()
            with pytest.raises(Refused, match=r"^refused\.restarting\b"):
                await world.bot.services.cloner.retry(TestRetry.FAILED.id, ADA)
            assert record(world, TestRetry.FAILED)["stage"] == "failed"


class TestToken:
    """The interaction token is on disk only as long as it is valid and needed."""

    async def test_token_is_private_and_erased_once_it_expired(self, folder: Path):
        clock = ManualClock()
        await leave(folder, job := left(Stage.CONFIRMING, since=0.0, reply=replace(REPLY, since=NOW - 5 * MINUTE)))
        file = folder / "jobs" / f"{job.id}.json"
        assert file.stat().st_mode & 0o777 == 0o600
        async with opened(folder, None, clock) as world:
            for _ in range(9):
                await clock.advance(MINUTE)
                await world.idle()
            assert REPLY.token in file.read_text("utf-8")
            await clock.advance_until(lambda: REPLY.token not in file.read_text("utf-8"), MINUTE)
            assert file.stat().st_mode & 0o777 == 0o600
            assert record(world, job)["stage"] == "waiting"

    async def test_token_is_erased_at_the_end(self, folder: Path):
        await leave(folder, job := left(Stage.CLONING, reply=replace(REPLY, since=NOW)))
        async with opened(folder, None, FastClock(), clone_timeout=20) as world:
            await until(lambda: record(world, job)["delivered"])
            assert REPLY.token not in (folder / "jobs" / f"{job.id}.json").read_text("utf-8")

    async def test_new_token_does_not_undo_a_stage_on_disk(self, folder: Path):
        async with open_store(folder) as store:
            jobs = JobRegistry(store.jobs)
            await store.jobs.put(job := left(Stage.UPLOADING, reply=REPLY))
            await jobs.load()
            fresh = replace(REPLY, token="fresh")
            await asyncio.gather(
                jobs.update(job.id, lambda job: job.advance(Stage.CLONING, NOW)),
                jobs.update(job.id, lambda job: replace(job, reply=fresh)),
            )
            [on_disk] = await store.jobs.all()
            assert on_disk.stage is Stage.CLONING, "otherwise a kill would cause a second upload"
            assert on_disk.reply == fresh
            assert jobs[job.id] == on_disk


async def test_damaged_job_blocks_only_its_member_s_next_clone(folder: Path):
    await leave(folder, left(Stage.QUEUED), left(Stage.QUEUED, GRACE))
    damaged = folder / "jobs" / f"{left(Stage.QUEUED).id}.json"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    async with opened(folder, None, FastClock()) as world:
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
