"""What the bot remembers, and what it may rely on when it does."""

from typing import Protocol

from bot.voices.jobs import Job
from bot.voices.models import Voice


class Store(Protocol):
    """Durable memory. Whatever returned from a `put_` or `add_` survives a kill at the next instant.

    Any method may raise `bot.errors.RecordDamaged` (the record is set aside, and stays refused until
    the operator restores or removes it) and `OSError` (nothing was changed).
    """

    async def voices(self, owner_id: int) -> tuple[Voice, ...]:
        """Return a member's voices, oldest first."""
        ...

    async def put_voice(self, voice: Voice) -> None:
        """Record a voice in its owner's file, in the place of one with the same id."""
        ...

    async def voice_ids(self) -> set[int]:
        """Return the ids of all members' voices; damaged files are set aside and reported in the log."""
        ...

    async def check_jobs(self, owner_id: int) -> None:
        """Raise `RecordDamaged` while the record of a job of this member is set aside."""
        ...

    async def jobs(self) -> tuple[Job, ...]:
        """Return every job on record, oldest first; damaged ones are set aside and reported in the log."""
        ...

    async def put_job(self, job: Job) -> None:
        """Record where a job stands."""
        ...

    async def put_sample(self, job_id: str, sample: bytes) -> None:
        """Keep a job's MP3 until the job is dropped."""
        ...

    async def sample(self, job_id: str) -> bytes:
        """Return a job's MP3; `FileNotFoundError` without one."""
        ...

    async def drop_job(self, job_id: str) -> None:
        """Forget a job and its sample; a job that is not there is no error."""
        ...

    async def durations(self) -> tuple[float, ...]:
        """Return how many seconds the API took for each of the last clones, newest last, 50 at most."""
        ...

    async def add_duration(self, seconds: float) -> None:
        """Remember how long a clone took."""
        ...
