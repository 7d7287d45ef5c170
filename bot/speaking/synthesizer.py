"""The use case: from a member's text to a line that can be heard, restarts included.

accepted → sending → speaking → made
"""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any

from bot.clock import Clock
from bot.errors import ClonevoiceError, Refused, StoreError
from bot.jobs.delivery import RETRY_SECONDS, SWEEP_SECONDS, TELL_AGAIN_SECONDS
from bot.jobs.durations import TypicalDuration
from bot.jobs.record import Failure
from bot.library.errors import BeingDeleted, VoiceUnknown
from bot.library.library import Library
from bot.mureka.errors import OutcomeUnknown
from bot.speaking.attempt import SpeechAttempt
from bot.speaking.errors import VoiceLost
from bot.speaking.job import TEXT_LENGTH, SpeechJob, SpeechRequest, SpeechResult, SpeechStage
from bot.speaking.ports import SpeechPresenter
from bot.store.protocol import Store, recording
from bot.tasks import Background
from bot.text import clean_lines, is_speakable
from bot.voices.models import Viewer, Voice

_log = logging.getLogger(__name__)

AT_ONCE = 3
"""How many lines of one member may be under way at once: each costs the operator minutes of speech."""


class Synthesizer:
    """Takes lines and sees them through; whoever shows them sets `sink`.

    Of the `leaving`, all that is stored is being deleted: they speak no more.
    """

    sink: SpeechPresenter

    def __init__(
        self,
        *,
        store: Store,
        library: Library,
        narrator: SpeechAttempt,
        clock: Clock,
        leaving: Collection[int],
    ) -> None:
        self._store = store
        self._library = library
        self._narrator = narrator
        self._clock = clock
        self._leaving = leaving
        self._estimate = TypicalDuration(store, "speech")
        self._speeches: dict[str, SpeechJob] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stopping = False

    async def start(self, background: Background) -> None:
        """Take up the lines of an earlier run, and work in the background from now on."""
        self._background = background
        for speech in await self._store.speeches.all():
            self._speeches[speech.id] = speech
            self.begin(speech)
        background.start(self._sweep())

    async def wind_down(self, seconds: float) -> None:
        """Take no new lines, and give those that are being sent some seconds to finish."""
        self._stopping = True
        sending = [one.id for one in self._speeches.values() if one.stage is SpeechStage.SENDING]
        if tasks := [task for task in map(self._background.task, sending) if task]:
            await asyncio.wait(tasks, timeout=seconds)

    def check(self, speaker_id: int) -> None:
        """Raise `Refused` if a member may not begin another line now."""
        if self._stopping:
            raise Refused("refused.restarting")
        if speaker_id in self._leaving:
            raise Refused("refused.being_forgotten")
        if sum(speech.author_id == speaker_id for speech in self._speeches.values()) >= AT_ONCE:
            raise Refused("refused.speaking_already", limit=AT_ONCE)

    async def accept(self, line: SpeechRequest, voice_id: int) -> SpeechJob:
        """Check a line and put it on record; `Refused` says why not."""
        text = clean_lines(line.text)
        if not is_speakable(text):
            raise Refused("refused.text_blank")
        if len(text) > TEXT_LENGTH:
            raise Refused("refused.text_too_long", limit=TEXT_LENGTH, length=len(text))
        voice = await self._library.get_usable(Viewer(line.author_id, line.guild_id), voice_id)
        self.check(line.author_id)
        speech = SpeechJob.from_request(line, voice, text, self._clock.now())
        self._speeches[speech.id] = speech  # before the next await: another command must see it
        try:
            await self._put(speech.id, lambda speech: speech)
        except BaseException:
            del self._speeches[speech.id]
            raise
        return speech

    def begin(self, speech: SpeechJob) -> None:
        """Set a line going that was accepted, or that an earlier run left, unless its member is forgotten."""
        if speech.id in self._speeches and speech.author_id not in self._leaving:
            self._background.start(self._see_through(speech.id), speech.id)

    async def forget(self, speaker_id: int) -> None:
        """Drop a member's lines: what has not been sent is not sent, what has is not published."""
        for speech in [one for one in self._speeches.values() if one.author_id == speaker_id]:
            await self._background.stop(speech.id)
            await self.sink.deliver(speech, Refused("refused.forgotten"))
            await self._drop(speech.id)

    async def _see_through(self, speech_id: str) -> None:
        if not self._speeches[speech_id].finished:
            await self._make(speech_id)
        give_up = self._clock.now() + RETRY_SECONDS
        while not await self._tell(speech_id) and self._clock.now() < give_up:
            await self._clock.sleep(TELL_AGAIN_SECONDS)
        await self._drop(speech_id)

    async def _make(self, speech_id: str) -> None:
        """Have a line spoken, or note why it can't be."""
        try:
            await self._narrate(speech_id)
        except ClonevoiceError as error:
            _log.info("line %s failed: %s", speech_id, error.key)
            await self._note(speech_id, SpeechStage.FAILED, failure=Failure.from_error(error))
        except Exception:  # noqa: BLE001 - the log and the member get its number
            error = _unexpected(speech_id)
            await self._note(speech_id, SpeechStage.FAILED, failure=Failure.from_error(error))

    async def _narrate(self, speech_id: str) -> None:
        speech = self._speeches[speech_id]
        if speech.stage is SpeechStage.SENDING:  # an earlier run was killed before the answer came
            raise OutcomeUnknown
        ticking = asyncio.create_task(self._tick(speech_id))
        try:
            audio_url = await self._narrator.run(speech, partial(self._record, speech_id))
        except VoiceLost:
            await self._usable(speech)  # or it was deleted here meanwhile
            raise
        finally:
            ticking.cancel()
        await self._note(speech_id, SpeechStage.MADE, audio_url=audio_url)
        if speech.stage is SpeechStage.ACCEPTED:  # else it took a restart too
            times = self._speeches[speech_id].times
            await self._estimate.add(times[SpeechStage.MADE] - times[SpeechStage.SENDING])

    async def _tell(self, speech_id: str) -> bool:
        """Publish a line if its voice may still be used, or tell why there is none."""
        try:
            speech = self._speeches[speech_id]
            outcome = speech.failure.to_error() if speech.failure else await self._spoken(speech)
        except ClonevoiceError as error:
            _log.info("line %s is not published: %s", speech_id, error.key)
            outcome = error
        except Exception:  # noqa: BLE001 - as above
            outcome = _unexpected(speech_id)
        try:
            return await self.sink.deliver(self._speeches[speech_id], outcome)
        except Exception:  # noqa: BLE001 - it is logged, and tried again like any other failure
            _log.exception("the end of line %s could not be shown", speech_id)
            return False

    async def _spoken(self, speech: SpeechJob) -> SpeechResult:
        """Make sure that the voice may still be used, and tell its owner what was spoken with it."""
        used: Voice | None = await self._usable(speech)
        try:
            with recording():
                used = await self._library.record_use(used, speech.clip())
        except StoreError as error:  # it is paid for: better heard and not on record than lost
            _log.error("that line %s was spoken could not be recorded: %s", speech.id, error.key)
        if used is None or not speech.audio_url:
            raise Refused("refused.withdrawn", title=speech.title)
        return SpeechResult(used, speech.audio_url)

    async def _usable(self, speech: SpeechJob) -> Voice:
        try:
            return await self._library.get_usable(speech.viewer, speech.voice_id)
        except (VoiceUnknown, BeingDeleted) as error:
            raise Refused("refused.withdrawn", title=speech.title) from error

    async def _tick(self, speech_id: str) -> None:
        usual = await self._estimate.get()
        began = self._speeches[speech_id].times[SpeechStage.ACCEPTED]
        while True:
            self.sink.show(self._speeches[speech_id], self._clock.now() - began, usual)
            await self._clock.sleep(1)

    async def _record(self, speech_id: str, stage: SpeechStage, **changes: Any) -> None:  # noqa: ANN401 - as in dataclasses.replace
        """Record that a line went on; only what may be charged must not go on without."""
        if stage is SpeechStage.SENDING:
            await self._put(speech_id, lambda speech: speech.advanced(stage, self._clock.now(), **changes))
        else:
            await self._note(speech_id, stage, **changes)

    async def _note(self, speech_id: str, stage: SpeechStage, **changes: Any) -> None:  # noqa: ANN401 - as above
        """Record that a line went on, but go on even if the disk refuses: it then knows less."""
        try:
            await self._put(speech_id, lambda speech: speech.advanced(stage, self._clock.now(), **changes))
        except StoreError as error:
            _log.error("that line %s is %s could not be recorded: %s", speech_id, stage, error)
            speech = self._speeches[speech_id]
            self._speeches[speech_id] = speech.advanced(stage, self._clock.now(), **changes)

    async def _sweep(self) -> None:
        """Erase tokens before they are 15 minutes old."""
        while True:
            for speech in [*self._speeches.values()]:
                if speech.reply and not speech.reply.is_alive(self._clock.now() + SWEEP_SECONDS):
                    try:
                        await self._put(speech.id, lambda speech: replace(speech, reply=None))
                    except KeyError:
                        continue  # it ended while another's was erased
                    except Exception:  # noqa: BLE001 - one line must not end the sweeping of all
                        _log.exception("the token of line %s could not be erased yet", speech.id)
            await self._clock.sleep(SWEEP_SECONDS)

    async def _put(self, speech_id: str, change: Callable[[SpeechJob], SpeechJob]) -> None:
        # One at a time: a change that was made of an older stage must never be written over a newer one.
        async with self._locks[speech_id]:
            speech = change(self._speeches[speech_id])
            with recording():
                await self._store.speeches.put(speech)
            self._speeches[speech_id] = speech

    async def _drop(self, speech_id: str) -> None:
        async with self._locks[speech_id]:
            with recording():
                await self._store.speeches.drop(speech_id)
            self._speeches.pop(speech_id, None)
        self._locks.pop(speech_id, None)


def _unexpected(speech_id: str) -> ClonevoiceError:
    mark = secrets.token_hex(4)
    _log.exception("line %s failed unexpectedly, id %s", speech_id, mark)
    return ClonevoiceError("error.unexpected", id=mark)
