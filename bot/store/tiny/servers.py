"""Servers' files: rules, clone records and cases; shared voices; and the audit entries of each month."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from tinydb import TinyDB

from bot.errors import RecordUnreadable, StoreError
from bot.library.models import Absence, SharedVoice
from bot.moderation.models import Case
from bot.policy.models import DAY, AuditEntry, Block, CloneRecord, Policy
from bot.store.tiny.records import Repository
from bot.store.tiny.shapes import (
    ABSENCES,
    AUDIT,
    BANNED_SAMPLES,
    BANNED_VOICES,
    BLOCKS,
    CASES,
    CLONE_RECORDS,
    KINDS,
    POLICIES,
    SHARES,
    UNAUDITED,
    BannedSample,
)

_log = logging.getLogger(__name__)

_KINDS = ("servers", "shares", "audit")

REMEMBERED_SECONDS = 30 * DAY  # how long the record of a deleted voice is kept: its clips may still be reported


class TinyServers(Repository):
    """`bot.store.protocol.Servers` in `servers/<guild id>.json`, `….shares.json` and `….audit-<yyyy-mm>.json`."""

    async def sharing(self) -> tuple[int, ...]:
        return await self._ids("shares")

    async def shares(self, guild_id: int) -> tuple[SharedVoice, ...]:
        return await self._records.run(_shares(guild_id), SHARES.all)

    async def put_share(self, guild_id: int, share: SharedVoice) -> None:
        await self._records.run(_shares(guild_id), lambda db: SHARES.put(db, share))

    async def remove_share(self, guild_id: int, voice_id: int) -> None:
        await self._records.run(_shares(guild_id), lambda db: SHARES.remove(db, voice_id))

    async def remove_shares(self, guild_id: int) -> None:
        await self._records.remove(_shares(guild_id))

    async def absence(self, guild_id: int) -> Absence | None:
        found = await self._records.run(_shares(guild_id), ABSENCES.all)
        return found[0] if found else None

    async def put_absence(self, guild_id: int, absence: Absence | None) -> None:
        await self._records.run(_shares(guild_id), lambda db: ABSENCES.put(db, [absence] if absence else []))

    async def policy(self, guild_id: int) -> Policy:
        found = await self._records.run(_rules(guild_id), POLICIES.all)
        return found[0] if found else Policy()

    async def put_policy(self, guild_id: int, policy: Policy, *entries: AuditEntry) -> None:
        await self._change(guild_id, lambda db: POLICIES.put(db, policy), entries)

    async def blocks(self, guild_id: int) -> tuple[Block, ...]:
        return await self._records.run(_rules(guild_id), BLOCKS.all)

    async def put_block(self, guild_id: int, block: Block, *entries: AuditEntry) -> None:
        await self._change(guild_id, lambda db: BLOCKS.put(db, block), entries)

    async def remove_block(self, guild_id: int, member_id: int, *entries: AuditEntry) -> None:
        await self._change(guild_id, lambda db: BLOCKS.remove(db, member_id), entries)

    async def _change(self, guild_id: int, change: Callable[[TinyDB], None], entries: Sequence[AuditEntry]) -> None:
        """Change a server's file, with the audit entries in the same write, then move these to the audit files."""

        def run(db: TinyDB) -> list[AuditEntry]:
            change(db)
            UNAUDITED.put(db, [*UNAUDITED.all(db), *entries])
            return UNAUDITED.all(db)

        await self.audit(guild_id)  # an audit that can't be read refuses the change
        moving = await self._records.run(_rules(guild_id), run)
        try:
            for entry in moving:
                await self._append(guild_id, entry)
            await self._records.run(_rules(guild_id), lambda db: UNAUDITED.keep(db, lambda one: one not in moving))
        except StoreError as error:  # the next change moves them
            _log.error("audit entries of server %d are not in their file yet: %s", guild_id, error)

    async def clone_records(self, guild_id: int) -> tuple[CloneRecord, ...]:
        return await self._records.run(_rules(guild_id), CLONE_RECORDS.all)

    async def add_clone_record(self, guild_id: int, record: CloneRecord, now: float) -> None:
        def add(db: TinyDB) -> None:
            for known in CLONE_RECORDS.all(db):
                if known.deleted and known.at < now - REMEMBERED_SECONDS:
                    CLONE_RECORDS.remove(db, known.voice_id)
            if all(known.voice_id != record.voice_id for known in CLONE_RECORDS.all(db)):
                CLONE_RECORDS.put(db, record)

        await self._records.run(_rules(guild_id), add)

    async def mark_deleted(self, guild_id: int, voice_id: int) -> None:
        def mark(db: TinyDB) -> None:
            CLONE_RECORDS.change(db, voice_id, lambda record: replace(record, deleted=True))

        await self._records.run(_rules(guild_id), mark)

    async def anonymize(self, member_id: int) -> None:
        def anonymize(db: TinyDB) -> None:
            for record in CLONE_RECORDS.all(db):
                if record.owner_id == member_id:
                    CLONE_RECORDS.put(db, CloneRecord(record.voice_id, 0, record.at, deleted=True))
            for case in CASES.all(db):
                if case.done and case.voice.owner_id == member_id:
                    CASES.remove(db, case.id)
                elif case.mentions(member_id):
                    CASES.change(db, case.id, lambda case: case.without_member(member_id))

        failure: StoreError | None = None
        for guild_id in await self.ids():
            try:
                await self._records.run(_rules(guild_id), anonymize)
            except StoreError as error:  # the others first
                failure = error
        if failure:
            raise failure
        await self._records.check_quarantine(*_KINDS)

    async def quarantined(self) -> tuple[str, ...]:
        return tuple(await self._records.quarantined(*_KINDS))

    async def ids(self) -> tuple[int, ...]:
        return await self._ids("servers")

    async def _ids(self, kind: str) -> tuple[int, ...]:
        return tuple(int(KINDS[kind].id_of(name)) for name in await self._records.names(kind))

    async def cases(self, guild_id: int) -> tuple[Case, ...]:
        return await self._records.run(_rules(guild_id), CASES.all)

    async def put_case(self, guild_id: int, case: Case) -> None:
        await self._records.run(_rules(guild_id), lambda db: CASES.put(db, case))

    async def remove_case(self, guild_id: int, case_id: int) -> None:
        await self._records.run(_rules(guild_id), lambda db: CASES.remove(db, case_id))

    async def change_case(self, guild_id: int, case_id: int, change: Callable[[Case], Case]) -> Case | None:
        return await self._records.run(_rules(guild_id), lambda db: CASES.change(db, case_id, change))

    async def banned_samples(self, guild_id: int) -> frozenset[str]:
        return frozenset(sample.sha256 for sample in await self._records.run(_rules(guild_id), BANNED_SAMPLES.all))

    async def ban_sample(self, guild_id: int, sha256: str) -> None:
        def ban(db: TinyDB) -> None:
            if (sample := BannedSample(sha256)) not in BANNED_SAMPLES.all(db):
                BANNED_SAMPLES.add(db, sample)

        await self._records.run(_rules(guild_id), ban)

    async def banned_voices(self, guild_id: int) -> frozenset[int]:
        return frozenset(await self._records.run(_rules(guild_id), BANNED_VOICES.all))

    async def ban_voice(self, guild_id: int, voice_id: int) -> None:
        await self._records.run(_rules(guild_id), lambda db: BANNED_VOICES.put(db, voice_id))

    async def audit(self, guild_id: int) -> tuple[AuditEntry, ...]:
        await self._records.check_quarantine("audit", prefix=_audit(guild_id))
        found: list[AuditEntry] = []
        for name in await self._records.names("audit"):
            if name.startswith(_audit(guild_id)):
                found += await self._records.run(name, AUDIT.all)
        with suppress(RecordUnreadable):
            pending = await self._records.run(_rules(guild_id), UNAUDITED.all)
            found += [entry for entry in pending if entry not in found]
        found.sort(key=lambda entry: entry.at)
        return tuple(reversed(found))

    async def add_entry(self, guild_id: int, entry: AuditEntry) -> None:
        await self._records.check_quarantine("audit", prefix=_audit(guild_id))
        await self._append(guild_id, entry)

    async def _append(self, guild_id: int, entry: AuditEntry) -> None:
        """Append an audit entry, unless the program was stopped after it was appended."""

        def append(db: TinyDB) -> None:
            if entry not in AUDIT.all(db):
                AUDIT.add(db, entry)

        month = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m")
        await self._records.run(f"{_audit(guild_id)}{month}.json", append)


def _rules(guild_id: int) -> str:
    return f"servers/{guild_id:d}.json"


def _shares(guild_id: int) -> str:
    return f"servers/{guild_id:d}.shares.json"


def _audit(guild_id: int) -> str:
    """Return how the names of a server's audit files begin."""
    return f"servers/{guild_id:d}.audit-"
