"""What the rules need from outside."""

from typing import Protocol

from bot.policy.models import MemberSnapshot


class Members(Protocol):
    """Members as Discord tells of them now."""

    async def snapshot(self, guild_id: int, user_id: int) -> MemberSnapshot | None:
        """Return what rules ask of somebody; None if that can't be found out just now."""
        ...
