"""The API's responses. A field of a wrong type counts as missing: the API documents all fields as optional."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    AliasPath,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from yarl import URL

from bot.bounds import bounded_text, parse_id, without_page
from bot.mureka.errors import (
    AccountExhausted,
    AccountMissing,
    AnswerUnreadable,
    MurekaError,
    Rejected,
    SessionDied,
    SessionRefreshing,
    TokenRefused,
    TooManyAtOnce,
    UpstreamFailed,
)
from bot.text import clean_text

_T = TypeVar("_T")

TEXT_LENGTH = 2000  # characters of a text or a URL that are read; the longest that the API documents has 500
RETRY_AFTER = 10.0  # seconds to wait after a 429 without a `Retry-After` header

_REFUSALS: Mapping[int, type[MurekaError]] = {
    HTTPStatus.BAD_REQUEST: Rejected,
    HTTPStatus.UNAUTHORIZED: TokenRefused,
    HTTPStatus.PAYMENT_REQUIRED: AccountExhausted,
    HTTPStatus.PRECONDITION_FAILED: AccountExhausted,
    HTTPStatus.NOT_FOUND: AccountMissing,
}


def error_for_status(status: int, *, code: str, retry_after: str | None) -> MurekaError:
    """Return the error of a status. `code` is from the response's body or empty, `retry_after` is a header."""
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return TooManyAtOnce(retry_after=_seconds(retry_after))
        case 596:
            return (SessionRefreshing if code == "REFRESH_IN_PROGRESS" else SessionDied)(code=code)
        case _ if known := _REFUSALS.get(status):
            return known()
        case _:
            return UpstreamFailed(status=status)


def _seconds(retry_after: str | None) -> float:
    """Return `Retry-After` in seconds, from 1 to 300. A date counts as no header."""
    if retry_after is None or not re.fullmatch(r"[0-9]{1,20}", retry_after):
        return RETRY_AFTER
    return min(max(float(retry_after), 1.0), 300.0)


def parse(shape: type[_T], answer: object, origin: str) -> _T:
    """Return a response's JSON as one of the classes below. Raises `AnswerUnreadable` if it has another form.

    URLs are HTTPS or on the API's own `origin`; the emulated API has no certificate.
    """
    try:
        return _adapter(shape).validate_python(answer, context=origin)
    except ValidationError:  # it would quote the response
        raise AnswerUnreadable from None


@cache
def _adapter(shape: type[_T]) -> TypeAdapter[_T]:
    return TypeAdapter(shape)


def short(value: object) -> str:
    """Return what an error response says, as one line of at most 200 characters. Empty if it says nothing."""
    return clean_text(without_page(str(value)[:1000]))[:200] if isinstance(value, str | int) else ""


def short_code(value: object) -> str:
    """Return the `code` of an error response. Empty for anything else, which may quote a member's text."""
    return str(value) if isinstance(value, str | int) and re.fullmatch(r"[A-Z0-9_]{1,40}", str(value)) else ""


def _or_none(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(value)
    except ValidationError:
        return None


def _text(value: object) -> str:
    return clean_text(bounded_text(value, TEXT_LENGTH))


def _key(value: object) -> str:
    """Return a text that is sent back as it is, and never shortened."""
    text = bounded_text(value, TEXT_LENGTH)
    if text != value or not text.isprintable():
        raise ValueError("not a key")
    return text


def _url(value: object, info: ValidationInfo) -> str:
    url = URL(_key(value))
    if not url.host or url.raw_user is not None or url.raw_password is not None:
        raise ValueError("not a URL of a file")
    if url.scheme != "https" and str(url.origin()) != info.context:
        raise ValueError("not HTTPS")
    return str(url)


def _up_to(most: float) -> BeforeValidator:
    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            raise ValueError("not a number in range")
        return float(value)

    return BeforeValidator(check)


def _more(value: object) -> bool | None:
    """Return whether there are more pages, or None if that can't be read."""
    return value if isinstance(value, bool) else None if value is not None else False


_Id = Annotated[int, BeforeValidator(parse_id)]
_Text = Annotated[str | None, Field(min_length=1), BeforeValidator(_text), WrapValidator(_or_none)]
_Key = Annotated[str, BeforeValidator(_key)]
_Url = Annotated[str, BeforeValidator(_url)]
_OptionalUrl = Annotated[_Url | None, WrapValidator(_or_none)]
_Timestamp = Annotated[float | None, _up_to(2**35), WrapValidator(_or_none)]  # until the year 3058
_Seconds = Annotated[
    float | None, AfterValidator(lambda milliseconds: milliseconds / 1000), _up_to(86_400_000), WrapValidator(_or_none)
]


@dataclass(frozen=True, slots=True)
class VoiceResponse:
    """A voice. `created_at` is a Unix timestamp, `duration` is in seconds."""

    id: _Id
    title: _Text = None
    description: _Text = None
    language: _Text = None
    created_at: _Timestamp = None
    duration: Annotated[_Seconds, Field(validation_alias="duration_milliseconds")] = None
    cover_url: Annotated[_OptionalUrl, Field(validation_alias="cover")] = None
    preview_url: Annotated[_OptionalUrl, Field(validation_alias="mp3_url")] = None


@dataclass(frozen=True, slots=True)
class VoicePage:
    """A page of the voice list. If there are `more`, the next page starts after `last_id`.

    None stands for what can't be read: an entry, or whether there are more.
    """

    list: Sequence[Annotated[VoiceResponse | None, WrapValidator(_or_none)]]
    more: Annotated[bool | None, BeforeValidator(_more)] = False
    last_id: Annotated[_Id | None, WrapValidator(_or_none)] = None


@dataclass(frozen=True, slots=True)
class SpeechResponse:
    """A finished speech."""

    mp3_url: _Url


@dataclass(frozen=True, slots=True)
class JobResponse:
    """A speech job. `status` is `created`, `completed` (with a `speech`) or `failed`."""

    id: Annotated[_Key, Field(validation_alias="jobid")]
    status: _Text = None
    speech: Annotated[SpeechResponse | None, Field(validation_alias="response"), WrapValidator(_or_none)] = None


def _problem(value: object) -> str:
    return (short(value) or "?") if value else ""


@dataclass(frozen=True, slots=True)
class AccountResponse:
    """A configured account, with the error that the API reports for it; empty if there is none."""

    error: Annotated[str, BeforeValidator(_problem)] = ""


def _account(value: object, validate: ValidatorFunctionWrapHandler) -> AccountResponse:
    """Count an account that can't be read as one with an error: it gets no jobs."""
    try:
        return validate(value)
    except ValidationError:
        return AccountResponse("?")


Accounts = dict[_Key, Annotated[AccountResponse, WrapValidator(_account)]]
"""The configured accounts by name."""


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """An account's plan and remaining credits."""

    plan: Annotated[_Text, Field(validation_alias=AliasPath("user", "vip_name"))] = None
    credits: Annotated[int | None, Field(strict=True, ge=0, le=2**53), WrapValidator(_or_none)] = None
