"""A server's files: the voices that are shared there."""
# TinyDB leaves the types of its documents open:
# pyright: reportUnknownMemberType=false

from pydantic import TypeAdapter

from bot.store.records import HIDE_INPUT, Records, drop, put
from bot.voices.models import Share

_SUFFIX = ".shares.json"
_SHARES = TypeAdapter(list[Share], config=HIDE_INPUT)


class TinyServers:
    """`bot.voices.store.Servers`: `servers/<guild id>.shares.json`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def sharing(self) -> tuple[int, ...]:
        """Return the ids of the servers in which voices are shared."""
        names = await self._records.names("servers", f"*{_SUFFIX}")
        numbers = [name.removeprefix("servers/").removesuffix(_SUFFIX) for name in names]
        return tuple(int(number) for number in numbers if number.isdecimal())

    async def shares(self, guild_id: int) -> tuple[Share, ...]:
        """Return what is shared in a server, in no order."""
        return tuple(
            await self._records.use(
                _name(guild_id), lambda db: _SHARES.validate_python(db.table("shares").all())
            )
        )

    async def put_share(self, guild_id: int, share: Share) -> None:
        """Record a share, in the place of one of the same voice."""
        [record] = _SHARES.dump_python([share], mode="json")
        await self._records.use(_name(guild_id), lambda db: put(db.table("shares"), share.voice_id, record))

    async def drop_share(self, guild_id: int, voice_id: int) -> None:
        """Forget a share; one that is not there is no error."""
        await self._records.use(_name(guild_id), lambda db: drop(db.table("shares"), voice_id))

    async def drop_shares(self, guild_id: int) -> None:
        """Forget all shares of a server."""
        await self._records.remove(_name(guild_id))


def _name(guild_id: int) -> str:
    return f"servers/{guild_id:d}{_SUFFIX}"
