"""A speech job: the request, the record and its stages."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from bot.errors import ClonevoiceError
from bot.jobs.record import Failure, IllegalTransition, JobRecord
from bot.voices.models import Clip, Viewer, Voice

TEXT_LENGTH = 5000  # longest text that the API speaks, in characters


class SpeechStage(StrEnum):
    """The stages of a speech job. From `SENDING` on it may be charged; `SPEAKING` is a job at the API."""

    ACCEPTED = "accepted"
    SENDING = "sending"
    SPEAKING = "speaking"
    MADE = "made"
    FAILED = "failed"


TRANSITIONS: Mapping[SpeechStage, frozenset[SpeechStage]] = {
    SpeechStage.ACCEPTED: frozenset({SpeechStage.SENDING, SpeechStage.FAILED}),
    SpeechStage.SENDING: frozenset({*SpeechStage} - {SpeechStage.SENDING}),
    SpeechStage.SPEAKING: frozenset({SpeechStage.MADE, SpeechStage.FAILED}),
    SpeechStage.MADE: frozenset(),
    SpeechStage.FAILED: frozenset(),
}
"""Which stage may follow which. A job goes back to `ACCEPTED` if the API refused and it may be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechJob(JobRecord):
    """A text to speak, and what has become of it.

    `times` has the Unix timestamp at which each stage was last entered, for `ACCEPTED` the first time.
    `upstream_job` is the API's ID of the work, `audio_url` the address of the result.
    """

    author_id: int
    author_name: str
    voice_id: int
    owner_id: int
    account: str | None
    title: str
    text: str
    stage: SpeechStage = SpeechStage.ACCEPTED
    times: Mapping[SpeechStage, float] = field(default_factory=dict[SpeechStage, float])
    upstream_job: str | None = None
    audio_url: str | None = None

    @classmethod
    def with_voice(cls, voice: Voice, now: float, **fields: Any) -> Self:  # noqa: ANN401 - as in dataclasses.replace
        """Return a new job that speaks with this voice."""
        return cls(
            id=secrets.token_hex(8),
            voice_id=voice.id,
            owner_id=voice.owner_id,
            account=voice.account,
            title=voice.title,
            times={SpeechStage.ACCEPTED: now},
            **fields,
        )

    def advance(self, stage: SpeechStage, now: float, **changes: Any) -> Self:  # noqa: ANN401 - as in dataclasses.replace
        """Return the job in `stage`, entered at `now`. Raises IllegalTransition."""
        if stage not in TRANSITIONS[self.stage]:
            raise IllegalTransition(f"{self.stage} can't be followed by {stage}")
        since = self.times[stage] if stage is SpeechStage.ACCEPTED else now
        return replace(self, stage=stage, times={**self.times, stage: since}, **changes)

    def fail(self, error: ClonevoiceError, now: float) -> Self:
        return self.advance(SpeechStage.FAILED, now, failure=Failure.from_error(error))

    def clip(self) -> Clip:
        """Return the record of the clip, which the owner of the voice can see."""
        at = self.times[SpeechStage.MADE]
        return Clip(self.id, self.voice_id, self.author_id, self.author_name, self.guild_id, self.text, at)

    @property
    def viewer(self) -> Viewer:
        """The author, in the server of the command."""
        return Viewer(self.author_id, self.guild_id)

    @property
    def consistent(self) -> bool:
        known = {SpeechStage.ACCEPTED, self.stage} <= self.times.keys()
        return known and (self.upstream_job is not None or self.stage is not SpeechStage.SPEAKING)

    @property
    def in_flight(self) -> bool:
        return self.stage is SpeechStage.SENDING

    @property
    def finished(self) -> bool:
        return self.stage in {SpeechStage.MADE, SpeechStage.FAILED}


@dataclass(frozen=True, slots=True)
class SpeechResult:
    """A clip that is ready: its voice and the address of its audio."""

    voice: Voice
    audio_url: str
