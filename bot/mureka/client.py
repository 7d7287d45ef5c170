"""Client for useapi.net's Mureka speech API, https://useapi.net/docs/api-mureka-v1."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
from yarl import URL

from bot.mureka.errors import AccountMissing, AnswerUnreadable, JobForgotten
from bot.mureka.payload import UploadPayload
from bot.mureka.responses import (
    AccountProfile,
    Accounts,
    JobResponse,
    SpeechResponse,
    VoicePage,
    VoiceResponse,
    parse,
)
from bot.mureka.transport import Transport

API = "https://api.useapi.net/v1/mureka"

MAX_PAGES = 1000  # pages of a voice list
SPEAK_TIMEOUT = 180.0  # seconds; the API's documentation says that speaking takes 20 to 90 s


class MurekaClient:
    """The API for one token. Methods raise any `MurekaError`. `account` may be None if there is only one."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token: str,
        *,
        clone_timeout: float,
        speak_timeout: float = SPEAK_TIMEOUT,
        base: str = API,
    ) -> None:
        self._request = Transport(session, token, base).request
        self._origin = str(URL(base).origin())
        self._clone_timeout = clone_timeout
        self._speak_timeout = speak_timeout

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
        """Create a voice from an MP3. Not idempotent: two requests create two voices.

        `on_progress` gets the number of bytes sent so far. `before_last_chunk` is awaited before the last
        chunk is sent: until it returns, the API can't create a voice.
        """
        answer = await self._request(
            "POST",
            "speech/voice",
            params={"title": title, "desc": description, "lang": language},
            account=account,
            body=UploadPayload(sample, "audio/mpeg", before_last_chunk=before_last_chunk, on_progress=on_progress),
            quotable=False,
            seconds=self._clone_timeout,
        )
        return parse(VoiceResponse, answer, self._origin)

    async def voices(self, account: str | None, *, complete: bool = False) -> tuple[VoiceResponse, ...]:
        """List the account's cloned voices, all pages, in the API's order (newest first, as observed).

        The list leaves out what can't be read, and ends early if the API doesn't say where the next page
        starts. With `complete`, both raise `AnswerUnreadable`: such a list doesn't prove that a voice is gone.
        """
        found: dict[int, VoiceResponse] = {}
        params = {"cloned": "true"}
        starts: set[int] = set()
        while True:
            answer = await self._request("GET", "speech/voices/", params=params, account=account)
            page = parse(VoicePage, answer, self._origin)
            found |= {voice.id: voice for voice in page.list if voice}
            if complete and (page.more is None or None in page.list):
                raise AnswerUnreadable
            if not page.more:
                break
            if page.last_id is None or page.last_id in starts or len(starts) == MAX_PAGES:
                if complete:
                    raise AnswerUnreadable
                break
            starts.add(page.last_id)
            params["last_id"] = str(page.last_id)
        return tuple(found.values())

    async def delete(self, voice_id: int, account: str | None) -> None:
        """Delete a voice permanently. Raises `AnswerUnreadable` unless the API answers as it documents."""
        answer = await self._request("DELETE", "speech/voice", params={"voice_id": str(voice_id)}, account=account)
        if answer != {}:
            raise AnswerUnreadable

    async def speak(
        self,
        text: str,
        *,
        voice_id: int,
        title: str,
        account: str | None,
        before_last_chunk: Callable[[], Awaitable[None]],
        wait: bool = False,
    ) -> SpeechResponse | JobResponse:
        """Start to speak a text and return a job to poll, or with `wait` the finished speech.

        Not idempotent: each request uses speech minutes. `before_last_chunk` works as in `clone`. An API
        without jobs always returns the finished speech.
        """
        order: dict[str, object] = {"title": title, "text": text, "voice_id": voice_id}
        order |= ({"account": account} if account else {}) | ({} if wait else {"async": True})
        answer = await self._request(
            "POST",
            "speech",
            body=UploadPayload(json.dumps(order).encode(), "application/json", before_last_chunk=before_last_chunk),
            accepted=(HTTPStatus.OK, HTTPStatus.CREATED),
            quotable=False,
            seconds=self._speak_timeout,
        )
        try:
            return parse(SpeechResponse, answer, self._origin)
        except AnswerUnreadable:
            if wait:
                raise
            return parse(JobResponse, answer, self._origin)

    async def job(self, job_id: str) -> JobResponse:
        """Return a speech job. Raises `JobForgotten` if it is older than 7 days."""
        try:
            answer = await self._request("GET", f"jobs/{quote(job_id, safe='')}")
        except AccountMissing as error:
            raise JobForgotten from error
        return parse(JobResponse, answer, self._origin)

    async def accounts(self) -> dict[str, str | None]:
        """Return the configured accounts, each with the error that the API reports for it, or None."""
        accounts = parse(Accounts, await self._request("GET", "accounts"), self._origin)
        return {name: account.error or None for name, account in accounts.items()}

    async def profile(self, account: str | None) -> AccountProfile:
        """Return the account's plan and credits."""
        return parse(AccountProfile, await self._request("GET", "profile/", account=account), self._origin)
