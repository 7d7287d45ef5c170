"""Errors of the API, by what they say about the request and the account."""

from bot.errors import ClonevoiceError


class MurekaError(ClonevoiceError):
    """The API answered with an error, or not at all."""


class Rejected(MurekaError):
    """400: the request was refused."""

    key = "mureka.rejected"


class TokenRefused(MurekaError):
    """401: the operator's token is not accepted."""

    key = "mureka.token_refused"


class AccountExhausted(MurekaError):
    """402 or 412: the plan has expired or the credits are used up."""

    key = "mureka.exhausted"


class AccountMissing(MurekaError):
    """404: no such account or configuration."""

    key = "mureka.account_missing"


class TooManyAtOnce(MurekaError):
    """429: wait `retry_after` seconds."""

    key = "mureka.too_many"

    def __init__(self, *, retry_after: float) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after


class SessionDied(MurekaError):
    """596: the Mureka session has ended. `code` is the API's."""

    key = "mureka.session_died"
    retry_after = 10.0

    def __init__(self, *, code: str) -> None:
        super().__init__(code=code)
        self.soon_over = code == "REFRESH_IN_PROGRESS"


class NotSent(MurekaError, ConnectionError):
    """The connection failed before the whole body was sent: nothing happened upstream."""

    key = "mureka.not_sent"


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
    """The connection broke after the body was sent."""


class AnswerUnreadable(OutcomeUnknown):
    """A response that does not match the API's documentation."""
