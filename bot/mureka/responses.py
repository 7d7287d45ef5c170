"""What the API tells, read leniently: all fields are optional in its own words."""

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
    TokenRefused,
    TooManyAtOnce,
    UpstreamFailed,
)

RETRY_AFTER = 10.0
"""Seconds to wait after a 429 that names none."""


_REFUSALS: Mapping[int, type[MurekaError]] = {
    HTTPStatus.BAD_REQUEST: Rejected,
    HTTPStatus.UNAUTHORIZED: TokenRefused,
    HTTPStatus.PAYMENT_REQUIRED: AccountExhausted,
    HTTPStatus.PRECONDITION_FAILED: AccountExhausted,
    HTTPStatus.NOT_FOUND: AccountMissing,
}


def error_for_status(status: int, *, code: object, retry_after: str | None) -> MurekaError:
    """Return what a status means; `code` is from the answer's body, `retry_after` from its header."""
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return TooManyAtOnce(retry_after=_seconds(retry_after))
        case 596:
            return SessionDied(code=str(code))
        case _ if known := _REFUSALS.get(status):
            return known()
        case _:
            return UpstreamFailed(status=status)


def _seconds(retry_after: str | None) -> float:
    """Read `Retry-After` in seconds; its form as a date is not worth a parser here."""
    if retry_after is None or not retry_after.isdecimal():
        return RETRY_AFTER
    return min(max(float(retry_after), 1.0), 300.0)


def _fields(answer: object) -> dict[str, object]:
    return cast("dict[str, object]", answer) if isinstance(answer, dict) else {}


def _text(fields: dict[str, object], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def _number(fields: dict[str, object], name: str) -> float | None:
    value = fields.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class VoiceResponse:
    """A voice as the API tells of it; everything but the id may be missing. `duration` is in seconds."""

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
        """Read what is there and of the right kind; None without an id."""
        fields = _fields(answer)
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
class SpeechResponse:
    """A line as the API spoke it."""

    mp3_url: str

    @classmethod
    def parse(cls, answer: object) -> Self | None:
        """Read where it is; None without an MP3."""
        mp3_url = _text(_fields(answer), "mp3_url")
        return None if mp3_url is None else cls(mp3_url)


@dataclass(frozen=True, slots=True)
class JobResponse:
    """A line that the API is at: `created`, `completed` with a `speech`, or `failed`."""

    id: str
    status: str
    speech: SpeechResponse | None = None

    @classmethod
    def parse(cls, answer: object) -> Self | None:
        """Read what is there and of the right kind; None without an id."""
        fields = _fields(answer)
        job_id = _text(fields, "jobid")
        if job_id is None:
            return None
        return cls(
            id=job_id,
            status=_text(fields, "status") or "created",
            speech=SpeechResponse.parse(fields.get("response")),
        )

    @property
    def completed(self) -> bool:
        """Whether the line is spoken."""
        return self.status == "completed"

    @property
    def failed(self) -> bool:
        """Whether it never will be."""
        return self.status == "failed"


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """What an account has: the name of its plan, and the credits that are left."""

    plan: str | None
    credits: int | None
