"""From a text to the address of its audio: the part in which something may be charged."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bot.clock import Clock
from bot.jobs.registry import JobRegistry
from bot.mureka.accounts import AccountMonitor
from bot.mureka.client import MurekaClient
from bot.mureka.errors import (
    AccountMissing,
    JobForgotten,
    MurekaError,
    OutcomeUnknown,
    Rejected,
    SpeechFailed,
    TokenRefused,
)
from bot.mureka.responses import JobResponse, SpeechResponse
from bot.speaking.errors import VoiceLost
from bot.speaking.job import SpeechJob, SpeechStage

_log = logging.getLogger(__name__)

POLL_SECONDS = 3.0  # seconds between looks at a speech job upstream

PATIENCE_SECONDS = 30 * 60.0
"""How long a speech job is polled. The API's documentation says that speaking takes 20 to 90 s."""


@dataclass(eq=False, repr=False)
class SpeechAttempt:
    """Sends texts, and never again after an unclear outcome."""

    jobs: JobRegistry[SpeechJob]
    mureka: MurekaClient
    accounts: AccountMonitor
    clock: Clock
    _closed: bool = field(default=False, init=False)

    def close(self) -> None:
        """Send no more texts, because the bot is stopping."""
        self._closed = True

    async def run(self, job_id: str) -> None:
        """Send a text, or poll one that was sent, until its audio is ready. Raises MurekaError.

        A job that a restart left in `SENDING` is never sent again, because its outcome is unknown.
        """
        job = self.jobs[job_id]
        if job.stage is SpeechStage.SENDING:
            raise OutcomeUnknown
        try:
            audio_url = await self._audio_url(job)
        except MurekaError as error:
            if isinstance(error, AccountMissing | Rejected | SpeechFailed) and await self._is_voice_lost(job):
                raise VoiceLost(title=job.title) from error
            self.accounts.report(job.account, error)
            raise
        await self._advance(job_id, SpeechStage.MADE, audio_url=audio_url)

    async def _audio_url(self, job: SpeechJob) -> str:
        upstream_job = job.upstream_job
        if upstream_job is None:
            answer = await self._send(job)
            if isinstance(answer, SpeechResponse):
                return answer.mp3_url
            upstream_job = answer.id
            await self._advance(job.id, SpeechStage.SPEAKING, upstream_job=upstream_job)
        return await self._poll(upstream_job)

    async def _send(self, job: SpeechJob) -> JobResponse | SpeechResponse:
        async def before_last_chunk() -> None:
            if self._closed:
                await asyncio.Event().wait()  # until the stop; the next start sends the text
            await self.jobs.update(job.id, lambda job: job.advance(SpeechStage.SENDING, self.clock.now()))

        failures: Counter[type[MurekaError]] = Counter()
        while True:
            try:
                return await self.mureka.speak(
                    job.text,
                    voice_id=job.voice_id,
                    title=job.title,
                    account=job.account,
                    before_last_chunk=before_last_chunk,
                    wait=failures[Rejected] > 0,  # the API may refuse only the asynchronous form
                )
            except MurekaError as error:
                failures[type(error)] += 1
                delay = error.retry_delay(failures[type(error)])
                if isinstance(error, Rejected) and failures[Rejected] == 1:
                    delay = 0.0
                if delay is None:
                    raise
                if self.jobs[job.id].stage is SpeechStage.SENDING:
                    await self._advance(job.id, SpeechStage.ACCEPTED)
                await self.clock.sleep(delay)

    async def _poll(self, upstream_job: str) -> str:
        began = self.clock.monotonic()
        while self.clock.monotonic() - began < PATIENCE_SECONDS:
            try:
                job = await self.mureka.job(upstream_job)
            except (JobForgotten, TokenRefused):
                raise
            except MurekaError as error:
                _log.warning("speech job %s could not be polled: %r", upstream_job, error)
            else:
                if job.status == "completed" and job.speech:
                    return job.speech.mp3_url
                if job.status in {"completed", "failed"}:
                    raise SpeechFailed  # the API's reason may quote the text
            await self.clock.sleep(POLL_SECONDS)
        raise OutcomeUnknown

    async def _advance(self, job_id: str, stage: SpeechStage, **changes: Any) -> None:  # noqa: ANN401 - as in dataclasses.replace
        await self.jobs.update(job_id, lambda job: job.advance(stage, self.clock.now(), **changes), best_effort=True)

    async def _is_voice_lost(self, job: SpeechJob) -> bool:
        """Return True if the API no longer lists the voice, False if it does or can't be asked."""
        try:
            listed = await self.mureka.voices(job.account, complete=True)
        except MurekaError:
            return False
        return all(voice.id != job.voice_id for voice in listed)
