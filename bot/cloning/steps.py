"""The steps before the queue: inspect the sample, then ask the member or the speaker if necessary."""

import asyncio
import hashlib
from dataclasses import dataclass, field, replace

from bot.audio.inspector import SampleInspector, within_recommended
from bot.clock import Clock
from bot.cloning.admission import Admission
from bot.cloning.consent_gate import ConsentGate
from bot.cloning.job import CONSENT_SECONDS, CloneJob, Stage
from bot.cloning.ports import CloneRepository, ConsentPrompt
from bot.downloads import MEGABYTE, SampleDownloads
from bot.errors import Refused
from bot.jobs.registry import JobRegistry
from bot.policy.models import DAY
from bot.policy.rules import Rules
from bot.tasks import first_completed

SAMPLE_MEMORY = 320 * MEGABYTE
"""How many bytes the samples may take that are downloaded or inspected at the same time."""

MOST_SAMPLES = 64  # at the same time, because the session has 100 connections for everything

ASK_AGAIN_SECONDS = 60.0
"""Seconds between attempts to send a consent request while Discord fails."""

CONFIRM_SECONDS = 15 * 60.0
"""How long *Clone anyway* is offered: as long as an interaction's token works."""


@dataclass(eq=False, repr=False)
class Steps:
    """Each method is one step of a job and ends with a change of its stage."""

    jobs: JobRegistry[CloneJob]
    repository: CloneRepository
    downloads: SampleDownloads
    inspector: SampleInspector
    rules: Rules
    gate: ConsentGate
    admission: Admission
    prompt: ConsentPrompt
    clock: Clock
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Allow as many samples at the same time as fit into the memory if each is of the largest size."""
        self._slots = asyncio.Semaphore(min(MOST_SAMPLES, SAMPLE_MEMORY // max(1, self.downloads.limit)))

    async def inspect(self, job_id: str) -> None:
        """Download and inspect the sample, and store it, so that memory does not grow with the queue."""
        job = self.jobs[job_id]
        async with self._slots:
            sample = await self.downloads.get(job.sample_url)
            info = await self.inspector.inspect(sample)
            digest = await asyncio.to_thread(_sha256, sample)
            await self.rules.check_sample(job.guild_id, digest)
            await self.repository.put_sample(job_id, sample)
            del sample
        await self.jobs.update(
            job_id,
            lambda job: job.advance(Stage.CHECKED, self.clock.now(), sample_info=info, sample_sha256=digest),
        )

    async def ask(self, job_id: str) -> None:
        """Decide what has to be asked about the sample: of the member, of the speaker, or nothing."""

        def next_stage(job: CloneJob) -> CloneJob:
            info = job.sample_info
            if job.needs_confirmation or not (info and within_recommended(info) and not info.missing):
                return job.advance(Stage.CONFIRMING, self.clock.now())
            return self.admission.confirmed(job)

        await self.jobs.update(job_id, next_stage)

    async def wait_for_member(self, job_id: str) -> None:
        """Wait until the member confirms. Raises Refused after 15 minutes."""
        rest = self.jobs[job_id].times[Stage.CONFIRMING] + CONFIRM_SECONDS - self.clock.now()
        await first_completed(self._leaves(job_id, Stage.CONFIRMING), self.clock.sleep(rest))
        if self.jobs[job_id].stage is Stage.CONFIRMING:
            raise Refused("refused.unanswered")

    async def wait_for_speaker(self, job_id: str) -> None:
        """Ask the speaker and wait. Raises Refused without an answer, or if they can't be asked."""
        job = self.jobs[job_id]
        if job.speaker and await self.gate.has_consent(job):  # recorded just before the bot was stopped
            await self.jobs.update(job_id, lambda job: job.advance(Stage.QUEUED, self.clock.now()))
            return
        await first_completed(self._leaves(job_id, Stage.CONSENT), self._request(job_id))
        if job.speaker and self.jobs[job_id].stage is Stage.CONSENT:
            days = int(CONSENT_SECONDS / DAY)
            raise Refused("refused.approval_unanswered", name=job.speaker.name, days=days)

    async def _request(self, job_id: str) -> None:
        """Send the consent request, if that was not done before, and wait until it expires."""
        deadline = self.jobs[job_id].consent_deadline
        while not self.jobs[job_id].speaker_notified and self.clock.now() < deadline:
            if await self._ask(self.jobs[job_id]):
                await self.jobs.update(job_id, lambda job: replace(job, speaker_notified=True))
            else:
                await self.clock.sleep(ASK_AGAIN_SECONDS)
        await self.clock.sleep(deadline - self.clock.now())

    async def _ask(self, job: CloneJob) -> bool:
        """Send the consent request. It counts from before it is sent, so that no answer can come earlier."""
        await self.gate.note_request(job)
        try:
            return await self.prompt.ask(job)
        except Refused:  # nobody was asked
            await self.gate.drop_request(job)
            raise

    async def _leaves(self, job_id: str, stage: Stage) -> None:
        await self.jobs.wait(job_id, lambda job: job.stage is not stage)

    async def requeue(self, job_id: str) -> None:
        """Queue a job again whose upload was interrupted by a restart: the body was never sent whole."""
        await self.jobs.update(job_id, lambda job: job.advance(Stage.QUEUED, self.clock.now()), best_effort=True)


def _sha256(sample: bytes) -> str:
    return hashlib.sha256(sample).hexdigest()
