"""Sends requests to the API. Every response becomes its JSON or an error.

200, and 201 to POST /speech                        its JSON
400, 401, 402/412, 404, 429                         Rejected, TokenRefused, AccountExhausted,
                                                    AccountMissing, TooManyAtOnce
596                                                 SessionDied or SessionRefreshing
not connected, or broken before the last chunk      NotSent
5xx, time-out, broken later, unreadable, the rest   OutcomeUnknown
"""

import asyncio
import json
import logging
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import cast
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from bot.mureka.errors import AnswerUnreadable, ConnectionLost, NoAnswer, NotSent, OutcomeUnknown
from bot.mureka.payload import UploadPayload
from bot.mureka.responses import error_for_status, short, short_code

_log = logging.getLogger(__name__)

ANSWER_LIMIT = 2**20  # the largest response that is read, in bytes; a page of the voice list has about 20 KB
MAX_DIGITS = 25  # of an integer
REQUEST_TIMEOUT = 30.0  # seconds, for all requests except those that clone or speak


class Transport:
    """An HTTP session with the API's address and the operator's token."""

    def __init__(self, session: aiohttp.ClientSession, token: str, base: str) -> None:
        self._session = session
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._base = base

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        account: str | None = None,
        body: UploadPayload | None = None,
        accepted: Collection[int] = (HTTPStatus.OK,),
        quotable: bool = True,
        seconds: float = REQUEST_TIMEOUT,
    ) -> object:
        """Send a request and return an accepted response's JSON.

        `quotable` is false if an error message may quote a member's text, which must not be logged.
        """
        query = dict(params or {}) | ({"account": account} if account else {})
        # Percent-encoded here because yarl encodes a space as "+", which some servers don't decode.
        url = URL(f"{self._base}/{path}?{urlencode(query, quote_via=quote)}".rstrip("?"), encoded=True)
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._session.request(
                method, url, headers=self._headers, data=body, allow_redirects=False, timeout=timeout
            ) as response:
                return await _read(response, accepted, quotable=quotable)
        except OutcomeUnknown as error:
            if _incomplete(body):
                raise NotSent from error
            raise
        except (aiohttp.ClientError, OSError) as error:
            _log.warning("%s %s failed: %r", method, path, error)
            raise _meaning(error, body) from error


def _meaning(error: Exception, body: UploadPayload | None) -> Exception:
    """Return what a failed connection means for the request."""
    if body is not None and body.failure is not None:
        return body.failure
    if _incomplete(body) or isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return NotSent()
    if isinstance(error, aiohttp.ClientPayloadError):
        return AnswerUnreadable()
    return NoAnswer() if isinstance(error, TimeoutError) else ConnectionLost()


def _incomplete(body: UploadPayload | None) -> bool:
    return body is not None and not body.last_chunk_sent


async def _read(response: aiohttp.ClientResponse, accepted: Collection[int], *, quotable: bool) -> object:
    if response.status in accepted:
        return await _json(response)
    try:
        answer = await _json(response)
    except (AnswerUnreadable, aiohttp.ClientError, OSError):
        answer = None
    fields = cast("dict[str, object]", answer) if isinstance(answer, dict) else {}
    code = short_code(fields.get("code"))
    message = (short(fields.get("error")) if quotable else code) if fields else "no JSON"
    _log.warning("%s %s answered %d: %s", response.method, response.url.path, response.status, message)
    retry_after = response.headers.get("Retry-After")
    raise error_for_status(response.status, code=code, retry_after=retry_after)


async def _json(response: aiohttp.ClientResponse) -> object:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_LIMIT:
            response.close()
            raise AnswerUnreadable
    try:
        return await asyncio.to_thread(json.loads, body, parse_int=_integer, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise AnswerUnreadable from error


def _integer(digits: str) -> int | None:
    """Return an integer, or None for one that no field can hold; Python raises ValueError for very long ones."""
    return int(digits) if len(digits) <= MAX_DIGITS else None
