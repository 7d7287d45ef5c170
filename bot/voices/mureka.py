"""The client of useapi.net's Mureka speech API, https://useapi.net/docs/api-mureka-v1.

One `_request` owns URL, headers, time-out, status and decoding; whatever the API answers or fails to
answer leaves here as a dataclass or as one exception of `bot.errors`:

    200                          the answer
    400, 401, 402/412, 404, 429  Rejected, TokenRefused, AccountExhausted, AccountMissing, TooManyAtOnce
    596                          SessionDied
    not connected, broken off before the whole body was handed over    NotSent
    5xx, time-out, broken off later, unreadable, anything else         OutcomeUnknown
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from bot.errors import (
    AccountExhausted,
    AccountMissing,
    AnswerUnreadable,
    ConnectionLost,
    NoAnswer,
    NotSent,
    OutcomeUnknown,
    Rejected,
    SessionDied,
    TokenRefused,
    TooManyAtOnce,
    UpstreamFailed,
)
from bot.voices.answers import Profile, UpstreamVoice
from bot.voices.upload import Upload

_log = logging.getLogger(__name__)

API = "https://api.useapi.net/v1/mureka"
ANSWER_LIMIT = 2**20
"""The largest answer that is read, in bytes; a page of the voice list is about 20 KB."""

QUICK_SECONDS = 30.0
"""Time-out of everything but cloning."""

RETRY_AFTER = 10.0
"""Seconds to wait after a 429 that names none."""


class Mureka:
    """The API, for one token. Every call may raise any `MurekaError`."""

    def __init__(
        self, session: aiohttp.ClientSession, token: str, *, clone_timeout: float, base: str = API
    ) -> None:
        self._session = session
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._clone_timeout = clone_timeout
        self._base = base

    async def clone(
        self,
        sample: bytes,
        *,
        title: str,
        description: str,
        language: str,
        account: str | None,
        sent: Callable[[int], None],
        committing: Callable[[], Awaitable[None]],
    ) -> UpstreamVoice:
        """Make a voice of an MP3. NOT idempotent: sent twice, it makes two.

        `sent` is told the bytes handed to the socket so far; `committing` is awaited right before the
        last of them: until it returns, the API can't have made anything.
        """
        body = Upload(sample, sent, committing)
        params = {"title": title, "desc": description, "lang": language}
        answer = await self._request(
            "POST", "speech/voice", params=params, account=account, body=body, seconds=self._clone_timeout
        )
        voice = UpstreamVoice.of(answer)
        if voice is None:
            raise AnswerUnreadable
        return voice

    async def voices(self, account: str | None) -> tuple[UpstreamVoice, ...]:
        """List the cloned voices of an account, all pages, in the API's order (newest first, as seen)."""
        found: dict[int, UpstreamVoice] = {}
        params = {"cloned": "true"}
        asked: set[str] = set()
        while True:
            answer = _mapping(await self._request("GET", "speech/voices/", params=params, account=account))
            page = answer.get("list")
            if not isinstance(page, list):
                raise AnswerUnreadable
            found |= {voice.id: voice for voice in map(UpstreamVoice.of, cast("list[object]", page)) if voice}
            last_id = answer.get("last_id")
            if answer.get("more") is not True or last_id is None or str(last_id) in asked:
                return tuple(found.values())
            asked.add(str(last_id))
            params = {"cloned": "true", "last_id": str(last_id)}

    async def delete(self, voice_id: int, account: str | None) -> None:
        """Delete a voice for good."""
        await self._request("DELETE", "speech/voice", params={"voice_id": str(voice_id)}, account=account)

    async def accounts(self) -> dict[str, str | None]:
        """List the configured accounts, each with what is wrong with it, or None."""
        answer = _mapping(await self._request("GET", "accounts"))
        problems = {name: _mapping(about).get("error") for name, about in answer.items()}
        return {name: str(problem) if problem else None for name, problem in problems.items()}

    async def profile(self, account: str | None) -> Profile:
        """Return an account's plan and credits."""
        answer = _mapping(await self._request("GET", "profile/", account=account))
        user: Any = answer.get("user")
        plan = cast("dict[str, object]", user).get("vip_name") if isinstance(user, dict) else None
        left = answer.get("credits")
        return Profile(str(plan) if plan else None, left if isinstance(left, int) else None)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        account: str | None = None,
        body: Upload | None = None,
        seconds: float = QUICK_SECONDS,
    ) -> object:
        query = dict(params or {}) | ({"account": account} if account else {})
        # Percent-encoded by hand: yarl would write a space as "+", which not every server reads as one.
        url = URL(f"{self._base}/{path}?{urlencode(query, quote_via=quote)}".rstrip("?"), encoded=True)
        try:
            async with self._session.request(
                method,
                url,
                headers=self._headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                return await _understand(response)
        except OutcomeUnknown as error:
            if body is not None and not body.committed:
                raise NotSent from error
            raise
        except aiohttp.ClientPayloadError as error:
            raise (NotSent if body is not None and not body.committed else AnswerUnreadable) from error
        except (aiohttp.ClientError, OSError) as error:
            if body is not None and body.failure is not None:
                raise body.failure from error
            connected = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
            _log.warning("%s %s failed: %r", method, path, error)
            if not connected or (body is not None and not body.committed):
                raise NotSent from error
            raise (NoAnswer if isinstance(error, TimeoutError) else ConnectionLost) from error


async def _understand(response: aiohttp.ClientResponse) -> object:
    """Turn a response into its JSON, or raise what its status means."""
    if response.status == HTTPStatus.OK:
        return await _json(response)
    try:
        answer = _mapping(await _json(response))
    except (AnswerUnreadable, aiohttp.ClientError, OSError):
        answer = {}
    _log.warning(
        "%s %s answered %d: %.200r", response.method, response.url.path, response.status, answer.get("error")
    )
    match response.status:
        case HTTPStatus.BAD_REQUEST:
            raise Rejected
        case HTTPStatus.UNAUTHORIZED:
            raise TokenRefused
        case HTTPStatus.PAYMENT_REQUIRED | HTTPStatus.PRECONDITION_FAILED:
            raise AccountExhausted
        case HTTPStatus.NOT_FOUND:
            raise AccountMissing
        case HTTPStatus.TOO_MANY_REQUESTS:
            raise TooManyAtOnce(retry_after=_seconds(response.headers.get("Retry-After")))
        case 596:
            raise SessionDied(code=str(answer.get("code")))
        case status:
            raise UpstreamFailed(status=status)


async def _json(response: aiohttp.ClientResponse) -> object:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > ANSWER_LIMIT:
            response.close()
            raise AnswerUnreadable
    try:
        return await asyncio.to_thread(json.loads, body)
    except (ValueError, RecursionError) as error:
        raise AnswerUnreadable from error


def _mapping(answer: object) -> dict[str, object]:
    if not isinstance(answer, dict):
        raise AnswerUnreadable
    return cast("dict[str, object]", answer)


def _seconds(retry_after: str | None) -> float:
    """Read `Retry-After` in seconds; its form as a date is not worth a parser here."""
    if retry_after is None or not retry_after.isdecimal():
        return RETRY_AFTER
    return min(max(float(retry_after), 1.0), 300.0)
