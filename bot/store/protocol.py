"""What the bot remembers, and what it may rely on when it does."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Literal, Protocol

from bot.cloning.job import CloneJob
from bot.errors import ClonevoiceError, RecordUnwritable
from bot.library.models import SharedVoice
from bot.moderation.models import Case
from bot.policy.models import AuditEntry, Block, CloneRecord, Policy
from bot.speaking.job import SpeechJob
from bot.voices.models import Clip, Consent, Notice, PendingDeletion, Voice

_log = logging.getLogger(__name__)


@contextmanager
def recording() -> Generator[None]:
    """Say `RecordUnwritable` for a disk that refuses."""
    try:
        yield
    except OSError as error:
        if isinstance(error, ClonevoiceError):  # of the API's
            raise
        _log.error("the store could not write: %s", error)
        raise RecordUnwritable from error


class Store(Protocol):
    """Durable memory. What was put, changed or dropped stays so after a kill at the next instant.

    Any method may raise `bot.errors.RecordDamaged` (the record is set aside, and stays refused until
    the operator restores or removes it) and `OSError` (nothing was changed).
    """

    @property
    def members(self) -> "Members":
        """Voices and what was spoken with them, by owner."""
        ...

    @property
    def servers(self) -> "Servers":
        """What belongs to servers."""
        ...

    @property
    def jobs(self) -> "Jobs":
        """Clones under way."""
        ...

    @property
    def speeches(self) -> "Speeches":
        """Lines under way."""
        ...

    @property
    def pending(self) -> "Pending":
        """What is owed, and how long things took."""
        ...


class Members(Protocol):
    """The truth about voices, each in its owner's file, and about approvals, each in its speaker's."""

    async def voices(self, owner_id: int) -> tuple[Voice, ...]:
        """Return a member's voices, oldest first."""
        ...

    async def put(self, voice: Voice) -> None:
        """Record a voice in its owner's file, in the place of one with the same id."""
        ...

    async def change(self, owner_id: int, voice_id: int, change: Callable[[Voice], Voice]) -> Voice | None:
        """Change a voice in one step; None if there is none. What `change` raises leaves it as it was."""
        ...

    async def drop(self, owner_id: int, voice_id: int) -> None:
        """Forget a voice and what was spoken with it; one that is not there is no error."""
        ...

    async def forget(self, owner_id: int) -> None:
        """Forget all that a member's file holds."""
        ...

    async def cloned_in(self) -> dict[int, list[CloneRecord]]:
        """Return all members' voices by the server in which they were cloned; reports what it can't read."""
        ...

    async def revoking(self) -> list[int]:
        """Return the members who took an approval back that still has traces; reports what it can't read."""
        ...

    async def voice_ids(self) -> set[int]:
        """Return the ids of all members' voices; damaged files are set aside and reported in the log."""
        ...

    async def lines(self, owner_id: int, voice_id: int) -> tuple[Clip, ...]:
        """Return what was spoken with a voice, newest first, 50 lines at most."""
        ...

    async def add_line(self, owner_id: int, line: Clip) -> None:
        """Remember what was spoken with a voice, if it is still there; a line is there once by its id."""
        ...

    async def lines_of(self, speaker_id: int) -> tuple[Clip, ...]:
        """Return what a member spoke with anybody's voices, newest first."""
        ...

    async def anonymise(self, member_id: int) -> None:
        """Take a member off others' files: lines, approvals they got; raises if one can't be read."""
        ...

    async def consents(self, speaker_id: int) -> tuple[Consent, ...]:
        """Return what a member has approved, oldest first."""
        ...

    async def put_consent(self, consent: Consent) -> None:
        """Record an approval in its speaker's file, in the place of one for the same clone."""
        ...

    async def change_consent(
        self, speaker_id: int, job_id: str, change: Callable[[Consent], Consent]
    ) -> Consent | None:
        """Change an approval in one step; None if there is none."""
        ...

    async def drop_consent(self, speaker_id: int, job_id: str) -> None:
        """Forget an approval; one that is not there is no error."""
        ...


class Servers(Protocol):
    """Which voices are shared where, which the owners' files confirm or not; and what moderators decided."""

    async def sharing(self) -> tuple[int, ...]:
        """Return the ids of the servers in which voices are shared."""
        ...

    async def shares(self, guild_id: int) -> tuple[SharedVoice, ...]:
        """Return what is shared in a server, in no order."""
        ...

    async def put_share(self, guild_id: int, share: SharedVoice) -> None:
        """Record a share, in the place of one of the same voice."""
        ...

    async def drop_share(self, guild_id: int, voice_id: int) -> None:
        """Forget a share; one that is not there is no error."""
        ...

    async def drop_shares(self, guild_id: int) -> None:
        """Forget all shares of a server."""
        ...

    async def policy(self, guild_id: int) -> Policy:
        """Return a server's rules."""
        ...

    async def put_policy(self, guild_id: int, policy: Policy) -> None:
        """Record a server's rules."""
        ...

    async def blocks(self, guild_id: int) -> tuple[Block, ...]:
        """Return who is blocked in a server, also for a time that is over."""
        ...

    async def put_block(self, guild_id: int, block: Block) -> None:
        """Record a block, in the place of one of the same member."""
        ...

    async def drop_block(self, guild_id: int, member_id: int) -> None:
        """Forget a block; one that is not there is no error."""
        ...

    async def cloned(self, guild_id: int) -> tuple[CloneRecord, ...]:
        """Return what was cloned in a server: all voices that are there, and of late those that were."""
        ...

    async def add_cloned(self, guild_id: int, one: CloneRecord, now: float) -> None:
        """Remember that a voice was cloned in a server; forget what is gone long `now` (Unix seconds)."""
        ...

    async def lose_cloned(self, guild_id: int, voice_id: int) -> None:
        """Note that a voice that was cloned in a server is gone; one that is not on the list is no error."""
        ...

    async def anonymise(self, member_id: int) -> None:
        """Take a member off what was cloned, and off cases that are done; raises if a file can't be read."""
        ...

    async def ids(self) -> tuple[int, ...]:
        """Return the ids of the servers about which something is decided or reported."""
        ...

    async def cases(self, guild_id: int) -> tuple[Case, ...]:
        """Return what was reported in a server, in no order."""
        ...

    async def put_case(self, guild_id: int, case: Case) -> None:
        """Record a case."""
        ...

    async def drop_case(self, guild_id: int, case_id: int) -> None:
        """Forget a case; one that is not there is no error."""
        ...

    async def damaged(self) -> tuple[str, ...]:
        """Name the files of servers that are set aside."""
        ...

    async def change_case(self, guild_id: int, case_id: int, change: Callable[[Case], Case]) -> Case | None:
        """Change a case in one step; None if there is none. What `change` raises leaves it as it was."""
        ...

    async def banned_samples(self, guild_id: int) -> frozenset[str]:
        """Return the SHA-256 of the samples that may not be cloned in a server."""
        ...

    async def ban_sample(self, guild_id: int, sha256: str) -> None:
        """Let a sample never be cloned in a server again."""
        ...

    async def barred_voices(self, guild_id: int) -> frozenset[int]:
        """Return the ids of the voices that may be neither shared nor spoken with in a server."""
        ...

    async def bar_voice(self, guild_id: int, voice_id: int) -> None:
        """Let a voice be neither shared nor spoken with in a server."""
        ...

    async def audit(self, guild_id: int) -> tuple[AuditEntry, ...]:
        """Return all that was decided in a server, newest first; raises if a part of it is set aside."""
        ...

    async def add_entry(self, guild_id: int, entry: AuditEntry) -> None:
        """Record what was decided; it is never changed or trimmed."""
        ...


class Jobs(Protocol):
    """Clones under way, each with its sample."""

    async def check(self, owner_id: int) -> None:
        """Raise `RecordDamaged` while the record of a job of this member is set aside."""
        ...

    async def all(self) -> tuple[CloneJob, ...]:
        """Return every job on record, oldest first; damaged ones are set aside and reported in the log."""
        ...

    async def put(self, job: CloneJob) -> None:
        """Record where a job stands."""
        ...

    async def put_sample(self, job_id: str, sample: bytes) -> None:
        """Keep a job's MP3 until the job is dropped."""
        ...

    async def sample(self, job_id: str) -> bytes:
        """Return a job's MP3; `FileNotFoundError` without one."""
        ...

    async def drop(self, job_id: str) -> None:
        """Forget a job and its sample; a job that is not there is no error."""
        ...


class Speeches(Protocol):
    """Lines that are being spoken."""

    async def all(self) -> tuple[SpeechJob, ...]:
        """Return every line under way, oldest first; damaged ones are set aside and reported in the log."""
        ...

    async def put(self, speech: SpeechJob) -> None:
        """Record where a line stands."""
        ...

    async def drop(self, speech_id: str) -> None:
        """Forget a line; one that is not there is no error."""
        ...


class Pending(Protocol):
    """What is still to be done for people who need not wait for it, and experience."""

    async def durations(self, kind: Literal["clone", "speech"] = "clone") -> tuple[float, ...]:
        """Return how many seconds the API took for each of the last ones, newest last, 50 at most."""
        ...

    async def add_duration(self, seconds: float, kind: Literal["clone", "speech"] = "clone") -> None:
        """Remember how long a clone or a line took."""
        ...

    async def owed(self) -> tuple[PendingDeletion, ...]:
        """Return the deletions that the API has not carried out yet."""
        ...

    async def put_owed(self, owed: PendingDeletion) -> None:
        """Owe a deletion, in the place of one of the same voice."""
        ...

    async def drop_owed(self, voice_id: int) -> None:
        """Owe a deletion no more."""
        ...

    async def leaving(self) -> tuple[int, ...]:
        """Return the members who are being forgotten."""
        ...

    async def put_leaving(self, owner_id: int) -> None:
        """Note that a member is to be forgotten, whatever happens."""
        ...

    async def drop_leaving(self, owner_id: int) -> None:
        """Note that a member has been forgotten."""
        ...

    async def notices(self) -> tuple[Notice, ...]:
        """Return the news that has not reached its members."""
        ...

    async def put_notice(self, notice: Notice) -> None:
        """Record news."""
        ...

    async def drop_notice(self, notice_id: str) -> None:
        """Forget news; what is not there is no error."""
        ...
