"""What members and moderators can do with clone jobs."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bot.clock import Clock
from bot.cloning.admission import Admission
from bot.cloning.errors import OfferLapsed
from bot.cloning.job import CloneJob
from bot.cloning.ports import ClonePresenter
from bot.cloning.queue import CloneQueue
from bot.cloning.recovery import Recovery
from bot.cloning.runner import CloneRunner
from bot.erasures import PendingErasures
from bot.errors import Canceled, ClonevoiceError, Refused
from bot.jobs.record import InteractionReply
from bot.jobs.registry import JobRegistry
from bot.voices.models import PendingDeletion
from bot.voices.repository import PendingDeletionsRepository


@dataclass(eq=False, repr=False)
class Cloner:
    """Accepts clone requests and changes jobs. Methods that name a job raise OfferLapsed if it is gone."""

    jobs: JobRegistry[CloneJob]
    deletions: PendingDeletionsRepository
    admission: Admission
    runner: CloneRunner
    queue: CloneQueue
    recovery: Recovery
    presenter: ClonePresenter
    erasures: PendingErasures
    clock: Clock

    async def start(self) -> None:
        """Resume the jobs of an earlier run."""
        await self.runner.start()

    def close(self) -> None:
        """Accept and send no more clones."""
        self.admission.close()
        self.queue.close()

    @property
    def busy(self) -> bool:
        """True while a stop of the bot would interrupt an upload or a delivery."""
        return any(job.busy for job in self.jobs)

    async def submit(self, job: CloneJob, *, sample_size: int) -> None:
        """Add a job and start it. Raises as `Admission.accept`."""
        self.runner.run(await self.admission.accept(job, sample_size=sample_size))

    @asynccontextmanager
    async def card_moved(self, job_id: str, owner_id: int, reply: InteractionReply) -> AsyncGenerator[None]:
        """Make the reply to another interaction the job's card. After the block, it is the only one."""
        old: InteractionReply | None = None

        def moved(job: CloneJob) -> CloneJob:
            nonlocal old
            if job.delivered and not job.can_retry:
                raise OfferLapsed
            old = job.reply
            return replace(job, reply=reply)

        job = await self.admission.change(job_id, owner_id, moved)
        try:
            yield
        finally:
            if old is None or old.message_id != reply.message_id:
                if job_id in self.jobs:
                    await self.presenter.redraw(self.jobs[job_id])
                if old:
                    await self.presenter.retire(job, old)

    async def move_card(self, job_id: str, owner_id: int, reply: InteractionReply) -> None:
        """Show a job in the reply to another interaction, and nowhere else."""
        async with self.card_moved(job_id, owner_id, reply):
            pass

    def running(self, owner_id: int) -> CloneJob | None:
        """Return the job that keeps a member from starting another."""
        return self.admission.running(owner_id)

    async def move_running_card(self, owner_id: int, reply: InteractionReply) -> bool:
        """Show a member's running clone in the reply to another interaction. Return False if there is none."""
        self.erasures.check(owner_id)
        running = self.running(owner_id)
        if running is None:
            return False
        await self.move_card(running.id, owner_id, reply)
        return True

    async def confirm(self, job_id: str, owner_id: int) -> None:
        """Clone a sample that the member was asked about."""
        await self.admission.confirm(job_id, owner_id)

    async def cancel(self, job_id: str, owner_id: int) -> None:
        """Cancel a clone. Raises Refused if the upload has started."""

        def canceled(job: CloneJob) -> CloneJob:
            if job.finished:
                raise OfferLapsed
            if not job.can_cancel:
                raise Refused("refused.too_late")
            return job.cancel(self.clock.now())

        await self.admission.change(job_id, owner_id, canceled)

    async def retry(self, job_id: str, owner_id: int) -> None:
        """Run a failed job again. Its voice is searched for once more before anything is sent."""
        if not self.admission.get(job_id, owner_id).can_retry:
            raise OfferLapsed
        await self.runner.stop(job_id)  # it may still be delivering
        self.runner.run(await self.admission.retry(job_id, owner_id))

    def unfinished(self, owner_id: int) -> list[CloneJob]:
        return self.admission.unfinished(owner_id)

    def titles(self, owner_id: int) -> list[str]:
        return [job.title for job in self.unfinished(owner_id)]

    def owners_in(self, guild_id: int) -> list[int]:
        """Return the owner of each unfinished job of a server that does not wait for a speaker."""
        jobs = [job for job in self.jobs if not job.finished and not job.awaits_consent]
        return [job.owner_id for job in jobs if job.guild_id == guild_id]

    async def cancel_unsent(self, jobs: Iterable[CloneJob], error: ClonevoiceError | None = None) -> None:
        """Cancel jobs that can't have a voice yet, and wait for their cards. `error` says why, if not their member."""

        def ended(job: CloneJob) -> CloneJob:
            return job if job.finished or job.may_have_voice else job.cancel(self.clock.now(), error)

        ids = [job.id for job in jobs if job.id in self.jobs]
        for job_id in ids:
            await self.jobs.update(job_id, ended, best_effort=True)
        await self.runner.wait(job_id for job_id in ids if job_id in self.jobs and self.jobs[job_id].finished)

    async def cancel_all(
        self, owner_id: int, guild_id: int | None = None, error: ClonevoiceError | None = None
    ) -> None:
        """Cancel a member's unsent jobs (of one server). See `cancel_unsent`."""
        jobs = [job for job in self.unfinished(owner_id) if guild_id in (None, job.guild_id)]
        await self.cancel_unsent(jobs, error)

    def in_flight(self, member_id: int) -> bool:
        """Return True while an unfinished clone by this member, or of their voice, may have a voice."""
        jobs = [job for job in self.jobs if not job.finished and job.may_have_voice]
        return any(member_id in (job.owner_id, job.speaker and job.speaker.id) for job in jobs)

    async def settle(self, member_id: int) -> None:
        """Wait until no clone by this member or of their voice is in flight."""
        while self.in_flight(member_id):
            await self.clock.sleep(1)

    async def erase(self, owner_id: int) -> None:
        """Remove a member's jobs, none of which is in flight. A voice that is found is marked for deletion."""
        for job in [job for job in self.jobs if job.owner_id == owner_id]:
            if await self.runner.stop(job.id):
                await self.presenter.deliver(job, Canceled("refused.forgotten"))
            if job.id not in self.jobs:
                continue
            voice_id = job.voice_id
            if voice_id is None and job.can_retry and (made := await self.recovery.find(job.id)):
                voice_id = made.id
            if voice_id is not None:
                await self.deletions.put_pending_deletion(PendingDeletion(voice_id, job.account))
            await self.runner.remove(job.id)
