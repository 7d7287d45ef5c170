"""The API client against a real server: what it sends, and what each answer becomes."""

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from bot.demo.upstream import ClonedVoice, Fault, Upstream
from bot.mureka.client import ANSWER_LIMIT, MurekaClient
from bot.mureka.errors import (
    AccountExhausted,
    AccountMissing,
    AnswerUnreadable,
    ConnectionLost,
    JobForgotten,
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
from bot.mureka.payload import CHUNK_SIZE
from bot.mureka.responses import JobResponse, SpeechResponse, VoiceResponse

TOKEN = "user:1234-demo"
SAMPLE = bytes(range(256)) * 400  # 100 KB, over several pieces
TITLE = "声 & #1 + 50% é😀?"
TEXT = 'He said: "声 & é😀"\n— and left.'
VOICE = ClonedVoice(12345678901234, "demo@example.com", "Ada", "d", "en", b"an MP3", 0)
LONG = 20_000_000
"""More bytes than all buffers on the way can take."""


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    async with Upstream(page_size=2) as upstream:
        yield upstream


@pytest.fixture
async def mureka(upstream: Upstream) -> AsyncGenerator[MurekaClient]:
    async with aiohttp.ClientSession() as session:
        yield MurekaClient(session, TOKEN, clone_timeout=20, base=upstream.url)


@pytest.fixture
async def hasty(upstream: Upstream) -> AsyncGenerator[MurekaClient]:
    """Give a client that waits no longer than a blink."""
    async with aiohttp.ClientSession() as session:
        yield MurekaClient(session, TOKEN, clone_timeout=0.3, speak_timeout=0.3, base=upstream.url)


class Watcher:
    """Hears what the client says of the sending of a clone or a line."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.sent_when_committing: int | None = None

    async def committing(self) -> None:
        self.sent_when_committing = self.sent[-1] if self.sent else 0

    async def clone(self, mureka: MurekaClient, sample: bytes = SAMPLE, **options: Any) -> VoiceResponse:
        given: dict[str, Any] = {
            "title": TITLE,
            "description": "d",
            "language": "ja",
            "account": None,
        } | options
        return await mureka.clone(
            sample, on_progress=self.sent.append, before_last_chunk=self.committing, **given
        )

    async def speak(
        self, mureka: MurekaClient, text: str = TEXT, **options: Any
    ) -> SpeechResponse | JobResponse:
        given: dict[str, Any] = {"voice_id": VOICE.id, "title": TITLE, "account": None} | options
        return await mureka.speak(text, before_last_chunk=self.committing, **given)

    async def speak_and_wait(self, mureka: MurekaClient, text: str = TEXT, **options: Any) -> SpeechResponse:
        given: dict[str, Any] = {"voice_id": VOICE.id, "title": TITLE, "account": None} | options
        return await mureka.speak_and_wait(text, before_last_chunk=self.committing, **given)


Ask = Callable[..., Awaitable[object]]
SPEAKING: list[Ask] = [Watcher.speak, Watcher.speak_and_wait]

charged = pytest.mark.parametrize("ask", [Watcher.clone, *SPEAKING], ids=lambda ask: ask.__name__)
"""For each request that costs something when it takes effect."""

spoken = pytest.mark.parametrize("ask", SPEAKING, ids=lambda ask: ask.__name__)


async def test_the_mp3_arrives_byte_for_byte_with_its_length_and_all_its_metadata(
    upstream: Upstream, mureka: MurekaClient
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


async def test_progress_is_told_in_bytes_and_committing_comes_before_the_last_piece(mureka: MurekaClient):
    watcher = Watcher()
    await watcher.clone(mureka)
    assert watcher.sent == [*range(CHUNK_SIZE, len(SAMPLE), CHUNK_SIZE), len(SAMPLE)]
    assert watcher.sent_when_committing == watcher.sent[-2]


@charged
async def test_nothing_exists_upstream_until_committing_has_returned(
    upstream: Upstream, mureka: MurekaClient, ask: Ask
):
    class Doubter(Watcher):
        async def committing(self) -> None:
            await asyncio.sleep(0.1)
            self.received = sum(len(request.body) for request in upstream.requests)
            self.effects = effects(upstream)

    upstream.voices[VOICE.id] = VOICE
    watcher = Doubter()
    await ask(watcher, mureka)
    assert watcher.effects == 0
    assert watcher.received < len(upstream.requests[0].body)
    assert effects(upstream) == 1


@charged
async def test_a_failure_while_committing_keeps_the_last_piece_back(
    upstream: Upstream, mureka: MurekaClient, ask: Ask
):
    class Failing(Watcher):
        async def committing(self) -> None:
            raise RuntimeError("the disk is full")

    upstream.voices[VOICE.id] = VOICE
    with pytest.raises(RuntimeError, match="the disk is full"):
        await ask(Failing(), mureka)
    assert effects(upstream) == 0


def effects(upstream: Upstream) -> int:
    """Count what was made and has to be paid for."""
    return len(upstream.voices.keys() - {VOICE.id}) + len(upstream.speeches)


KNOWN = [
    (400, {"error": "bad title", "code": 400}, Rejected),
    (401, {"error": "Unauthorized", "code": 401}, TokenRefused),
    (402, {"error": "expired"}, AccountExhausted),
    (412, {"error": "no credits"}, AccountExhausted),
    (404, {"error": "no account"}, AccountMissing),
    (429, {"error": "slow down"}, TooManyAtOnce),
    (596, {"error": "renew", "code": "SESSION_EXPIRED"}, SessionDied),
]


@charged
@pytest.mark.parametrize(("status", "body", "error"), KNOWN)
async def test_each_documented_refusal_is_its_own_error_and_no_doubt_remains(
    upstream: Upstream, mureka: MurekaClient, ask: Ask, status: int, body: object, error: type[MurekaError]
):
    upstream.faults.append(Fault(status=status, body=body))
    with pytest.raises(error) as raised:
        await ask(Watcher(), mureka)
    assert not isinstance(raised.value, OutcomeUnknown)
    assert len(upstream.requests) == 1


@charged
@pytest.mark.parametrize(("status", "body", "error"), KNOWN)
async def test_a_refusal_counts_by_its_status_even_when_its_body_is_a_proxys_page(
    upstream: Upstream, mureka: MurekaClient, ask: Ask, status: int, body: object, error: type[MurekaError]
):
    del body
    upstream.faults.append(Fault(status=status, body=b"<html>no", headers={"Content-Type": "text/html"}))
    with pytest.raises(error):
        await ask(Watcher(), mureka)


@charged
@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), (None, 10), ("0", 1), ("soon", 10), ("999999", 300), ("nan", 10)]
)
async def test_a_429_says_how_long_to_wait(
    upstream: Upstream, mureka: MurekaClient, ask: Ask, header: str | None, seconds: float
):
    upstream.faults.append(Fault(status=429, headers={"Retry-After": header} if header else {}))
    with pytest.raises(TooManyAtOnce) as raised:
        await ask(Watcher(), mureka)
    assert raised.value.values["retry_after"] == seconds


@charged
async def test_a_dead_session_names_its_code(upstream: Upstream, mureka: MurekaClient, ask: Ask):
    upstream.faults.append(Fault(status=596, body={"error": "…", "code": "REFRESH_IN_PROGRESS"}))
    with pytest.raises(SessionDied) as raised:
        await ask(Watcher(), mureka)
    assert raised.value.values["code"] == "REFRESH_IN_PROGRESS"


@charged
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
        ({"body": b'{"mp3_url": ""}'}, AnswerUnreadable),
        ({"body": b'{"mp3_url": 5, "jobid": 5}'}, AnswerUnreadable),
        ({"body": b'{"jobid": "", "response": {"mp3_url": "x"}}'}, AnswerUnreadable),
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
    mureka: MurekaClient,
    ask: Ask,
    fault: dict[str, Any],
    error: type[OutcomeUnknown],
    takes_effect: bool,  # noqa: FBT001 - a parameter of the table
):
    upstream.voices[VOICE.id] = VOICE
    upstream.faults.append(Fault(takes_effect=takes_effect, **fault))
    with pytest.raises(error):
        await ask(Watcher(), mureka)
    assert effects(upstream) == takes_effect
    assert len(upstream.requests) == 1
    assert issubclass(error, OutcomeUnknown)


@charged
@pytest.mark.parametrize("takes_effect", [True, False])
async def test_an_answer_that_never_comes_leaves_the_outcome_open(
    upstream: Upstream,
    hasty: MurekaClient,
    ask: Ask,
    takes_effect: bool,  # noqa: FBT001 - a parameter of the table
):
    upstream.voices[VOICE.id] = VOICE
    upstream.faults.append(Fault(then="hang", takes_effect=takes_effect))
    async with asyncio.timeout(5):
        with pytest.raises(NoAnswer):
            await ask(Watcher(), hasty)
    assert effects(upstream) == takes_effect
    assert len(upstream.requests) == 1


@charged
async def test_a_compressed_bomb_is_not_read_to_its_end(upstream: Upstream, mureka: MurekaClient, ask: Ask):
    bomb = gzip.compress(bytes(64 * ANSWER_LIMIT))
    upstream.faults.append(Fault(body=bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(AnswerUnreadable):
        await ask(Watcher(), mureka)


@charged
async def test_a_redirect_takes_neither_token_nor_body_along(
    upstream: Upstream, mureka: MurekaClient, ask: Ask
):
    async with Upstream() as elsewhere:
        upstream.faults.append(Fault(status=307, headers={"Location": f"{elsewhere.url}/speech/voice"}))
        with pytest.raises(OutcomeUnknown):
            await ask(Watcher(), mureka)
        assert elsewhere.requests == []


LONGEST: list[tuple[Ask, object]] = [
    (Watcher.clone, bytes(LONG)),
    (Watcher.speak, "x" * LONG),
    (Watcher.speak_and_wait, "x" * LONG),
]


@pytest.mark.parametrize(("ask", "body"), LONGEST, ids=["clone", "speak", "speak_and_wait"])
async def test_a_connection_broken_off_in_the_middle_of_the_body_is_as_if_nothing_was_sent(
    upstream: Upstream, mureka: MurekaClient, ask: Ask, body: object
):
    upstream.voices[VOICE.id] = VOICE
    upstream.faults.append(Fault(then="reset", after=1000))
    watcher = Watcher()
    with pytest.raises(NotSent):
        await ask(watcher, mureka, body)
    assert watcher.sent_when_committing is None
    assert effects(upstream) == 0


@pytest.mark.parametrize(("ask", "body"), LONGEST, ids=["clone", "speak", "speak_and_wait"])
async def test_a_timeout_in_the_middle_of_the_body_is_as_if_nothing_was_sent(
    upstream: Upstream, hasty: MurekaClient, ask: Ask, body: object
):
    upstream.faults.append(Fault(then="hang", after=1000))
    with pytest.raises(NotSent):
        await ask(Watcher(), hasty, body)


@spoken
async def test_a_reset_leaves_the_outcome_of_a_short_body_open_although_it_was_not_read(
    upstream: Upstream, mureka: MurekaClient, ask: Ask
):
    upstream.faults.append(Fault(then="reset", after=0))
    with pytest.raises(ConnectionLost):
        await ask(Watcher(), mureka)
    assert upstream.requests[0].body == b""


@charged
@pytest.mark.parametrize("base", ["http://127.0.0.1:{port}/v1", "http://host.invalid/v1"])
async def test_an_api_that_can_not_be_reached_has_been_sent_nothing(base: str, ask: Ask):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with aiohttp.ClientSession() as session:
        mureka = MurekaClient(session, TOKEN, clone_timeout=5, base=base.format(port=port))
        with pytest.raises(NotSent):
            await ask(Watcher(), mureka)


async def test_errors_of_the_line_are_also_the_builtin_ones(
    upstream: Upstream, mureka: MurekaClient, hasty: MurekaClient
):
    upstream.faults += [Fault(then="hang"), Fault(then="reset")]
    with pytest.raises(TimeoutError):
        await Watcher().clone(hasty)
    with pytest.raises(ConnectionError):
        await Watcher().clone(mureka)


async def test_only_an_id_is_needed_of_a_voice(upstream: Upstream, mureka: MurekaClient):
    upstream.faults.append(Fault(body={"id": 12345678901234, "title": 5, "surprise": []}))
    assert await Watcher().clone(mureka) == VoiceResponse(id=12345678901234)


async def test_the_list_has_all_pages_and_only_clones(upstream: Upstream, mureka: MurekaClient):
    for number in range(5):
        await Watcher().clone(mureka, title=f"voice {number}")
    listed = await mureka.voices(None)
    assert {voice.id for voice in listed} == set(upstream.voices)
    asked = [request.query for request in upstream.requests if request.method == "GET"]
    assert len(asked) == 3
    assert all(query["cloned"] == "true" for query in asked)


async def test_a_list_whose_pages_never_end_ends(upstream: Upstream, mureka: MurekaClient):
    page = {"list": [{"id": 1}], "last_id": 1, "more": True}
    upstream.faults += [Fault(body=page), Fault(body=page)]
    assert [voice.id for voice in await mureka.voices(None)] == [1]
    upstream.faults += [Fault(body=page), Fault(body=page)]
    with pytest.raises(AnswerUnreadable):  # it proves no other voice absent
        await mureka.voices(None, complete=True)


@pytest.mark.parametrize("body", [b"[]", b'{"list": 5}', b"{}"])
async def test_a_list_that_is_none_is_no_empty_list(upstream: Upstream, mureka: MurekaClient, body: bytes):
    upstream.faults.append(Fault(body=body))
    with pytest.raises(AnswerUnreadable):
        await mureka.voices(None)


async def test_a_deleted_voice_is_gone(upstream: Upstream, mureka: MurekaClient):
    voice = await Watcher().clone(mureka)
    await mureka.delete(voice.id, None)
    assert upstream.voices == {}


@pytest.mark.parametrize(
    ("ask", "form"), [(Watcher.speak, {"async": True}), (Watcher.speak_and_wait, {})], ids=["async", "plain"]
)
@pytest.mark.parametrize("account", [{}, {"account": "demo@example.com"}], ids=["no account", "account"])
async def test_a_line_arrives_as_json_with_its_length_and_nothing_in_the_query(
    upstream: Upstream, mureka: MurekaClient, ask: Ask, form: dict[str, Any], account: dict[str, Any]
):
    upstream.voices[VOICE.id] = VOICE
    await ask(Watcher(), mureka, **account)
    (request,) = upstream.requests
    assert (request.method, request.raw_path, request.raw_query) == ("POST", "/speech", "")
    assert json.loads(request.body) == (account | {"title": TITLE, "text": TEXT, "voice_id": VOICE.id} | form)
    assert request.headers["Content-Length"] == str(len(request.body))
    assert "Transfer-Encoding" not in request.headers
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    (line,) = upstream.speeches
    assert (line.voice_id, line.title, line.text) == (VOICE.id, TITLE, TEXT)


async def test_each_of_several_accounts_speaks_with_its_own_voices():
    async with Upstream(accounts=["a", "demo@example.com"]) as upstream, aiohttp.ClientSession() as session:
        mureka = MurekaClient(session, TOKEN, clone_timeout=5, base=upstream.url)
        upstream.voices[VOICE.id] = VOICE
        with pytest.raises(Rejected):
            await Watcher().speak(mureka)
        with pytest.raises(AccountMissing):
            await Watcher().speak(mureka, account="a")
        await Watcher().speak(mureka, account="demo@example.com")
        assert [line.account for line in upstream.speeches] == ["demo@example.com"]


async def test_the_plain_form_answers_with_the_speech(upstream: Upstream, mureka: MurekaClient):
    upstream.voices[VOICE.id] = VOICE
    speech = await Watcher().speak_and_wait(mureka)
    assert speech == SpeechResponse(upstream.speeches[0].mp3_url)


@pytest.mark.parametrize("more", [{}, {"jobid": "job:1"}])
async def test_an_api_that_takes_no_jobs_answers_with_the_speech(
    upstream: Upstream, mureka: MurekaClient, more: dict[str, str]
):
    answer = {"mp3_url": "http://x/1.mp3", "title": "", "cover": 5, "duration_milliseconds": 8500}
    upstream.faults.append(Fault(body=answer | more))
    assert await Watcher().speak(mureka) == SpeechResponse("http://x/1.mp3")


async def over(mureka: MurekaClient, job: JobResponse) -> JobResponse:
    """Look at a job until it is over."""
    async with asyncio.timeout(5):
        while job.status == "created":
            await asyncio.sleep(0.01)
            job = await mureka.job(job.id)
    return job


async def test_a_job_goes_on_until_its_line_is_spoken_and_is_forgotten_one_day():
    async with Upstream(speech_seconds=0.3) as upstream, aiohttp.ClientSession() as session:
        mureka = MurekaClient(session, TOKEN, clone_timeout=5, base=upstream.url)
        upstream.voices[VOICE.id] = VOICE
        job = await Watcher().speak(mureka)
        assert isinstance(job, JobResponse)
        assert (job.status, job.completed, job.failed) == ("created", False, False)
        assert await mureka.job(job.id) == job
        done = await over(mureka, job)
        assert (done.id, done.completed, done.failed) == (job.id, True, False)
        assert done.speech is not None
        assert done.speech.mp3_url == upstream.speeches[0].mp3_url
        assert len(upstream.speeches) == 1
        upstream.faults.append(Fault(status=404, path="/jobs/"))
        with pytest.raises(JobForgotten):
            await mureka.job(job.id)
        with pytest.raises(JobForgotten):
            await mureka.job("job:nobody-knows")


async def test_a_job_can_fail():
    async with Upstream(speech_seconds=0.3) as upstream, aiohttp.ClientSession() as session:
        mureka = MurekaClient(session, TOKEN, clone_timeout=5, base=upstream.url)
        upstream.voices[VOICE.id] = VOICE
        job = await Watcher().speak(mureka)
        assert isinstance(job, JobResponse)
        await mureka.delete(VOICE.id, None)
        done = await over(mureka, job)
        assert done == JobResponse(job.id, "failed")
        assert not done.completed


@pytest.mark.parametrize(
    ("answer", "job"),
    [
        ({"jobid": "j"}, JobResponse("j", "created")),
        ({"jobid": "j", "status": 5, "error": 5, "response": "x"}, JobResponse("j", "created")),
        ({"jobid": "j", "status": "completed", "response": {}}, JobResponse("j", "completed")),
        (
            {"jobid": "j", "status": "failed", "error": "", "errorDetails": "too loud"},
            JobResponse("j", "failed"),
        ),
        (
            {"jobid": "j", "status": "failed", "error": "no", "errorDetails": "too loud"},
            JobResponse("j", "failed"),
        ),
    ],
)
async def test_only_an_id_is_needed_of_a_job(
    upstream: Upstream, mureka: MurekaClient, answer: dict[str, Any], job: JobResponse
):
    upstream.faults += [Fault(body=answer), Fault(status=201, body=answer)]
    assert await mureka.job("j") == job
    assert await Watcher().speak(mureka) == job


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"jobid": 5}', b"<html>"])
async def test_a_job_without_an_id_is_unreadable(upstream: Upstream, mureka: MurekaClient, body: bytes):
    upstream.faults.append(Fault(body=body))
    with pytest.raises(AnswerUnreadable):
        await mureka.job("job:1")


async def test_the_id_of_a_job_is_percent_encoded_whatever_is_in_it(upstream: Upstream, mureka: MurekaClient):
    job_id = "job:1-a/b?c#d%41 +声"
    upstream.faults.append(Fault(method="GET", path=f"/jobs/{job_id}", body={"jobid": job_id}))
    assert (await mureka.job(job_id)).id == job_id
    (request,) = upstream.requests
    assert request.raw_path == "/jobs/job%3A1-a%2Fb%3Fc%23d%2541%20%2B%E5%A3%B0"
    assert request.raw_query == ""


@pytest.mark.parametrize(("status", "body", "error"), [case for case in KNOWN if case[0] != 404])
async def test_a_job_that_can_not_be_looked_at_is_not_forgotten(
    upstream: Upstream, mureka: MurekaClient, status: int, body: object, error: type[MurekaError]
):
    upstream.faults.append(Fault(status=status, body=body))
    with pytest.raises(error):
        await mureka.job("job:1")


@spoken
@pytest.mark.parametrize("body", [b"", b"{}", b'{"status": "created"}', b'{"jobid": null}', b"<html>"])
async def test_a_201_without_a_job_leaves_the_outcome_open(
    upstream: Upstream, mureka: MurekaClient, ask: Ask, body: bytes
):
    upstream.faults.append(Fault(status=201, body=body))
    with pytest.raises(AnswerUnreadable):
        await ask(Watcher(), mureka)


async def test_a_job_is_no_answer_to_the_plain_form(upstream: Upstream, mureka: MurekaClient):
    upstream.faults.append(Fault(status=201, body={"jobid": "job:1", "status": "created"}))
    with pytest.raises(AnswerUnreadable):
        await Watcher().speak_and_wait(mureka)


async def test_a_201_is_an_answer_to_a_line_only(upstream: Upstream, mureka: MurekaClient):
    upstream.faults += [Fault(status=201, body={"id": 1}), Fault(status=201, body={"jobid": "job:1"})]
    with pytest.raises(UpstreamFailed):
        await Watcher().clone(mureka)
    with pytest.raises(UpstreamFailed):
        await mureka.job("job:1")


@pytest.mark.parametrize("status", [status for status, _, _ in KNOWN] + [500])
async def test_a_text_is_not_logged_even_if_the_api_repeats_it(
    upstream: Upstream, mureka: MurekaClient, caplog: pytest.LogCaptureFixture, status: int
):
    caplog.set_level(logging.DEBUG)
    upstream.faults.append(Fault(status=status, body={"error": "no: my secret", "code": 4711}))
    with pytest.raises(MurekaError) as raised:
        await Watcher().speak(mureka, "my secret")
    assert "secret" not in caplog.text + repr(raised.value) + str(raised.value)
    assert f"POST /v1/mureka/speech answered {status}: 4711" in caplog.text


async def test_accounts_come_with_what_is_wrong_with_them(upstream: Upstream, mureka: MurekaClient):
    assert await mureka.accounts() == {"demo@example.com": None}
    upstream.faults.append(Fault(body={"a": {"account": "a", "error": "expired"}, "b": {"error": ""}}))
    assert await mureka.accounts() == {"a": "expired", "b": None}


async def test_a_profile_tells_plan_and_credits(upstream: Upstream, mureka: MurekaClient):
    profile = await mureka.profile(None)
    assert (profile.plan, profile.credits) == ("Premier", 4200)
    upstream.faults.append(Fault(body={"user": None}))
    assert (await mureka.profile(None)).plan is None
