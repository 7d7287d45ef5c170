"""The interfaces that the library needs from outside."""

from collections.abc import Iterable
from typing import Protocol

from bot.library.models import Absence, SharedVoice


class Membership(Protocol):
    """Which servers the bot and the members are in, as Discord reports it."""

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Return False if a user is known to have left the server, else True."""
        ...

    def bot_in_guild(self, guild_id: int) -> bool:
        """Return False if Discord has not sent this server, else True. It may be missing in an outage."""
        ...

    async def ask_bot_in_guild(self, guild_id: int) -> bool | None:
        """Ask Discord whether the bot is in a server. Returns None without a clear answer."""
        ...


class RunningTitles(Protocol):
    """Knows the titles of each member's unfinished clones."""

    def titles(self, owner_id: int) -> Iterable[str]: ...


class SharesRepository(Protocol):
    """Each server's list of shared voices. The owner's file says whether a voice really is shared."""

    async def sharing(self) -> tuple[int, ...]:
        """Return the IDs of the servers with a list."""
        ...

    async def shares(self, guild_id: int) -> tuple[SharedVoice, ...]:
        """Return a server's shared voices in no particular order."""
        ...

    async def put_share(self, guild_id: int, share: SharedVoice) -> None: ...
    async def remove_share(self, guild_id: int, voice_id: int) -> None: ...

    async def remove_shares(self, guild_id: int) -> None:
        """Remove a server's list, and the bot's absence."""

    async def absence(self, guild_id: int) -> Absence | None:
        """Return the bot's absence from a server with a list. Returns None if there is none on record."""
        ...

    async def put_absence(self, guild_id: int, absence: Absence | None) -> None: ...
