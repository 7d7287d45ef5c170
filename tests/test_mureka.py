"""The Mureka client against a real server: requests, responses and errors."""

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal
from unittest.mock import AsyncMock

import pytest
from aiohttp import ClientSession

from bot.demo.upstream import ClonedVoice, Fault, Upstream
from bot.mureka import errors
from bot.mureka.client import MurekaClient
from bot.mureka.payload import CHUNK_SIZE
from bot.mureka.responses import JobResponse, SpeechResponse, VoiceResponse
from bot.mureka.transport import ANSWER_LIMIT
from support.clocks import PATIENCE, turns

TOKEN = "user:1234-demo"
SAMPLE = bytes(range(256)) * 400  # 100 KB, over several pieces
TITLE = "声 & #1 + 50% é😀?"
TEXT = 'He said: "声 & é😀"\n— and left.'
VOICE = ClonedVoice(12345678901234, "demo@example.com", "Ada", "d", "en", b"an MP3", 0)
BOMB = gzip.compress(bytes(8 * ANSWER_LIMIT))
LONG = 20_000_000
"""More bytes than all buffers between client and server hold."""


class Caller:
    """Calls an emulated API through a client, and records the progress callbacks of clones and clips."""

    def __init__(self, upstream: Upstream, session: ClientSession) -> None:
        self.upstream = upstream
        self.session = session
        self.connect(upstream.url)
        self.sent: list[int] = []
        self.sent_when_committing: int | None = None

    def connect(self, base: str, *, timeout: float = 20) -> None:
        times = {"clone_timeout": timeout, "speak_timeout": timeout}
        self.mureka = MurekaClient(self.session, TOKEN, base=base, **times)

    def hurry(self) -> None:
        self.connect(self.upstream.url, timeout=0.3)

    def effects(self) -> int:
        """Count the new voices and clips."""
        return len(self.upstream.voices.keys() - {VOICE.id}) + len(self.upstream.speeches)

    async def committing(self) -> None:
        self.sent_when_committing = self.sent[-1] if self.sent else 0

    async def clone(self, sample: bytes = SAMPLE, **options: Any) -> VoiceResponse:
        given: dict[str, Any] = {"title": TITLE, "description": "d", "language": "ja", "account": None}
        given |= {"on_progress": self.sent.append, "before_last_chunk": self.committing}
        return await self.mureka.clone(sample, **given | options)

    async def speak(self, text: str = TEXT, **options: Any) -> SpeechResponse | JobResponse:
        given: dict[str, Any] = {"voice_id": VOICE.id, "title": TITLE, "account": None}
        given |= {"before_last_chunk": self.committing}
        return await self.mureka.speak(text, **given | options)

    async def speak_and_wait(self, text: str = TEXT, **options: Any) -> SpeechResponse:
        speech = await self.speak(text, wait=True, **options)
        assert isinstance(speech, SpeechResponse)
        return speech

    async def job(self) -> JobResponse:
        return await self.mureka.job("job:1")

    async def voices(self) -> Sequence[VoiceResponse]:
        return await self.mureka.voices(None)


@asynccontextmanager
async def calling(**options: Any) -> AsyncGenerator[Caller]:
    async with Upstream(page_size=2, **options) as upstream, ClientSession() as session:
        upstream.voices[VOICE.id] = VOICE
        yield Caller(upstream, session)


@pytest.fixture
async def caller() -> AsyncGenerator[Caller]:
    async with calling() as caller:
        yield caller


Ask = Callable[..., Awaitable[object]]
SPEAKING: list[Ask] = [Caller.speak, Caller.speak_and_wait]

charged = pytest.mark.parametrize("ask", [Caller.clone, *SPEAKING])
"""For each request that is charged when it takes effect."""


async def test_clone_request_has_the_mp3_its_length_and_all_fields(caller: Caller):
    voice = await caller.clone(description="two words", account="demo@example.com")
    (request,) = caller.upstream.requests
    assert bytes(request.body) == SAMPLE
    assert request.headers["Content-Length"] == str(len(SAMPLE))
    assert "Transfer-Encoding" not in request.headers
    assert request.headers["Content-Type"] == "audio/mpeg"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.query == {"title": TITLE, "desc": "two words", "lang": "ja", "account": "demo@example.com"}
    assert "+" not in request.raw_query, "a space is %20: some servers do not decode a plus"
    assert voice.id == [*caller.upstream.voices][-1]
    assert (voice.title, voice.description, voice.language) == (TITLE, "two words", "ja")
    caller.upstream.faults.append(Fault(body={"id": 12345678901234, "title": 5, "surprise": []}))
    assert await caller.clone() == VoiceResponse(id=12345678901234), "a response needs only an ID"


async def test_progress_counts_bytes_and_commit_precedes_the_last_chunk(caller: Caller):
    await caller.clone()
    assert caller.sent == [*range(CHUNK_SIZE, len(SAMPLE), CHUNK_SIZE), len(SAMPLE)]
    assert caller.sent_when_committing == caller.sent[-2]


@charged
async def test_nothing_exists_upstream_until_commit_has_returned(caller: Caller, ask: Ask):
    seen: list[tuple[int, int]] = []

    async def committing() -> None:
        await turns()
        seen.append((caller.effects(), sum(len(request.body) for request in caller.upstream.requests)))

    await ask(caller, before_last_chunk=committing)
    [(effects, received)] = seen
    assert effects == 0
    assert received < len(caller.upstream.requests[0].body)
    assert caller.effects() == 1


@charged
async def test_failed_commit_holds_back_the_last_chunk(caller: Caller, ask: Ask):
    with pytest.raises(RuntimeError, match="the disk is full"):
        await ask(caller, before_last_chunk=AsyncMock(side_effect=RuntimeError("the disk is full")))
    assert caller.effects() == 0


KNOWN = [
    (400, {"error": "bad title", "code": 400}, errors.Rejected),
    (401, {"error": "Unauthorized", "code": 401}, errors.TokenRefused),
    (402, {"error": "expired"}, errors.AccountExhausted),
    (412, {"error": "no credits"}, errors.AccountExhausted),
    (404, {"error": "no account"}, errors.AccountMissing),
    (429, {"error": "slow down"}, errors.TooManyAtOnce),
    *(
        (596, {"error": "renew", "code": code}, errors.SessionDied)
        for code in ("ACCOUNT_ERROR", "REFRESH_FAILED", "SESSION_EXPIRED", "COOKIE_EXPIRED")
    ),
    (596, b"", errors.SessionDied),
    (596, {"error": "…", "code": "REFRESH_IN_PROGRESS"}, errors.SessionRefreshing),
]


@pytest.mark.parametrize("ask", [Caller.clone, *SPEAKING, Caller.job])
@pytest.mark.parametrize(("status", "body", "error"), KNOWN)
async def test_each_documented_refusal_is_its_own_error_with_any_body(
    caller: Caller, ask: Ask, status: int, body: object, error: type[errors.MurekaError]
):
    if ask is Caller.job and status == 404:
        error = errors.JobForgotten
    html = Fault(status=status, body=b"<html>no", headers={"Content-Type": "text/html"})
    for fault, kind in (
        (Fault(status=status, body=body), error),
        (html, errors.SessionDied if status == 596 else error),
    ):
        caller.upstream.faults.append(fault)
        with pytest.raises(kind) as raised:
            await ask(caller)
        assert not isinstance(raised.value, errors.OutcomeUnknown)
    assert len(caller.upstream.requests) == 2


@charged
@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), (None, 10), ("0", 1), ("soon", 10), ("999999", 300), ("nan", 10)]
)
async def test_429_says_how_long_to_wait(caller: Caller, ask: Ask, header: str | None, seconds: float):
    caller.upstream.faults.append(Fault(status=429, headers={"Retry-After": header} if header else {}))
    with pytest.raises(errors.TooManyAtOnce) as raised:
        await ask(caller)
    assert raised.value.values["retry_after"] == seconds


@charged
@pytest.mark.parametrize("takes_effect", [True, False])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 500, "body": {"error": "oops"}}, errors.UpstreamFailed),
        ({"status": 502, "body": b"<html>bad gateway"}, errors.UpstreamFailed),
        ({"status": 418}, errors.UpstreamFailed),
        *(({"body": body}, errors.AnswerUnreadable) for body in (b"", b"[]", b"null", b"{}", b"[" * 100_000)),
        *(
            ({"body": body}, errors.AnswerUnreadable)
            for body in (b'{"id": "twelve"}', b'{"id": true}', b'{"mp3_url": ""}')
        ),
        ({"body": b'{"mp3_url": 5, "jobid": 5}'}, errors.AnswerUnreadable),
        ({"body": b'{"jobid": "", "response": {"mp3_url": "x"}}'}, errors.AnswerUnreadable),
        ({"body": b"<html>hello", "headers": {"Content-Type": "text/html"}}, errors.AnswerUnreadable),
        ({"body": b'{"id": 1', "then": "cut_off"}, errors.AnswerUnreadable),
        ({"body": b'{"id": 1, "x": "' + b"x" * 5_000_000 + b'"}'}, errors.AnswerUnreadable),
        ({"body": BOMB, "headers": {"Content-Encoding": "gzip"}}, errors.AnswerUnreadable),
        ({"then": "endless"}, errors.AnswerUnreadable),
        ({"then": "hang"}, errors.NoAnswer),
        ({"then": "reset"}, errors.ConnectionLost),
    ],
)
async def test_open_outcome_is_its_own_error_and_is_sent_once(
    caller: Caller,
    ask: Ask,
    fault: dict[str, Any],
    error: type[errors.OutcomeUnknown],
    takes_effect: bool,  # noqa: FBT001 - a parameter of the table
):
    caller.upstream.faults.append(Fault(takes_effect=takes_effect, **fault))
    if error is errors.NoAnswer:
        caller.hurry()
    with pytest.raises(error):
        await ask(caller)
    assert caller.effects() == takes_effect
    assert len(caller.upstream.requests) == 1
    assert issubclass(error, errors.OutcomeUnknown)


@charged
async def test_redirect_gets_neither_token_nor_body(caller: Caller, ask: Ask):
    async with Upstream() as elsewhere:
        caller.upstream.faults.append(Fault(status=307, headers={"Location": f"{elsewhere.url}/speech/voice"}))
        with pytest.raises(errors.OutcomeUnknown):
            await ask(caller)
        assert elsewhere.requests == []


@charged
@pytest.mark.parametrize("then", ["reset", "hang"])
async def test_reset_or_timeout_within_the_body_counts_as_not_sent(
    caller: Caller, ask: Ask, then: Literal["reset", "hang"]
):
    caller.upstream.faults.append(Fault(then=then, after=1000))
    if then == "hang":
        caller.hurry()
    with pytest.raises(errors.NotSent):
        await ask(caller, bytes(LONG) if ask is Caller.clone else "x" * LONG)
    assert caller.sent_when_committing is None
    assert caller.effects() == 0


@pytest.mark.parametrize("ask", SPEAKING)
async def test_reset_after_a_short_body_leaves_the_outcome_open(caller: Caller, ask: Ask):
    caller.upstream.faults.append(Fault(then="reset", after=0))
    with pytest.raises(errors.ConnectionLost):
        await ask(caller)
    assert caller.upstream.requests[0].body == b""


@charged
@pytest.mark.parametrize("base", ["http://127.0.0.1:{port}/v1", "http://host.invalid/v1"])
async def test_unreachable_api_was_sent_nothing(caller: Caller, base: str, ask: Ask):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    caller.connect(base.format(port=port))
    with pytest.raises(errors.NotSent):
        await ask(caller)


def test_connection_errors_are_also_builtin_errors():
    assert issubclass(errors.NoAnswer, TimeoutError)
    assert issubclass(errors.ConnectionLost, ConnectionError)


async def test_list_has_all_pages_and_only_clones(caller: Caller):
    for number in range(4):
        await caller.clone(title=f"voice {number}")
    listed = await caller.voices()
    assert {voice.id for voice in listed} == set(caller.upstream.voices)
    asked = [request.query for request in caller.upstream.requests if request.method == "GET"]
    assert len(asked) == 3
    assert all(query["cloned"] == "true" for query in asked)
    await caller.mureka.delete(VOICE.id, None)
    assert set(caller.upstream.voices) == {voice.id for voice in listed} - {VOICE.id}


async def test_endless_list_ends(caller: Caller):
    page = {"list": [{"id": 1}], "last_id": 1, "more": True}
    caller.upstream.faults += [Fault(body=page), Fault(body=page)]
    assert [voice.id for voice in await caller.voices()] == [1]
    caller.upstream.faults += [Fault(body=page), Fault(body=page)]
    with pytest.raises(errors.AnswerUnreadable):  # an incomplete list proves no voice absent
        await caller.mureka.voices(None, complete=True)


@pytest.mark.parametrize(
    ("ask", "form"), [(Caller.speak, {"async": True}), (Caller.speak_and_wait, {})], ids=["async", "plain"]
)
@pytest.mark.parametrize("account", [{}, {"account": "demo@example.com"}], ids=["no account", "account"])
async def test_speech_request_is_json_with_its_length(
    caller: Caller, ask: Ask, form: dict[str, Any], account: dict[str, Any]
):
    await ask(caller, **account)
    (request,) = caller.upstream.requests
    assert (request.method, request.raw_path, request.raw_query) == ("POST", "/speech", "")
    assert json.loads(request.body) == (account | {"title": TITLE, "text": TEXT, "voice_id": VOICE.id} | form)
    assert request.headers["Content-Length"] == str(len(request.body))
    assert "Transfer-Encoding" not in request.headers
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    (line,) = caller.upstream.speeches
    assert (line.voice_id, line.title, line.text) == (VOICE.id, TITLE, TEXT)


async def test_synchronous_form_or_api_without_jobs_returns_the_speech(caller: Caller):
    assert await caller.speak_and_wait() == SpeechResponse(caller.upstream.speeches[0].mp3_url)
    for more in ({}, {"jobid": "job:1"}):
        answer = {"mp3_url": "https://x/1.mp3", "title": "", "cover": 5, "duration_milliseconds": 8500}
        caller.upstream.faults.append(Fault(body=answer | more))
        assert await caller.speak() == SpeechResponse("https://x/1.mp3")


async def test_job_completes_or_fails_and_is_unknown_later():
    async with calling(speech_seconds=0.3) as caller:

        async def over(job: SpeechResponse | JobResponse) -> JobResponse:
            assert isinstance(job, JobResponse)
            assert job == JobResponse(job.id, "created") == await caller.mureka.job(job.id)
            async with asyncio.timeout(PATIENCE):
                while job.status == "created":
                    await asyncio.sleep(0.01)
                    job = await caller.mureka.job(job.id)
            return job

        done = await over(job := await caller.speak())
        assert isinstance(job, JobResponse)
        assert (done.id, done.status) == (job.id, "completed")
        assert done.speech is not None
        assert [done.speech.mp3_url] == [speech.mp3_url for speech in caller.upstream.speeches]
        failing = await caller.speak()
        await caller.mureka.delete(VOICE.id, None)
        assert (await over(failing)).status == "failed"
        with pytest.raises(errors.JobForgotten):
            await caller.mureka.job("job:unknown")


@pytest.mark.parametrize(
    ("answer", "job"),
    [
        ({"jobid": "j"}, JobResponse("j")),
        ({"jobid": "j", "status": 5, "error": 5, "response": "x"}, JobResponse("j")),
        ({"jobid": "j", "status": "completed", "response": {}}, JobResponse("j", "completed")),
        *(({"jobid": "j", "status": "failed", "error": error}, JobResponse("j", "failed")) for error in ("", "no")),
    ],
)
async def test_job_response_needs_only_an_id(caller: Caller, answer: dict[str, Any], job: JobResponse):
    caller.upstream.faults += [Fault(body=answer), Fault(status=201, body=answer)]
    assert await caller.mureka.job("j") == job
    assert await caller.speak() == job


async def test_job_id_is_percent_encoded(caller: Caller):
    job_id = "job:1-a/b?c#d%41 +声"
    caller.upstream.faults.append(Fault(method="GET", path=f"/jobs/{job_id}", body={"jobid": job_id}))
    assert (await caller.mureka.job(job_id)).id == job_id
    (request,) = caller.upstream.requests
    assert request.raw_path == "/jobs/job%3A1-a%2Fb%3Fc%23d%2541%20%2B%E5%A3%B0"
    assert request.raw_query == ""


@pytest.mark.parametrize(
    ("ask", "status", "body", "error"),
    [
        *((Caller.voices, 200, body, errors.AnswerUnreadable) for body in (b"[]", b'{"list": 5}', b"{}")),
        *((Caller.job, 200, body, errors.AnswerUnreadable) for body in (b"[]", b"{}", b'{"jobid": 5}', b"<html>")),
        *(
            (ask, 201, body, errors.AnswerUnreadable)
            for ask in SPEAKING
            for body in (b"", b"{}", b'{"status": "created"}', b'{"jobid": null}', b"<html>")
        ),
        (Caller.speak_and_wait, 201, b'{"jobid": "job:1", "status": "created"}', errors.AnswerUnreadable),
        (Caller.clone, 201, {"id": 1}, errors.UpstreamFailed),
        (Caller.job, 201, {"jobid": "job:1"}, errors.UpstreamFailed),
    ],
)
async def test_list_or_job_that_is_malformed_is_unreadable_and_201_is_valid_only_for_speech(
    caller: Caller, ask: Ask, status: int, body: object, error: type[errors.MurekaError]
):
    caller.upstream.faults.append(Fault(status=status, body=body))
    with pytest.raises(error):
        await ask(caller)


@pytest.mark.parametrize("status", sorted({status for status, _, _ in KNOWN} | {500}))
async def test_text_in_an_error_response_is_not_logged(caller: Caller, caplog: pytest.LogCaptureFixture, status: int):
    caplog.set_level(logging.DEBUG)
    caller.upstream.faults.append(Fault(status=status, body={"error": "no: my secret", "code": 4711}))
    with pytest.raises(errors.MurekaError) as raised:
        await caller.speak("my secret")
    assert "secret" not in caplog.text + repr(raised.value) + str(raised.value)
    assert f"POST /v1/mureka/speech answered {status}: 4711" in caplog.text


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"<html><h1>Error 1015</h1>my secret</html>", "no JSON"),
        (b"", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        ({"error": "<!DOCTYPE html>my secret", "code": "<html>my secret"}, "[a page]"),
        ({"error": "no such account\u202e\nmore", "code": "my secret"}, "no such account more"),
    ],
)
async def test_page_in_an_error_response_is_one_short_sentence_in_the_log(
    caller: Caller, caplog: pytest.LogCaptureFixture, body: object, line: str
):
    caller.upstream.faults += [Fault(status=502, body=body), Fault(status=596, body=body)]
    with pytest.raises(errors.UpstreamFailed):
        await caller.voices()
    with pytest.raises(errors.SessionDied) as raised:
        await caller.speak("my secret")
    listed, spoken = (record.getMessage() for record in caplog.records)
    assert listed.endswith(f"/speech/voices/ answered 502: {line}")
    assert "secret" not in listed + spoken + str(raised.value)


async def test_accounts_have_problems_and_profiles_plan_and_credits(caller: Caller):
    assert await caller.mureka.accounts() == {"demo@example.com": None}
    caller.upstream.faults.append(Fault(body={"a": {"account": "a", "error": "expired"}, "b": {"error": ""}}))
    assert await caller.mureka.accounts() == {"a": "expired", "b": None}
    caller.upstream.faults.append(Fault(body={"a": 5, "b": {"error": ["x"]}, "c": {"error": "<html>x"}, "d": {}}))
    assert await caller.mureka.accounts() == {"a": "?", "b": "?", "c": "[a page]", "d": None}
    profile = await caller.mureka.profile(None)
    assert (profile.plan, profile.credits) == ("Premier", 4200)
    caller.upstream.faults.append(Fault(body={"user": None}))
    assert (await caller.mureka.profile(None)).plan is None
