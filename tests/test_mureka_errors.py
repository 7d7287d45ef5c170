"""The table of what follows from each error of the API."""

from functools import partial

import pytest

from bot.cloning.errors import VoiceNotFound
from bot.mureka.errors import (
    AccountAction,
    AccountExhausted,
    AccountMissing,
    AnswerUnreadable,
    ConnectionLost,
    JobForgotten,
    MurekaError,
    NoAnswer,
    NotSent,
    OutcomeUnknown,
    Rejected,
    SessionDied,
    SessionRefreshing,
    SpeechFailed,
    TokenRefused,
    TooManyAtOnce,
    UpstreamFailed,
)
from bot.mureka.responses import error_for_status
from bot.speaking.errors import VoiceLost

NONE, ALERT, PAUSE, REST = AccountAction

FINAL = (
    *(Rejected, SpeechFailed, JobForgotten, OutcomeUnknown, partial(UpstreamFailed, status=500)),
    *(NoAnswer, ConnectionLost, AnswerUnreadable, VoiceNotFound, VoiceLost),
)
TABLE: list[tuple[MurekaError, list[float], AccountAction, AccountAction]] = [
    # error, seconds before each repetition, account after a clone, account after another request
    (TokenRefused(), [], ALERT, ALERT),
    (AccountExhausted(), [], REST, ALERT),
    (AccountMissing(), [], REST, ALERT),
    (SessionDied(code="SESSION_EXPIRED"), [], REST, REST),
    (SessionRefreshing(code="REFRESH_IN_PROGRESS"), [10] * 6, PAUSE, ALERT),
    (TooManyAtOnce(retry_after=7), [7] * 6, PAUSE, NONE),
    (NotSent(), [2, 5, 15], PAUSE, NONE),
    *((error(), [], NONE, NONE) for error in FINAL),
]


@pytest.mark.parametrize(("error", "delays", "after_clone", "after_other"), TABLE, ids=lambda one: type(one).__name__)
def test_error_decides_on_repetitions_and_account(
    error: MurekaError, delays: list[float], after_clone: AccountAction, after_other: AccountAction
):
    assert [error.retry_delay(attempt) for attempt in range(1, len(delays) + 2)] == [*delays, None]
    assert (error.action_after_clone, error.action_after_other) == (after_clone, after_other)


def test_table_has_every_error():
    assert {type(error) for error, *_ in TABLE} == set(subclasses(MurekaError))


def subclasses(base: type[MurekaError]) -> list[type[MurekaError]]:
    return [found for child in base.__subclasses__() for found in (child, *subclasses(child))]


@pytest.mark.parametrize(
    ("code", "error"), [("REFRESH_IN_PROGRESS", SessionRefreshing), ("EXPIRED", SessionDied), ("", SessionDied)]
)
def test_596_is_read_by_its_code(code: str, error: type[MurekaError]):
    read = error_for_status(596, code=code, retry_after=None)
    assert type(read) is error
    assert read.values["code"] == code
