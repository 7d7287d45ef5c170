"""Parsers of the API's responses. They are lenient: the API documents all fields as optional."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self, cast

from bot.mureka.errors import (
    AccountExhausted,
    AccountMissing,
    MurekaError,
    Rejected,
    SessionDied,
    SessionRefreshing,
    TokenRefused,
    TooManyAtOnce,
    UpstreamFailed,
)

RETRY_AFTER = 10.0  # seconds to wait after a 429 without a `Retry-After` header

_REFUSALS: Mapping[int, type[MurekaError]] = {
    HTTPStatus.BAD_REQUEST: Rejected,
    HTTPStatus.UNAUTHORIZED: TokenRefused,
    HTTPStatus.PAYMENT_REQUIRED: AccountExhausted,
    HTTPStatus.PRECONDITION_FAILED: AccountExhausted,
    HTTPStatus.NOT_FOUND: AccountMissing,
}


def error_for_status(status: int, *, code: object, retry_after: str | None) -> MurekaError:
    """Return the error of a status. `code` is from the response's body, `retry_after` is a header."""
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return TooManyAtOnce(retry_after=_seconds(retry_after))
        case 596:
            return (SessionRefreshing if code == "REFRESH_IN_PROGRESS" else SessionDied)(code=str(code))
        case _ if known := _REFUSALS.get(status):
            return known()
        case _:
            return UpstreamFailed(status=status)


def _seconds(retry_after: str | None) -> float:
    """Return `Retry-After` in seconds, from 1 to 300. A date counts as no header."""
    if retry_after is None or not retry_after.isdecimal():
        return RETRY_AFTER
    return min(max(float(retry_after), 1.0), 300.0)


def fields_of(answer: object) -> dict[str, object] | None:
    """Return a JSON object's fields. Returns None if it isn't an object."""
    return cast("dict[str, object]", answer) if isinstance(answer, dict) else None


def _text(fields: dict[str, object], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def _number(fields: dict[str, object], name: str) -> float | None:
    value = fields.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class VoiceResponse:
    """A voice. `created_at` is a Unix timestamp, `duration` is in seconds."""

    id: int
    title: str | None = None
    description: str | None = None
    language: str | None = None
    created_at: float | None = None
    duration: float | None = None
    cover_url: str | None = None
    preview_url: str | None = None

    @classmethod
    def parse(cls, answer: object) -> Self | None:
        """Skip fields of a wrong type. Returns None without an ID."""
        fields = fields_of(answer) or {}
        voice_id, milliseconds = _number(fields, "id"), _number(fields, "duration_milliseconds")
        if not isinstance(voice_id, int) or voice_id <= 0:
            return None
        return cls(
            id=voice_id,
            title=_text(fields, "title"),
            description=_text(fields, "description"),
            language=_text(fields, "language"),
            created_at=_number(fields, "created_at"),
            duration=milliseconds / 1000 if milliseconds else None,
            cover_url=_text(fields, "cover"),
            preview_url=_text(fields, "mp3_url"),
        )


@dataclass(frozen=True, slots=True)
class VoicePage:
    """A page of the voice list. If there are `more`, the next page starts after `last_id`."""

    voices: tuple[VoiceResponse, ...]
    more: bool
    last_id: str | None

    @classmethod
    def parse(cls, answer: object) -> Self | None:
        """Skip voices without an ID. Returns None without a list."""
        fields = fields_of(answer) or {}
        listed, last_id = fields.get("list"), fields.get("last_id")
        if not isinstance(listed, list):
            return None
        voices = map(VoiceResponse.parse, cast("list[object]", listed))
        return cls(
            voices=tuple(voice for voice in voices if voice),
            more=fields.get("more") is True,
            last_id=None if last_id is None else str(last_id),
        )


@dataclass(frozen=True, slots=True)
class SpeechResponse:
    """A finished speech."""

    mp3_url: str

    @classmethod
    def parse(cls, answer: object) -> Self | None:
        """Return None without an MP3."""
        mp3_url = _text(fields_of(answer) or {}, "mp3_url")
        return None if mp3_url is None else cls(mp3_url)


@dataclass(frozen=True, slots=True)
class JobResponse:
    """A speech job. `status` is `created`, `completed` (with a `speech`) or `failed`."""

    id: str
    status: str
    speech: SpeechResponse | None = None

    @classmethod
    def parse(cls, answer: object) -> Self | None:
        """Skip fields of a wrong type. Returns None without an ID."""
        fields = fields_of(answer) or {}
        job_id = _text(fields, "jobid")
        if job_id is None:
            return None
        return cls(
            id=job_id, status=_text(fields, "status") or "created", speech=SpeechResponse.parse(fields.get("response"))
        )


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """An account's plan and remaining credits."""

    plan: str | None
    credits: int | None

    @classmethod
    def parse(cls, answer: object) -> Self | None:
        """Return None if the response isn't a JSON object."""
        fields = fields_of(answer)
        if fields is None:
            return None
        plan, left = (fields_of(fields.get("user")) or {}).get("vip_name"), fields.get("credits")
        return cls(str(plan) if plan else None, left if isinstance(left, int) else None)
