"""What each response of the API leads to: requests, records and cards."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from simcord.results import InteractionResult

from bot.client.messenger import Messenger
from bot.cloning.job import CloneJob, Stage
from bot.demo.upstream import ClonedVoice, Fault, Upstream
from bot.errors import Refused
from bot.i18n import Markup
from bot.store.tiny.jobs import TinyJobs
from support.audio import GOOD
from support.clocks import FastClock, ManualClock, until
from support.faults import hanging, shown, voice_appears
from support.reading import buttons, embed_of, read_files, sentence, text
from support.world import World, opened

ONLY = sentence("operator.only_account")
AGAIN = sentence("button.again")
LIST = "/speech/voices/"


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncGenerator[World]:
    """Open a world in which an hour takes 36 s, and a lost voice is searched for 10 s."""
    async with opened(tmp_path, clock=FastClock(), clone_timeout=10) as world:
        yield world


def post(**how: Any) -> Fault:
    return Fault(method="POST", **how)


def alarms(world: World) -> list[str]:
    """List the notices to the operator; members get cards."""
    return [body["content"] for body in world.direct() if body.get("content")]


def alarm(account: str, key: str) -> str:
    problem = Markup(sentence(f"doctor.{key}"))
    return sentence("operator.account", account=account, problem=problem)


def one_voice(world: World) -> dict[str, Any]:
    """Return Ada's voice, the only voice upstream and on record."""
    [made] = world.upstream.voices.values()
    [voice] = world.stored(world.ada)
    assert voice["id"] == made.id
    return voice


async def nothing_left(world: World) -> None:
    await until(lambda: not world.jobs())
    assert world.stored(world.ada) == []
    assert world.upstream.voices == {}


def on_record(world: World, *marks: str) -> bool:
    """Return True if a job's file contains all marks."""
    return any(all(mark in job for mark in marks) for job in read_files(world.folder, "jobs/*.json").values())


async def asked(world: World, result: InteractionResult) -> None:
    """Wait until a card offers a retry and the bot is ready for the click."""
    await until(lambda: AGAIN in buttons(result) and on_record(world, '"delivered":true'))


async def queued_again(world: World, *, attempt: int) -> None:
    """Wait until a clone that was sent this number of times is back in the queue."""
    await until(lambda: on_record(world, f'"attempt":{attempt},', '"stage":"queued"'))


async def queued_behind(result: InteractionResult, ahead: int) -> None:
    await until(lambda: sentence("stage.queued_behind", ahead=ahead) in text(result))


async def lost_and_late(world: World) -> InteractionResult:
    """Lose a response, and create its voice only when the bot has given up the search."""
    world.upstream.faults.append(post(status=500))
    result = await world.send()
    await asked(world, result)
    voice_appears(world)
    return result


@pytest.mark.parametrize(("status", "key"), [(400, "mureka.rejected"), (401, "mureka.token_refused")])
async def test_refused_clone_is_sent_once_and_shows_the_reason(quick: World, status: int, key: str):
    quick.upstream.faults.append(post(status=status, body={"error": "**no**", "code": status}))
    result = await quick.send()
    assert sentence(key) in text(result)
    assert "no\\*" not in text(result)
    assert len(quick.posts()) == 1
    await nothing_left(quick)
    await quick.send()
    one_voice(quick)


async def test_operator_is_notified_once_of_a_refused_token(tmp_path: Path):
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


async def test_refused_list_is_a_problem_of_the_account(tmp_path: Path):
    async with Upstream(accounts=("a", "b")) as upstream, opened(tmp_path, upstream) as world:
        result = await world.send()
        assert sentence("mureka.account_missing") in text(result)
        await until(lambda: alarms(world))
        assert world.posts() == []
        await nothing_left(world)


TROUBLES = [
    pytest.param(402, {"error": "no credits", "code": 402}, "mureka.exhausted", id="402"),
    pytest.param(404, b"<html>", "mureka.account_missing", id="404"),
    pytest.param(596, {"error": "x", "code": "COOKIE_EXPIRED"}, "mureka.session_died", id="596"),
]
"""Responses of an account that cannot be used for now: status, body, text."""


class TestTheOnlyAccount:
    """The only account has a problem."""

    @pytest.mark.parametrize("path", ["/speech/voice", LIST])
    @pytest.mark.parametrize(("status", "body", "key"), TROUBLES)
    async def test_account_with_a_problem_rests_and_commands_are_refused(
        self, tmp_path: Path, status: int, body: object, key: str, path: str
    ):
        async with opened(tmp_path, clock=ManualClock()) as world:
            world.upstream.faults.append(Fault(path=path, status=status, body=body))
            assert sentence(key) in text(await world.send())
            world.cdn.dead = True  # a download would end with another text
            for who in (world.grace, world.ada):
                assert text(await world.send(who, title="Ada")) == sentence(key)
            assert len(world.posts()) == (path != LIST)
            await until(lambda: alarms(world))
            assert alarms(world) == [alarm(ONLY, key)]
            await nothing_left(world)

    async def test_rested_account_resumes_by_itself(self, tmp_path: Path):
        clock, key = ManualClock(), "mureka.exhausted"
        async with opened(tmp_path, clock=clock) as world:
            faults = world.upstream.faults
            faults.append(post(status=402))
            await world.send()
            expired = Fault(body={"demo@example.com": {"error": "expired"}})
            for ill in (expired, Fault(body={}), Fault(status=404), Fault(status=500)):
                faults.append(replace(ill, path="/accounts"))
                await clock.advance(60)
                await until(lambda: not faults)
                assert text(await world.send(world.grace)) == sentence(key)

            faults.append(post(status=402))
            await clock.advance(60)
            while text(result := await world.send(world.grace)) == sentence(key):
                pass
            assert sentence(key) in text(result)
            assert alarms(world) == [alarm(ONLY, key)], "a repeated failure is not announced again"

            await clock.advance(60)
            while text(result := await world.send()) == sentence(key):
                pass
            one_voice(world)
            assert len(world.posts()) == 3
            faults.append(post(status=402))
            await world.send(world.grace)
            await until(lambda: len(alarms(world)) == 2)


class TestTwoAccounts:
    """One of two accounts has a problem."""

    @pytest.fixture
    async def both(self) -> AsyncGenerator[Upstream]:
        async with Upstream(accounts=("a@x.com", "b@x.com")) as upstream:
            yield upstream

    @pytest.mark.parametrize(("status", "body", "key"), TROUBLES)
    async def test_clone_continues_on_the_other_account(
        self, tmp_path: Path, both: Upstream, status: int, body: object, key: str
    ):
        async with opened(tmp_path, both, ManualClock(), useapi_accounts=("a@x.com", "b@x.com")) as world:
            both.faults.append(post(status=status, body=body))
            result = await world.send()
            assert embed_of(result).title == sentence("voice.ready", title="Ada")
            assert one_voice(world)["account"] == "b@x.com"
            assert [made.account for made in both.voices.values()] == ["b@x.com"]
            await world.send(world.grace)
            assert [request.query["account"] for request in world.posts()] == ["a@x.com", "b@x.com", "b@x.com"]
            await until(lambda: alarms(world))
            assert alarms(world) == [alarm("a@x.com", key)]

    async def test_account_named_twice_counts_once(self, tmp_path: Path):
        accounts = "demo@example.com, demo@example.com"
        async with opened(tmp_path, clock=FastClock(), useapi_accounts=accounts) as world:
            world.upstream.faults += [post(status=402)] * 3
            assert sentence("mureka.exhausted") in text(await world.send())
            assert len(world.posts()) == 1

    async def test_queued_clones_fail_once_all_accounts_rest(self, tmp_path: Path, both: Upstream):
        clock = ManualClock()
        async with opened(tmp_path, both, clock, useapi_accounts=("a@x.com", "b@x.com")) as world:
            both.faults += [post(status=429, headers={"Retry-After": "60"}) for _ in range(2)]
            cards = [await world.send(wait=False)]
            await until(lambda: len(world.posts()) == 2)
            for ahead, who in enumerate((world.grace, world.linus), start=1):
                cards.append(await world.send(who, wait=False))
                await queued_behind(cards[-1], ahead)
            both.faults += [post(status=402) for _ in range(2)]
            await clock.advance(60)
            for card in cards:
                await world.ended(card)
                assert sentence("mureka.exhausted") in text(card)
            assert len(world.posts()) == 4
            await until(lambda: len(alarms(world)) == 2)
            await nothing_left(world)


SLOW = post(status=429, headers={"Retry-After": "1"})
REFRESH = post(status=596, body={"error": "x", "code": "REFRESH_IN_PROGRESS"})


class TestBusyAccount:
    """429 or a refresh of the session: the clone keeps its place and waits as long as the response says."""

    @pytest.mark.parametrize(
        ("busy", "seconds"),
        [(post(status=429, headers={"Retry-After": "37"}), 37), (post(status=429), 10), (REFRESH, 10)],
    )
    async def test_clone_waits_and_is_not_overtaken(self, tmp_path: Path, busy: Fault, seconds: int):
        clock = ManualClock()
        async with opened(tmp_path, clock=clock) as world:
            world.upstream.faults += [busy, busy]  # the second comes when others are waiting
            first = await world.send(wait=False)
            await queued_again(world, attempt=1)
            await clock.advance(1)
            second = await world.send(world.grace, title="Grace", wait=False)
            await queued_behind(second, 1)
            await clock.advance(seconds - 1)
            await queued_again(world, attempt=2)
            await clock.advance(seconds - 1)
            third = await world.send(world.linus, title="Linus", wait=False)
            await queued_behind(third, 2)
            assert len(world.posts()) == 2
            await clock.advance(1)
            for card in (first, second, third):
                await world.ended(card)
            assert [request.query["title"] for request in world.posts()] == ["Ada", "Ada", "Ada", "Grace", "Linus"]
            assert [voice.title for voice in world.upstream.voices.values()] == ["Ada", "Grace", "Linus"]
            assert len(world.stored(world.ada)) == 1
            assert alarms(world) == []

    @pytest.mark.parametrize(("fault", "key"), [(SLOW, "mureka.too_many"), (REFRESH, "mureka.session_died")])
    async def test_clone_is_retried_six_times(self, quick: World, fault: Fault, key: str):
        quick.upstream.faults += [fault] * 7
        assert sentence(key) in text(await quick.send())
        assert len(quick.posts()) == 7
        await nothing_left(quick)
        quick.upstream.faults += [fault] * 6
        await quick.send()
        assert len(quick.posts()) == 14
        one_voice(quick)


LOST: dict[str, dict[str, Any]] = {
    "500": {"status": 500, "body": {"error": "oops", "code": 500}},
    "unreadable": {"then": "cut_off", "body": b'{"id": 12345678901234}'},
    "a reset": {"then": "reset"},
}
"""Responses that leave the outcome open, one for each error; test_mureka has all responses."""

lost = pytest.mark.parametrize("how", LOST.values(), ids=LOST)


@lost
async def test_voice_whose_response_was_lost_is_found(quick: World, how: dict[str, Any]):
    quick.upstream.faults.append(post(**how, takes_effect=True))
    result = await quick.send()
    assert len(quick.posts()) == 1
    one_voice(quick)
    assert embed_of(result).title == sentence("voice.ready", title="Ada")
    assert AGAIN not in buttons(result)
    assert result.response is not None
    assert {file.filename for file in result.response.attachments} == {"Ada.mp3", "cover.png"}
    await until(lambda: not quick.jobs())
    assert alarms(quick) == []


@lost
async def test_lost_clone_is_searched_and_sent_again_only_if_the_member_wants_it(quick: World, how: dict[str, Any]):
    quick.upstream.faults.append(post(**how))
    result = await quick.send()
    await asked(quick, result)
    assert sentence("mureka.not_found") in text(result)
    assert shown(quick, "note.looking")
    assert len(quick.posts()) == 1
    assert quick.stored(quick.ada) == []
    assert buttons(result) == [AGAIN]
    before = len(quick.upstream.requests)
    await quick.press(result, "button.again")
    await until(lambda: sentence("voice.ready", title="Ada") in text(result))
    assert [request.method for request in quick.upstream.requests[before:]] == ["GET", "GET", "POST"]
    one_voice(quick)


async def test_missing_response_is_given_up_after_the_timeout(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock(), clone_timeout=0.5) as world:
        world.upstream.faults.append(post(then="hang"))
        result = await world.send()
        assert len(world.posts()) == 1
        assert sentence("mureka.not_found") in text(result)
        assert buttons(result) == [AGAIN]


async def test_voice_that_appears_late_is_found_by_the_retry_unless_the_list_fails(quick: World):
    result = await lost_and_late(quick)
    quick.upstream.faults.append(Fault(path=LIST, status=500))
    await quick.press(result, "button.again")
    await until(lambda: not quick.upstream.faults)
    await asked(quick, result)
    await quick.press(result, "button.again")
    await until(lambda: sentence("voice.ready", title="Ada") in text(result))
    assert len(quick.posts()) == 1
    one_voice(quick)


async def test_voice_that_existed_before_is_not_taken(quick: World):
    quick.upstream.voices[7] = ClonedVoice(7, "demo@example.com", "Ada", "mine", "en", b"", 1)
    quick.upstream.faults.append(post(status=500))
    result = await quick.send(description="mine")
    assert sentence("mureka.not_found") in text(result)
    assert quick.stored(quick.ada) == []


async def test_second_try_during_the_delivery_of_the_first_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with opened(tmp_path, clock=FastClock(), clone_timeout=310) as world:
        hanging(monkeypatch, Messenger, "dm")  # so late an end goes by DM as well
        world.upstream.faults.append(post(status=500))
        result = await world.send(wait=False)
        await world.later(lambda: AGAIN in buttons(result))
        await world.press(result, "button.again")
        await until(lambda: sentence("voice.ready", title="Ada") in text(result))
        one_voice(world)


async def test_clone_cannot_be_canceled_while_its_voice_is_searched(quick: World):
    result = await lost_and_late(quick)
    quick.upstream.faults.append(Fault(method="GET", path=LIST, then="hang"))
    await quick.press(result, "button.again")
    await until(lambda: sentence("card.again") in text(result))
    assert buttons(result) == []
    running = quick.services.cloner.running(quick.ada.id)
    assert running is not None
    with pytest.raises(Refused, match=r"^refused\.too_late\b"):
        await quick.services.cloner.cancel(running.id, quick.ada.id)


@contextmanager
def silent(gone: Upstream) -> Generator[None]:
    """Hold the port of a stopped API, so that no other process can listen there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", int(gone.origin.rpartition(":")[2])))
        yield


class TestNotSent:
    """Failures before the whole sample was sent are retried a few times."""

    async def test_nothing_is_sent_without_a_list_which_is_asked_for_four_times(self, quick: World):
        malformed, failed = Fault(path=LIST, body=[]), Fault(path=LIST, status=500)
        quick.upstream.faults += [malformed, failed, malformed, failed]
        assert sentence("mureka.not_sent") in text(await quick.send())
        assert quick.posts() == []
        await nothing_left(quick)
        quick.upstream.faults += [malformed, failed, Fault(path=LIST, then="reset")]
        await quick.send()
        assert len(quick.posts()) == 1
        one_voice(quick)

    @pytest.mark.parametrize("how", [{"then": "reset"}, {"status": 503}, {"then": "endless"}])
    async def test_interrupted_upload_is_sent_again(
        self, quick: World, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
    ):
        write = TinyJobs.put

        async def put(jobs: TinyJobs, job: CloneJob) -> None:
            if (job.stage, job.attempt) == (Stage.CLONING, 1):
                await asyncio.Event().wait()  # until the upload is interrupted before its last chunk
            await write(jobs, job)

        monkeypatch.setattr(TinyJobs, "put", put)
        quick.upstream.faults.append(post(**how, after=1000))
        result = await quick.send()
        assert embed_of(result).title == sentence("voice.ready", title="Ada")
        assert [len(request.body) == len(GOOD[1]) for request in quick.posts()] == [False, True]
        one_voice(quick)

    async def test_unreachable_api_is_reported_and_the_title_is_free(self, tmp_path: Path):
        async with Upstream() as upstream:
            pass
        with silent(upstream):
            async with opened(tmp_path, upstream, FastClock()) as world:
                for _ in range(2):
                    assert sentence("mureka.not_sent") in text(await world.send())
                    await nothing_left(world)

    async def test_recovered_api_gets_the_sample_once(self, tmp_path: Path):
        clock = ManualClock()
        async with Upstream() as gone:
            pass
        async with opened(tmp_path, gone, clock) as world:
            with silent(gone):
                result = await world.send(wait=False)
                await until(lambda: sentence("stage.present.queued") in text(result))
            async with Upstream(port=int(gone.origin.rpartition(":")[2])) as back:
                world.upstream = back
                await clock.advance_until(lambda: back.requests)
                await world.ended(result)
                assert len(world.posts()) == 1
                one_voice(world)
