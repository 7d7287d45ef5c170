"""From the queue to the recorded voice: the part of a clone's life in which something can be charged."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import chain, repeat

from bot.clock import Clock
from bot.cloning.admission import Ledger
from bot.cloning.consent_gate import Approvals
from bot.cloning.errors import VoiceNotFound
from bot.cloning.job import CloneJob
from bot.cloning.ports import Show
from bot.cloning.queue import CloneQueue
from bot.cloning.recovery import find
from bot.cloning.stage import Stage
from bot.errors import RecordUnwritable
from bot.jobs.durations import TypicalDuration
from bot.mureka.accounts import Watch
from bot.mureka.client import BACKOFF, MAX_WAITS, MurekaClient
from bot.mureka.errors import (
    AccountExhausted,
    AccountMissing,
    MurekaError,
    NotSent,
    OutcomeUnknown,
    Rejected,
    SessionDied,
    TokenRefused,
    TooManyAtOnce,
)
from bot.mureka.responses import VoiceResponse
from bot.policy.rules import Rules
from bot.store.protocol import Store
from bot.voices.models import Voice

_log = logging.getLogger(__name__)

LOOKS = (0.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds between looks for a voice with an unknown outcome; the last goes on."""

DISK_SECONDS = 10.0
"""Seconds between attempts to record a voice while the disk refuses."""


class Sender:
    """Sends samples, once each, and finds out what became of them.

    `patience` is how many seconds a voice is looked for.
    """

    def __init__(  # noqa: PLR0913 - all that a sending touches, by name
        self,
        *,
        store: Store,
        ledger: Ledger,
        mureka: MurekaClient,
        queue: CloneQueue,
        watch: Watch,
        rules: Rules,
        approvals: Approvals,
        estimate: TypicalDuration,
        clock: Clock,
        patience: float,
        show: Show,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._mureka = mureka
        self._queue = queue
        self._watch = watch
        self._rules = rules
        self._approvals = approvals
        self._clock = clock
        self._patience = patience
        self._show = show
        self._estimate = estimate

    async def send(self, job_id: str) -> Voice:
        """See a queued job through to its voice, on whatever account; raises how it failed."""
        if self._ledger[job_id].outcome_unknown_since is not None and (
            voice := await self._look_again(job_id)
        ):
            return voice
        tried: Counter[type[MurekaError]] = Counter()
        while True:
            async with self._queue.turn(self._ledger[job_id]) as account:
                try:
                    voice = await self._attempt(job_id, account)
                except MurekaError as error:
                    tried[type(error)] += 1
                    if not self._later(account, error, tried[type(error)]):
                        raise
                else:
                    self._watch.well(account)
                    return voice
                if self._ledger[job_id].stage is not Stage.QUEUED:
                    await self._ledger.move(job_id, Stage.QUEUED)
                    self._show(job_id)

    def _later(self, account: str | None, error: MurekaError, times: int) -> bool:
        """Do to an account what an error asks for; whether its job may try again."""
        match error:
            case AccountExhausted() | AccountMissing():
                self._watch.rest(account, error)
                return True
            case SessionDied() if not error.soon_over:
                self._watch.rest(account, error)
                return True
            case SessionDied() | TooManyAtOnce():
                self._queue.pause(account, error.retry_after)
                return times <= MAX_WAITS
            case NotSent() if times <= len(BACKOFF):
                self._queue.pause(account, BACKOFF[times - 1])
                return True
            case TokenRefused():
                self._watch.tell(account, error)
                return False
            case _:
                return False

    async def resume(self, job_id: str) -> Voice:
        """Find out what became of a clone that an earlier run of the bot was waiting for."""
        job = self._ledger[job_id]
        with self._queue.occupied(job):
            for voice in await self._store.members.voices(job.owner_id):
                if voice.job_id == job_id:
                    return await self._recorded(job_id, voice)
            return await self._search(job_id)

    async def _attempt(self, job_id: str, account: str | None) -> Voice:
        job = self._ledger[job_id]
        await self._rules.recheck_clone(job, self._ledger.being_made(job))
        await self._approvals.check(job)
        listed = await self._listed(account)
        sample = await self._store.jobs.sample(job_id)
        await self._queue.while_open()
        job = await self._ledger.move(
            job_id,
            Stage.UPLOADING,
            account=account,
            attempt=job.attempt + 1,
            voice_ids_before=listed,
        )
        try:
            made = await self._upload(job, sample)
        except OutcomeUnknown as error:
            _log.warning("it is unclear whether clone %s has made a voice: %r", job_id, error)
            del sample
            return await self._search(job_id)
        return await self._record(job_id, made)

    async def _upload(self, job: CloneJob, sample: bytes) -> VoiceResponse:
        usual = await self._estimate.get()
        began = self._clock.monotonic()
        ticking: list[asyncio.Task[None]] = []
        self._show(job.id, total=len(sample))

        def sent(done: int) -> None:
            if not ticking:
                self._show(job.id, done=done, total=len(sample))

        async def committing() -> None:
            nonlocal began
            await self._ledger.move(job.id, Stage.CLONING)
            began = self._clock.monotonic()
            ticking.append(asyncio.create_task(self._tick(job.id, began, usual)))

        try:
            made = await self._mureka.clone(
                sample,
                title=job.title,
                description=job.description,
                language=job.language,
                account=job.account,
                on_progress=sent,
                before_last_chunk=committing,
            )
        finally:
            for task in ticking:
                task.cancel()
        await self._estimate.add(self._clock.monotonic() - began)
        return made

    async def _tick(self, job_id: str, began: float, usual: float) -> None:
        while True:
            self._show(job_id, done=self._clock.monotonic() - began, total=usual)
            await self._clock.sleep(1)

    async def _listed(self, account: str | None) -> tuple[int, ...]:
        """Return the ids that an account lists before a sample is sent, so nothing can be unclear yet."""
        try:
            return tuple(voice.id for voice in await self._mureka.voices(account))
        except OutcomeUnknown as error:
            raise NotSent from error
        except Rejected as error:  # it is not about the sample yet
            raise AccountMissing from error

    async def _search(self, job_id: str) -> Voice:
        """Look for a voice for as long as a clone may take, counted from now."""
        began = self._clock.monotonic()
        with suppress(RecordUnwritable):  # it stands as cloning on disk, which leads here again
            await self._ledger.change(job_id, outcome_unknown_since=self._clock.now())
        for delay in chain(LOOKS, repeat(LOOKS[-1])):
            elapsed = self._clock.monotonic() - began
            self._show(job_id, done=elapsed, total=self._patience, note="note.looking")
            await self._clock.sleep(min(delay, max(self._patience - elapsed, 0)))
            try:
                if made := await self._look(self._ledger[job_id]):
                    return await self._record(job_id, made)
            except MurekaError as error:
                _log.warning("the voice of clone %s could not be looked for: %r", job_id, error)
            if self._clock.monotonic() - began >= self._patience:
                break
        raise VoiceNotFound

    async def _look_again(self, job_id: str) -> Voice | None:
        """Look for the voice of an earlier sending, once more before the sample is sent anew."""
        async with self._queue.turn(self._ledger[job_id]):
            self._show(job_id, note="note.looking")
            try:
                made = await self._look(self._ledger[job_id])
            except MurekaError as error:  # without a look nothing may be sent
                raise VoiceNotFound from error
            if made:
                return await self._record(job_id, made)
            if self._ledger[job_id].voice_id is not None:  # it was made, whatever the list says
                raise VoiceNotFound
            await self._ledger.change(job_id, outcome_unknown_since=None)
            return None

    async def unaccounted(self, job_id: str) -> int | None:
        """Return the id of the voice that a failed clone has made after all, if it has."""
        job = self._ledger[job_id]
        if job.voice_id is not None or not job.can_retry:
            return job.voice_id
        made = await self._look(job)
        return made.id if made else None

    async def _look(self, job: CloneJob) -> VoiceResponse | None:
        listed = await self._mureka.voices(job.account)
        return find(job, listed, self._ledger.claimed(job.id))

    async def _record(self, job_id: str, made: VoiceResponse) -> Voice:
        """Record a voice that exists; while the disk refuses, wait for room."""

        async def record() -> Voice:
            job = await self._ledger.change(job_id, voice_id=made.id)
            return await self._ledger.keep_voice(job.voice(made, self._clock.now()))

        return await self._recorded(job_id, await self._when_there_is_room(job_id, record))

    async def _recorded(self, job_id: str, voice: Voice) -> Voice:
        """See to all that depends on a voice that is on record."""
        voice = await self._when_there_is_room(job_id, lambda: self._approvals.register(voice))
        with suppress(RecordUnwritable):  # the voice is recorded, which is what counts
            await self._ledger.move(job_id, Stage.DONE, voice_id=voice.id)
        return voice

    async def _when_there_is_room(self, job_id: str, write: Callable[[], Awaitable[Voice]]) -> Voice:
        while True:
            try:
                return await write()
            except RecordUnwritable:
                self._show(job_id, note="note.disk_full")
                await self._clock.sleep(DISK_SECONDS)
