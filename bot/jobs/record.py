"""The parts of a job record that clones and clips share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bot.errors import ClonevoiceError

TOKEN_SECONDS = 15 * 60.0
"""How long an interaction's token works: https://discord.com/developers/docs/interactions/receiving-and-responding"""


class IllegalTransition(Exception):
    """A stage was asked to follow one that it can't follow: a mistake in the program."""


@dataclass(frozen=True, slots=True)
class InteractionReply:
    """Where a job's card is: a message that can be edited with an interaction's token.

    `since` is the Unix timestamp of the token, `file_limit` the bytes of files that the message may carry.
    `link` is the message's URL, empty in records of earlier versions.
    """

    token: str
    message_id: int
    since: float
    file_limit: int
    link: str = ""

    def is_alive(self, now: float) -> bool:
        """Return True if Discord still accepts the token."""
        return now - self.since < TOKEN_SECONDS


@dataclass(frozen=True, slots=True)
class Failure:
    """The key and values of the error that a job failed with."""

    key: str
    values: dict[str, str | int | float | tuple[int, ...]]

    @classmethod
    def from_error(cls, error: ClonevoiceError) -> Self:
        values: dict[str, str | int | float | tuple[int, ...]] = {
            name: value for name, value in error.values.items() if isinstance(value, str | int | float | tuple)
        }
        return cls(error.key, values)

    def to_error(self) -> ClonevoiceError:
        """Return an error with the same text. Its class is lost."""
        return ClonevoiceError(self.key, **self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """The fields that clones and clips have in common.

    `reply` is the card, until its token expires. `delivered` is set once the result was sent, or can't be.
    """

    id: str
    guild_id: int
    channel_id: int
    locale: str
    failure: Failure | None = None
    reply: InteractionReply | None = None
    delivered: bool = False
    times: Mapping[Any, float] = field(default_factory=dict[Any, float])

    @property
    def accepted_at(self) -> float:
        """The Unix timestamp of the command, which is the first of `times`."""
        return min(self.times.values(), default=0.0)

    @property
    def consistent(self) -> bool:
        """True if it has what its stage needs. A stored job that doesn't is damaged."""
        raise NotImplementedError

    @property
    def finished(self) -> bool:
        """True if only delivery is left."""
        raise NotImplementedError

    @property
    def in_flight(self) -> bool:
        """True while a request about it may be charged."""
        raise NotImplementedError

    @property
    def busy(self) -> bool:
        """True while a stop of the bot would interrupt its request or the delivery of its result."""
        return self.in_flight or (self.finished and not self.delivered)
