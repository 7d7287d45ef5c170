"""What speaking needs from outside."""

from typing import Protocol

from bot.errors import ClonevoiceError
from bot.speaking.job import Speech, Spoken


class SpeechSink(Protocol):
    """Whoever shows lines to their members."""

    def show(self, speech: Speech, elapsed: float, usual: float) -> None:
        """Take note of the seconds that a line has been under way; must neither block nor fail."""
        ...

    async def deliver(self, speech: Speech, outcome: Spoken | ClonevoiceError) -> bool:
        """Publish a line, or tell why there is none; False if that should be tried again later."""
        ...
