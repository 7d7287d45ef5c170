"""The interface that moderation needs from outside."""

from collections.abc import Callable, Sequence
from typing import Protocol

from bot.errors import Refused
from bot.moderation.models import Case
from bot.policy.ports import RulesRepository
from bot.voices.models import Voice


class ClipOutOfReach(Refused):
    """A reported clip can't be deleted: the bot has no access to it, or it is not the bot's message in this server."""

    key = "refused.clip_out_of_reach"


class CaseBoard(Protocol):
    """Shows cases in the server's log channel, and removes clips."""

    async def show(self, guild_id: int, case: Case, voice: Voice | None) -> tuple[int, int] | None:
        """Post or update a case. Must not raise.

        Returns the IDs of the channel and the message, or None without a message.
        """
        ...

    async def delete_clips(self, guild_id: int, links: Sequence[str]) -> None:
        """Delete the messages that these URLs name, as far as they still exist.

        Raises `ClipOutOfReach` before any is deleted, or `Refused` if it is to be tried again later.
        """
        ...


class ModerationRepository(RulesRepository, Protocol):
    """Each server's cases and rules, and what concerns the servers' files as a whole."""

    async def ids(self) -> tuple[int, ...]:
        """Return the IDs of the servers with rules, clone records or cases."""
        ...

    async def cases(self, guild_id: int) -> tuple[Case, ...]:
        """Return a server's cases in no particular order."""
        ...

    async def put_case(self, guild_id: int, case: Case) -> None: ...

    async def change_case(self, guild_id: int, case_id: int, change: Callable[[Case], Case]) -> Case | None:
        """Change a case atomically. Returns None if there is none. An error in `change` changes nothing."""
        ...

    async def remove_case(self, guild_id: int, case_id: int) -> None: ...

    async def anonymize(self, member_id: int) -> None:
        """Remove a member from clone records and closed cases. Changes all readable files before raising."""

    async def quarantined(self) -> tuple[str, ...]:
        """Return the names of the servers' files that are damaged and were set aside."""
        ...
