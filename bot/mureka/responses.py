"""The API's responses. A field of a wrong type counts as missing: the API documents all fields as optional."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    AliasPath,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

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

_T = TypeVar("_T")

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


def parse(shape: type[_T], answer: object) -> _T:
    """Return a response's JSON as one of the classes below. Raises `AnswerUnreadable` if it has another form."""
    try:
        return _adapter(shape).validate_python(answer)
    except ValidationError:  # it would quote the response
        raise AnswerUnreadable from None


@cache
def _adapter(shape: type[_T]) -> TypeAdapter[_T]:
    return TypeAdapter(shape)


def _or_none(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(value)
    except ValidationError:
        return None


_Text = Annotated[str | None, Field(min_length=1, strict=True), WrapValidator(_or_none)]
_Number = Annotated[float | None, Field(strict=True, allow_inf_nan=False), WrapValidator(_or_none)]
_Seconds = Annotated[_Number, AfterValidator(lambda milliseconds: milliseconds / 1000 if milliseconds else None)]


@dataclass(frozen=True, slots=True)
class VoiceResponse:
    """A voice. `created_at` is a Unix timestamp, `duration` is in seconds."""

    id: Annotated[int, Field(gt=0, strict=True)]
    title: _Text = None
    description: _Text = None
    language: _Text = None
    created_at: _Number = None
    duration: Annotated[_Seconds, Field(validation_alias="duration_milliseconds")] = None
    cover_url: Annotated[_Text, Field(validation_alias="cover")] = None
    preview_url: Annotated[_Text, Field(validation_alias="mp3_url")] = None


@dataclass(frozen=True, slots=True)
class VoicePage:
    """A page of the voice list. If there are `more`, the next page starts after `last_id`."""

    list: Sequence[Annotated[VoiceResponse | None, WrapValidator(_or_none)]]
    more: Annotated[bool | None, Field(strict=True), WrapValidator(_or_none)] = False
    last_id: Annotated[str | None, Field(coerce_numbers_to_str=True), WrapValidator(_or_none)] = None


@dataclass(frozen=True, slots=True)
class SpeechResponse:
    """A finished speech."""

    mp3_url: Annotated[str, Field(min_length=1, strict=True)]


@dataclass(frozen=True, slots=True)
class JobResponse:
    """A speech job. `status` is `created`, `completed` (with a `speech`) or `failed`."""

    id: Annotated[str, Field(min_length=1, strict=True, validation_alias="jobid")]
    status: _Text = None
    speech: Annotated[SpeechResponse | None, Field(validation_alias="response"), WrapValidator(_or_none)] = None


@dataclass(frozen=True, slots=True)
class AccountResponse:
    """A configured account, with the error that the API reports for it."""

    error: object = None


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """An account's plan and remaining credits."""

    plan: Annotated[_Text, Field(validation_alias=AliasPath("user", "vip_name"))] = None
    credits: Annotated[int | None, Field(strict=True), WrapValidator(_or_none)] = None
