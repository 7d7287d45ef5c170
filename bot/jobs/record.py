"""The parts of a job record that clones and clips share."""

from dataclasses import dataclass
from typing import Self

from bot.errors import ClonevoiceError

TOKEN_SECONDS = 15 * 60.0
"""How long an interaction's token works: https://discord.com/developers/docs/interactions/receiving-and-responding"""


@dataclass(frozen=True, slots=True)
class InteractionReply:
    """Where a job's card is: a message that the interaction's `token` of `since` (Unix seconds) may edit.

    It may carry `file_limit` bytes of files.
    """

    token: str
    message_id: int
    since: float
    file_limit: int

    def is_alive(self, now: float) -> bool:
        """Whether Discord still takes the token."""
        return now - self.since < TOKEN_SECONDS


@dataclass(frozen=True, slots=True)
class Failure:
    """How a job failed: the key and values of an error's sentence, kept so that it can be told later too."""

    key: str
    values: dict[str, str | int | float]

    @classmethod
    def from_error(cls, error: ClonevoiceError) -> Self:
        """Keep what an error says."""
        plain = {name: value for name, value in error.values.items() if isinstance(value, str | int | float)}
        return cls(error.key, plain)

    def to_error(self) -> ClonevoiceError:
        """Return what it says as an error again."""
        return ClonevoiceError(self.key, **self.values)
