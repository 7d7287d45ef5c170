"""Emulates the API of https://useapi.net/docs/api-mureka-v1 for speech, with its voices in memory."""

import asyncio
import colorsys
import json
import struct
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from bot.demo.speech import Speeches, find_problem
from bot.voices.models import DESCRIPTION_LENGTH, TITLE_LENGTH, Language

BUILT_IN: dict[str, Any] = {"id": 10000000000001, "title": "Newsreader", "source_type": "official"}
"""A voice that is not a clone. Listings without `cloned=true` include it."""


@dataclass(slots=True)
class Request:
    """An API request as received. Both paths are without the base path; `body` grows while it is read."""

    method: str
    path: str
    raw_path: str
    raw_query: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class ClonedVoice:
    """A voice, with the MP3 file that it was cloned from. `created_at` is a Unix timestamp."""

    id: int
    account: str
    title: str
    description: str
    language: str
    sample: bytes
    created_at: int


class RefusedError(Exception):
    """The API answers a request with `status`, an error message and a `code`, which is often the status."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code or status


@dataclass(kw_only=True, eq=False)
class Api:
    """Answers requests whose body has been read. `origin` is the origin of the files' URLs.

    `voices` are the existing ones, oldest first, and `speeches` all clips that were charged. A voice exists
    `making_seconds` after its sample was received, and is answered `clone_seconds` later; a clip takes
    `speech_seconds`.
    """

    token: str = "user:1234-demo"  # noqa: S105 - not a real token
    accounts: Sequence[str] = ("demo@example.com",)
    making_seconds: float = 0
    clone_seconds: float = 0
    speech_seconds: float = 0
    page_size: int = 20
    origin: str = ""
    voices: dict[int, ClonedVoice] = field(default_factory=dict[int, ClonedVoice])

    def __post_init__(self) -> None:
        """Start without clips."""
        self._speeches = Speeches(self.voices, self.speech_seconds)
        self.speeches = self._speeches.clips

    async def answer(self, request: Request) -> tuple[int, object]:
        """Execute a request. Returns the status and the JSON value of the response. Raises `RefusedError`."""
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise RefusedError(401, "Unauthorized")
        status = 200
        match request.method, request.path:
            case "POST", "/speech/voice":
                answer = await self._clone(request)
            case "GET", "/speech/voices/":
                answer = self._list(request)
            case "DELETE", "/speech/voice":
                answer = self._delete(request)
            case "POST", "/speech":
                status, answer = await self._speak(request)
            case "GET", path if path.startswith("/jobs/"):
                answer = self._speeches.job(path.removeprefix("/jobs/"))
                if answer is None:
                    raise RefusedError(404, "Job not found")
            case "GET", "/accounts" if self.accounts:
                answer = {name: {"account": name, "hasAutoRefresh": True} for name in self.accounts}
            case "GET", "/profile/":
                self._account(request.query)
                answer = {"user": {"vip_name": "Premier", "vip_level_name": "Premier Monthly"}, "credits": 4200}
            case _:
                raise RefusedError(404, "Not found")
        return status, answer

    def file(self, path: str) -> tuple[bytes, str] | None:
        """Return a clip, a preview (both are the sample itself) or a cover, and its content type."""
        number, _, kind = path.removeprefix("/files/").partition(".")
        voice = self.voices.get(int(number)) if number.isdecimal() else None
        match kind:
            case "mp3" if audio := self._speeches.audio.get(number):
                return audio, "audio/mpeg"
            case "mp3" if voice:
                return voice.sample, "audio/mpeg"
            case "png" if voice:
                return _cover(voice.id), "image/png"
            case _:
                return None

    async def _clone(self, request: Request) -> object:
        account = self._account(request.query)
        _check_clone(request)
        await asyncio.sleep(self.making_seconds)
        # Tenths of milliseconds: 14 digits until 2286, ascending, and unique across restarts.
        voice_id = max(time.time_ns() // 100_000, max(self.voices, default=0) + 1)
        title, description, language = (request.query[name] for name in ("title", "desc", "lang"))
        voice = ClonedVoice(voice_id, account, title, description, language, request.body, int(time.time()))
        self.voices[voice_id] = voice
        await asyncio.sleep(self.clone_seconds)
        return self._shown(voice)

    def _list(self, request: Request) -> object:
        account = self._account(request.query)
        cloned = request.query.get("cloned")
        before = _voice_id(request.query.get("last_id") or str(sys.maxsize))
        clones: list[dict[str, Any]] = [
            self._shown(voice) | {"source_type": "cloned"}
            for voice in reversed(self.voices.values())
            if voice.account == account
        ]
        found = ([] if cloned == "false" else clones) + ([] if cloned == "true" else [BUILT_IN])
        rest = [voice for voice in found if voice["id"] < before]
        page = rest[: self.page_size]
        last_id = page[-1]["id"] if page else None
        return {"list": page, "last_id": last_id, "more": len(rest) > len(page)}

    def _delete(self, request: Request) -> object:
        account = self._account(request.query)
        voice = self._voice(_voice_id(request.query.get("voice_id", "")), account)
        self._speeches.finish_due_jobs()
        del self.voices[voice.id]
        return {}

    async def _speak(self, request: Request) -> tuple[int, object]:
        order = _order(request)
        account = self._account(order)
        voice = self._voice(order["voice_id"], account)
        result = self._speeches.speak(order, account, voice.sample, self.origin)
        if order.get("async") is True:
            return 201, self._speeches.begin(order, result)
        await asyncio.sleep(self.speech_seconds)
        return 200, result

    def _voice(self, voice_id: int, account: str) -> ClonedVoice:
        voice = self.voices.get(voice_id)
        if voice is None or voice.account != account:
            raise RefusedError(404, "Voice not found")  # an assumption: this is not documented
        return voice

    def _account(self, given: Mapping[str, Any]) -> str:
        account = given.get("account") or ""
        if not account and len(self.accounts) > 1:
            raise RefusedError(400, "Parameter account is required")
        for configured in self.accounts:
            if account in ("", configured):
                return configured
        raise RefusedError(404, "Account not configured")

    def _shown(self, voice: ClonedVoice) -> dict[str, Any]:
        return {
            "id": voice.id,
            "user_id": 23456789012345,
            "title": voice.title,
            "description": voice.description,
            "language": voice.language,
            "cover": f"{self.origin}/files/{voice.id}.png",
            "mp3_url": f"{self.origin}/files/{voice.id}.mp3",
            "created_at": voice.created_at,
            "duration_milliseconds": len(voice.sample) // 8,  # assumes 64 kbit/s
            "machine_audit_state": 1,
        }


def _check_clone(request: Request) -> None:
    query = request.query
    if "Content-Length" not in request.headers:
        raise RefusedError(411, "Content-Length is required")
    if request.headers.get("Content-Type") != "audio/mpeg":
        raise RefusedError(400, "Content-Type must be audio/mpeg")
    if not request.body:
        raise RefusedError(400, "The body is empty")
    for name, longest in (("title", TITLE_LENGTH), ("desc", DESCRIPTION_LENGTH)):
        if not 1 <= len(query.get(name, "")) <= longest:
            raise RefusedError(400, f"Parameter {name} must have 1 to {longest} characters")
    if query.get("lang") not in [language.value for language in Language]:
        raise RefusedError(400, "Parameter lang is not a language that can be cloned")


def _order(request: Request) -> dict[str, Any]:
    if request.headers.get("Content-Type") != "application/json":
        raise RefusedError(400, "Content-Type must be application/json")
    try:
        order: Any = json.loads(request.body)
    except ValueError:
        order = None
    if not isinstance(order, dict):
        raise RefusedError(400, "The body must be a JSON object")
    order = cast("dict[str, Any]", order)
    if problem := find_problem(order):
        raise RefusedError(400, problem)
    return order


def _voice_id(text: str) -> int:
    if not text.isdecimal():
        raise RefusedError(400, "A voice's id is a number")
    return int(text)


def _cover(voice_id: int) -> bytes:
    """Return a PNG (https://www.w3.org/TR/png-3/) of one color, which is derived from the ID."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    side = 64
    color = bytes(round(255 * part) for part in colorsys.hsv_to_rgb(voice_id % 360 / 360, 0.5, 0.9))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)  # 8 bits each of red, green and blue
    rows = (b"\0" + color * side) * side
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks
