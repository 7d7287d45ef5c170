"""What speaking needs from outside."""

from typing import Protocol

from bot.errors import ClonevoiceError
from bot.speaking.job import SpeechJob, SpeechResult


class SpeechPresenter(Protocol):
    """Whoever shows lines to their members."""

    def show(self, speech: SpeechJob, elapsed: float, usual: float) -> None:
        """Take note of the seconds that a line has been under way; must neither block nor fail."""
        ...

    async def deliver(self, speech: SpeechJob, outcome: SpeechResult | ClonevoiceError) -> bool:
        """Publish a line, or tell why there is none; False if that should be tried again later."""
        ...
