"""What the rules need from outside."""

from typing import Protocol

from bot.policy.models import Applicant


class Applicants(Protocol):
    """Members as Discord tells of them now."""

    async def applicant(self, guild_id: int, user_id: int) -> Applicant | None:
        """Return what rules ask of somebody; None if that can't be found out just now."""
        ...
