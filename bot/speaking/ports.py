"""What speaking needs from outside."""

from typing import Protocol

from bot.errors import ClonevoiceError
from bot.speaking.job import SpeechJob, SpeechResult


class SpeechPresenter(Protocol):
    """Shows speech jobs to their authors, and posts clips."""

    def show(self, job: SpeechJob, elapsed: float, typical: float, /) -> None:
        """Show the seconds since the command and the typical duration. Must neither block nor raise."""

    async def deliver(self, job: SpeechJob, outcome: SpeechResult | ClonevoiceError, /) -> bool:
        """Post the clip, or show why there is none. Return False if delivery should be retried."""
        ...
