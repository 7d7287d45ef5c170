"""The use case: from a member's text to a line that can be heard, restarts included.

accepted → sending → speaking → made
"""

import asyncio
import logging
import secrets
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from bot.errors import (
    BeingDeleted,
    BeingForgotten,
    ClonevoiceError,
    OutcomeUnknown,
    SpeakingAlready,
    StoreError,
    TextBlank,
    TextTooLong,
    Unexpected,
    VoiceUnknown,
    VoiceWithdrawn,
)
from bot.voices.background import Background
from bot.voices.clock import Clock
from bot.voices.estimate import Estimate
from bot.voices.jobs import Failure, Reply
from bot.voices.library import Library
from bot.voices.models import SpokenLine, Viewer
from bot.voices.narrator import Narrator
from bot.voices.sink import SpeechSink
from bot.voices.speech import (
    TEXT_LENGTH,
    Line,
    Speech,
    SpeechStage,
    Spoken,
    clean_lines,
    is_speakable,
)
from bot.voices.store import Store, recording

_log = logging.getLogger(__name__)

AT_ONCE = 3
"""How many lines of one member may be under way at once: each costs the operator minutes of speech."""

TELL_AGAIN_SECONDS = 60.0
"""Seconds between attempts to tell a member of an end."""

TELL_SECONDS = 24 * 60 * 60.0
"""How long that is tried."""

SWEEP_SECONDS = 5.0
"""Seconds between looks for tokens that are about to be 15 minutes old."""


class Speaking:
    """Takes lines and sees them through; whoever shows them sets `sink`.

    Of the `leaving`, all that is stored is being deleted: they speak no more.
    """

    sink: SpeechSink

    def __init__(
        self, *, store: Store, library: Library, narrator: Narrator, clock: Clock, leaving: Collection[int]
    ) -> None:
        self._store = store
        self._library = library
        self._narrator = narrator
        self._clock = clock
        self._leaving = leaving
        self._estimate = Estimate(store, "speech")
        self._speeches: dict[str, Speech] = {}

    async def start(self, background: Background) -> None:
        """Take up the lines of an earlier run, and work in the background from now on."""
        self._background = background
        for speech in await self._store.speeches.all():
            self._speeches[speech.id] = speech
            self.begin(speech)
        background.start(self._sweep())

    def check(self, speaker_id: int) -> None:
        """Raise `Refused` if a member may not begin another line now."""
        if speaker_id in self._leaving:
            raise BeingForgotten
        if sum(speech.speaker_id == speaker_id for speech in self._speeches.values()) >= AT_ONCE:
            raise SpeakingAlready(limit=AT_ONCE)

    async def accept(self, line: Line, voice_id: int) -> Speech:
        """Check a line and put it on record; `Refused` says why not."""
        text = clean_lines(line.text)
        if not is_speakable(text):
            raise TextBlank
        if len(text) > TEXT_LENGTH:
            raise TextTooLong(limit=TEXT_LENGTH, length=len(text))
        voice = await self._library.usable(Viewer(line.speaker_id, line.guild_id), voice_id)
        self.check(line.speaker_id)
        speech = Speech.of(line, voice, text, self._clock.now())
        self._speeches[speech.id] = speech  # before the next await: another command must see it
        try:
            await self._put(speech)
        except BaseException:
            del self._speeches[speech.id]
            raise
        return speech

    def begin(self, speech: Speech) -> None:
        """Set a line going that was accepted, or that an earlier run of the bot left."""
        self._background.start(self._see_through(speech.id), speech.id)

    async def forget(self, speaker_id: int) -> None:
        """Drop a member's lines: what has not been sent is not sent, what has is not published."""
        for speech in [one for one in self._speeches.values() if one.speaker_id == speaker_id]:
            await self._background.stop(speech.id)
            await self._drop(speech.id)

    async def _see_through(self, speech_id: str) -> None:
        outcome: Spoken | ClonevoiceError
        try:
            outcome = await self._outcome(speech_id)
        except ClonevoiceError as error:
            _log.info("line %s failed: %s", speech_id, error)
            outcome = error
        except Exception:  # noqa: BLE001 - the log and the member get its number
            mark = secrets.token_hex(4)
            _log.exception("line %s failed unexpectedly, id %s", speech_id, mark)
            outcome = Unexpected(id=mark)
        if isinstance(outcome, ClonevoiceError) and not self._speeches[speech_id].over:
            await self._note(speech_id, SpeechStage.FAILED, failure=Failure.of(outcome))
        give_up = self._clock.now() + TELL_SECONDS
        while not await self._deliver(speech_id, outcome) and self._clock.now() < give_up:
            await self._clock.sleep(TELL_AGAIN_SECONDS)
        await self._drop(speech_id)

    async def _deliver(self, speech_id: str, outcome: Spoken | ClonevoiceError) -> bool:
        try:
            return await self.sink.deliver(self._speeches[speech_id], outcome)
        except Exception:  # noqa: BLE001 - it is logged, and tried again like any other failure
            _log.exception("the end of line %s could not be shown", speech_id)
            return False

    async def _outcome(self, speech_id: str) -> Spoken | ClonevoiceError:
        speech = self._speeches[speech_id]
        match speech.stage:
            case SpeechStage.FAILED if speech.failure:
                return speech.failure.recalled()
            case SpeechStage.SENDING:  # an earlier run was killed before the answer came
                return OutcomeUnknown()
            case SpeechStage.MADE:
                return await self._spoken(speech_id)
            case _:
                pass
        fresh = speech.stage is SpeechStage.ACCEPTED
        ticking = asyncio.create_task(self._tick(speech_id))
        try:
            audio_url = await self._narrator.narrate(
                speech, lambda stage, **changes: self._move(speech_id, stage, **changes)
            )
        finally:
            ticking.cancel()
        await self._note(speech_id, SpeechStage.MADE, audio_url=audio_url)
        if fresh:
            await self._estimate.learn(self._clock.now() - speech.times[SpeechStage.ACCEPTED])
        return await self._spoken(speech_id)

    async def _spoken(self, speech_id: str) -> Spoken:
        """Make sure that the voice may still be used, and tell its owner what was spoken with it."""
        speech = self._speeches[speech_id]
        at = speech.times[SpeechStage.MADE]
        line = SpokenLine(
            id=speech.id,
            voice_id=speech.voice_id,
            speaker_id=speech.speaker_id,
            speaker_name=speech.speaker_name,
            guild_id=speech.guild_id,
            text=speech.text,
            at=at,
        )
        try:
            voice = await self._library.usable(speech.viewer, speech.voice_id)
        except (VoiceUnknown, BeingDeleted) as error:
            raise VoiceWithdrawn(title=speech.title) from error
        with recording():
            used = await self._library.used(voice, line)
        if used is None or not speech.audio_url:
            raise VoiceWithdrawn(title=speech.title)
        return Spoken(used, speech.audio_url)

    async def _tick(self, speech_id: str) -> None:
        usual = await self._estimate.usual()
        began = self._speeches[speech_id].times[SpeechStage.ACCEPTED]
        while True:
            self.sink.show(self._speeches[speech_id], self._clock.now() - began, usual)
            await self._clock.sleep(1)

    async def _move(self, speech_id: str, stage: SpeechStage, **changes: Any) -> None:  # noqa: ANN401 - as in dataclasses.replace
        """Record that a line went on."""
        speech = self._speeches[speech_id].moved(stage, self._clock.now(), **changes)
        await self._put(speech)
        self._speeches[speech_id] = speech

    async def _note(self, speech_id: str, stage: SpeechStage, **changes: Any) -> None:  # noqa: ANN401 - as above
        """Do as `_move`, but go on even if the disk refuses: it then knows less, and nothing wrong."""
        try:
            await self._move(speech_id, stage, **changes)
        except StoreError as error:
            _log.error("that line %s is %s could not be recorded: %s", speech_id, stage, error)
            speech = self._speeches[speech_id]
            self._speeches[speech_id] = speech.moved(stage, self._clock.now(), **changes)

    async def _put(self, speech: Speech) -> None:
        with recording():
            await self._store.speeches.put(speech)

    async def _sweep(self) -> None:
        """Erase tokens before they are 15 minutes old."""
        while True:
            for speech in [*self._speeches.values()]:
                if speech.reply and not speech.reply.alive(self._clock.now() + SWEEP_SECONDS):
                    await self._erase(speech.id, speech.reply)
            await self._clock.sleep(SWEEP_SECONDS)

    async def _erase(self, speech_id: str, reply: Reply) -> None:
        if speech_id not in self._speeches:  # it ended while another's token was erased
            return
        self._speeches[speech_id] = bare = replace(self._speeches[speech_id], reply=None)
        try:
            await self._put(bare)
        except StoreError as error:
            _log.error("the token of line %s could not be erased yet: %s", speech_id, error)
            if speech_id in self._speeches:
                self._speeches[speech_id] = replace(bare, reply=reply)

    async def _drop(self, speech_id: str) -> None:
        self._speeches.pop(speech_id, None)
        with recording():
            await self._store.speeches.drop(speech_id)
