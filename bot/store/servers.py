"""A server's files: the voices that are shared there, its rules, and what its moderators decided."""
# TinyDB leaves the types of its documents open:
# pyright: reportUnknownMemberType=false

from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from tinydb import TinyDB

from bot.store.records import HIDE_INPUT, Records, drop, put
from bot.voices.models import Share
from bot.voices.policy import DAY, AuditEntry, Block, ClonedHere, Policy

_SUFFIX = ".shares.json"
_SHARES = TypeAdapter(list[Share], config=HIDE_INPUT)
_POLICIES = TypeAdapter(list[Policy], config=HIDE_INPUT)
_BLOCKS = TypeAdapter(list[Block], config=HIDE_INPUT)
_CLONED = TypeAdapter(list[ClonedHere], config=HIDE_INPUT)
_AUDIT = TypeAdapter(list[AuditEntry], config=HIDE_INPUT)

REMEMBERED_SECONDS = 2 * DAY
"""How long it is remembered who cloned here when: longer than any limit looks back."""


class TinyServers:
    """`bot.voices.store.Servers`.

    `servers/<guild id>.json`, `….shares.json` and, a file a month, `….audit-<yyyy-mm>.json`.
    """

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

    async def policy(self, guild_id: int) -> Policy:
        """Return a server's rules."""
        found = await self._records.use(
            _rules(guild_id), lambda db: _POLICIES.validate_python(db.table("policy").all())
        )
        return found[0] if found else Policy()

    async def put_policy(self, guild_id: int, policy: Policy) -> None:
        """Record a server's rules."""
        [record] = _POLICIES.dump_python([policy], mode="json")
        await self._records.use(_rules(guild_id), lambda db: put(db.table("policy"), 1, record))

    async def blocks(self, guild_id: int) -> tuple[Block, ...]:
        """Return who is blocked in a server, also for a time that is over."""
        return tuple(
            await self._records.use(
                _rules(guild_id), lambda db: _BLOCKS.validate_python(db.table("blocks").all())
            )
        )

    async def put_block(self, guild_id: int, block: Block) -> None:
        """Record a block, in the place of one of the same member."""
        [record] = _BLOCKS.dump_python([block], mode="json")
        await self._records.use(_rules(guild_id), lambda db: put(db.table("blocks"), block.member_id, record))

    async def drop_block(self, guild_id: int, member_id: int) -> None:
        """Forget a block; one that is not there is no error."""
        await self._records.use(_rules(guild_id), lambda db: drop(db.table("blocks"), member_id))

    async def cloned(self, guild_id: int) -> tuple[ClonedHere, ...]:
        """Return what was cloned in a server of late."""
        return tuple(
            await self._records.use(
                _rules(guild_id), lambda db: _CLONED.validate_python(db.table("cloned").all())
            )
        )

    async def add_cloned(self, guild_id: int, one: ClonedHere) -> None:
        """Remember that a voice was cloned in a server, and forget what is long ago."""

        def add(db: TinyDB) -> None:
            table = db.table("cloned")
            [record] = _CLONED.dump_python([one], mode="json")
            old = [row.doc_id for row in table.all() if row["at"] < one.at - REMEMBERED_SECONDS]
            if old:
                table.remove(doc_ids=old)
            put(table, one.voice_id, record)

        await self._records.use(_rules(guild_id), add)

    async def anonymise(self, member_id: int) -> None:
        """Take a member's id off what was cloned in servers of late; raises while a file can't be read."""

        def blot_out(db: TinyDB) -> None:
            mine = [row.doc_id for row in db.table("cloned").all() if row["owner_id"] == member_id]
            if mine:
                db.table("cloned").update({"owner_id": 0}, doc_ids=mine)

        for name in await self._records.names("servers"):
            if name.removeprefix("servers/").removesuffix(".json").isdecimal():
                await self._records.use(name, blot_out)

    async def banned_samples(self, guild_id: int) -> frozenset[str]:
        """Return the SHA-256 of the samples that may not be cloned in a server."""
        return await self._records.use(
            _rules(guild_id), lambda db: frozenset(map(str, _column(db, "banned", "sha256")))
        )

    async def ban_sample(self, guild_id: int, sha256: str) -> None:
        """Let a sample never be cloned in a server again."""

        def ban(db: TinyDB) -> None:
            if sha256 not in _column(db, "banned", "sha256"):
                db.table("banned").insert({"sha256": sha256})

        await self._records.use(_rules(guild_id), ban)

    async def barred_voices(self, guild_id: int) -> frozenset[int]:
        """Return the ids of the voices that may be neither shared nor spoken with in a server."""
        return await self._records.use(
            _rules(guild_id), lambda db: frozenset(row.doc_id for row in db.table("barred").all())
        )

    async def bar_voice(self, guild_id: int, voice_id: int) -> None:
        """Let a voice be neither shared nor spoken with in a server."""
        await self._records.use(_rules(guild_id), lambda db: put(db.table("barred"), voice_id, {}))

    async def audit(self, guild_id: int) -> tuple[AuditEntry, ...]:
        """Return all that was decided in a server, newest first."""
        found: list[AuditEntry] = []
        for name in sorted(await self._records.names("servers", f"{guild_id:d}.audit-*.json")):
            found += await self._records.use(name, lambda db: _AUDIT.validate_python(db.table("audit").all()))
        return tuple(reversed(found))

    async def add_entry(self, guild_id: int, entry: AuditEntry) -> None:
        """Record what was decided; it is never changed or trimmed."""
        month = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m")
        [record] = _AUDIT.dump_python([entry], mode="json")
        await self._records.use(
            f"servers/{guild_id:d}.audit-{month}.json", lambda db: db.table("audit").insert(record)
        )


def _column(db: TinyDB, table: str, name: str) -> list[Any]:
    return [row[name] for row in db.table(table).all()]


def _rules(guild_id: int) -> str:
    return f"servers/{guild_id:d}.json"


def _name(guild_id: int) -> str:
    return f"servers/{guild_id:d}{_SUFFIX}"
