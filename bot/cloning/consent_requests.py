"""A speaker's answers to clone jobs that wait for them."""

from dataclasses import dataclass

from bot.clock import Clock
from bot.cloning.consent_gate import ConsentGate
from bot.cloning.errors import NotTheSpeaker, RequestClosed
from bot.cloning.job import CloneJob, Stage
from bot.cloning.ports import CloneRepository
from bot.errors import Refused
from bot.jobs.registry import JobRegistry


@dataclass(eq=False, repr=False)
class ConsentRequests:
    """The jobs that wait for a speaker. `get`, `approve`, `decline` raise RequestClosed or NotTheSpeaker."""

    jobs: JobRegistry[CloneJob]
    repository: CloneRepository
    gate: ConsentGate
    clock: Clock

    def for_speaker(self, speaker_id: int) -> list[CloneJob]:
        """Return the unfinished jobs whose sample is of this member's voice, answered or not."""
        return [job for job in self.jobs if not job.finished and job.speaker and job.speaker.id == speaker_id]

    def get(self, job_id: str, speaker_id: int) -> CloneJob:
        """Return a job that waits for this speaker."""
        if job_id not in self.jobs or not self.jobs[job_id].awaits_consent:
            raise RequestClosed
        job = self.jobs[job_id]
        if job.speaker is None or job.speaker.id != speaker_id:
            raise NotTheSpeaker
        return job

    async def sample(self, job_id: str, speaker_id: int) -> bytes:
        """Return the sample of a job that waits for this speaker."""
        self.get(job_id, speaker_id)
        try:
            return await self.repository.sample(job_id)
        except FileNotFoundError as error:  # the job has just ended
            raise RequestClosed from error

    async def approve(self, job_id: str, speaker_id: int) -> None:
        """Queue a job whose consent is recorded. A failed write is made up for at the next start."""
        job = self.get(job_id, speaker_id)
        await self.jobs.update(
            job_id, lambda job: _waiting(job).advance(Stage.QUEUED, self.clock.now()), best_effort=True
        )
        self.gate.note_approval(job.owner_id, speaker_id)

    async def decline(self, job_id: str, speaker_id: int) -> None:
        """Fail a job because its speaker declined."""
        job = self.get(job_id, speaker_id)
        error = Refused("refused.speaker_refused", name=job.speaker.name if job.speaker else "")
        await self.jobs.update(job_id, lambda job: _waiting(job).fail(error, self.clock.now()))
        self.gate.note_refusal(job.owner_id, speaker_id)

    def note_withdrawal(self, owner_id: int, speaker_id: int) -> None:
        """Allow no request to this speaker for a day."""
        self.gate.note_refusal(owner_id, speaker_id)


def _waiting(job: CloneJob) -> CloneJob:
    if not job.awaits_consent:
        raise RequestClosed
    return job
