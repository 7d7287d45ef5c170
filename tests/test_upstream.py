"""The emulated API behaves as documented. test_mureka proves its faults, which it relies on."""

import asyncio
import io
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest
from aiohttp import ClientSession
from yarl import URL

from bot.demo import upstream as module
from bot.demo.upstream import Fault, SpokenClip, Upstream
from bot.voices.models import Language
from support.clocks import PATIENCE, until

TOKEN = {"Authorization": "Bearer user:1234-demo"}
AUDIO = TOKEN | {"Content-Type": "audio/mpeg"}
QUERY = {"title": "Grandpa", "desc": "As he was", "lang": "en"}
SAMPLES = Path(module.__file__).parent / "samples"
SAMPLE = (SAMPLES / "good-sample.mp3").read_bytes()


class Caller:
    """Sends requests to an emulated API; each method returns status and JSON."""

    def __init__(self, upstream: Upstream, session: ClientSession) -> None:
        self.upstream = upstream
        self.session = session

    async def ask(self, method: str, path: str, headers: Any = TOKEN, **options: Any) -> tuple[int, Any]:
        url = URL(self.upstream.url + path, encoded=True)
        async with self.session.request(method, url, headers=headers, **options) as response:
            return response.status, await response.json()

    async def post(self, **options: Any) -> tuple[int, Any]:
        given: dict[str, Any] = {"headers": AUDIO, "params": QUERY, "data": SAMPLE} | options
        return await self.ask("POST", "/speech/voice", **given)

    async def clone(self, **query: str) -> tuple[int, Any]:
        return await self.post(params=QUERY | query)

    async def delete(self, **query: str) -> tuple[int, Any]:
        return await self.ask("DELETE", "/speech/voice", params=query)

    async def speak(self, **order: Any) -> tuple[int, Any]:
        return await self.ask("POST", "/speech", json={"text": "Hello."} | order)

    async def titles(self, **query: str) -> list[str]:
        _, answer = await self.ask("GET", "/speech/voices/", params=query)
        return [voice["title"] for voice in answer["list"]]

    async def file(self, url: str) -> tuple[int, str, bytes]:
        """Download a file without a token."""
        async with self.session.get(url) as response:
            return response.status, response.content_type, await response.read()


@asynccontextmanager
async def calling(**options: Any) -> AsyncGenerator[Caller]:
    async with (
        Upstream(**options) as upstream,
        ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
    ):
        yield Caller(upstream, session)


@pytest.fixture
async def api() -> AsyncGenerator[Caller]:
    async with calling() as api:
        yield api


@pytest.fixture
async def voice(api: Caller) -> dict[str, Any]:
    return (await api.clone())[1]


async def chunked() -> AsyncGenerator[bytes]:
    yield SAMPLE


async def send_and_hang_up(upstream: Upstream, body: bytes, announced: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(upstream.origin.rpartition(":")[2]))
    headers = AUDIO | {"Host": "127.0.0.1", "Content-Length": str(announced)}
    head = ["POST /v1/mureka/speech/voice?title=T&desc=D&lang=en HTTP/1.1", *map(": ".join, headers.items()), "", ""]
    writer.write("\r\n".join(head).encode() + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_clone_returns_the_voice_that_now_exists(api: Caller):
    status, voice = await api.clone()
    assert status == 200
    assert len(str(voice["id"])) == 14
    assert (voice["title"], voice["description"], voice["language"]) == ("Grandpa", "As he was", "en")
    assert abs(voice["created_at"] - time.time()) < 5
    assert voice["duration_milliseconds"] == pytest.approx(13_800, rel=0.01)
    made = api.upstream.voices[voice["id"]]
    assert (made.sample, made.account) == (SAMPLE, "demo@example.com")


async def test_longest_texts_are_accepted_in_each_language(api: Caller, voice: dict[str, Any]):
    for language in Language:
        assert (await api.clone(title="声" * 50, desc="é" * 500, lang=language))[0] == 200
    assert (await api.speak(text="声" * 5000, title="😀" * 500, voice_id=voice["id"]))[0] == 200


@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        *(
            ({"params": QUERY | {name: text}}, 400, name)
            for name, text in [("title", ""), ("title", "x" * 51), ("desc", ""), ("desc", "x" * 501), ("lang", "xx")]
        ),
        *(({"params": {name: QUERY[name] for name in QUERY if name != left_out}}, 400, left_out) for left_out in QUERY),
        ({"data": b""}, 400, "body"),
        ({"data": chunked()}, 411, "Content-Length"),
        ({"headers": TOKEN | {"Content-Type": "application/octet-stream"}}, 400, "audio/mpeg"),
        ({"headers": {"Content-Type": "audio/mpeg"}}, 401, "Unauthorized"),
        ({"headers": AUDIO | {"Authorization": "Bearer user:9-no"}}, 401, "Unauthorized"),
        ({"headers": AUDIO | {"Authorization": "user:1234-demo"}}, 401, "Unauthorized"),
        ({"params": QUERY | {"account": "who@example.com"}}, 404, "Account"),
    ],
)
async def test_malformed_clone_is_refused(api: Caller, options: dict[str, Any], status: int, reason: str):
    answered, answer = await api.post(**options)
    assert (answered, answer["code"], api.upstream.voices) == (status, status, {})
    assert reason in answer["error"]


async def test_several_accounts_must_be_named_and_each_has_its_clones_and_the_preset_voices():
    async with calling(accounts=["a", "b"]) as api:
        assert (await api.clone())[0] == 400
        assert (await api.clone(account="c"))[0] == 404
        _, voice = await api.clone(account="b")
        for account, clones in {"a": [], "b": ["Grandpa"]}.items():
            assert await api.titles(cloned="true", account=account) == clones
            assert await api.titles(cloned="false", account=account) == ["Newsreader"]
            assert await api.titles(account=account) == [*clones, "Newsreader"]
        assert (await api.delete(voice_id=str(voice["id"]), account="a"))[0] == 404
        assert list(api.upstream.voices) == [voice["id"]]
        for other in ({"account": "a"}, {"account": "c"}, {"account": "b", "voice_id": 5}):
            assert (await api.speak(**{"voice_id": voice["id"]} | other))[0] == 404
        assert api.upstream.speeches == []


async def test_accounts_and_profile_show_the_configuration(api: Caller):
    _, accounts = await api.ask("GET", "/accounts")
    assert accounts["demo@example.com"]["account"] == "demo@example.com"
    assert (await api.ask("GET", "/profile/?account=who"))[0] == 404
    assert (await api.ask("GET", "/speech/voices"))[0] == 404, "the documented path ends in a slash"
    async with calling(accounts=[]) as api_without_accounts:
        assert (await api_without_accounts.ask("GET", "/accounts"))[0] == 404
        assert (await api_without_accounts.clone())[0] == 404


async def test_voices_are_listed_newest_first_in_pages():
    async with calling(page_size=2) as api:
        for number in range(5):
            await api.clone(title=str(number))
        pages: list[list[str]] = []
        last_id, more = "", True
        while more:
            _, answer = await api.ask("GET", "/speech/voices/", params={"cloned": "true", "last_id": last_id})
            pages.append([voice["title"] for voice in answer["list"]])
            assert {voice["source_type"] for voice in answer["list"]} == {"cloned"}
            last_id, more = str(answer["last_id"]), answer["more"]
            del api.upstream.voices[answer["last_id"]]  # pages go on where they were
        assert pages == [["4", "3"], ["2", "1"], ["0"]]


async def test_deleted_voice_is_gone_and_its_clips_are_not(api: Caller, voice: dict[str, Any]):
    _, speech = await api.speak(voice_id=voice["id"])
    assert (await api.delete())[0] == 400
    assert (await api.delete(voice_id="Grandpa"))[0] == 400
    assert await api.delete(voice_id=str(voice["id"])) == (200, {})
    assert not api.upstream.voices
    assert (await api.delete(voice_id=str(voice["id"])))[0] == 404
    assert (await api.file(voice["mp3_url"]))[0] == 404
    assert await api.file(speech["mp3_url"]) == (200, "audio/mpeg", SAMPLE)
    assert (await api.file(speech["mp3_url"].replace("1.mp3", "2.mp3")))[0] == 404


async def test_clip_is_spoken_by_its_voice_and_charged(api: Caller, voice: dict[str, Any]):
    text, mp3_url = "x" * 60, f"{api.upstream.origin}/files/speech-1.mp3"
    status, speech = await api.speak(text=text, voice_id=voice["id"], title="声")
    assert status == 200
    assert speech == {"title": "声", "preview": text[:50], "cover": voice["cover"], "mp3_url": mp3_url}
    await api.speak(voice_id=voice["id"])
    assert api.upstream.speeches == [
        SpokenClip(1, voice["id"], "demo@example.com", "声", text, mp3_url),
        SpokenClip(2, voice["id"], "demo@example.com", "", "Hello.", mp3_url.replace("1.mp3", "2.mp3")),
    ]


async def test_clip_can_be_requested_as_a_job():
    async with calling(speech_seconds=0.2) as api:
        _, voice = await api.clone()
        order = {"voice_id": voice["id"], "async": True}
        status, job = await api.speak(**order)
        assert (status, len(api.upstream.speeches)) == (201, 1)
        assert (job["verb"], job["jobType"], job["status"]) == ("speech", "tts", "created")
        assert job["request"] == {"text": "Hello."} | order
        assert job["created"] == job["updated"]
        assert abs(datetime.fromisoformat(job["created"]).timestamp() - time.time()) < 5
        assert ":" in job["jobid"]
        path, done = f"/jobs/{job['jobid'].replace(':', '%3A')}", job
        assert await api.ask("GET", path) == (200, job)
        async with asyncio.timeout(PATIENCE):
            while done["status"] == "created":
                status, done = await api.ask("GET", path)
        assert (status, done["status"]) == (200, "completed")
        assert done["response"]["mp3_url"] == api.upstream.speeches[0].mp3_url
        assert done["updated"] > job["updated"]
        assert (await api.speak(**order))[1]["jobid"] != job["jobid"]


@pytest.mark.parametrize(
    "order",
    [
        *({"text": text} for text in ("", None, " \n", "x" * 5001, 5)),
        *({"title": title} for title in ("x" * 501, 5)),
        *({"voice_id": voice_id} for voice_id in ("1", True, None)),
    ],
)
async def test_clip_out_of_bounds_is_refused(api: Caller, voice: dict[str, Any], order: dict[str, Any]):
    status, answer = await api.speak(**{"voice_id": voice["id"]} | order)
    assert (status, answer["code"], api.upstream.speeches) == (400, 400, [])
    assert next(iter(order)) in answer["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", None])
async def test_clip_is_requested_by_a_json_object(api: Caller, voice: dict[str, Any], body: bytes | None):
    kind = "application/json" if body is not None else "text/plain"
    order = json.dumps({"text": "Hello.", "voice_id": voice["id"]}) if body is None else body
    status, _ = await api.ask("POST", "/speech", headers=TOKEN | {"Content-Type": kind}, data=order)
    assert (status, api.upstream.speeches) == (400, [])


async def test_preview_and_cover_need_no_token_and_are_not_recorded(api: Caller, voice: dict[str, Any]):
    assert await api.file(voice["mp3_url"]) == (200, "audio/mpeg", SAMPLE)
    _, kind, image = await api.file(voice["cover"])
    assert kind == "image/png"
    with av.open(io.BytesIO(image), mode="r") as cover:
        cover.streams.video[0].codec_context.options = {"err_detect": "crccheck+explode"}
        frame = next(cover.decode(video=0))
        assert (frame.width, frame.height) == (64, 64)
    assert len(api.upstream.requests) == 1


@pytest.mark.parametrize("read_rate", [None, 1_000_000])
async def test_voice_is_made_even_if_the_client_hangs_up(read_rate: int | None):
    async with Upstream(read_rate=read_rate, clone_seconds=60) as upstream:
        await send_and_hang_up(upstream, SAMPLE, announced=len(SAMPLE))
        await until(lambda: upstream.voices)
        assert [voice.sample for voice in upstream.voices.values()] == [SAMPLE]
    assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing continues after the server stopped"


async def test_incomplete_body_makes_no_voice(api: Caller, caplog: pytest.LogCaptureFixture):
    await send_and_hang_up(api.upstream, SAMPLE, announced=len(SAMPLE) + 1)
    await until(lambda: api.upstream.requests and api.upstream.requests[0].body == SAMPLE)
    assert await api.titles(cloned="true") == []
    assert not caplog.records


async def test_fault_applies_once_to_the_next_matching_request(api: Caller):
    paths = {500: "/accounts", 501: "/jobs/job:1", 502: "/jobs/", 505: "/jobs"}
    api.upstream.faults += [Fault(status=status, body={}, path=path) for status, path in paths.items()]
    api.upstream.faults.append(Fault(status=506, body={}, method="DELETE"))
    api.upstream.faults += [Fault(status=status, body={}) for status in (503, 504)]
    assert [(await api.ask("GET", f"/jobs/job:{number}"))[0] for number in (2, 1)] == [502, 501]
    assert [(await api.clone())[0] for _ in range(3)] == [503, 504, 200]
    assert [(await api.ask("GET", "/accounts"))[0] for _ in range(2)] == [500, 200]
    assert [fault.status for fault in api.upstream.faults] == [505, 506]


@pytest.mark.parametrize("fault", [Fault(then="hang"), Fault(then="hang", after=0), Fault(then="endless")])
async def test_server_stops_at_once_with_requests_in_progress(fault: Fault):
    async with asyncio.timeout(PATIENCE), ClientSession() as session:
        async with Upstream(clone_seconds=600) as upstream:
            api = Caller(upstream, session)
            slow = asyncio.create_task(api.clone())
            await until(lambda: upstream.voices)
            upstream.faults.append(fault)
            stuck = asyncio.create_task(api.clone())
            await until(lambda: len(upstream.requests) == 2 and not upstream.faults)
        failures = await asyncio.gather(slow, stuck, return_exceptions=True)
        assert all(isinstance(failure, aiohttp.ClientError) for failure in failures)
        with pytest.raises(aiohttp.ClientConnectorError):
            await api.clone()


@pytest.mark.parametrize(
    ("name", "shortest", "longest"), [("good-sample", 10, 60), ("short", 3, 10), ("too-short", 0.5, 3)]
)
def test_sample_is_what_its_name_says_and_small(name: str, shortest: float, longest: float):
    file = SAMPLES / f"{name}.mp3"
    assert file.stat().st_size < 300_000
    with av.open(str(file)) as opened:
        seconds = sum(frame.samples for frame in opened.decode(audio=0)) / opened.streams.audio[0].sample_rate
        assert opened.format.name == "mp3"
        assert shortest < seconds < longest
