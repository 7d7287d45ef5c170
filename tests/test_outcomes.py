"""What each answer of the API comes to, or none: how often is sent, what is recorded, and what is read."""

import asyncio
import errno
import gzip
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from simcord.results import InteractionResult

from audio import mp3
from bot.cloning.job import CloneJob
from bot.cloning.stage import Stage
from bot.demo.upstream import ClonedVoice, Fault, Upstream
from bot.i18n import Markup
from bot.mureka.client import ANSWER_LIMIT
from bot.store.tiny.jobs import TinyJobs
from bot.store.tiny.members import TinyMembers
from conftest import FastClock, ManualClock, World, buttons, embed_of, opened, sentence, text, until

ONLY = sentence("operator.only_account")
AGAIN = sentence("button.again")
LIST = "/speech/voices/"
LARGE = ("large.mp3", b"ID3\x04\0\0\x03\0\0\0" + bytes(3 << 21) + mp3(seconds=12))
"""An MP3 with a tag of 6 MB (its length is syncsafe: 7 bits a byte), more than fits in anybody's buffers."""


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncGenerator[World]:
    """Open a world in which an hour takes 36 s, and a lost voice is looked for for a tenth of one."""
    async with opened(tmp_path, clock=FastClock(), clone_timeout=10) as world:
        yield world


def post(**how: Any) -> Fault:
    """Return a fault of the next clone."""
    return Fault(method="POST", **how)


def alarms(world: World) -> list[str]:
    """List what the operator was told: members are sent cards."""
    return [body["content"] for body in world.direct() if body.get("content")]


def alarm(account: str, key: str) -> str:
    problem = Markup(sentence(f"doctor.{key}"))
    return sentence("operator.account", account=account, problem=problem)


def one_voice(world: World) -> dict[str, Any]:
    """Return Ada's voice, the only one upstream and on record."""
    [made] = world.upstream.voices.values()
    [voice] = world.stored(world.ada)
    assert voice["id"] == made.id
    return voice


async def nothing_left(world: World) -> None:
    await until(lambda: not world.jobs())
    assert world.stored(world.ada) == []
    assert world.upstream.voices == {}


async def asked(world: World, result: InteractionResult) -> None:
    """Wait until a card asks whether to try again, and the bot is ready for the click."""
    await until(lambda: AGAIN in buttons(result))
    await until(lambda: '"told":true' in "".join(file.read_text() for file in jobs_of(world)))


async def queued_again(world: World, *, attempt: int) -> None:
    """Wait until a clone that was sent so many times is back in the queue."""
    marks = f'"attempt":{attempt},', '"stage":"queued"'
    await until(lambda: any(all(mark in job.read_text() for mark in marks) for job in jobs_of(world)))


def jobs_of(world: World) -> list[Path]:
    return [*(world.folder / "jobs").glob("*.json")]


def shown(world: World, key: str) -> bool:
    """Whether a card has ever shown a sentence."""
    return sentence(key) in json.dumps(world.edits(), ensure_ascii=False)


def full_disk(
    monkeypatch: pytest.MonkeyPatch,
    records: type[TinyJobs | TinyMembers],
    fits: Callable[[Any], bool] = lambda _: True,
    *,
    times: int,
    method: str = "put",
) -> list[Any]:
    """Let the disk be full the next `times` that a record that fits is to be put; return what was refused."""
    write: Callable[..., Awaitable[None]] = getattr(records, method)
    refused: list[Any] = []

    async def refuse(store: object, *what: Any) -> None:
        if fits(what[0]) and len(refused) < times:
            refused.append(what[0])
            raise OSError(errno.ENOSPC, "No space left on device")
        await write(store, *what)

    monkeypatch.setattr(records, method, refuse)
    return refused


@pytest.mark.parametrize(("status", "key"), [(400, "mureka.rejected"), (401, "mureka.token_refused")])
async def test_a_clone_that_is_refused_is_sent_once_and_says_why(quick: World, status: int, key: str):
    quick.upstream.faults.append(post(status=status, body={"error": "**no**", "code": status}))
    result = await quick.send()
    assert sentence(key) in text(result)
    assert "no\\*" not in text(result)
    assert len(quick.posts()) == 1
    await nothing_left(quick)
    await quick.send()
    one_voice(quick)


async def test_a_refused_token_is_told_to_the_operator_once(tmp_path: Path):
    async with Upstream(token="user:1234-other") as upstream, opened(tmp_path, upstream) as world:
        for who in (world.ada, world.grace):
            result = await world.send(who)
            assert sentence("mureka.token_refused") in text(result)
        await until(lambda: alarms(world))
        assert alarms(world) == [alarm(ONLY, "mureka.token_refused")]
        owner = (await world.bot.application_info()).owner.id
        told = [entry.json for entry in world.env.http_requests if entry.path == "/users/@me/channels"]
        assert told == [{"recipient_id": owner}]
        assert world.posts() == []
        await nothing_left(world)


async def test_a_list_that_is_refused_is_the_accounts_fault_not_the_samples(tmp_path: Path):
    async with Upstream(accounts=("a", "b")) as upstream, opened(tmp_path, upstream) as world:
        result = await world.send()
        assert sentence("mureka.account_missing") in text(result)
        await until(lambda: alarms(world))
        assert world.posts() == []
        await nothing_left(world)


TROUBLES = [
    pytest.param(402, {"error": "no credits", "code": 402}, "mureka.exhausted", id="402"),
    pytest.param(412, {"error": "expired"}, "mureka.exhausted", id="412"),
    pytest.param(404, b"<html>", "mureka.account_missing", id="404"),
    pytest.param(596, b"", "mureka.session_died", id="596"),
    *(
        pytest.param(596, {"error": "x", "code": code}, "mureka.session_died", id=code)
        for code in ("ACCOUNT_ERROR", "REFRESH_FAILED", "SESSION_EXPIRED", "COOKIE_EXPIRED")
    ),
]
"""Answers of an account that can do nothing more for now: status, body, sentence."""

SOME_TROUBLES = TROUBLES[::3]


class TestTheOnlyAccount:
    """What becomes of everyone when the only account is in trouble."""

    @pytest.mark.parametrize(("status", "body", "key"), TROUBLES)
    async def test_it_rests_and_the_next_command_is_refused_at_once(
        self, tmp_path: Path, status: int, body: object, key: str
    ):
        async with opened(tmp_path, clock=ManualClock()) as world:
            world.upstream.faults.append(post(status=status, body=body))
            result = await world.send()
            assert sentence(key) in text(result)
            world.cdn.dead = True  # a download would end with another sentence
            for who in (world.grace, world.ada):
                assert text(await world.send(who, title="Ada")) == sentence(key)
            assert len(world.posts()) == 1
            await until(lambda: alarms(world))
            assert alarms(world) == [alarm(ONLY, key)]
            await nothing_left(world)

    @pytest.mark.parametrize(("status", "body", "key"), SOME_TROUBLES)
    async def test_it_rests_before_anything_is_sent_if_its_list_tells(
        self, tmp_path: Path, status: int, body: object, key: str
    ):
        async with opened(tmp_path, clock=ManualClock()) as world:
            world.upstream.faults.append(Fault(path=LIST, status=status, body=body))
            assert sentence(key) in text(await world.send())
            assert text(await world.send(world.grace)) == sentence(key)
            assert world.posts() == []
            await nothing_left(world)

    async def test_it_comes_back_by_itself(self, tmp_path: Path):
        clock, key = ManualClock(), "mureka.exhausted"
        async with opened(tmp_path, clock=clock) as world:
            faults = world.upstream.faults
            faults.append(post(status=402))
            await world.send()
            for ill in (
                Fault(path="/accounts", body={"demo@example.com": {"error": "expired"}}),
                Fault(path="/accounts", body={}),
                Fault(path="/accounts", status=404),
                Fault(path="/accounts", status=500),
            ):
                faults.append(ill)
                await clock.advance(60)
                await until(lambda: not faults)
                assert text(await world.send(world.grace)) == sentence(key)

            faults.append(post(status=402))
            await clock.advance(60)
            while text(result := await world.send(world.grace)) == sentence(key):
                pass
            assert sentence(key) in text(result)
            assert alarms(world) == [alarm(ONLY, key)], "that it fails again is no news"

            await clock.advance(60)
            while text(result := await world.send()) == sentence(key):
                pass
            one_voice(world)
            assert len(world.posts()) == 3
            faults.append(post(status=402))
            await world.send(world.grace)
            await until(lambda: len(alarms(world)) == 2)


class TestTwoAccounts:
    """What one account can't do is done on the other."""

    @pytest.fixture
    async def both(self) -> AsyncGenerator[Upstream]:
        async with Upstream(accounts=("a@x.com", "b@x.com")) as upstream:
            yield upstream

    @pytest.mark.parametrize(("status", "body", "key"), SOME_TROUBLES)
    async def test_a_clone_goes_on_on_the_other_one(
        self, tmp_path: Path, both: Upstream, status: int, body: object, key: str
    ):
        async with opened(tmp_path, both, ManualClock(), useapi_accounts=("a@x.com", "b@x.com")) as world:
            both.faults.append(post(status=status, body=body))
            result = await world.send()
            assert embed_of(result).title == sentence("voice.title", title="Ada")
            assert [request.query["account"] for request in world.posts()] == ["a@x.com", "b@x.com"]
            assert one_voice(world)["account"] == "b@x.com"
            assert [made.account for made in both.voices.values()] == ["b@x.com"]
            await world.send(world.grace)
            assert [request.query["account"] for request in world.posts()][2:] == ["b@x.com"]
            await until(lambda: alarms(world))
            assert alarms(world) == [alarm("a@x.com", key)]

    async def test_once_both_rest_all_that_wait_fail_at_once(self, tmp_path: Path, both: Upstream):
        clock = ManualClock()
        async with opened(tmp_path, both, clock, useapi_accounts=("a@x.com", "b@x.com")) as world:
            both.faults += [post(status=429, headers={"Retry-After": "60"}) for _ in range(2)]
            cards = [await world.send(wait=False)]
            await until(lambda: len(world.posts()) == 2)
            for ahead, who in enumerate((world.grace, world.linus), start=1):
                cards.append(await world.send(who, wait=False))
                behind = sentence("stage.queued_behind", ahead=ahead)
                await until(lambda: behind in text(cards[-1]))  # noqa: B023 - awaited here
            both.faults += [post(status=402) for _ in range(2)]
            await clock.advance(60)
            for card in cards:
                await world.ended(card)
                assert sentence("mureka.exhausted") in text(card)
            assert len(world.posts()) == 4
            await until(lambda: len(alarms(world)) == 2)
            await nothing_left(world)


class TestTooManyAtOnce:
    """429: the clone waits as long as it is told, in its place."""

    @pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "37"}, 37), ({}, 10)])
    async def test_it_waits_as_told_and_nobody_overtakes(
        self, tmp_path: Path, headers: dict[str, str], seconds: int
    ):
        clock = ManualClock()
        async with opened(tmp_path, clock=clock) as world:
            busy = post(status=429, headers=headers, body={"error": "x", "code": 429})
            world.upstream.faults += [busy, busy]  # the second comes when others wait already
            first = await world.send(wait=False)
            await queued_again(world, attempt=1)
            await clock.advance(1)
            second = await world.send(world.grace, title="Grace", wait=False)
            await until(lambda: sentence("stage.queued_behind", ahead=1) in text(second))
            await clock.advance(seconds - 1)
            await queued_again(world, attempt=2)
            await clock.advance(seconds - 1)
            third = await world.send(world.linus, title="Linus", wait=False)
            await until(lambda: sentence("stage.queued_behind", ahead=2) in text(third))
            assert len(world.posts()) == 2
            await clock.advance(1)
            for card in (first, second, third):
                await world.ended(card)
            titles = [request.query["title"] for request in world.posts()]
            assert titles == ["Ada", "Ada", "Ada", "Grace", "Linus"]
            assert [voice.title for voice in world.upstream.voices.values()] == ["Ada", "Grace", "Linus"]
            assert len(world.stored(world.ada)) == 1
            assert alarms(world) == []

    async def test_it_waits_six_times(self, quick: World):
        quick.upstream.faults += [post(status=429, headers={"Retry-After": "1"}) for _ in range(6)]
        await quick.send()
        assert len(quick.posts()) == 7
        one_voice(quick)

    async def test_it_does_not_wait_a_seventh_time(self, quick: World):
        quick.upstream.faults += [post(status=429, headers={"Retry-After": "1"}) for _ in range(7)]
        assert sentence("mureka.too_many") in text(await quick.send())
        assert len(quick.posts()) == 7
        await nothing_left(quick)


class TestRefreshInProgress:
    """596 with a code that says that it is soon over."""

    FAULT = post(status=596, body={"error": "x", "code": "REFRESH_IN_PROGRESS"})

    async def test_the_clone_waits_and_no_account_rests(self, tmp_path: Path):
        clock = ManualClock()
        async with opened(tmp_path, clock=clock) as world:
            world.upstream.faults.append(self.FAULT)
            first = await world.send(wait=False)
            await queued_again(world, attempt=1)
            second = await world.send(world.grace, wait=False)
            await until(lambda: sentence("stage.queued_behind", ahead=1) in text(second))
            await clock.advance(10)
            for card in (first, second):
                await world.ended(card)
                assert embed_of(card).title == sentence("voice.title", title="Ada")
            assert len(world.posts()) == 3
            assert alarms(world) == []

    async def test_it_does_not_wait_for_ever(self, quick: World):
        quick.upstream.faults += [self.FAULT] * 7
        assert sentence("mureka.session_died") in text(await quick.send())
        assert len(quick.posts()) == 7
        await nothing_left(quick)


LOST: dict[str, dict[str, Any]] = {
    "500": {"status": 500, "body": {"error": "oops", "code": 500}},
    "502 of a proxy": {"status": 502, "body": b"<html>Bad Gateway", "headers": {"Content-Type": "text/html"}},
    "307": {"status": 307, "headers": {"Location": "http://localhost:9/v1/mureka/speech/voice"}},
    "nothing": {},
    "[]": {"body": []},
    "null": {"body": None},
    "{}": {"body": {}},
    "cut off": {"then": "cut_off", "body": b'{"id": 12345678901234}'},
    "5 MB": {"body": b" " * 5 * ANSWER_LIMIT + b"{}"},
    "a gzip bomb": {
        "headers": {"Content-Encoding": "gzip"},
        "body": gzip.compress(bytes(64 * ANSWER_LIMIT)),
    },
    "endless": {"then": "endless", "body": b'{"id": '},
    "a reset": {"then": "reset"},
}
"""Answers that leave it open whether there is a voice."""

lost = pytest.mark.parametrize("how", LOST.values(), ids=LOST)


@lost
async def test_a_voice_whose_answer_was_lost_is_found_as_if_nothing_had_happened(
    quick: World, how: dict[str, Any]
):
    quick.upstream.faults.append(post(**how, takes_effect=True))
    result = await quick.send()
    assert len(quick.posts()) == 1
    one_voice(quick)
    assert embed_of(result).title == sentence("voice.title", title="Ada")
    assert AGAIN not in buttons(result)
    assert result.response is not None
    assert {file.filename for file in result.response.attachments} == {"Ada.mp3", "cover.png"}
    await until(lambda: not quick.jobs())
    assert alarms(quick) == []


@lost
async def test_what_was_not_made_is_sent_again_only_if_its_member_wants_it(quick: World, how: dict[str, Any]):
    quick.upstream.faults.append(post(**how))
    result = await quick.send()
    await asked(quick, result)
    assert sentence("mureka.not_found") in text(result)
    assert shown(quick, "note.looking")
    assert len(quick.posts()) == 1
    assert quick.stored(quick.ada) == []
    await quick.press(result, "button.again")
    await until(lambda: sentence("voice.title", title="Ada") in text(result))
    assert len(quick.posts()) == 2
    one_voice(quick)


@pytest.mark.parametrize("made", [True, False])
async def test_an_answer_that_never_comes_is_given_up_after_the_time_out(tmp_path: Path, *, made: bool):
    async with opened(tmp_path, clock=FastClock(), clone_timeout=0.5) as world:
        world.upstream.faults.append(post(then="hang", takes_effect=made))
        result = await world.send()
        assert len(world.posts()) == 1
        if made:
            one_voice(world)
        else:
            assert sentence("mureka.not_found") in text(result)
            assert buttons(result) == [AGAIN]


async def test_a_voice_that_appears_late_is_found_by_the_next_try(quick: World):
    result = await lost_and_late(quick)
    await quick.press(result, "button.again")
    await until(lambda: sentence("voice.title", title="Ada") in text(result))
    assert len(quick.posts()) == 1
    one_voice(quick)


async def test_without_a_look_nothing_is_sent_again(quick: World):
    result = await lost_and_late(quick)
    quick.upstream.faults.append(Fault(path=LIST, status=500))
    await quick.press(result, "button.again")
    await until(lambda: not quick.upstream.faults)
    await asked(quick, result)
    assert len(quick.posts()) == 1
    await quick.press(result, "button.again")
    await until(lambda: quick.stored(quick.ada))
    assert len(quick.posts()) == 1


async def test_a_voice_that_was_there_before_is_nobodys_new_one(quick: World):
    made = ClonedVoice(7, "demo@example.com", "Ada", "mine", "en", b"", 1)
    quick.upstream.voices[7] = made
    quick.upstream.faults.append(post(status=500))
    result = await quick.send(description="mine")
    assert sentence("mureka.not_found") in text(result)
    assert quick.stored(quick.ada) == []


async def test_a_sample_is_never_sent_on_to_where_an_answer_points(tmp_path: Path):
    async with Upstream() as elsewhere, opened(tmp_path, clock=FastClock(), clone_timeout=10) as world:
        target = {"Location": elsewhere.url + "/speech/voice"}
        world.upstream.faults.append(post(status=307, headers=target, takes_effect=True))
        await world.send()
        one_voice(world)
        assert elsewhere.requests == []


async def lost_and_late(world: World) -> InteractionResult:
    """Lose a clone, and let its voice come into being only when the bot has given up looking."""
    world.upstream.faults.append(post(status=500))
    result = await world.send()
    await asked(world, result)
    [request] = world.posts()
    query = request.query
    world.upstream.voices[7] = ClonedVoice(
        7, "demo@example.com", query["title"], query["desc"], query["lang"], request.body, 1
    )
    return result


@contextmanager
def silent(gone: Upstream) -> Generator[None]:
    """Keep the port of an API that is gone, so that nobody else comes to answer there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", int(gone.origin.rpartition(":")[2])))
        yield


class TestNothingHappened:
    """Failures before the sample was sent whole: tried again, a few times."""

    @pytest.mark.parametrize("how", [LOST["[]"], LOST["a reset"]])
    async def test_a_list_that_fails_is_asked_for_again_before_anything_is_sent(
        self, quick: World, how: dict[str, Any]
    ):
        quick.upstream.faults += [Fault(path=LIST, **how)] * 3
        await quick.send()
        assert len(quick.posts()) == 1
        one_voice(quick)

    async def test_without_a_list_nothing_is_sent(self, quick: World):
        quick.upstream.faults += [Fault(path=LIST, status=500)] * 4
        assert sentence("mureka.not_sent") in text(await quick.send())
        assert quick.posts() == []
        await nothing_left(quick)
        await quick.send()
        one_voice(quick)

    @pytest.mark.parametrize("how", [{"then": "reset"}, {"status": 503}, {"then": "endless"}])
    async def test_a_sample_that_broke_off_is_sent_again(self, quick: World, how: dict[str, Any]):
        quick.upstream.faults.append(post(**how, after=1000))
        result = await quick.send(sample=LARGE)
        assert embed_of(result).title == sentence("voice.title", title="Ada")
        assert [len(request.body) == len(LARGE[1]) for request in quick.posts()] == [False, True]
        one_voice(quick)

    async def test_an_api_that_is_not_there_is_said_after_a_while_and_the_title_is_free(self, tmp_path: Path):
        async with Upstream() as upstream:
            pass
        with silent(upstream):
            async with opened(tmp_path, upstream, FastClock()) as world:
                for _ in range(2):
                    assert sentence("mureka.not_sent") in text(await world.send())
                    await nothing_left(world)

    async def test_an_api_that_comes_back_gets_the_sample_once(self, tmp_path: Path):
        clock = ManualClock()
        async with Upstream() as gone:
            pass
        async with opened(tmp_path, gone, clock) as world:
            with silent(gone):
                result = await world.send(wait=False)
                await until(lambda: sentence("stage.present.queued") in text(result))
            async with Upstream(port=int(gone.origin.rpartition(":")[2])) as back:
                world.upstream = back
                while not back.requests:
                    await clock.advance(1)
                    await asyncio.sleep(0.001)
                await world.ended(result)
                assert len(world.posts()) == 1
                one_voice(world)


class TestDiskTrouble:
    """A full disk neither loses a voice nor makes two."""

    async def test_a_voice_waits_for_room(self, quick: World, monkeypatch: pytest.MonkeyPatch):
        refused = full_disk(monkeypatch, TinyMembers, times=3)
        result = await quick.send()
        assert len(refused) == 3
        assert shown(quick, "note.disk_full")
        assert len(quick.posts()) == 1
        one_voice(quick)
        assert embed_of(result).title == sentence("voice.title", title="Ada")
        await until(lambda: not quick.jobs())

    async def test_a_voice_waits_for_room_for_its_id(self, quick: World, monkeypatch: pytest.MonkeyPatch):
        refused = full_disk(monkeypatch, TinyJobs, lambda job: job.voice_id, times=3)
        await quick.send()
        assert len(refused) == 3
        assert shown(quick, "note.disk_full")
        assert len(quick.posts()) == 1
        one_voice(quick)
        await until(lambda: not quick.jobs())

    async def test_a_command_is_refused_if_it_cannot_be_recorded(
        self, quick: World, monkeypatch: pytest.MonkeyPatch
    ):
        full_disk(monkeypatch, TinyJobs, times=1)
        assert text(await quick.send()) == sentence("store.unwritable")
        assert quick.upstream.requests == []
        await nothing_left(quick)
        await quick.send()
        one_voice(quick)

    @pytest.mark.parametrize("stage", [Stage.CHECKED, Stage.QUEUED, Stage.UPLOADING, Stage.CLONING])
    async def test_a_clone_that_cannot_go_on_on_disk_ends_before_it_is_sent_whole(
        self, quick: World, monkeypatch: pytest.MonkeyPatch, stage: Stage
    ):
        def fits(job: CloneJob) -> bool:
            return job.stage is stage

        full_disk(monkeypatch, TinyJobs, fits, times=1)
        assert sentence("store.unwritable") in text(await quick.send())
        await nothing_left(quick)
        await quick.send()
        one_voice(quick)

    async def test_a_sample_that_cannot_be_kept_is_not_sent(
        self, quick: World, monkeypatch: pytest.MonkeyPatch
    ):
        full_disk(monkeypatch, TinyJobs, times=1, method="put_sample")
        assert sentence("store.unwritable") in text(await quick.send())
        assert quick.upstream.requests == []
        await nothing_left(quick)

    async def test_what_is_unclear_is_looked_for_even_if_the_disk_was_full_just_then(
        self, quick: World, monkeypatch: pytest.MonkeyPatch
    ):
        def fits(job: CloneJob) -> bool:
            return job.stage is Stage.CLONING and job.outcome_unknown_since is not None

        refused = full_disk(monkeypatch, TinyJobs, fits, times=1)
        result = await lost_and_late(quick)
        assert refused
        await quick.press(result, "button.again")
        await until(lambda: quick.stored(quick.ada))
        assert len(quick.posts()) == 1
        one_voice(quick)
