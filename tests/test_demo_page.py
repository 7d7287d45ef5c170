"""What the demo's page may be asked, and by whom."""

import asyncio
import io
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from yarl import URL

from bot.demo.demo import Demo, running_demo
from bot.demo.page import FILE_BYTES, SAMPLES
from bot.i18n import ENGLISH, translate


@dataclass
class Browser:
    """A browser at the demo; what it asks for comes from the demo's own page, unless `headers` say otherwise."""

    demo: Demo
    session: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> tuple[int, bytes, str]:
        async with self.session.get(URL(self.demo.url).join(URL(path, encoded=True)), headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers.get("Content-Disposition", "")

    async def post(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        own = {"Origin": self.demo.url[:-1]}
        async with self.session.post(self.demo.url + path, data=io.BytesIO(body), headers=own | headers) as answer:
            return answer.status, await (answer.json() if answer.content_type == "application/json" else answer.text())

    async def act(self, act: str, **details: object) -> Any:
        place = {"person": "ada", "channel": str(self.demo.server.studio.id)}
        status, answer = await self.post("act", json.dumps({"act": act, **place, **details}).encode())
        assert status == 200
        return answer


@pytest.fixture
async def browser() -> AsyncGenerator[Browser]:
    async with running_demo(clone_seconds=0.5) as demo, aiohttp.ClientSession() as session:
        yield Browser(demo, session)


def newest(demo: Demo, name: str = "ada") -> Any:
    return demo.server.view(demo.server.people[name]).messages[str(demo.server.studio.id)][-1]


OTHER = translate(ENGLISH, "demo.other_host")


async def test_page_is_refused_to_other_hosts_and_other_origins(browser: Browser):
    assert (await browser.get(""))[0] == 200
    assert (await browser.get("", Host=f"localhost:{URL(browser.demo.url).port}"))[0] == 200
    for host in (
        "evil.example",
        "127.0.0.1.evil.example:80",
        "localhost.evil.example",
        "[::2]:80",
        "evil.example:127.0.0.1",
    ):
        status, body, _ = await browser.get("", Host=host)
        assert (status, body.decode()) == (403, OTHER), host
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https://" + browser.demo.url[7:-1]):
        for path in ("act", "files?name=x"):
            assert await browser.post(path, b"{}", Origin=origin) == (403, OTHER)
        assert (await browser.get("texts", Origin=origin))[0] == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await browser.session.ws_connect(browser.demo.url + "live?person=ada", origin=origin)
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await browser.session.ws_connect(browser.demo.url + "live?person=ada")
    async with browser.session.post(browser.demo.url + "act", data=b"{}") as answer:
        assert answer.status == 403, "a write without an origin is no page's"


async def test_file_of_30_mb_is_refused_and_not_kept(browser: Browser):
    too_large = translate(ENGLISH, "demo.file_too_large", megabytes=FILE_BYTES // 2**20)
    assert await browser.post("files?name=a.mp3", bytes(30 * 2**20)) == (200, {"error": too_large})
    status, kept = await browser.post("files?name=a.mp3", bytes(FILE_BYTES))
    assert status == 200
    assert await browser.act("post", text="", files=[kept]) == {"result": None}
    assert newest(browser.demo)["attachments"][0]["size"] == FILE_BYTES


async def test_page_never_shows_what_a_browser_could_run(browser: Browser):
    script = b"<script>alert(1)</script>"
    for name in ("a.html", "a.svg", "a.js", "../../etc/passwd", "%2e%2e%2f", "a.xml", 'a"\r\nX-Y: 1.html', "mp3"):
        _, kept = await browser.post(str(URL("files").with_query(name=name)), script)
        await browser.act("post", text="", files=[kept])
        path = URL(newest(browser.demo)["attachments"][0]["url"]).raw_path
        status, body, disposition = await browser.get(path)
        assert (status, body, disposition) == (200, script, "attachment"), name


async def test_sound_is_served_in_ranges(browser: Browser):
    sample = await asyncio.to_thread((SAMPLES / "short.mp3").read_bytes)
    await browser.act("post", text="", files=[{"sample": "short.mp3"}])
    path = URL(newest(browser.demo)["attachments"][0]["url"]).raw_path
    assert await browser.get(path) == (200, sample, "")
    for given, part in {
        "0-9": slice(0, 10),
        "100-": slice(100, None),
        "-5": slice(-5, None),
        "0-99999999": slice(None),
    }.items():
        assert await browser.get(path, Range=f"bytes={given}") == (206, sample[part], ""), given
    for given in ("bytes=9999999-", "bytes=5-2", "lines=1-2", "bytes=a-b"):
        assert (await browser.get(path, Range=given))[0] == 416, given


async def test_nonsense_is_refused_without_an_effect(browser: Browser):
    before = newest(browser.demo)
    for body in (
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"act": "fly"}',
        b'{"act": "post"}',
        b'{"act": "fault", "name": "rm"}',
        b"\xff",
    ):
        assert (await browser.post("act", body))[0] == 400, body
    for sample in ("../page.py", "/etc/passwd", "nothing.mp3"):
        answer = await browser.act("post", text="", files=[{"sample": sample}])
        assert answer == {"error": translate(ENGLISH, "demo.file_gone")}
    assert (await browser.get("attachments/1/x"))[0] == 404
    assert (await browser.get("static/../page.py"))[0] == 404
    assert (await browser.get("static/%2e%2e/page.py"))[0] in {403, 404}
    assert newest(browser.demo) == before


async def test_nobody_can_act_where_they_see_nothing(browser: Browser):
    gone = {"error": translate(ENGLISH, "demo.gone")}
    secret = str(browser.demo.server.log_channel.id)
    assert await browser.act("post", text="Hello", files=[], channel=secret) == gone
    assert await browser.act("command", name="voiceadmin settings", options={}) == gone
    assert await browser.act("click", message="1", item="x") == gone
    assert await browser.act("select", message="1", item="x", values=[]) == gone
    assert await browser.act("menu", message="1", name="x") == gone
    other = str(browser.demo.server.people["grace"].user.dm_channel.id)
    assert await browser.act("post", text="Hello", files=[], channel=other) == gone
