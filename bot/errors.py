"""The base classes of all expected errors.

A class of its own exists only where an `except`, a `match` or a test needs it. Everything else is one of
these with a key: `raise Refused("refused.title_taken", title=title)`.
"""


class ClonevoiceError(Exception):
    """An expected failure. `key` names its text in the catalog, and `values` fill it in."""

    key = ""

    def __init__(self, key: str = "", /, **values: object) -> None:
        self.key = key or self.key
        super().__init__(self.key)
        self.values = values

    def __str__(self) -> str:
        """Return the key and the values, for logs. People read the catalog's text."""
        return " ".join([self.key, *(f"{name}={value!r}" for name, value in self.values.items())])


class Refused(ClonevoiceError):
    """A request that can't be met. Nothing was sent, charged or stored."""


class SettingsError(ClonevoiceError):
    """The bot can't start with its settings. The program exits with code 78."""


class StoreError(ClonevoiceError):
    """The store can't do what it was asked to do."""


class FolderInUse(SettingsError):
    """Another process owns the data folder: `folder`."""

    key = "store.in_use"


class RecordDamaged(StoreError):
    """A record can't be read and was set aside: `file`, relative to the data folder, and `aside`."""

    key = "store.damaged"


class RecordUnwritable(StoreError):
    """A record could not be written. What it held before is unchanged."""

    key = "store.unwritable"


class OfferLapsed(Refused):
    """The clone of a button has ended or was removed."""

    key = "refused.offer_lapsed"


class Cancelled(Refused):
    """The member canceled the clone."""

    key = "refused.cancelled"


class AlreadyCloning(Refused):
    """The member has a running clone."""

    key = "refused.already_cloning"


class ApprovalRevoked(Refused):
    """The speaker called `name` withdrew their consent."""

    key = "refused.approval_revoked"


class RequestClosed(Refused):
    """A consent request that was answered, canceled or has expired."""

    key = "refused.request_closed"


class NotTheSpeaker(Refused):
    """The consent request is for another member."""

    key = "refused.not_the_speaker"


class VoiceUnknown(Refused):
    """No such voice, or the member may not know that it exists. The two must be indistinguishable."""

    key = "refused.voice_unknown"


class BeingDeleted(Refused):
    """The voice called `title` is being deleted."""

    key = "refused.being_deleted"


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


class VoiceNotFound(MurekaError):
    """After an unknown outcome, the voice did not appear in the list within `CLONE_TIMEOUT`."""

    key = "mureka.not_found"


class VoiceLost(MurekaError):
    """The API no longer has the voice called `title`, which is recorded here."""

    key = "line.voice_lost"


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
