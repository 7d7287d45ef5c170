"""Files from elsewhere, never more of them and never longer than allowed."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp
from yarl import URL

from bot.errors import Refused

_log = logging.getLogger(__name__)

SAMPLE_SECONDS = 60.0
"""How long the download of a sample may take."""

PREVIEW_SECONDS = 15.0
"""How long the download of a preview or cover may take."""

MEGABYTE = 1_000_000


async def fetch_sample(
    session: aiohttp.ClientSession, url: str, *, limit: int, seconds: float = SAMPLE_SECONDS
) -> bytes:
    """Download at most `limit` bytes within `seconds`; a `SampleRefused` says what else happened."""
    try:
        return await _fetch(session, url, limit=limit, seconds=seconds)
    except _OverLimitError:
        raise Refused("sample.too_large", limit=limit / MEGABYTE) from None
    except TimeoutError:
        raise Refused("sample.link_slow", limit=seconds) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        _log.info("a sample's link failed: %r", error)
        raise Refused("sample.link_dead") from error


def from_mureka(url: URL) -> bool:
    """Whether a preview or cover may be fetched: over https from mureka.ai and its subdomains."""
    host = (url.host or "").lower()
    return url.scheme == "https" and url.port == 443 and (host == "mureka.ai" or host.endswith(".mureka.ai"))  # noqa: PLR2004 - https


class Previews:
    """The API's previews and covers. `allowed` says of a URL whether it may be fetched."""

    def __init__(self, session: aiohttp.ClientSession, allowed: Callable[[URL], bool] = from_mureka) -> None:
        self._session = session
        self._allowed = allowed

    def may_show(self, url: str | None) -> bool:
        """Whether a link is one of the API's own."""
        try:
            return url is not None and self._allowed(URL(url))
        except ValueError:
            return False

    async def get(self, url: str | None, *, limit: int) -> bytes | None:
        """Download a preview or cover of at most `limit` bytes; None if that can't or mustn't be done."""
        if url is None or not self.may_show(url):
            return None
        try:
            return await _fetch(self._session, url, limit=limit, seconds=PREVIEW_SECONDS)
        except (aiohttp.ClientError, OSError, ValueError, _OverLimitError) as error:
            _log.info("a preview was not fetched: %r", error)
            return None


class _OverLimitError(Exception):
    """More bytes than allowed, told or sent."""


async def _fetch(session: aiohttp.ClientSession, url: str, *, limit: int, seconds: float) -> bytes:
    async with asyncio.timeout(seconds), session.get(url, allow_redirects=False) as response:
        if response.status != 200:  # noqa: PLR2004 - OK
            raise aiohttp.ClientPayloadError(f"status {response.status}")
        if (response.content_length or 0) > limit:
            raise _OverLimitError
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > limit:
                raise _OverLimitError
        return bytes(body)
