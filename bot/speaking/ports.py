"""What speaking needs from outside."""

from typing import Protocol

from bot.jobs.delivery import Presenter
from bot.speaking.job import SpeechJob, SpeechResult


class SpeechPresenter(Presenter[SpeechJob, SpeechResult], Protocol):
    """Shows speech jobs to their authors, and posts clips."""

    def show(self, job: SpeechJob, elapsed: float, typical: float, /) -> None:
        """Show the seconds since the command and the typical duration. Must neither block nor raise."""
