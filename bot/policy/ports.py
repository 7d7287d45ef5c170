"""The interfaces that the rules need from outside."""

from typing import Protocol

from bot.policy.models import AuditEntry, Block, CloneRecord, MemberSnapshot, Policy
from bot.voices.models import Rights, Speaker


class MemberDirectory(Protocol):
    """Members as Discord reports them now."""

    async def snapshot(self, guild_id: int, user_id: int) -> MemberSnapshot | None:
        """Return a member. Returns None if Discord can't be asked now."""
        ...


class AuditListener(Protocol):
    """Shows audit entries in a server's log channel."""

    def on_audit_entry(self, guild_id: int, entry: AuditEntry, log_channel: int | None) -> None:
        """Show an entry in this channel, by default the server's. Must neither block nor raise."""


class CloneTerms(Protocol):
    """The fields of a clone request, or of a clone job, that rules apply to."""

    @property
    def owner_id(self) -> int: ...
    @property
    def guild_id(self) -> int: ...
    @property
    def channel_id(self) -> int: ...
    @property
    def rights(self) -> Rights: ...
    @property
    def speaker(self) -> Speaker | None: ...


class RulesRepository(Protocol):
    """What the moderators of each server decided, and the voices that were cloned there.

    `put_…` replaces the record of the same server or member. With audit entries, a change and its entries are
    stored both, or on an error neither.
    """

    async def policy(self, guild_id: int) -> Policy:
        """Return a server's rules, or the default rules."""
        ...

    async def put_policy(self, guild_id: int, policy: Policy, *entries: AuditEntry) -> None: ...

    async def blocks(self, guild_id: int) -> tuple[Block, ...]:
        """Return a server's blocks, including those that have ended."""
        ...

    async def put_block(self, guild_id: int, block: Block, *entries: AuditEntry) -> None: ...
    async def remove_block(self, guild_id: int, member_id: int, *entries: AuditEntry) -> None: ...

    async def clone_records(self, guild_id: int) -> tuple[CloneRecord, ...]:
        """Return the voices cloned in a server, including those deleted in the last 30 days."""
        ...

    async def add_clone_record(self, guild_id: int, record: CloneRecord, now: float) -> None:
        """Add a voice, unless it is listed. Removes those deleted long before `now` (Unix timestamp)."""

    async def mark_deleted(self, guild_id: int, voice_id: int) -> None:
        """Mark a voice's clone record as deleted, if it exists."""

    async def banned_samples(self, guild_id: int) -> frozenset[str]:
        """Return the SHA-256 of the samples that must not be cloned in a server."""
        ...

    async def ban_sample(self, guild_id: int, sha256: str) -> None: ...

    async def banned_voices(self, guild_id: int) -> frozenset[int]:
        """Return the IDs of the voices that must not be shared or used in a server."""
        ...

    async def ban_voice(self, guild_id: int, voice_id: int) -> None: ...

    async def audit(self, guild_id: int) -> tuple[AuditEntry, ...]:
        """Return a server's audit entries, newest first. Raises `RecordUnreadable` if some can't be read."""
        ...

    async def add_entry(self, guild_id: int, entry: AuditEntry) -> None:
        """Append an audit entry. Entries are never changed or removed."""
