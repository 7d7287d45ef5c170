"""Errors of the API, each with what follows from it: repetitions, and the treatment of the account.

`tests/test_mureka_errors.py` shows these attributes of all classes as one table.
"""

from enum import Enum

from bot.errors import ClonevoiceError

MAX_WAITS = 6  # how often a request is repeated if the API asks to wait: https://useapi.net/docs/api-mureka-v1
BACKOFF = (2.0, 5.0, 15.0)  # seconds to wait before a request that could not be sent is repeated
REFRESH_SECONDS = 10.0  # seconds to wait while useapi.net renews a Mureka session


class AccountAction(Enum):
    """How an account is treated after an error."""

    NONE = "none"
    ALERT = "alert"
    """Notify the operator."""
    PAUSE = "pause"
    """Start no clone on the account until the delay is over."""
    REST = "rest"
    """Notify the operator, and start no clone on the account until the API reports it as working."""


class MurekaError(ClonevoiceError):
    """An error response of the API, or no response.

    `retry_delays` are the seconds to wait before each repetition on the same account, `retry_after` those
    that the API asks for. After `AccountAction.REST`, a clone can be repeated at once on another account.
    """

    retry_after = 0.0
    retry_delays: tuple[float, ...] = ()
    action_after_clone = AccountAction.NONE
    action_after_other = AccountAction.NONE

    def retry_delay(self, attempt: int) -> float | None:
        """Return the seconds to wait after the failed `attempt`, counted from 1. Returns None to give up."""
        return self.retry_delays[attempt - 1] if attempt <= len(self.retry_delays) else None


class Rejected(MurekaError):
    """400: the request was refused."""

    key = "mureka.rejected"


class TokenRefused(MurekaError):
    """401: the operator's token is not accepted."""

    key = "mureka.token_refused"
    action_after_clone = AccountAction.ALERT
    action_after_other = AccountAction.ALERT


class AccountExhausted(MurekaError):
    """402 or 412: the plan has expired or the credits are used up."""

    key = "mureka.exhausted"
    action_after_clone = AccountAction.REST
    action_after_other = AccountAction.ALERT


class AccountMissing(MurekaError):
    """404: no such account or configuration."""

    key = "mureka.account_missing"
    action_after_clone = AccountAction.REST
    action_after_other = AccountAction.ALERT


class TooManyAtOnce(MurekaError):
    """429: too many requests are running; wait `retry_after` seconds."""

    key = "mureka.too_many"
    action_after_clone = AccountAction.PAUSE

    def __init__(self, *, retry_after: float) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after
        self.retry_delays = (retry_after,) * MAX_WAITS


class SessionDied(MurekaError):
    """596: the account's Mureka session has ended. `code` is the API's."""

    key = "mureka.session_died"
    action_after_clone = AccountAction.REST
    action_after_other = AccountAction.REST


class SessionRefreshing(SessionDied):
    """596 with the code `REFRESH_IN_PROGRESS`: the session is being renewed."""

    action_after_clone = AccountAction.PAUSE
    action_after_other = AccountAction.ALERT
    retry_after = REFRESH_SECONDS
    retry_delays = (REFRESH_SECONDS,) * MAX_WAITS


class NotSent(MurekaError, ConnectionError):
    """The connection failed before the whole body was sent: nothing happened upstream."""

    key = "mureka.not_sent"
    action_after_clone = AccountAction.PAUSE
    retry_delays = BACKOFF


class SpeechFailed(MurekaError):
    """The API accepted a text and could not speak it."""

    key = "line.speech_failed"


class JobForgotten(MurekaError):
    """The API no longer knows the speech job; it keeps jobs for 7 days."""

    key = "line.job_forgotten"


class OutcomeUnknown(MurekaError):
    """The request may have taken effect: never send it again blindly."""

    key = "mureka.unknown"


class UpstreamFailed(OutcomeUnknown):
    """5xx, or a `status` that is not documented."""


class NoAnswer(OutcomeUnknown, TimeoutError):
    """No response within the time-out."""


class ConnectionLost(OutcomeUnknown, ConnectionError):
    """The connection broke when the request may have arrived."""


class AnswerUnreadable(OutcomeUnknown):
    """A response that does not match the API's documentation."""
