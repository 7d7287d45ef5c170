"""`pending.json`: what is owed to the API and to members, and durations."""
# TinyDB leaves the types of its documents open:
# pyright: reportUnknownMemberType=false

from typing import Literal

from pydantic import TypeAdapter
from tinydb import TinyDB

from bot.store.tiny.records import HIDE_INPUT, Records, drop, put
from bot.voices.models import Notice, PendingDeletion

DURATIONS = 50
"""How many durations are remembered of each kind."""

_FILE = "pending.json"
_TABLES = {"clone": "durations", "speech": "speech_durations"}
_SECONDS = TypeAdapter(list[float], config=HIDE_INPUT)
_NOTICES = TypeAdapter(list[Notice], config=HIDE_INPUT)
_OWED = TypeAdapter(list[PendingDeletion], config=HIDE_INPUT)


class TinyPending:
    """`bot.voices.store.Pending`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def durations(self, kind: Literal["clone", "speech"] = "clone") -> tuple[float, ...]:
        """Return how many seconds the API took for each of the last ones, newest last, 50 at most."""
        return tuple(await self._records.run(_FILE, lambda db: _durations(db, kind)))

    async def add_duration(self, seconds: float, kind: Literal["clone", "speech"] = "clone") -> None:
        """Remember how long a clone or a line took."""

        def add(db: TinyDB) -> None:
            last = [*_durations(db, kind), seconds][-DURATIONS:]
            put(db.table(_TABLES[kind]), 1, {"seconds": last})

        await self._records.run(_FILE, add)

    async def owed(self) -> tuple[PendingDeletion, ...]:
        """Return the deletions that the API has not carried out yet."""
        return tuple(await self._records.run(_FILE, lambda db: _OWED.validate_python(db.table("owed").all())))

    async def put_owed(self, owed: PendingDeletion) -> None:
        """Owe a deletion, in the place of one of the same voice."""
        [record] = _OWED.dump_python([owed], mode="json")
        await self._records.run(_FILE, lambda db: put(db.table("owed"), owed.voice_id, record))

    async def drop_owed(self, voice_id: int) -> None:
        """Owe a deletion no more."""
        await self._records.run(_FILE, lambda db: drop(db.table("owed"), voice_id))

    async def leaving(self) -> tuple[int, ...]:
        """Return the members who are being forgotten."""
        return tuple(
            await self._records.run(_FILE, lambda db: [row.doc_id for row in db.table("leaving").all()])
        )

    async def put_leaving(self, owner_id: int) -> None:
        """Note that a member is to be forgotten, whatever happens."""
        await self._records.run(_FILE, lambda db: put(db.table("leaving"), owner_id, {}))

    async def drop_leaving(self, owner_id: int) -> None:
        """Note that a member has been forgotten."""
        await self._records.run(_FILE, lambda db: drop(db.table("leaving"), owner_id))

    async def notices(self) -> tuple[Notice, ...]:
        """Return the news that has not reached its members."""
        return tuple(
            await self._records.run(_FILE, lambda db: _NOTICES.validate_python(db.table("notices").all()))
        )

    async def put_notice(self, notice: Notice) -> None:
        """Record news."""
        [record] = _NOTICES.dump_python([notice], mode="json")
        await self._records.run(_FILE, lambda db: put(db.table("notices"), int(notice.id, 16), record))

    async def drop_notice(self, notice_id: str) -> None:
        """Forget news; what is not there is no error."""
        await self._records.run(_FILE, lambda db: drop(db.table("notices"), int(notice_id, 16)))


def _durations(db: TinyDB, kind: str) -> list[float]:
    record = db.table(_TABLES[kind]).get(doc_id=1)
    return _SECONDS.validate_python(record["seconds"] if record else [])
