"""Downloads with limits for size, time and rate."""

import asyncio
import logging
import re
from collections.abc import Callable

import aiohttp
from yarl import URL

from bot.errors import Refused

_log = logging.getLogger(__name__)

SAMPLE_RATE = 50_000  # bytes a second, below which the download of a sample is ended: 10 MB take 200 s
SAMPLE_SECONDS = 10.0  # in which a sample's download has to begin, and then to keep up the rate on average
PREVIEW_SECONDS = 15.0  # time-out for the download of a preview or cover

MEGABYTE = 1_000_000

_DISCORD = r"https://(?:cdn\.discordapp\.com|media\.discordapp\.net)(?::443)?"
_MUREKA = r"https://(?:[a-z0-9-]+\.)*mureka\.ai(?::443)?"
_PATH = r"/[^\s\\\x00-\x1f\x7f]*"  # nothing that one program could read as part of the host and another not

_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:[<{\[]|error code:|\Z)")  # how pages, JSON and Cloudflare's errors begin


class SampleDownloads:
    """Downloads attachments of at most `limit` bytes, each as long as `rate` bytes a second arrive in `seconds`.

    `origin` is that of a simulated Discord's files.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        limit: int,
        seconds: float = SAMPLE_SECONDS,
        *,
        rate: float = SAMPLE_RATE,
        origin: str | None = None,
    ) -> None:
        self.limit = limit
        self._session = session
        self._seconds = seconds
        self._rate = rate
        self._origin = re.escape(origin) if origin else _DISCORD

    async def get(self, url: str) -> bytes:
        """Return a sample. Raises Refused if it is too large, too slow, not there or not an attachment of Discord."""
        if not re.fullmatch(self._origin + _PATH, url):
            _log.warning("the link of a sample does not lead to Discord's files")
            raise Refused("sample.link_dead")
        try:
            return await _fetch(self._session, url, limit=self.limit, seconds=self._seconds, rate=self._rate)
        except _OverLimitError:
            raise Refused("sample.too_large", limit=self.limit / MEGABYTE) from None
        except TimeoutError:
            raise Refused("sample.link_slow") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            _log.info("the link of a sample failed: %r", error)
            raise Refused("sample.link_dead") from error


def from_mureka(url: URL) -> bool:
    """Return True for HTTPS URLs of mureka.ai and its subdomains."""
    return re.fullmatch(_MUREKA + _PATH, str(url)) is not None


class Previews:
    """Downloads the API's previews and covers from URLs for which `allowed` returns True."""

    def __init__(self, session: aiohttp.ClientSession, allowed: Callable[[URL], bool] = from_mureka) -> None:
        self._session = session
        self._allowed = allowed

    def may_show(self, url: str | None) -> bool:
        """Return True if a URL may be shown and downloaded."""
        try:
            return url is not None and self._allowed(URL(url))
        except ValueError:
            return False

    async def get(self, url: str | None, *, limit: int) -> bytes | None:
        """Download at most `limit` bytes. Returns None if the URL isn't allowed or the download fails."""
        if url is None or not self.may_show(url):
            return None
        try:
            body = await _fetch(self._session, url, limit=limit, seconds=PREVIEW_SECONDS)
        except (aiohttp.ClientError, OSError, ValueError, _OverLimitError) as error:
            _log.info("the download of a preview failed: %r", error)
            return None
        if _TEXT.match(body):
            _log.info("a preview is a page, JSON or empty, neither audio nor a picture")
            return None
        return body


class _OverLimitError(Exception):
    """The announced or received size exceeds the limit."""


async def _fetch(
    session: aiohttp.ClientSession, url: str, *, limit: int, seconds: float, rate: float | None = None
) -> bytes:
    """Download at most `limit` bytes. Raises `TimeoutError` after `seconds`.

    With a `rate` in bytes a second, they begin again each time that as much has arrived as is due in them.
    """
    async with asyncio.timeout(seconds) as timeout, session.get(url, allow_redirects=False) as response:
        if response.status != 200:  # noqa: PLR2004 - OK
            raise aiohttp.ClientPayloadError(f"status {response.status}")
        if (response.content_length or 0) > limit:
            raise _OverLimitError
        body, due = bytearray(), 0.0
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise _OverLimitError
            if rate and len(body) >= due:
                due = len(body) + rate * seconds
                timeout.reschedule(asyncio.get_running_loop().time() + seconds)
        return bytes(body)
