"""The API client against a real server: what it sends, and what each answer becomes."""

import asyncio
import gzip
import socket
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from bot.demo.upstream import Fault, Upstream
from bot.errors import (
    AccountExhausted,
    AccountMissing,
    AnswerUnreadable,
    ConnectionLost,
    MurekaError,
    NoAnswer,
    NotSent,
    OutcomeUnknown,
    Rejected,
    SessionDied,
    TokenRefused,
    TooManyAtOnce,
    UpstreamFailed,
)
from bot.voices.answers import UpstreamVoice
from bot.voices.mureka import ANSWER_LIMIT, Mureka
from bot.voices.upload import PIECE

TOKEN = "user:1234-demo"
SAMPLE = bytes(range(256)) * 400  # 100 KB, over several pieces
TITLE = "声 & #1 + 50% é😀?"


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    async with Upstream(page_size=2) as upstream:
        yield upstream


@pytest.fixture
async def mureka(upstream: Upstream) -> AsyncGenerator[Mureka]:
    async with aiohttp.ClientSession() as session:
        yield Mureka(session, TOKEN, clone_timeout=20, base=upstream.url)


@pytest.fixture
async def hasty(upstream: Upstream) -> AsyncGenerator[Mureka]:
    """Give a client that waits no longer than a blink."""
    async with aiohttp.ClientSession() as session:
        yield Mureka(session, TOKEN, clone_timeout=0.3, base=upstream.url)


class Watcher:
    """Hears what the client says of a clone's sending."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.sent_when_committing: int | None = None

    async def committing(self) -> None:
        self.sent_when_committing = self.sent[-1] if self.sent else 0

    async def clone(self, mureka: Mureka, sample: bytes = SAMPLE, **options: Any) -> UpstreamVoice:
        given: dict[str, Any] = {
            "title": TITLE,
            "description": "d",
            "language": "ja",
            "account": None,
        } | options
        return await mureka.clone(sample, sent=self.sent.append, committing=self.committing, **given)


async def test_the_mp3_arrives_byte_for_byte_with_its_length_and_all_its_metadata(
    upstream: Upstream, mureka: Mureka
):
    voice = await Watcher().clone(mureka, description="two words", account="demo@example.com")
    (request,) = upstream.requests
    assert bytes(request.body) == SAMPLE
    assert request.headers["Content-Length"] == str(len(SAMPLE))
    assert "Transfer-Encoding" not in request.headers
    assert request.headers["Content-Type"] == "audio/mpeg"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.query == {
        "title": TITLE,
        "desc": "two words",
        "lang": "ja",
        "account": "demo@example.com",
    }
    assert "+" not in request.raw_query, "a space is %20: not every server reads a plus as one"
    assert voice.id == next(iter(upstream.voices))
    assert (voice.title, voice.description, voice.language) == (TITLE, "two words", "ja")


async def test_progress_is_told_in_bytes_and_committing_comes_before_the_last_piece(mureka: Mureka):
    watcher = Watcher()
    await watcher.clone(mureka)
    assert watcher.sent == [*range(PIECE, len(SAMPLE), PIECE), len(SAMPLE)]
    assert watcher.sent_when_committing == watcher.sent[-2]


async def test_nothing_exists_upstream_until_committing_has_returned(upstream: Upstream, mureka: Mureka):
    class Doubter(Watcher):
        async def committing(self) -> None:
            await asyncio.sleep(0.1)
            self.received = len(upstream.requests[0].body)
            self.existed = bool(upstream.voices)

    watcher = Doubter()
    await watcher.clone(mureka)
    assert not watcher.existed
    assert watcher.received < len(SAMPLE)


async def test_a_failure_while_committing_keeps_the_last_piece_back(upstream: Upstream, mureka: Mureka):
    class Failing(Watcher):
        async def committing(self) -> None:
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        await Failing().clone(mureka)
    assert upstream.voices == {}


KNOWN = [
    (400, {"error": "bad title", "code": 400}, Rejected),
    (401, {"error": "Unauthorized", "code": 401}, TokenRefused),
    (402, {"error": "expired"}, AccountExhausted),
    (412, {"error": "no credits"}, AccountExhausted),
    (404, {"error": "no account"}, AccountMissing),
    (429, {"error": "slow down"}, TooManyAtOnce),
    (596, {"error": "renew", "code": "SESSION_EXPIRED"}, SessionDied),
]


@pytest.mark.parametrize(("status", "body", "error"), KNOWN)
async def test_each_documented_refusal_is_its_own_error_and_no_doubt_remains(
    upstream: Upstream, mureka: Mureka, status: int, body: object, error: type[MurekaError]
):
    upstream.faults.append(Fault(status=status, body=body))
    with pytest.raises(error) as raised:
        await Watcher().clone(mureka)
    assert not isinstance(raised.value, OutcomeUnknown)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(("status", "body", "error"), KNOWN)
async def test_a_refusal_counts_by_its_status_even_when_its_body_is_a_proxys_page(
    upstream: Upstream, mureka: Mureka, status: int, body: object, error: type[MurekaError]
):
    del body
    upstream.faults.append(Fault(status=status, body=b"<html>no", headers={"Content-Type": "text/html"}))
    with pytest.raises(error):
        await Watcher().clone(mureka)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), (None, 10), ("0", 1), ("soon", 10), ("999999", 300), ("nan", 10)]
)
async def test_a_429_says_how_long_to_wait(
    upstream: Upstream, mureka: Mureka, header: str | None, seconds: float
):
    upstream.faults.append(Fault(status=429, headers={"Retry-After": header} if header else {}))
    with pytest.raises(TooManyAtOnce) as raised:
        await Watcher().clone(mureka)
    assert raised.value.values["retry_after"] == seconds


async def test_a_dead_session_names_its_code(upstream: Upstream, mureka: Mureka):
    upstream.faults.append(Fault(status=596, body={"error": "…", "code": "REFRESH_IN_PROGRESS"}))
    with pytest.raises(SessionDied) as raised:
        await Watcher().clone(mureka)
    assert raised.value.values["code"] == "REFRESH_IN_PROGRESS"


@pytest.mark.parametrize("takes_effect", [True, False])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 500, "body": {"error": "oops"}}, UpstreamFailed),
        ({"status": 502, "body": b"<html>bad gateway"}, UpstreamFailed),
        ({"status": 307, "headers": {"Location": "http://127.0.0.1:9/"}}, UpstreamFailed),
        ({"status": 418}, UpstreamFailed),
        ({"body": b""}, AnswerUnreadable),
        ({"body": b"[]"}, AnswerUnreadable),
        ({"body": b"null"}, AnswerUnreadable),
        ({"body": b"{}"}, AnswerUnreadable),
        ({"body": b'{"id": "twelve"}'}, AnswerUnreadable),
        ({"body": b'{"id": true}'}, AnswerUnreadable),
        ({"body": b"<html>hello", "headers": {"Content-Type": "text/html"}}, AnswerUnreadable),
        ({"body": b'{"id": 1', "then": "cut_off"}, AnswerUnreadable),
        ({"body": b"[" * 100_000}, AnswerUnreadable),
        ({"body": b'{"id": 1, "x": "' + b"x" * 5_000_000 + b'"}'}, AnswerUnreadable),
        ({"then": "endless"}, AnswerUnreadable),
        ({"then": "reset"}, ConnectionLost),
    ],
)
async def test_whatever_leaves_the_outcome_open_is_told_apart_and_sent_once(
    upstream: Upstream,
    mureka: Mureka,
    fault: dict[str, Any],
    error: type[OutcomeUnknown],
    takes_effect: bool,  # noqa: FBT001 - a parameter of the table
):
    upstream.faults.append(Fault(takes_effect=takes_effect, **fault))
    with pytest.raises(error):
        await Watcher().clone(mureka)
    assert len(upstream.requests) == 1
    assert issubclass(error, OutcomeUnknown)


@pytest.mark.parametrize("takes_effect", [True, False])
async def test_an_answer_that_never_comes_leaves_the_outcome_open(
    upstream: Upstream,
    hasty: Mureka,
    takes_effect: bool,  # noqa: FBT001 - a parameter of the table
):
    upstream.faults.append(Fault(then="hang", takes_effect=takes_effect))
    with pytest.raises(NoAnswer):
        await Watcher().clone(hasty)
    assert len(upstream.requests) == 1


async def test_a_compressed_bomb_is_not_read_to_its_end(upstream: Upstream, mureka: Mureka):
    bomb = gzip.compress(bytes(64 * ANSWER_LIMIT))
    upstream.faults.append(Fault(body=bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(AnswerUnreadable):
        await Watcher().clone(mureka)


async def test_a_redirect_takes_neither_token_nor_mp3_along(upstream: Upstream, mureka: Mureka):
    async with Upstream() as elsewhere:
        upstream.faults.append(Fault(status=307, headers={"Location": f"{elsewhere.url}/speech/voice"}))
        with pytest.raises(OutcomeUnknown):
            await Watcher().clone(mureka)
        assert elsewhere.requests == []


async def test_a_connection_broken_off_in_the_middle_of_the_body_is_as_if_nothing_was_sent(
    upstream: Upstream, mureka: Mureka
):
    upstream.faults.append(Fault(then="reset", after=1000))
    watcher = Watcher()
    with pytest.raises(NotSent):
        await watcher.clone(mureka, bytes(20_000_000))
    assert watcher.sent_when_committing is None
    assert upstream.voices == {}


async def test_a_timeout_in_the_middle_of_the_body_is_as_if_nothing_was_sent(
    upstream: Upstream, hasty: Mureka
):
    upstream.faults.append(Fault(then="hang", after=1000))
    with pytest.raises(NotSent):
        await Watcher().clone(hasty, bytes(20_000_000))


@pytest.mark.parametrize("base", ["http://127.0.0.1:{port}/v1", "http://host.invalid/v1"])
async def test_an_api_that_can_not_be_reached_has_been_sent_nothing(base: str):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with aiohttp.ClientSession() as session:
        mureka = Mureka(session, TOKEN, clone_timeout=5, base=base.format(port=port))
        with pytest.raises(NotSent):
            await Watcher().clone(mureka)


async def test_errors_of_the_line_are_also_the_builtin_ones(
    upstream: Upstream, mureka: Mureka, hasty: Mureka
):
    upstream.faults += [Fault(then="hang"), Fault(then="reset")]
    with pytest.raises(TimeoutError):
        await Watcher().clone(hasty)
    with pytest.raises(ConnectionError):
        await Watcher().clone(mureka)


async def test_only_an_id_is_needed_of_a_voice(upstream: Upstream, mureka: Mureka):
    upstream.faults.append(Fault(body={"id": 12345678901234, "title": 5, "surprise": []}))
    assert await Watcher().clone(mureka) == UpstreamVoice(id=12345678901234)


async def test_the_list_has_all_pages_and_only_clones(upstream: Upstream, mureka: Mureka):
    for number in range(5):
        await Watcher().clone(mureka, title=f"voice {number}")
    listed = await mureka.voices(None)
    assert {voice.id for voice in listed} == set(upstream.voices)
    asked = [request.query for request in upstream.requests if request.method == "GET"]
    assert len(asked) == 3
    assert all(query["cloned"] == "true" for query in asked)


async def test_a_list_whose_pages_never_end_ends(upstream: Upstream, mureka: Mureka):
    page = {"list": [{"id": 1}], "last_id": 1, "more": True}
    upstream.faults += [Fault(body=page), Fault(body=page)]
    assert [voice.id for voice in await mureka.voices(None)] == [1]


@pytest.mark.parametrize("body", [b"[]", b'{"list": 5}', b"{}"])
async def test_a_list_that_is_none_is_no_empty_list(upstream: Upstream, mureka: Mureka, body: bytes):
    upstream.faults.append(Fault(body=body))
    with pytest.raises(AnswerUnreadable):
        await mureka.voices(None)


async def test_a_deleted_voice_is_gone(upstream: Upstream, mureka: Mureka):
    voice = await Watcher().clone(mureka)
    await mureka.delete(voice.id, None)
    assert upstream.voices == {}


async def test_accounts_come_with_what_is_wrong_with_them(upstream: Upstream, mureka: Mureka):
    assert await mureka.accounts() == {"demo@example.com": None}
    upstream.faults.append(Fault(body={"a": {"account": "a", "error": "expired"}, "b": {"error": ""}}))
    assert await mureka.accounts() == {"a": "expired", "b": None}


async def test_a_profile_tells_plan_and_credits(upstream: Upstream, mureka: Mureka):
    profile = await mureka.profile(None)
    assert (profile.plan, profile.credits) == ("Premier", 4200)
    upstream.faults.append(Fault(body={"user": None}))
    assert (await mureka.profile(None)).plan is None
