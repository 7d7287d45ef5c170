"""A clone job: the request, the record and its transitions."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from bot.audio.sample_info import SampleInfo
from bot.cloning.errors import VoiceNotFound
from bot.errors import Canceled, ClonevoiceError
from bot.jobs.record import Failure, IllegalTransition, JobRecord
from bot.mureka.errors import MurekaError
from bot.mureka.responses import VoiceResponse
from bot.text import clean_text
from bot.voices.models import Language, Rights, Speaker, Statement, Voice


class Stage(StrEnum):
    """The stages of a clone, in the order in which they are passed."""

    RECEIVED = "received"
    CHECKED = "checked"
    CONFIRMING = "waiting"
    CONSENT = "approval"
    QUEUED = "queued"
    UPLOADING = "uploading"
    CLONING = "cloning"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_ENDED_EARLY = frozenset({Stage.FAILED, Stage.CANCELLED})
FINISHED = _ENDED_EARLY | {Stage.DONE}

TRANSITIONS: Mapping[Stage, frozenset[Stage]] = {
    Stage.RECEIVED: _ENDED_EARLY | {Stage.CHECKED},
    Stage.CHECKED: _ENDED_EARLY | {Stage.CONFIRMING, Stage.CONSENT, Stage.QUEUED},
    Stage.CONFIRMING: _ENDED_EARLY | {Stage.CONSENT, Stage.QUEUED},
    Stage.CONSENT: _ENDED_EARLY | {Stage.QUEUED},
    Stage.QUEUED: _ENDED_EARLY | {Stage.UPLOADING, Stage.DONE},
    Stage.UPLOADING: frozenset({Stage.CLONING, Stage.DONE, Stage.QUEUED, Stage.FAILED}),
    Stage.CLONING: frozenset({Stage.DONE, Stage.QUEUED, Stage.FAILED}),
    Stage.DONE: frozenset(),
    Stage.FAILED: frozenset({Stage.QUEUED}),
    Stage.CANCELLED: frozenset(),
}
"""Which stage may follow which.

A job goes back to `QUEUED` if nothing was made (the body was not sent whole, or the API refused), or if its
outcome is unknown and its member wants to try again.
"""

_UNSENT = frozenset({Stage.RECEIVED, Stage.CHECKED, Stage.CONFIRMING, Stage.CONSENT, Stage.QUEUED})

CONSENT_SECONDS = 7 * 24 * 60 * 60.0  # how long a consent request waits for the speaker's answer


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come: jobs ahead while queued, bytes while uploading, seconds while cloning.

    `total` is the size of the body while uploading and the typical duration while cloning, which `done` may
    exceed. `note` is the catalog key of a text to add.
    """

    stage: Stage
    done: float = 0
    total: float = 0
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneJob(JobRecord):
    """A clone request, and what has become of it. The store keeps the sample beside it.

    `needs_confirmation`: the sample is declared to be the owner's voice, and was not posted by them, or nobody
    knows by whom.
    `times` has the Unix timestamp at which each stage was last entered. `voice_ids_before` are the voices
    that the account listed before the upload, `voice_id` is the one that this job made.
    `outcome_unknown_since` is the Unix timestamp since when it is unknown whether a voice was made.
    `speaker_notified` is set when the speaker has received the consent request.
    """

    owner_id: int
    owner_name: str
    title: str
    description: str
    rights: Rights
    language: Language
    sample_url: str
    needs_confirmation: bool = False
    statement: Statement | None = None
    speaker: Speaker | None = None
    speaker_notified: bool = False
    stage: Stage = Stage.RECEIVED
    times: Mapping[Stage, float] = field(default_factory=dict[Stage, float])
    sample_sha256: str | None = None
    sample_info: SampleInfo | None = None
    account: str | None = None
    attempt: int = 0
    voice_ids_before: tuple[int, ...] = ()
    voice_id: int | None = None
    outcome_unknown_since: float | None = None

    @staticmethod
    def new_id(owner_id: int) -> str:
        return f"{owner_id}-{secrets.token_hex(4)}"

    @property
    def code(self) -> str:
        """The random part of the ID, which makes a voice without a description recognizable upstream."""
        return self.id.rpartition("-")[2]

    def advance(self, stage: Stage, now: float, **changes: Any) -> Self:  # noqa: ANN401 - as in dataclasses.replace
        """Return the job in `stage`, entered at `now`. Raises IllegalTransition."""
        if stage not in TRANSITIONS[self.stage]:
            raise IllegalTransition(f"{self.stage} can't be followed by {stage}")
        return replace(self, stage=stage, times={**self.times, stage: now}, **changes)

    def fail(self, error: ClonevoiceError, now: float) -> Self:
        """Return the job as failed, with an unknown outcome if a voice may exist upstream."""
        sent = self.stage is Stage.CLONING or self.outcome_unknown_since is not None
        unknown = isinstance(error, VoiceNotFound) or (sent and not isinstance(error, MurekaError))
        since = now if unknown else None
        return self.advance(Stage.FAILED, now, failure=Failure.from_error(error), outcome_unknown_since=since)

    def cancel(self, now: float, reason: ClonevoiceError | None = None) -> Self:
        """Return the job as canceled by its member, or by others because of `reason`."""
        reason = reason or Canceled("refused.canceled_later" if self.attempt else "refused.cancelled")
        return self.advance(Stage.CANCELLED, now, failure=Failure.from_error(reason))

    def looks_like(self, other: Self) -> bool:
        """Return True if the voices of both jobs can't be told apart upstream."""
        mine, others = (tuple(map(clean_text, (job.title, job.description, job.language))) for job in (self, other))
        return mine == others

    def to_voice(self, made: VoiceResponse, now: float) -> Voice:
        return Voice(
            id=made.id,
            job_id=self.id,
            owner_id=self.owner_id,
            guild_id=self.guild_id,
            title=self.title,
            description=self.description,
            language=self.language,
            rights=self.rights,
            sample_sha256=self.sample_sha256 or "",
            created_at=made.created_at or now,
            account=self.account,
            duration=self.sample_info.duration if self.sample_info else made.duration,
            cover_url=made.cover_url,
            preview_url=made.preview_url,
            owner_name=self.owner_name,
            statement=self.statement,
            speaker=self.speaker,
        )

    @property
    def consistent(self) -> bool:
        return self.stage in self.times or self.stage not in {Stage.CONFIRMING, Stage.CONSENT, Stage.FAILED}

    @property
    def can_retry(self) -> bool:
        """True if the job failed and a voice may exist upstream."""
        return self.stage is Stage.FAILED and self.outcome_unknown_since is not None

    @property
    def can_cancel(self) -> bool:
        """True if nothing of the sample was ever sent."""
        return self.attempt == 0 and self.stage in _UNSENT

    @property
    def in_flight(self) -> bool:
        """True while the sample is uploading or cloning: too late to cancel."""
        return self.stage in {Stage.UPLOADING, Stage.CLONING}

    @property
    def may_have_voice(self) -> bool:
        """True if a voice of this job may exist upstream without being recorded."""
        return self.in_flight or self.outcome_unknown_since is not None

    @property
    def finished(self) -> bool:
        return self.stage in FINISHED

    @property
    def blocks_next_clone(self) -> bool:
        """True unless the job is finished or waits for a click."""
        return not self.finished and self.stage not in {Stage.CONFIRMING, Stage.CONSENT}

    @property
    def awaits_consent(self) -> bool:
        """True while the speaker is asked."""
        return self.stage is Stage.CONSENT

    @property
    def has_consent(self) -> bool:
        """True if the speaker has approved and the job has not ended without a voice."""
        return Stage.CONSENT in self.times and self.stage not in _ENDED_EARLY | {Stage.CONSENT}

    @property
    def consent_deadline(self) -> float:
        """The Unix timestamp at which the consent request expires."""
        return self.times[Stage.CONSENT] + CONSENT_SECONDS
