"""Files from elsewhere: never more, never longer, never from just anywhere."""

import asyncio
from collections.abc import AsyncGenerator

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from bot.downloads import Previews, fetch_sample, from_mureka
from bot.errors import Refused


async def _whole(_: web.Request) -> web.Response:
    return web.Response(body=b"x" * 1000)


async def _redirect(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/whole"})


async def _chunked(request: web.Request) -> web.StreamResponse:
    """Tell no length, and go on for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 1000)


async def _broken(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = 1000
    await response.prepare(request)
    await response.write(b"x" * 500)
    assert request.transport is not None
    request.transport.close()
    return response


async def _slow(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = 1000
    await response.prepare(request)
    await asyncio.sleep(30)
    return response


@pytest.fixture
async def server() -> AsyncGenerator[str]:
    application = web.Application()
    for handler in (_whole, _redirect, _chunked, _broken, _slow):
        application.router.add_get(f"/{handler.__name__[1:]}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_sample_of_just_the_limit_arrives_whole(server: str, session: aiohttp.ClientSession):
    assert await fetch_sample(session, f"{server}whole", limit=1000) == b"x" * 1000


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("chunked", "sample.too_large"),
        ("redirect", "sample.link_dead"),
        ("missing", "sample.link_dead"),
        ("broken", "sample.link_dead"),
        ("slow", "sample.link_slow"),
    ],
)
async def test_a_link_that_fails_says_how(server: str, session: aiohttp.ClientSession, path: str, error: str):
    with pytest.raises(Refused, match=rf"^{error}\b"):
        await fetch_sample(session, f"{server}{path}", limit=1000, seconds=0.2 if path == "slow" else 10)


async def test_a_file_told_to_be_too_large_is_not_read(server: str, session: aiohttp.ClientSession):
    with pytest.raises(Refused, match=r"^sample\.too_large\b"):
        await fetch_sample(session, f"{server}slow", limit=999, seconds=10)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "http://host.invalid/x", "nonsense", "file:///etc/passwd"]
)
async def test_a_link_to_nowhere_is_dead(session: aiohttp.ClientSession, url: str):
    with pytest.raises(Refused, match=r"^sample\.link_dead\b"):
        await fetch_sample(session, url, limit=999)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://static-cos.mureka.ai/a.mp3", True),
        ("https://mureka.ai/a.mp3", True),
        ("http://static-cos.mureka.ai/a.mp3", False),
        ("https://mureka.ai:8443/a.mp3", False),
        ("https://mureka.ai.example.com/a.mp3", False),
        ("https://evilmureka.ai/a.mp3", False),
        ("https://user@example.com/mureka.ai", False),
        ("ftp://mureka.ai/a.mp3", False),
    ],
)
def test_previews_come_from_mureka_over_https_only(url: str, allowed: bool):  # noqa: FBT001 - a table
    assert from_mureka(URL(url)) is allowed


@pytest.mark.parametrize("path", ["chunked", "redirect", "missing", "broken"])
async def test_a_preview_that_fails_is_none(server: str, session: aiohttp.ClientSession, path: str):
    assert await Previews(session, lambda _: True).get(f"{server}{path}", limit=999) is None


async def test_a_preview_from_elsewhere_is_not_even_asked_for(server: str, session: aiohttp.ClientSession):
    previews = Previews(session)
    assert await previews.get(f"{server}whole", limit=5000) is None
    assert not previews.may_show("http://[broken")
    assert not previews.may_show(None)


async def test_a_preview_within_the_limit_arrives(server: str, session: aiohttp.ClientSession):
    assert await Previews(session, lambda _: True).get(f"{server}whole", limit=1000) == b"x" * 1000
