"""The store, combined from the repositories that the domain packages declare."""

from dataclasses import dataclass
from typing import Protocol

from bot.cloning.ports import CloneRepository
from bot.erasures import ErasuresRepository
from bot.jobs.deferred import DeferredRepliesRepository
from bot.jobs.durations import DurationsRepository
from bot.jobs.registry import JobRepository
from bot.library.ports import SharesRepository
from bot.moderation.ports import ModerationRepository
from bot.notifications import NoticesRepository
from bot.speaking.job import SpeechJob
from bot.voices.repository import MembersRepository, PendingDeletionsRepository


class Servers(SharesRepository, ModerationRepository, Protocol):
    """What is stored by server."""


class Pending(
    PendingDeletionsRepository,
    ErasuresRepository,
    DurationsRepository,
    NoticesRepository,
    DeferredRepliesRepository,
    Protocol,
):
    """What is still to be done, and how long jobs took."""


@dataclass(frozen=True)
class Store:
    """Durable storage: a completed write survives a kill at the next instant.

    Methods raise only `bot.errors.StoreError`: `RecordUnreadable` (or its subclass `RecordDamaged`) on any
    use of a record that can't be read, until the operator has repaired or removed it, and
    `RecordUnwritable` for a write that failed and changed nothing.
    """

    members: MembersRepository
    servers: Servers
    jobs: CloneRepository
    speeches: JobRepository[SpeechJob]
    pending: Pending
