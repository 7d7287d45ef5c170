"""What cloning needs from outside."""

from typing import Protocol

from bot.cloning.job import CloneJob, Progress
from bot.jobs.delivery import Presenter
from bot.jobs.record import InteractionReply
from bot.jobs.registry import JobRepository
from bot.voices.models import Voice


class CloneRepository(JobRepository[CloneJob], Protocol):
    """Stores clone jobs, each with its sample."""

    async def put_sample(self, job_id: str, sample: bytes) -> None:
        """Store the MP3 of a job until the job is removed."""

    async def sample(self, job_id: str) -> bytes:
        """Return the MP3 of a job. Raises FileNotFoundError if there is none."""
        ...


class ClonePresenter(Presenter[CloneJob, Voice], Protocol):
    """Shows clone jobs to members."""

    def show(self, job: CloneJob, progress: Progress) -> None:
        """Show progress on the job's card. Must neither block nor raise."""

    async def redraw(self, job: CloneJob) -> None:
        """Show an unfinished job on its card, which is new. Must not raise."""

    async def retire(self, job: CloneJob, old: InteractionReply) -> None:
        """Remove the buttons of a card that the job had before, and let it point to the new one. Must not raise."""


class ConsentPrompt(Protocol):
    """Sends consent requests to speakers."""

    async def ask(self, job: CloneJob) -> bool:
        """Send the consent request to the job's speaker. Return False if that should be retried.

        Raises `Refused` if the speaker can't be reached, and nothing else.
        """
        ...
