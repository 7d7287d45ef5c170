"""What moderation needs from outside."""

from typing import Protocol

from bot.moderation.models import Case
from bot.voices.models import Voice


class CaseBoard(Protocol):
    """Whoever shows cases to moderators. Must not fail."""

    async def show(self, guild_id: int, case: Case, voice: Voice | None) -> tuple[int, int] | None:
        """Show a case in the log channel, anew or where it is; where that is now, None if it can't be."""
        ...
