"""Records the voice that a job has made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from bot.clock import Clock
from bot.cloning.consent_gate import ConsentGate
from bot.cloning.job import CloneJob, Progress, Stage
from bot.cloning.ports import ClonePresenter
from bot.errors import RecordUnwritable
from bot.jobs.registry import JobRegistry
from bot.mureka.responses import VoiceResponse
from bot.voices.models import Voice
from bot.voices.repository import MembersRepository

DISK_FULL_SECONDS = 10.0
"""Seconds between attempts to record a voice while the disk can't be written to."""


@dataclass(eq=False, repr=False)
class VoiceRecorder:
    """Records voices, and knows which voices are taken.

    The voice's ID is on the job before the voice is recorded, so that a restart in between finds it.
    """

    jobs: JobRegistry[CloneJob]
    members: MembersRepository
    gate: ConsentGate
    presenter: ClonePresenter
    clock: Clock
    _recorded: set[int] = field(default_factory=set[int], init=False)

    async def load(self) -> None:
        self._recorded = await self.members.voice_ids()

    def taken_voice_ids(self, job_id: str) -> set[int]:
        """Return the voices that are recorded or belong to another job."""
        return self._recorded | {job.voice_id for job in self.jobs if job.voice_id and job.id != job_id}

    async def record(self, job_id: str, made: VoiceResponse) -> None:
        """Record a voice that exists upstream, and finish the job. Waits while the disk is full."""

        async def put() -> Voice:
            job = await self.jobs.update(job_id, lambda job: replace(job, voice_id=made.id))
            voice = job.to_voice(made, self.clock.now())
            await self.members.put(voice)
            return voice

        await self.finish(job_id, await self._when_writable(job_id, put))

    async def finish(self, job_id: str, voice: Voice) -> None:
        """Register a recorded voice, and finish the job."""
        self._recorded.add(voice.id)
        await self._when_writable(job_id, lambda: self.gate.register(voice))
        await self.jobs.update(
            job_id,
            lambda job: job.advance(Stage.DONE, self.clock.now(), voice_id=voice.id),
            best_effort=True,
        )

    async def _when_writable(self, job_id: str, write: Callable[[], Awaitable[Voice]]) -> Voice:
        while True:
            try:
                return await write()
            except RecordUnwritable:
                job = self.jobs[job_id]
                self.presenter.show(job, Progress(job.stage, note="note.disk_full"))
                await self.clock.sleep(DISK_FULL_SECONDS)
