"""What is expected of whoever shows clones and lines to their members."""

from typing import Protocol

from bot.cloning.job import CloneJob
from bot.cloning.stage import Progress
from bot.errors import ClonevoiceError
from bot.mureka.errors import MurekaError
from bot.voices.models import Voice


class ClonePresenter(Protocol):
    """A way to the members, and to the operator."""

    def show(self, job: CloneJob, progress: Progress) -> None:
        """Take note of progress; must neither block nor fail."""
        ...

    async def move(self, job: CloneJob, before: CloneJob) -> None:
        """Show a job where its card is now, and no more where it was before. Must not fail."""
        ...

    async def deliver(self, job: CloneJob, outcome: Voice | ClonevoiceError) -> bool:
        """Tell the end of a job; False if that should be tried again later. Must not fail."""
        ...

    async def ask(self, job: CloneJob) -> bool:
        """Ask a job's speaker whether they approve; False if that should be tried again later.

        Raises `SpeakerUnreachable` if they can't be asked, and nothing else.
        """
        ...

    async def alarm(self, account: str | None, why: MurekaError) -> None:
        """Tell the operator that an account is in trouble. Must not fail."""
        ...


class Show(Protocol):
    """Takes note of a job's progress; `note` is the key of a sentence to add."""

    def __call__(self, job_id: str, *, done: float = 0, total: float = 0, note: str | None = None) -> None:
        """Show how far the present stage has come."""
        ...
