"""A line that is to be spoken with a voice: what is asked for, and where it stands."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from bot.jobs.record import Failure, InteractionReply
from bot.voices.models import Clip, Viewer, Voice

TEXT_LENGTH = 5000
"""Longest text that the API speaks, in characters."""


class SpeechStage(StrEnum):
    """The states of a line. From `SENDING` on it may have been charged; `SPEAKING` is a job of the API's."""

    ACCEPTED = "accepted"
    SENDING = "sending"
    SPEAKING = "speaking"
    MADE = "made"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What a member asks for, as typed."""

    author_id: int
    author_name: str
    guild_id: int
    channel_id: int
    text: str
    locale: str
    reply: InteractionReply


@dataclass(frozen=True, slots=True)
class SpeechJob:
    """An accepted line.

    `times` holds the Unix seconds at which each stage was entered, `ACCEPTED` for the first time, the others
    for the last. `upstream_job` is the API's id of the work, `audio_url` where it put the result.
    """

    id: str
    author_id: int
    author_name: str
    guild_id: int
    channel_id: int
    voice_id: int
    owner_id: int
    account: str | None
    title: str
    text: str
    locale: str
    stage: SpeechStage = SpeechStage.ACCEPTED
    times: Mapping[SpeechStage, float] = field(default_factory=dict[SpeechStage, float])
    upstream_job: str | None = None
    audio_url: str | None = None
    failure: Failure | None = None
    reply: InteractionReply | None = None

    @classmethod
    def from_request(cls, line: SpeechRequest, voice: Voice, text: str, now: float) -> Self:
        """Make the record of a line whose text was cleaned."""
        return cls(
            id=secrets.token_hex(8),
            author_id=line.author_id,
            author_name=line.author_name,
            guild_id=line.guild_id,
            channel_id=line.channel_id,
            voice_id=voice.id,
            owner_id=voice.owner_id,
            account=voice.account,
            title=voice.title,
            text=text,
            locale=line.locale,
            times={SpeechStage.ACCEPTED: now},
            reply=line.reply,
        )

    def advanced(self, stage: SpeechStage, now: float, **changes: Any) -> Self:  # noqa: ANN401 - as in dataclasses.replace
        """Go on to `stage` at `now` (Unix seconds)."""
        since = self.times[stage] if stage is SpeechStage.ACCEPTED else now
        return replace(self, stage=stage, times={**self.times, stage: since}, **changes)

    def clip(self) -> Clip:
        """Return what the voice's owner is told of it."""
        return Clip(
            id=self.id,
            voice_id=self.voice_id,
            author_id=self.author_id,
            author_name=self.author_name,
            guild_id=self.guild_id,
            text=self.text,
            at=self.times[SpeechStage.MADE],
        )

    @property
    def viewer(self) -> Viewer:
        """Who speaks, and where."""
        return Viewer(self.author_id, self.guild_id)

    @property
    def finished(self) -> bool:
        """Whether all that is left is to tell of its end."""
        return self.stage in {SpeechStage.MADE, SpeechStage.FAILED}


@dataclass(frozen=True, slots=True)
class SpeechResult:
    """A line that can be heard: with what voice, and where the audio is."""

    voice: Voice
    audio_url: str
