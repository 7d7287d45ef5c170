"""The job: one accepted clone, the stages it may pass, and nothing about who shows it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from bot.audio.sample_info import SampleInfo
from bot.cloning.stage import FINISHED, Stage
from bot.jobs.record import Failure, InteractionReply
from bot.mureka.responses import VoiceResponse
from bot.text import clean_text
from bot.voices.models import WORDING_VERSION, Language, Rights, Speaker, Statement, Voice

TRANSITIONS: Mapping[Stage, frozenset[Stage]] = {
    Stage.RECEIVED: frozenset({Stage.CHECKED, Stage.FAILED, Stage.CANCELLED}),
    Stage.CHECKED: frozenset({Stage.CONFIRMING, Stage.CONSENT, Stage.QUEUED, Stage.FAILED, Stage.CANCELLED}),
    Stage.CONFIRMING: frozenset({Stage.CONSENT, Stage.QUEUED, Stage.FAILED, Stage.CANCELLED}),
    Stage.CONSENT: frozenset({Stage.QUEUED, Stage.FAILED, Stage.CANCELLED}),
    Stage.QUEUED: frozenset({Stage.UPLOADING, Stage.DONE, Stage.FAILED, Stage.CANCELLED}),
    Stage.UPLOADING: frozenset({Stage.CLONING, Stage.DONE, Stage.QUEUED, Stage.FAILED}),
    Stage.CLONING: frozenset({Stage.DONE, Stage.QUEUED, Stage.FAILED}),
    Stage.DONE: frozenset(),
    Stage.FAILED: frozenset({Stage.QUEUED}),
    Stage.CANCELLED: frozenset(),
}
"""Which stage may follow which. From `UPLOADING` on there is no calling back.

Back to `QUEUED` go clones of which nothing was made: the body was not sent whole, or the API said no; and
those that failed for want of an answer, when their member wants to try again: then the voice may turn up.
"""

_UNSENT = frozenset({Stage.RECEIVED, Stage.CHECKED, Stage.CONFIRMING, Stage.CONSENT, Stage.QUEUED})


CONSENT_SECONDS = 7 * 24 * 60 * 60.0
"""How long a speaker is waited for."""


class IllegalTransition(Exception):
    """A stage was asked to follow one that it can't follow: a mistake in the program."""


@dataclass(frozen=True, slots=True)
class CloneRequest:
    """What a member asks for, as typed. `sample_size` is in bytes, as Discord tells it.

    `doubtful`: the sample is somebody else's, and said to be in the member's own voice. `wording` is what
    the member declared about the rights, word for word.
    """

    sample_url: str
    sample_size: int
    owner_id: int
    guild_id: int
    channel_id: int
    title: str
    owner_name: str
    rights: Rights
    wording: str
    language: Language
    locale: str
    reply: InteractionReply
    description: str | None = None
    needs_confirmation: bool = False
    speaker: Speaker | None = None


@dataclass(frozen=True, slots=True)
class CloneJob:
    """An accepted clone; the sample waits beside it in the store.

    `times` holds the Unix seconds at which each stage was last entered. A `doubtful` one is asked about:
    its sample is somebody else's, and said to be in the member's own voice. `listed` are the ids that the
    account had before the sample was sent, `voice_id` the one that is this job's. `unclear_since` says
    when it became unclear whether there is one. `told` is set once the member knows of the end. `asked` is
    set once the `speaker` has got the question whether they approve.
    """

    id: str
    owner_id: int
    owner_name: str
    guild_id: int
    channel_id: int
    title: str
    description: str
    rights: Rights
    language: Language
    locale: str
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
    failure: Failure | None = None
    reply: InteractionReply | None = None
    delivered: bool = False

    @classmethod
    def from_request(cls, order: CloneRequest, *, title: str, description: str, now: float) -> Self:
        """Make the job of an order whose texts were cleaned; without a description, a code tells it apart."""
        code = secrets.token_hex(4)
        return cls(
            id=f"{order.owner_id}-{code}",
            owner_name=order.owner_name,
            reply=order.reply,
            owner_id=order.owner_id,
            guild_id=order.guild_id,
            channel_id=order.channel_id,
            title=title,
            description=description or f"{title} ({code})",
            rights=order.rights,
            language=order.language,
            locale=order.locale,
            sample_url=order.sample_url,
            needs_confirmation=order.needs_confirmation,
            statement=Statement(
                order.owner_id, order.wording, WORDING_VERSION, now, order.guild_id, order.channel_id
            ),
            speaker=order.speaker,
            times={Stage.RECEIVED: now},
        )

    def advanced(self, stage: Stage, now: float, **changes: Any) -> Self:  # noqa: ANN401 - as in dataclasses.replace
        """Go on to `stage` at `now` (Unix seconds); `IllegalMoveError` if it can't follow."""
        if stage not in TRANSITIONS[self.stage]:
            raise IllegalTransition(f"{self.stage} can't be followed by {stage}")
        return replace(self, stage=stage, times={**self.times, stage: now}, **changes)

    def looks_like(self, other: Self) -> bool:
        """Whether upstream the voices of both could be mistaken for each other."""
        mine, others = (
            tuple(map(clean_text, (job.title, job.description, job.language))) for job in (self, other)
        )
        return mine == others

    def voice(self, made: VoiceResponse, now: float) -> Voice:
        """Return what this job has made, as it is to be recorded at `now` (Unix seconds)."""
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
    def accepted_at(self) -> float:
        """When the command came, in Unix seconds."""
        return self.times.get(Stage.RECEIVED, 0.0)

    @property
    def can_retry(self) -> bool:
        """Whether it failed with its voice unaccounted for, so that it can be tried again."""
        return self.stage is Stage.FAILED and self.outcome_unknown_since is not None

    @property
    def can_cancel(self) -> bool:
        """Whether nothing of it has ever been sent."""
        return self.attempt == 0 and self.stage in _UNSENT

    @property
    def in_flight(self) -> bool:
        """Whether it is being sent or made, and can't be called back."""
        return self.stage in {Stage.UPLOADING, Stage.CLONING}

    @property
    def may_have_voice(self) -> bool:
        """Whether a voice of it may come up that is not on record."""
        return self.in_flight or self.outcome_unknown_since is not None

    @property
    def finished(self) -> bool:
        """Whether nothing more happens to it."""
        return self.stage in FINISHED

    @property
    def blocks_next_clone(self) -> bool:
        """Whether its member can't start another; one that waits for somebody's click doesn't."""
        return not self.finished and self.stage not in {Stage.CONFIRMING, Stage.CONSENT}

    @property
    def awaits_consent(self) -> bool:
        """Whether its speaker is being asked."""
        return self.stage is Stage.CONSENT

    @property
    def has_consent(self) -> bool:
        """Whether its speaker has approved it, at least once."""
        return Stage.CONSENT in self.times and self.stage not in {
            Stage.CONSENT,
            Stage.FAILED,
            Stage.CANCELLED,
        }

    @property
    def consent_deadline(self) -> float:
        """Until when its speaker is waited for, in Unix seconds."""
        return self.times[Stage.CONSENT] + CONSENT_SECONDS
