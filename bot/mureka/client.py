"""The client of useapi.net's Mureka speech API, https://useapi.net/docs/api-mureka-v1.

One `_request` owns URL, headers, time-out, status and decoding; whatever the API answers or fails to
answer leaves here as a dataclass or as one exception of `bot.errors`:

    200                          the answer
    201 to POST /speech          the answer: a job
    400, 401, 402/412, 404, 429  Rejected, TokenRefused, AccountExhausted, AccountMissing, TooManyAtOnce
    404 to GET /jobs/…           JobForgotten
    596                          SessionDied
    not connected, broken off before the whole body was handed over    NotSent
    5xx, time-out, broken off later, unreadable, anything else         OutcomeUnknown
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from bot.mureka.errors import (
    AccountMissing,
    AnswerUnreadable,
    ConnectionLost,
    JobForgotten,
    NoAnswer,
    NotSent,
    OutcomeUnknown,
)
from bot.mureka.payload import UploadPayload
from bot.mureka.responses import AccountProfile, JobResponse, SpeechResponse, VoiceResponse, error_for_status

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

API = "https://api.useapi.net/v1/mureka"
ANSWER_LIMIT = 2**20
"""The largest answer that is read, in bytes; a page of the voice list is about 20 KB."""

MAX_WAITS = 6
"""How often one request is told to wait before it is given up: https://useapi.net/docs/api-mureka-v1"""

BACKOFF = (2.0, 5.0, 15.0)
"""Seconds to wait before what could not be sent is sent again."""

QUICK_SECONDS = 30.0
"""Time-out of everything but cloning and speaking."""

SPEAK_SECONDS = 180.0
"""Time-out of speaking: the API's page says that it takes 20 to 90 s."""


class MurekaClient:
    """The API, for one token. Every call may raise any `MurekaError`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token: str,
        *,
        clone_timeout: float,
        speak_timeout: float = SPEAK_SECONDS,
        base: str = API,
    ) -> None:
        self._session = session
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._clone_timeout = clone_timeout
        self._speak_timeout = speak_timeout
        self._base = base

    async def clone(
        self,
        sample: bytes,
        *,
        title: str,
        description: str,
        language: str,
        account: str | None,
        on_progress: Callable[[int], None],
        before_last_chunk: Callable[[], Awaitable[None]],
    ) -> VoiceResponse:
        """Make a voice of an MP3. NOT idempotent: sent twice, it makes two.

        `sent` is told the bytes handed to the socket so far; `committing` is awaited right before the
        last of them: until it returns, the API can't have made anything.
        """
        body = UploadPayload(
            sample, "audio/mpeg", before_last_chunk=before_last_chunk, on_progress=on_progress
        )
        params = {"title": title, "desc": description, "lang": language}
        answer = await self._request(
            "POST",
            "speech/voice",
            params=params,
            account=account,
            body=body,
            quotable=False,
            seconds=self._clone_timeout,
        )
        return _readable(VoiceResponse.parse(answer))

    async def voices(self, account: str | None, *, complete: bool = False) -> tuple[VoiceResponse, ...]:
        """List the cloned voices of an account, all pages, in the API's order (newest first, as seen).

        `whole`: a list that breaks off is `AnswerUnreadable`, since it proves no voice absent.
        """
        found: dict[int, VoiceResponse] = {}
        params = {"cloned": "true"}
        asked: set[str] = set()
        while True:
            answer = _mapping(await self._request("GET", "speech/voices/", params=params, account=account))
            page = answer.get("list")
            if not isinstance(page, list):
                raise AnswerUnreadable
            found |= {
                voice.id: voice for voice in map(VoiceResponse.parse, cast("list[object]", page)) if voice
            }
            if answer.get("more") is not True:
                return tuple(found.values())
            last_id = answer.get("last_id")
            if last_id is None or str(last_id) in asked:
                if complete:
                    raise AnswerUnreadable
                return tuple(found.values())
            asked.add(str(last_id))
            params = {"cloned": "true", "last_id": str(last_id)}

    async def delete(self, voice_id: int, account: str | None) -> None:
        """Delete a voice for good."""
        await self._request("DELETE", "speech/voice", params={"voice_id": str(voice_id)}, account=account)

    async def speak(
        self,
        text: str,
        *,
        voice_id: int,
        title: str,
        account: str | None,
        before_last_chunk: Callable[[], Awaitable[None]],
    ) -> SpeechResponse | JobResponse:
        """Have a text spoken, as a job to look at until it is over. NOT idempotent: it uses speech minutes.

        `committing` is awaited as in `clone`. An API that takes no jobs answers with the speech itself.
        """
        order = {"title": title, "text": text, "voice_id": voice_id, "async": True}
        answer = await self._speak(order, account, before_last_chunk)
        return _readable(SpeechResponse.parse(answer) or JobResponse.parse(answer))

    async def speak_and_wait(
        self,
        text: str,
        *,
        voice_id: int,
        title: str,
        account: str | None,
        before_last_chunk: Callable[[], Awaitable[None]],
    ) -> SpeechResponse:
        """Do as `speak`, but hold the one request open until the speech is there."""
        order = {"title": title, "text": text, "voice_id": voice_id}
        return _readable(SpeechResponse.parse(await self._speak(order, account, before_last_chunk)))

    async def job(self, job_id: str) -> JobResponse:
        """Look at a job; `JobForgotten` when it is over 7 days old."""
        try:
            return _readable(JobResponse.parse(await self._request("GET", f"jobs/{quote(job_id, safe='')}")))
        except AccountMissing as error:
            raise JobForgotten from error

    async def accounts(self) -> dict[str, str | None]:
        """List the configured accounts, each with what is wrong with it, or None."""
        answer = _mapping(await self._request("GET", "accounts"))
        problems = {name: _mapping(about).get("error") for name, about in answer.items()}
        return {name: str(problem) if problem else None for name, problem in problems.items()}

    async def profile(self, account: str | None) -> AccountProfile:
        """Return an account's plan and credits."""
        answer = _mapping(await self._request("GET", "profile/", account=account))
        user: Any = answer.get("user")
        plan = cast("dict[str, object]", user).get("vip_name") if isinstance(user, dict) else None
        left = answer.get("credits")
        return AccountProfile(str(plan) if plan else None, left if isinstance(left, int) else None)

    async def _speak(
        self, order: dict[str, Any], account: str | None, before_last_chunk: Callable[[], Awaitable[None]]
    ) -> object:
        order = ({"account": account} if account else {}) | order
        body = UploadPayload(
            json.dumps(order).encode(), "application/json", before_last_chunk=before_last_chunk
        )
        accepted = (HTTPStatus.OK, HTTPStatus.CREATED)
        return await self._request(
            "POST", "speech", body=body, accepted=accepted, quotable=False, seconds=self._speak_timeout
        )

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        account: str | None = None,
        body: UploadPayload | None = None,
        accepted: Collection[int] = (HTTPStatus.OK,),
        quotable: bool = True,
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
                return await _understand(response, accepted, quotable=quotable)
        except OutcomeUnknown as error:
            if body is not None and not body.last_chunk_sent:
                raise NotSent from error
            raise
        except aiohttp.ClientPayloadError as error:
            raise (NotSent if body is not None and not body.last_chunk_sent else AnswerUnreadable) from error
        except (aiohttp.ClientError, OSError) as error:
            if body is not None and body.failure is not None:
                raise body.failure from error
            connected = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
            _log.warning("%s %s failed: %r", method, path, error)
            if not connected or (body is not None and not body.last_chunk_sent):
                raise NotSent from error
            raise (NoAnswer if isinstance(error, TimeoutError) else ConnectionLost) from error


async def _understand(
    response: aiohttp.ClientResponse, accepted: Collection[int], *, quotable: bool
) -> object:
    """Turn a response into its JSON, or raise what its status means; what is not `quotable` isn't logged."""
    if response.status in accepted:
        return await _json(response)
    try:
        answer = _mapping(await _json(response))
    except (AnswerUnreadable, aiohttp.ClientError, OSError):
        answer = {}
    # The API may repeat a member's text when it refuses it, and texts never reach a log.
    said = answer.get("error" if quotable else "code")
    _log.warning("%s %s answered %d: %.200r", response.method, response.url.path, response.status, said)
    raise error_for_status(
        response.status, code=answer.get("code"), retry_after=response.headers.get("Retry-After")
    )


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


def _readable(read: _T | None) -> _T:
    if read is None:
        raise AnswerUnreadable
    return read


def _mapping(answer: object) -> dict[str, object]:
    if not isinstance(answer, dict):
        raise AnswerUnreadable
    return cast("dict[str, object]", answer)
