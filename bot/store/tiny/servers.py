"""A server's files: the voices that are shared there, its rules, and what its moderators decided."""
# TinyDB leaves the types of its documents open:
# pyright: reportUnknownMemberType=false

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter
from tinydb import TinyDB
from tinydb.table import Table

from bot.errors import RecordDamaged
from bot.library.models import SharedVoice
from bot.moderation.models import Case
from bot.policy.models import DAY, AuditEntry, Block, CloneRecord, Policy
from bot.store.tiny.records import HIDE_INPUT, Records, drop, put

_SUFFIX = ".shares.json"
_SHARES = TypeAdapter(list[SharedVoice], config=HIDE_INPUT)
_POLICIES = TypeAdapter(list[Policy], config=HIDE_INPUT)
_BLOCKS = TypeAdapter(list[Block], config=HIDE_INPUT)
_CLONED = TypeAdapter(list[CloneRecord], config=HIDE_INPUT)
_AUDIT = TypeAdapter(list[AuditEntry], config=HIDE_INPUT)

_CASES = TypeAdapter(list[Case], config=HIDE_INPUT)
_T = TypeVar("_T")

REMEMBERED_SECONDS = 30 * DAY
"""How long a voice that is gone is remembered: what was spoken with it may still be reported."""


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

    async def shares(self, guild_id: int) -> tuple[SharedVoice, ...]:
        """Return what is shared in a server, in no order."""
        return tuple(
            await self._records.run(
                _name(guild_id), lambda db: _SHARES.validate_python(db.table("shares").all())
            )
        )

    async def put_share(self, guild_id: int, share: SharedVoice) -> None:
        """Record a share, in the place of one of the same voice."""
        await self._records.run(
            _name(guild_id), lambda db: _put(db.table("shares"), share.voice_id, _SHARES, share)
        )

    async def drop_share(self, guild_id: int, voice_id: int) -> None:
        """Forget a share; one that is not there is no error."""
        await self._records.run(_name(guild_id), lambda db: drop(db.table("shares"), voice_id))

    async def drop_shares(self, guild_id: int) -> None:
        """Forget all shares of a server."""
        await self._records.remove(_name(guild_id))

    async def policy(self, guild_id: int) -> Policy:
        """Return a server's rules."""
        found = await self._rows(guild_id, "policy", _POLICIES)
        return found[0] if found else Policy()

    async def put_policy(self, guild_id: int, policy: Policy) -> None:
        """Record a server's rules."""
        await self._put(guild_id, "policy", 1, _POLICIES, policy)

    async def blocks(self, guild_id: int) -> tuple[Block, ...]:
        """Return who is blocked in a server, also for a time that is over."""
        return tuple(await self._rows(guild_id, "blocks", _BLOCKS))

    async def put_block(self, guild_id: int, block: Block) -> None:
        """Record a block, in the place of one of the same member."""
        await self._put(guild_id, "blocks", block.member_id, _BLOCKS, block)

    async def drop_block(self, guild_id: int, member_id: int) -> None:
        """Forget a block; one that is not there is no error."""
        await self._records.run(_rules(guild_id), lambda db: drop(db.table("blocks"), member_id))

    async def cloned(self, guild_id: int) -> tuple[CloneRecord, ...]:
        """Return what was cloned in a server: all voices that are there, and of late those that were."""
        return tuple(await self._rows(guild_id, "cloned", _CLONED))

    async def add_cloned(self, guild_id: int, one: CloneRecord, now: float) -> None:
        """Remember that a voice was cloned in a server; forget what is gone long `now` (Unix seconds)."""

        def add(db: TinyDB) -> None:
            table = db.table("cloned")
            old = [
                row.doc_id
                for row in table.all()
                if row.get("deleted") and row["at"] < now - REMEMBERED_SECONDS
            ]
            if old:
                table.remove(doc_ids=old)
            if not table.contains(doc_id=one.voice_id):
                _put(table, one.voice_id, _CLONED, one)

        await self._records.run(_rules(guild_id), add)

    async def lose_cloned(self, guild_id: int, voice_id: int) -> None:
        """Note that a voice that was cloned in a server is gone; one that is not on the list is no error."""

        def lose(db: TinyDB) -> None:
            row = db.table("cloned").get(doc_id=voice_id)
            if row is not None and not row.get("deleted"):
                db.table("cloned").update({"gone": True}, doc_ids=[voice_id])

        await self._records.run(_rules(guild_id), lose)

    async def anonymise(self, member_id: int) -> None:
        """Take a member off what was cloned, and off cases that are done; raises if a file can't be read."""

        def blot_out(db: TinyDB) -> None:
            mine = [row.doc_id for row in db.table("cloned").all() if row["owner_id"] == member_id]
            if mine:
                nobodys = {"owner_id": 0, "owner_name": "", "title": "", "sample_sha256": "", "gone": True}
                db.table("cloned").update(nobodys, doc_ids=mine)
            for case in _CASES.validate_python(db.table("cases").all()):
                if case.done and case.voice.owner_id == member_id:
                    drop(db.table("cases"), case.id)
                elif case.mentions(member_id) and case.without_member(member_id) != case:
                    _put(db.table("cases"), case.id, _CASES, case.without_member(member_id))

        failure: Exception | None = None
        for guild_id in await self.ids():
            try:
                await self._records.run(_rules(guild_id), blot_out)
            except (RecordDamaged, ValueError) as error:  # the others first
                failure = error
        if failure:
            raise failure
        await self._check_whole("*.damaged*")

    async def damaged(self) -> tuple[str, ...]:
        """Name the files of servers that are set aside."""
        return tuple(await self._records.names("servers", "*.damaged*"))

    async def _check_whole(self, pattern: str) -> None:
        for aside in await self._records.names("servers", pattern):
            raise RecordDamaged(file=aside.partition(".damaged")[0], aside=aside)

    async def ids(self) -> tuple[int, ...]:
        """Return the ids of the servers about which something is decided or reported."""
        names = await self._records.names("servers")
        numbers = [name.removeprefix("servers/").removesuffix(".json") for name in names]
        return tuple(int(number) for number in numbers if number.isdecimal())

    async def cases(self, guild_id: int) -> tuple[Case, ...]:
        """Return what was reported in a server, in no order."""
        return tuple(await self._rows(guild_id, "cases", _CASES))

    async def put_case(self, guild_id: int, case: Case) -> None:
        """Record a case."""
        await self._put(guild_id, "cases", case.id, _CASES, case)

    async def drop_case(self, guild_id: int, case_id: int) -> None:
        """Forget a case; one that is not there is no error."""
        await self._records.run(_rules(guild_id), lambda db: drop(db.table("cases"), case_id))

    async def change_case(self, guild_id: int, case_id: int, change: Callable[[Case], Case]) -> Case | None:
        """Change a case in one step; None if there is none. What `change` raises leaves it as it was."""

        def apply(db: TinyDB) -> Case | None:
            record = db.table("cases").get(doc_id=case_id)
            if record is None:
                return None
            [case] = _CASES.validate_python([record])
            changed = change(case)
            if changed != case:
                _put(db.table("cases"), case_id, _CASES, changed)
            return changed

        return await self._records.run(_rules(guild_id), apply)

    async def banned_samples(self, guild_id: int) -> frozenset[str]:
        """Return the SHA-256 of the samples that may not be cloned in a server."""
        return await self._records.run(
            _rules(guild_id), lambda db: frozenset(map(str, _column(db, "banned", "sha256")))
        )

    async def ban_sample(self, guild_id: int, sha256: str) -> None:
        """Let a sample never be cloned in a server again."""

        def ban(db: TinyDB) -> None:
            if sha256 not in _column(db, "banned", "sha256"):
                db.table("banned").insert({"sha256": sha256})

        await self._records.run(_rules(guild_id), ban)

    async def barred_voices(self, guild_id: int) -> frozenset[int]:
        """Return the ids of the voices that may be neither shared nor spoken with in a server."""
        return await self._records.run(
            _rules(guild_id), lambda db: frozenset(row.doc_id for row in db.table("barred").all())
        )

    async def bar_voice(self, guild_id: int, voice_id: int) -> None:
        """Let a voice be neither shared nor spoken with in a server."""
        await self._records.run(_rules(guild_id), lambda db: put(db.table("barred"), voice_id, {}))

    async def audit(self, guild_id: int) -> tuple[AuditEntry, ...]:
        """Return all that was decided in a server, newest first; `RecordDamaged` if a part is set aside."""
        await self._check_whole(f"{guild_id:d}.audit-*.json.damaged*")
        found: list[AuditEntry] = []
        for name in sorted(await self._records.names("servers", f"{guild_id:d}.audit-*.json")):
            found += await self._records.run(name, lambda db: _AUDIT.validate_python(db.table("audit").all()))
        return tuple(reversed(found))

    async def add_entry(self, guild_id: int, entry: AuditEntry) -> None:
        """Record what was decided; it is never changed or trimmed."""
        await self._check_whole(f"{guild_id:d}.audit-*.json.damaged*")
        month = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m")
        [record] = _AUDIT.dump_python([entry], mode="json")
        await self._records.run(
            f"servers/{guild_id:d}.audit-{month}.json", lambda db: db.table("audit").insert(record)
        )

    async def _rows(self, guild_id: int, table: str, adapter: TypeAdapter[list[_T]]) -> list[_T]:
        return await self._records.run(
            _rules(guild_id), lambda db: adapter.validate_python(db.table(table).all())
        )

    async def _put(
        self, guild_id: int, table: str, doc_id: int, adapter: TypeAdapter[list[_T]], one: _T
    ) -> None:
        await self._records.run(_rules(guild_id), lambda db: _put(db.table(table), doc_id, adapter, one))


def _put(table: Table, doc_id: int, adapter: TypeAdapter[list[_T]], one: _T) -> None:
    [record] = adapter.dump_python([one], mode="json")
    put(table, doc_id, record)


def _column(db: TinyDB, table: str, name: str) -> list[Any]:
    return [row[name] for row in db.table(table).all()]


def _rules(guild_id: int) -> str:
    return f"servers/{guild_id:d}.json"


def _name(guild_id: int) -> str:
    return f"servers/{guild_id:d}{_SUFFIX}"
