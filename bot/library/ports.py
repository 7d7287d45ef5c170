"""What the library needs from outside."""

from typing import Protocol


class Membership(Protocol):
    """Who is where, as Discord knows."""

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Whether somebody is in a server; also if that can't be found out just now."""
        ...

    def bot_in_guild(self, guild_id: int) -> bool:
        """Whether the bot is in a server."""
        ...
