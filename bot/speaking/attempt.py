"""From a text to the address of its audio: the part of a line's life in which something can be charged."""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from bot.clock import Clock
from bot.mureka.client import BACKOFF, MAX_WAITS, MurekaClient
from bot.mureka.errors import (
    AccountMissing,
    JobForgotten,
    MurekaError,
    NotSent,
    OutcomeUnknown,
    Rejected,
    SessionDied,
    SpeechFailed,
    TokenRefused,
    TooManyAtOnce,
)
from bot.mureka.responses import JobResponse, SpeechResponse
from bot.speaking.errors import VoiceLost
from bot.speaking.job import SpeechJob, SpeechStage

_log = logging.getLogger(__name__)

POLL_SECONDS = 3.0
"""Seconds between looks at a line that is being spoken."""

PATIENCE_SECONDS = 30 * 60.0
"""How long a line is looked at; the API's page says that speaking takes 20 to 90 s."""


class Move(Protocol):
    """Records that a line went on to a stage, changed as given."""

    async def __call__(self, stage: SpeechStage, **changes: object) -> None:
        """Return once it is on disk."""
        ...


class SpeechAttempt:
    """Has lines spoken, once each. `report` hears of accounts that are in trouble."""

    def __init__(
        self, mureka: MurekaClient, clock: Clock, report: Callable[[str | None, MurekaError], None]
    ) -> None:
        self._mureka = mureka
        self._clock = clock
        self._report = report

    async def run(self, speech: SpeechJob, move: Move) -> str:
        """Return where the audio is; raises how it failed. A line that the API is at already is followed."""
        try:
            job_id = speech.upstream_job
            if job_id is None:
                answer = await self._send(speech, move)
                if isinstance(answer, SpeechResponse):
                    return answer.mp3_url
                job_id = answer.id
                await move(SpeechStage.SPEAKING, upstream_job=job_id)
            return await self._follow(job_id)
        except (AccountMissing, Rejected, SpeechFailed) as error:
            if await self._lost(speech):
                raise VoiceLost(title=speech.title) from error
            self._report(speech.account, error)
            raise
        except MurekaError as error:
            self._report(speech.account, error)
            raise

    async def _send(self, speech: SpeechJob, move: Move) -> JobResponse | SpeechResponse:
        tried: Counter[type[MurekaError]] = Counter()
        while True:
            # A refusal may be of the newer form only: nothing was spoken, so the plain one may be tried.
            ask = self._mureka.speak_and_wait if tried[Rejected] else self._mureka.speak
            try:
                return await ask(
                    speech.text,
                    voice_id=speech.voice_id,
                    title=speech.title,
                    account=speech.account,
                    before_last_chunk=lambda: move(SpeechStage.SENDING),
                )
            except MurekaError as error:
                tried[type(error)] += 1
                pause = _pause(error, tried[type(error)])
                if pause is None:
                    raise
                await move(SpeechStage.ACCEPTED)
                await self._clock.sleep(pause)

    async def _follow(self, job_id: str) -> str:
        began = self._clock.monotonic()
        while self._clock.monotonic() - began < PATIENCE_SECONDS:
            try:
                job = await self._mureka.job(job_id)
            except (JobForgotten, TokenRefused):
                raise
            except MurekaError as error:
                _log.warning("job %s could not be looked at: %r", job_id, error)
            else:
                if job.completed and job.speech:
                    return job.speech.mp3_url
                if job.completed or job.failed:
                    raise SpeechFailed  # why, in the API's words, may quote the text
            await self._clock.sleep(POLL_SECONDS)
        raise OutcomeUnknown

    async def _lost(self, speech: SpeechJob) -> bool:
        """Whether the API no longer has a voice; no if that can't be found out."""
        try:
            listed = await self._mureka.voices(speech.account, complete=True)
        except MurekaError:
            return False
        return all(voice.id != speech.voice_id for voice in listed)


def _pause(error: MurekaError, times: int) -> float | None:
    """Return the seconds to wait before a line is sent again; None if it must not be."""
    match error:
        case Rejected() if times == 1:
            return 0.0
        case TooManyAtOnce() if times <= MAX_WAITS:
            return error.retry_after
        case SessionDied() if error.soon_over and times <= MAX_WAITS:
            return error.retry_after
        case NotSent() if times <= len(BACKOFF):
            return BACKOFF[times - 1]
        case _:
            return None
