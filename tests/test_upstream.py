"""The emulated API does what is documented, and goes wrong exactly as it is told."""

import asyncio
import gzip
import io
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import av
import pytest
from yarl import URL

from bot.demo import upstream as module
from bot.demo.upstream import Fault, SpokenLine, Upstream

TOKEN = {"Authorization": "Bearer user:1234-demo"}
AUDIO = TOKEN | {"Content-Type": "audio/mpeg"}
QUERY = {"title": "Grandpa", "desc": "As he was", "lang": "en"}
SAMPLES = Path(module.__file__).parent / "samples"
SAMPLE = (SAMPLES / "good-sample.mp3").read_bytes()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield session


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


async def ask(
    session: aiohttp.ClientSession, method: str, url: str, *, headers: dict[str, str] = TOKEN, **options: Any
) -> tuple[int, Any]:
    async with session.request(method, url, headers=headers, **options) as response:
        return response.status, await response.json()


async def post(session: aiohttp.ClientSession, upstream: Upstream, **options: Any) -> tuple[int, Any]:
    options = {"headers": AUDIO, "params": QUERY, "data": SAMPLE} | options
    return await ask(session, "POST", f"{upstream.url}/speech/voice", **options)


async def clone(session: aiohttp.ClientSession, upstream: Upstream, **query: str) -> tuple[int, Any]:
    return await post(session, upstream, params=QUERY | query)


async def delete(session: aiohttp.ClientSession, upstream: Upstream, **query: str) -> tuple[int, Any]:
    return await ask(session, "DELETE", f"{upstream.url}/speech/voice", params=query)


async def speak(session: aiohttp.ClientSession, upstream: Upstream, **order: Any) -> tuple[int, Any]:
    return await ask(session, "POST", f"{upstream.url}/speech", json={"text": "Hello."} | order)


async def look(session: aiohttp.ClientSession, upstream: Upstream, job_id: str) -> tuple[int, Any]:
    url = URL(f"{upstream.url}/jobs/{quote(job_id, safe='')}", encoded=True)
    async with session.get(url, headers=TOKEN) as response:
        return response.status, await response.json()


async def titles(session: aiohttp.ClientSession, upstream: Upstream, **query: str) -> list[str]:
    _, answer = await ask(session, "GET", f"{upstream.url}/speech/voices/", params=query)
    return [voice["title"] for voice in answer["list"]]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110 - nothing tells when a server has seen something
            await asyncio.sleep(0.002)


async def send_and_hang_up(upstream: Upstream, body: bytes, announced: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(upstream.origin.rpartition(":")[2]))
    head = [
        "POST /v1/mureka/speech/voice?title=T&desc=D&lang=en HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: {TOKEN['Authorization']}",
        "Content-Type: audio/mpeg",
        f"Content-Length: {announced}",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_a_clone_answers_with_the_voice_that_now_exists(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    status, voice = await clone(session, upstream)
    assert status == 200
    assert len(str(voice["id"])) == 14
    assert (voice["title"], voice["description"], voice["language"]) == ("Grandpa", "As he was", "en")
    assert abs(voice["created_at"] - time.time()) < 5
    assert voice["duration_milliseconds"] == pytest.approx(13_800, rel=0.01)
    assert upstream.voices[voice["id"]].sample == SAMPLE
    assert upstream.voices[voice["id"]].account == "demo@example.com"


async def test_the_same_clone_twice_makes_two_voices(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    _, one = await clone(session, upstream)
    _, other = await clone(session, upstream)
    assert list(upstream.voices) == [one["id"], other["id"]]


async def test_every_request_is_on_record_as_it_came_in(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    await clone(session, upstream, title="R&B #1 声")
    await titles(session, upstream, cloned="true")
    request, listing = upstream.requests
    assert (request.method, request.path) == ("POST", "/speech/voice")
    assert request.raw_path == "/speech/voice"
    assert "title=R%26B+%231+%E5%A3%B0&" in request.raw_query
    assert request.query["title"] == "R&B #1 声"
    assert request.headers["content-type"] == "audio/mpeg"
    assert request.body == SAMPLE
    assert (listing.method, listing.path, listing.raw_query) == ("GET", "/speech/voices/", "cloned=true")


@pytest.mark.parametrize(
    "language", ["en", "zh-Hans", "zh-Hant", "ja", "ko", "es", "pt", "de", "fr", "it", "ru"]
)
async def test_the_longest_texts_pass_in_every_language(
    upstream: Upstream, session: aiohttp.ClientSession, language: str
) -> None:
    status, _ = await clone(session, upstream, title="声" * 50, desc="é" * 500, lang=language)
    assert status == 200


@pytest.mark.parametrize(
    "query",
    [{"title": ""}, {"title": "x" * 51}, {"desc": ""}, {"desc": "x" * 501}, {"lang": "xx"}, {"lang": ""}],
)
async def test_texts_out_of_bounds_are_refused(
    upstream: Upstream, session: aiohttp.ClientSession, query: dict[str, str]
) -> None:
    status, answer = await clone(session, upstream, **query)
    assert (status, answer["code"]) == (400, 400)
    assert next(iter(query)) in answer["error"]
    assert not upstream.voices


@pytest.mark.parametrize("name", QUERY)
async def test_no_parameter_may_be_left_out(
    upstream: Upstream, session: aiohttp.ClientSession, name: str
) -> None:
    query = {key: value for key, value in QUERY.items() if key != name}
    status, _ = await post(session, upstream, params=query)
    assert (status, upstream.voices) == (400, {})


async def test_a_chunked_body_is_refused(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield SAMPLE

    status, answer = await post(session, upstream, data=pieces())
    assert (status, answer["code"], upstream.voices) == (411, 411, {})


@pytest.mark.parametrize(("kind", "body"), [("application/octet-stream", SAMPLE), ("audio/mpeg", b"")])
async def test_anything_but_mp3_bytes_is_refused(
    upstream: Upstream, session: aiohttp.ClientSession, kind: str, body: bytes
) -> None:
    status, _ = await post(session, upstream, headers=TOKEN | {"Content-Type": kind}, data=body)
    assert (status, upstream.voices) == (400, {})


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer user:9-no"}, {"Authorization": "user:1234-demo"}]
)
async def test_without_the_token_nothing_is_done(
    upstream: Upstream, session: aiohttp.ClientSession, header: dict[str, str]
) -> None:
    status, answer = await post(session, upstream, headers={"Content-Type": "audio/mpeg"} | header)
    assert (status, answer["code"], upstream.voices) == (401, 401, {})


async def test_one_account_need_not_be_named_but_must_be_right(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    assert (await clone(session, upstream, account="demo@example.com"))[0] == 200
    assert (await clone(session, upstream, account="who@example.com"))[0] == 404


async def test_several_accounts_must_be_named_and_keep_their_voices_apart(
    session: aiohttp.ClientSession,
) -> None:
    async with Upstream(accounts=["a", "b"]) as upstream:
        assert (await clone(session, upstream))[0] == 400
        assert (await clone(session, upstream, account="c"))[0] == 404
        _, voice = await clone(session, upstream, account="b")
        assert await titles(session, upstream, cloned="true", account="a") == []
        assert await titles(session, upstream, cloned="true", account="b") == ["Grandpa"]
        assert (await delete(session, upstream, voice_id=str(voice["id"]), account="a"))[0] == 404
        assert list(upstream.voices) == [voice["id"]]


async def test_without_an_account_nothing_is_configured(session: aiohttp.ClientSession) -> None:
    async with Upstream(accounts=[]) as upstream:
        assert (await ask(session, "GET", f"{upstream.url}/accounts"))[0] == 404
        assert (await clone(session, upstream))[0] == 404


async def test_voices_are_listed_newest_first_in_pages(session: aiohttp.ClientSession) -> None:
    async with Upstream(page_size=2) as upstream:
        for number in range(5):
            await clone(session, upstream, title=str(number))
        pages: list[list[str]] = []
        last_id = ""
        while True:
            params = {"cloned": "true", "last_id": last_id}
            _, answer = await ask(session, "GET", f"{upstream.url}/speech/voices/", params=params)
            pages.append([voice["title"] for voice in answer["list"]])
            assert {voice["source_type"] for voice in answer["list"]} == {"cloned"}
            if not answer["more"]:
                break
            last_id = str(answer["last_id"])
            del upstream.voices[answer["last_id"]]  # pages go on where they were
        assert pages == [["4", "3"], ["2", "1"], ["0"]]


async def test_only_cloned_true_leaves_out_the_voices_that_nobody_cloned(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    await clone(session, upstream)
    assert await titles(session, upstream, cloned="true") == ["Grandpa"]
    assert await titles(session, upstream, cloned="false") == ["Newsreader"]
    assert await titles(session, upstream) == ["Grandpa", "Newsreader"]


async def test_a_deleted_voice_is_gone(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    _, voice = await clone(session, upstream)
    assert await delete(session, upstream, voice_id=str(voice["id"])) == (200, {})
    assert not upstream.voices
    assert (await delete(session, upstream, voice_id=str(voice["id"])))[0] == 404
    async with session.get(voice["mp3_url"]) as response:
        assert response.status == 404


async def test_a_deletion_must_name_a_number(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    assert (await delete(session, upstream))[0] == 400
    assert (await delete(session, upstream, voice_id="Grandpa"))[0] == 400


async def test_a_line_is_spoken_by_its_voice_and_charged(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    _, voice = await clone(session, upstream)
    text = "x" * 60
    status, speech = await speak(session, upstream, text=text, voice_id=voice["id"], title="声")
    mp3_url = f"{upstream.origin}/files/speech-1.mp3"
    assert status == 200
    assert speech == {"title": "声", "preview": text[:50], "cover": voice["cover"], "mp3_url": mp3_url}
    await speak(session, upstream, voice_id=voice["id"])
    assert upstream.speeches == [
        SpokenLine(1, voice["id"], "demo@example.com", "声", text, mp3_url),
        SpokenLine(2, voice["id"], "demo@example.com", "", "Hello.", mp3_url.replace("1.mp3", "2.mp3")),
    ]


async def test_a_line_can_be_heard_without_a_token_and_after_the_end_of_its_voice(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    _, voice = await clone(session, upstream)
    _, speech = await speak(session, upstream, voice_id=voice["id"])
    await delete(session, upstream, voice_id=str(voice["id"]))
    async with session.get(speech["mp3_url"]) as response:
        assert (response.status, response.content_type) == (200, "audio/mpeg")
        assert await response.read() == SAMPLE
    async with session.get(f"{upstream.origin}/files/speech-2.mp3") as response:
        assert response.status == 404


async def test_a_line_can_be_asked_for_as_a_job(session: aiohttp.ClientSession) -> None:
    async with Upstream(speech_seconds=0.2) as upstream:
        _, voice = await clone(session, upstream)
        order = {"voice_id": voice["id"], "async": True}
        status, job = await speak(session, upstream, **order)
        assert status == 201
        assert len(upstream.speeches) == 1
        assert (job["verb"], job["jobType"], job["status"]) == ("speech", "tts", "created")
        assert job["request"] == {"text": "Hello."} | order
        assert job["created"] == job["updated"]
        assert abs(datetime.fromisoformat(job["created"]).timestamp() - time.time()) < 5
        assert ":" in job["jobid"]
        assert await look(session, upstream, job["jobid"]) == (200, job)
        await asyncio.sleep(0.2)
        status, done = await look(session, upstream, job["jobid"])
        assert (status, done["status"]) == (200, "completed")
        assert done["response"]["mp3_url"] == upstream.speeches[0].mp3_url
        assert done["updated"] > job["updated"]
        assert (await speak(session, upstream, **order))[1]["jobid"] != job["jobid"]


@pytest.mark.parametrize(("deleted_after", "end"), [(0, "failed"), (0.3, "completed")])
async def test_a_job_needs_its_voice_until_it_is_over(
    session: aiohttp.ClientSession, deleted_after: float, end: str
) -> None:
    async with Upstream(speech_seconds=0.3) as upstream:
        _, voice = await clone(session, upstream)
        _, job = await speak(session, upstream, voice_id=voice["id"], **{"async": True})
        await asyncio.sleep(deleted_after)
        await delete(session, upstream, voice_id=str(voice["id"]))
        await asyncio.sleep(0.3 - deleted_after)
        _, done = await look(session, upstream, job["jobid"])
        assert done["status"] == end
        assert ("error" in done) == (end == "failed")
        assert len(upstream.speeches) == 1


async def test_an_unknown_job_is_not_found(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    assert (await look(session, upstream, "job:1"))[0] == 404
    assert (await look(session, upstream, ""))[0] == 404


async def test_without_a_job_the_answer_comes_with_the_speech(session: aiohttp.ClientSession) -> None:
    async with Upstream(speech_seconds=0.1) as upstream:
        _, voice = await clone(session, upstream)
        started = time.monotonic()
        answer = asyncio.create_task(speak(session, upstream, voice_id=voice["id"]))
        await until(lambda: upstream.speeches)
        assert not answer.done()
        assert (await answer)[0] == 200
        assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize(
    "order",
    [
        {"text": ""},
        {"text": None},
        {"text": " \n"},
        {"text": "x" * 5001},
        {"text": 5},
        {"title": "x" * 501},
        {"title": 5},
        {"voice_id": "1"},
        {"voice_id": True},
        {"voice_id": None},
    ],
)
async def test_a_line_out_of_bounds_is_refused(
    upstream: Upstream, session: aiohttp.ClientSession, order: dict[str, Any]
) -> None:
    _, voice = await clone(session, upstream)
    status, answer = await speak(session, upstream, **{"voice_id": voice["id"]} | order)
    assert (status, answer["code"], upstream.speeches) == (400, 400, [])
    assert next(iter(order)) in answer["error"]


async def test_the_longest_line_is_spoken(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    _, voice = await clone(session, upstream)
    order = {"text": "声" * 5000, "title": "😀" * 500, "voice_id": voice["id"]}
    assert (await speak(session, upstream, **order))[0] == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5"])
async def test_a_line_is_asked_for_by_a_json_object(
    upstream: Upstream, session: aiohttp.ClientSession, body: bytes
) -> None:
    headers = TOKEN | {"Content-Type": "application/json"}
    status, _ = await ask(session, "POST", f"{upstream.url}/speech", headers=headers, data=body)
    assert status == 400


async def test_a_line_must_say_that_it_is_json(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    _, voice = await clone(session, upstream)
    body = json.dumps({"text": "Hello.", "voice_id": voice["id"]})
    headers = TOKEN | {"Content-Type": "text/plain"}
    status, _ = await ask(session, "POST", f"{upstream.url}/speech", headers=headers, data=body)
    assert (status, upstream.speeches) == (400, [])


async def test_only_a_voice_of_the_account_speaks(session: aiohttp.ClientSession) -> None:
    async with Upstream(accounts=["a", "b"]) as upstream:
        _, voice = await clone(session, upstream, account="b")
        assert (await speak(session, upstream, voice_id=voice["id"]))[0] == 400
        assert (await speak(session, upstream, voice_id=voice["id"], account="c"))[0] == 404
        status, answer = await speak(session, upstream, voice_id=voice["id"], account="a")
        assert (status, answer["error"]) == (404, "Voice not found")
        assert (await speak(session, upstream, voice_id=5, account="b"))[0] == 404
        assert upstream.speeches == []
        assert (await speak(session, upstream, voice_id=voice["id"], account="b"))[0] == 200
        assert [line.account for line in upstream.speeches] == ["b"]


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_line_can_be_charged_and_its_answer_lost(
    upstream: Upstream, session: aiohttp.ClientSession, *, takes_effect: bool
) -> None:
    _, voice = await clone(session, upstream)
    upstream.faults.append(Fault(status=503, body={}, path="/speech", takes_effect=takes_effect))
    order = {"voice_id": voice["id"], "async": True}
    assert await speak(session, upstream, **order) == (503, {})
    assert len(upstream.speeches) == takes_effect


async def test_a_fault_can_happen_to_one_job_or_to_any(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    upstream.faults += [
        Fault(status=500, body={}, path="/jobs/job:1"),
        Fault(status=502, body={}, path="/jobs/"),
    ]
    assert [(await look(session, upstream, "job:2"))[0] for _ in range(2)] == [502, 404]
    assert (await look(session, upstream, "job:1"))[0] == 500
    upstream.faults.append(Fault(status=500, path="/jobs"))
    assert (await look(session, upstream, "job:1"))[0] == 404


async def test_accounts_and_profile_tell_what_is_configured(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    _, accounts = await ask(session, "GET", f"{upstream.url}/accounts")
    assert accounts["demo@example.com"]["account"] == "demo@example.com"
    assert "error" not in accounts["demo@example.com"]
    _, profile = await ask(session, "GET", f"{upstream.url}/profile/")
    assert profile["user"]["vip_name"] == "Premier"
    assert profile["credits"] > 0
    assert (await ask(session, "GET", f"{upstream.url}/profile/?account=who"))[0] == 404


async def test_any_other_path_is_not_found(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    assert (await ask(session, "GET", f"{upstream.url}/speech/voices"))[0] == 404


async def test_preview_and_cover_are_there_without_a_token_and_off_the_record(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    _, voice = await clone(session, upstream)
    async with session.get(voice["mp3_url"]) as response:
        assert (response.content_type, await response.read()) == ("audio/mpeg", SAMPLE)
    async with session.get(voice["cover"]) as response:
        assert response.content_type == "image/png"
        with av.open(io.BytesIO(await response.read()), mode="r") as cover:
            cover.streams.video[0].codec_context.options = {"err_detect": "crccheck+explode"}
            frame = next(cover.decode(video=0))
            assert (frame.width, frame.height) == (64, 64)
    assert voice["cover"].startswith(f"{upstream.origin}/")
    assert len(upstream.requests) == 1


async def test_the_voice_exists_before_its_answer_comes(session: aiohttp.ClientSession) -> None:
    async with Upstream(clone_seconds=0.1) as upstream:
        started = time.monotonic()
        answer = asyncio.create_task(clone(session, upstream))
        await until(lambda: upstream.voices)
        assert not answer.done()
        assert (await answer)[0] == 200
        assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize("read_rate", [None, 1_000_000])
async def test_a_voice_is_made_although_its_client_hung_up(read_rate: int | None) -> None:
    async with Upstream(read_rate=read_rate, clone_seconds=60) as upstream:
        await send_and_hang_up(upstream, SAMPLE, announced=len(SAMPLE))
        await until(lambda: upstream.voices)
        assert [voice.sample for voice in upstream.voices.values()] == [SAMPLE]


async def test_no_voice_is_made_of_a_part_of_its_body(
    upstream: Upstream, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    await send_and_hang_up(upstream, SAMPLE, announced=len(SAMPLE) + 1)
    await until(lambda: upstream.requests and upstream.requests[0].body == SAMPLE)
    assert await titles(session, upstream, cloned="true") == []
    assert not caplog.records


async def test_a_throttled_body_leaves_its_client_little_by_little() -> None:
    body, rate = bytes(150_000), 400_000
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)  # else the client's kernel takes all
        client.settimeout(0)
        async with Upstream(read_rate=rate) as upstream:
            await loop.sock_connect(client, ("127.0.0.1", int(upstream.origin.rpartition(":")[2])))
            head = f"POST /v1/mureka/speech/voice HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            started = loop.time()
            await loop.sock_sendall(client, head.encode() + body[: len(body) // 2])
            half = loop.time() - started
            await loop.sock_sendall(client, body[len(body) // 2 :])
            await loop.sock_recv(client, 1)
            whole = loop.time() - started
            assert len(upstream.requests[0].body) == len(body)
    assert whole >= len(body) / rate
    assert 0.2 < half / whole < 0.7


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize(
    ("status", "headers", "body", "sent"),
    [
        (429, {"Retry-After": "3"}, {"error": "slow down"}, b'{"error": "slow down"}'),
        (596, {}, {"code": "SESSION_EXPIRED"}, b'{"code": "SESSION_EXPIRED"}'),
        (503, {"Content-Type": "text/html"}, b"<html>", b"<html>"),
        (302, {"Location": "http://127.0.0.2/"}, b"", b""),
        (200, {}, [], b"[]"),
        (200, {}, None, b"null"),
        (200, {}, bytes(5_000_000), bytes(5_000_000)),
        (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(10**7)), bytes(10**7)),
    ],
)
async def test_any_answer_can_stand_in_for_the_true_one(
    upstream: Upstream,
    session: aiohttp.ClientSession,
    status: int,
    headers: dict[str, str],
    body: object,
    sent: bytes,
    *,
    takes_effect: bool,
) -> None:
    upstream.faults.append(Fault(status=status, headers=headers, body=body, takes_effect=takes_effect))
    url = f"{upstream.url}/speech/voice"
    async with session.post(url, headers=AUDIO, params=QUERY, data=SAMPLE, allow_redirects=False) as response:
        assert (response.status, await response.read()) == (status, sent)
        expected = {"Content-Type": "application/json"} | headers
        assert expected.items() <= dict(response.headers).items()
    assert len(upstream.voices) == takes_effect
    assert upstream.requests[0].body == SAMPLE


async def test_each_fault_happens_once_to_the_next_request_that_fits(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    upstream.faults += [
        Fault(status=500, body={}, path="/accounts"),
        Fault(status=502, body={}, method="DELETE"),
        Fault(status=503, body={}),
        Fault(status=504, body={}),
    ]
    accounts = f"{upstream.url}/accounts"
    assert [(await clone(session, upstream))[0] for _ in range(3)] == [503, 504, 200]
    assert [(await ask(session, "GET", accounts))[0] for _ in range(2)] == [500, 200]
    assert [fault.status for fault in upstream.faults] == [502]


async def test_an_answer_can_come_before_the_body_is_read(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    upstream.faults.append(Fault(status=400, body={}, after=0))
    assert await clone(session, upstream) == (400, {})
    assert upstream.requests[0].body == b""


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_an_answer_can_be_cut_off(
    upstream: Upstream, session: aiohttp.ClientSession, *, takes_effect: bool
) -> None:
    upstream.faults.append(Fault(then="cut_off", body=b'{"id": 123', takes_effect=takes_effect))
    with pytest.raises(aiohttp.ClientPayloadError):
        await clone(session, upstream)
    assert len(upstream.voices) == takes_effect


async def test_an_answer_can_be_endless(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    upstream.faults.append(Fault(then="endless", body=b'{"id": ', takes_effect=True))
    url = f"{upstream.url}/speech/voice"
    async with session.post(url, headers=AUDIO, params=QUERY, data=SAMPLE) as response:
        assert (await response.content.readexactly(3_000_000)).startswith(b'{"id": \0')
    assert len(upstream.voices) == 1


@pytest.mark.parametrize(
    ("fault", "read", "made"),
    [
        (Fault(then="reset", after=0), 0, 0),
        (Fault(then="reset", after=1000), 1000, 0),
        (Fault(then="reset"), len(SAMPLE), 0),
        (Fault(then="reset", takes_effect=True), len(SAMPLE), 1),
    ],
)
async def test_a_connection_can_be_reset(
    upstream: Upstream, session: aiohttp.ClientSession, fault: Fault, read: int, made: int
) -> None:
    upstream.faults.append(fault)
    with pytest.raises(aiohttp.ClientOSError):  # an end without RST would be a ServerDisconnectedError
        await clone(session, upstream)
    assert len(upstream.requests[0].body) == read
    assert len(upstream.voices) == made


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_request_can_stay_unanswered_for_good(
    upstream: Upstream, session: aiohttp.ClientSession, *, takes_effect: bool
) -> None:
    upstream.faults.append(Fault(then="hang", takes_effect=takes_effect))
    waiting = asyncio.create_task(clone(session, upstream))
    await until(lambda: upstream.requests and upstream.requests[0].body == SAMPLE)
    answered, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not answered
    assert len(upstream.voices) == takes_effect
    waiting.cancel()


async def test_a_deletion_can_take_effect_and_seem_to_fail(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    _, voice = await clone(session, upstream)
    upstream.faults.append(Fault(status=503, body={}, takes_effect=True))
    assert await delete(session, upstream, voice_id=str(voice["id"])) == (503, {})
    assert not upstream.voices


@pytest.mark.parametrize("fault", [Fault(then="hang"), Fault(then="hang", after=0), Fault(then="endless")])
async def test_the_end_comes_at_once_whatever_is_under_way(
    session: aiohttp.ClientSession, fault: Fault
) -> None:
    async with Upstream(clone_seconds=60) as upstream:
        slow = asyncio.create_task(clone(session, upstream))
        await until(lambda: upstream.voices)
        upstream.faults.append(fault)
        stuck = asyncio.create_task(clone(session, upstream))
        await until(lambda: len(upstream.requests) == 2 and not upstream.faults)
        started = time.monotonic()
    assert time.monotonic() - started < 0.5
    failures = await asyncio.gather(slow, stuck, return_exceptions=True)
    assert all(isinstance(failure, aiohttp.ClientError) for failure in failures)
    with pytest.raises(aiohttp.ClientConnectorError):
        await clone(session, upstream)


async def test_nothing_goes_on_after_the_end() -> None:
    async with Upstream(clone_seconds=60) as upstream:
        await send_and_hang_up(upstream, SAMPLE, announced=len(SAMPLE))
        await until(lambda: upstream.voices)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("name", "kind", "shortest", "longest"),
    [
        ("good-sample", "mp3", 10, 60),
        ("outside-recommended", "mp3", 3, 10),
        ("too-short", "mp3", 0.5, 3),
        ("not-really-an-mp3", "wav", 0.5, 60),
    ],
)
def test_a_sample_is_what_its_name_says(name: str, kind: str, shortest: float, longest: float) -> None:
    with av.open(str(SAMPLES / f"{name}.mp3")) as file:
        seconds = sum(frame.samples for frame in file.decode(audio=0)) / file.streams.audio[0].sample_rate
        assert file.format.name == kind
        assert shortest < seconds < longest


def test_the_samples_are_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 300_000
