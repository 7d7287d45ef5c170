"""Downloads: limited in size, time and origin."""

import asyncio
import re
from collections.abc import AsyncGenerator

import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession, web
from yarl import URL

from bot.downloads import Previews, SampleDownloads, from_mureka
from bot.errors import Refused


async def _whole(_: web.Request) -> web.Response:
    return web.Response(body=b"x" * 1000)


async def _page(request: web.Request) -> web.Response:
    return web.Response(body=PAGES[int(request.query["n"])], content_type="audio/mpeg")


PAGES = (b"\n<html>You are being rate limited</html>", b"\xef\xbb\xbf<html>", b"[]", b"error code: 1015", b" ", b"")


async def _redirect(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/whole"})


async def _chunked(request: web.Request) -> web.StreamResponse:
    """Announce no length and never end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 1000)


async def _half(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = 1000
    await response.prepare(request)
    await response.write(b"x" * 500)
    if request.path == "/slow":
        await asyncio.sleep(30)
    assert request.transport is not None
    request.transport.close()
    return response


async def _trickle(request: web.Request) -> web.StreamResponse:
    """Send 100 bytes every 40 ms: 2.5 kB/s, for more than a second."""
    response = web.StreamResponse()
    response.content_length = 3000
    await response.prepare(request)
    for _ in range(30):
        await response.write(b"x" * 100)
        await asyncio.sleep(0.04)
    return response


@pytest.fixture
async def server() -> AsyncGenerator[str]:
    application = web.Application()
    application.router.add_get("/{how:slow|broken}", _half)
    for handler in (_whole, _redirect, _chunked, _trickle, _page):
        application.router.add_get(f"/{handler.__name__[1:]}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncGenerator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def test_sample_of_exactly_the_limit_is_downloaded(server: str, session: ClientSession):
    assert await SampleDownloads(session, 1000, origin=server).get(f"{server}/whole") == b"x" * 1000


@pytest.mark.parametrize(
    ("path", "limit", "seconds", "error"),
    [
        ("chunked", 1000, 10, "too_large"),
        ("slow", 999, 10, "too_large"),  # it says so before its content
        ("slow", 1000, 0.2, "link_slow"),
        ("trickle", 10**6, 0.2, "link_slow"),
        *((path, 1000, 10, "link_dead") for path in ("redirect", "missing", "broken")),
    ],
)
async def test_failing_link_is_refused_with_the_reason(
    server: str, session: ClientSession, path: str, limit: int, seconds: float, error: str
):
    with pytest.raises(Refused, match=rf"^sample\.{error}\b"):
        await SampleDownloads(session, limit, seconds, origin=server).get(f"{server}/{path}")


async def test_download_may_take_long_at_a_useful_rate(server: str, session: ClientSession):
    assert len(await SampleDownloads(session, 3000, 1, rate=100, origin=server).get(f"{server}/trickle")) == 3000


@pytest.mark.parametrize("host", ["127.0.0.1:9", "host.invalid"])
async def test_unreachable_link_is_dead(session: ClientSession, host: str):
    with pytest.raises(Refused, match=r"^sample\.link_dead\b"):
        await SampleDownloads(session, 999, origin=f"http://{host}").get(f"http://{host}/x")


class Asked(Exception):
    """A request would be sent, to this URL."""


async def _ask(request: ClientRequest, _: ClientHandlerType) -> ClientResponse:
    raise Asked(str(request.url))


@pytest.fixture
async def recording() -> AsyncGenerator[ClientSession]:
    """Return a session that sends nothing."""
    async with ClientSession(middlewares=(_ask,)) as session:
        yield session


ATTACHMENT = "/attachments/1/2/voice.mp3?ex=656&is=655&hm=0123abc&"


@pytest.mark.parametrize(
    "origin",
    [f"https://{host}{port}" for host in ("cdn.discordapp.com", "media.discordapp.net") for port in ("", ":443")],
)
async def test_sample_is_downloaded_from_the_files_of_discord(recording: ClientSession, origin: str):
    with pytest.raises(Asked, match=re.escape(origin.removesuffix(":443"))):
        await SampleDownloads(recording, 999).get(origin + ATTACHMENT)


@pytest.mark.parametrize(
    "origin",
    [
        "http://cdn.discordapp.com",
        "https://cdn.discordapp.com:80",
        "https://cdn.discordapp.com:8443",
        "https://cdn.discordapp.com.",
        "https://CDN.discordapp.com",
        "https://cdn.discordapp.com.example.com",
        "https://cdn.discordapp.com%2eexample.com",
        "https://cdn.discordapp.net",
        "https://media.discordapp.com",
        "https://discordapp.com",
        "https://xcdn.discordapp.com",
        "https://x.cdn.discordapp.com",
        "https://cdn-discordapp.com",
        "https://cdn.d\u0456scordapp.com",
        "https://cdn\u3002discordapp\u3002com",
        "https://\uff43dn.discordapp.com",
        "https://me@cdn.discordapp.com",
        "https://me:pw@cdn.discordapp.com",
        "https://@cdn.discordapp.com",
        "https://cdn.discordapp.com@example.com",
        "https://cdn.discordapp.com:443@example.com",
        "https://cdn.discordapp.com\\@example.com",
        "https://example.com\\cdn.discordapp.com",
        "https://cdn.discordapp.com\t.example.com",
        "https://cdn.discordapp.com\n",
        " https://cdn.discordapp.com",
        "https:\\\\cdn.discordapp.com",
        "https:/cdn.discordapp.com",
        "//cdn.discordapp.com",
        "ftp://cdn.discordapp.com",
        "file://cdn.discordapp.com",
        "HTTPS://cdn.discordapp.com",
        "https://169.254.169.254",
        "https://[::1]",
        "https://cdn.discordapp.com?@example.com",
        "https://cdn.discordapp.com#@example.com",
        "",
    ],
)
async def test_sample_is_downloaded_from_nowhere_else(recording: ClientSession, origin: str):
    for downloads in (SampleDownloads(recording, 999), SampleDownloads(recording, 999, origin="http://127.0.0.1:8123")):
        with pytest.raises(Refused, match=r"^sample\.link_dead\b"):
            await downloads.get(origin + ATTACHMENT)


@pytest.mark.parametrize("path", ["", "/a b.mp3", "/a\\b.mp3", "/a\u2028.mp3", "/a\x00.mp3", "/a.mp3\n"])
async def test_path_with_what_no_url_has_is_refused(recording: ClientSession, path: str):
    with pytest.raises(Refused, match=r"^sample\.link_dead\b"):
        await SampleDownloads(recording, 999).get(f"https://cdn.discordapp.com{path}")


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
        ("https://user@mureka.ai/a.mp3", False),
        ("https://user:pw@static-cos.mureka.ai/a.mp3", False),
        ("https://example.com%2f.mureka.ai/a.mp3", False),
        ("https://mureka.ai./a.mp3", False),
        ("https://mureka.ai:443/a.mp3", True),
        ("ftp://mureka.ai/a.mp3", False),
    ],
)
def test_previews_come_from_mureka_over_https_and_from_no_other_host_or_port(url: str, allowed: bool):  # noqa: FBT001 - a case
    assert from_mureka(URL(url)) is allowed


async def test_preview_is_downloaded_if_it_is_small_and_from_mureka(server: str, session: ClientSession):
    anywhere = Previews(session, lambda _: True)
    assert await anywhere.get(f"{server}/whole", limit=1000) == b"x" * 1000
    for path in ("chunked", "redirect", "missing", "broken", *(f"page?n={number}" for number in range(len(PAGES)))):
        assert await anywhere.get(f"{server}/{path}", limit=999) is None
    previews = Previews(session)
    assert await previews.get(f"{server}/whole", limit=5000) is None
    for broken in ("http://[broken", "https://example.com\\.mureka.ai/a.mp3"):
        assert not previews.may_show(broken)
    assert not previews.may_show(None)
