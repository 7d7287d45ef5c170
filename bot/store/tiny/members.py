"""A member's file: the voices that are theirs, what was spoken with them, and what they approved."""
# TinyDB leaves the types of its documents open:
# pyright: reportUnknownMemberType=false

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, TypeVar

from pydantic import TypeAdapter
from tinydb import TinyDB
from tinydb.table import Table

from bot.errors import RecordDamaged
from bot.policy.models import CloneRecord
from bot.store.tiny.records import HIDE_INPUT, Records, drop, put
from bot.voices.models import Clip, Consent, Voice

_log = logging.getLogger(__name__)

LINES = 50
"""How many spoken lines are remembered of each voice."""

_T = TypeVar("_T")
_Content = Mapping[str, Mapping[str, Any]]
_VOICES = TypeAdapter(list[Voice], config=HIDE_INPUT)
_LINES = TypeAdapter(list[Clip], config=HIDE_INPUT)
_CONSENTS = TypeAdapter(list[Consent], config=HIDE_INPUT)


class TinyMembers:
    """`bot.voices.store.Members`: `members/<user id>.json`."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._scanning = asyncio.Lock()

    async def voices(self, owner_id: int) -> tuple[Voice, ...]:
        """Return a member's voices, oldest first."""
        found = await self._records.run(
            _name(owner_id), lambda db: _VOICES.validate_python(db.table("voices").all())
        )
        return tuple(sorted(found, key=lambda voice: (voice.created_at, voice.id)))

    async def put(self, voice: Voice) -> None:
        """Record a voice in its owner's file, in the place of one with the same id."""
        await self._records.run(_name(voice.owner_id), lambda db: _put(db.table("voices"), voice))

    async def change(self, owner_id: int, voice_id: int, change: Callable[[Voice], Voice]) -> Voice | None:
        """Change a voice in one step; None if there is none. What `change` raises leaves it as it was."""

        def apply(db: TinyDB) -> Voice | None:
            table = db.table("voices")
            record = table.get(doc_id=voice_id)
            if record is None:
                return None
            [voice] = _VOICES.validate_python([record])
            changed = change(voice)
            if changed != voice:
                _put(table, changed)
            return changed

        return await self._records.run(_name(owner_id), apply)

    async def drop(self, owner_id: int, voice_id: int) -> None:
        """Forget a voice and what was spoken with it; one that is not there is no error."""

        def forget(db: TinyDB) -> None:
            drop(db.table("voices"), voice_id)  # first: a line without its voice shows nowhere
            _keep_lines(db, [line for line in _lines(db) if line.voice_id != voice_id])

        await self._records.run(_name(owner_id), forget)

    async def forget(self, owner_id: int) -> None:
        """Forget all that a member's file holds."""
        await self._records.remove(_name(owner_id))

    async def cloned_in(self) -> dict[int, list[CloneRecord]]:
        """Return all members' voices by the server in which they were cloned; reports what it can't read."""

        def cloned(content: _Content) -> Iterable[tuple[int, CloneRecord]]:
            for row in content.get("voices", {}).values():
                [voice] = _VOICES.validate_python([row])
                yield voice.guild_id, CloneRecord.from_voice(voice, voice.created_at)

        found: defaultdict[int, list[CloneRecord]] = defaultdict(list)
        for pairs in (await self._scan(cloned, strict=False)).values():
            for guild_id, one in pairs:
                found[guild_id].append(one)
        return found

    async def revoking(self) -> list[int]:
        """Return the members who took an approval back that still has traces; reports what it can't read."""

        def revoked(content: _Content) -> Iterable[int]:
            given = chain.from_iterable(row["consents"] for row in content.get("consents", {}).values())
            return [consent["statement"]["by"] for consent in given if consent["revoked"]]

        return [*set(chain.from_iterable((await self._scan(revoked, strict=False)).values()))]

    async def voice_ids(self) -> set[int]:
        """Return the ids of all members' voices; damaged files are set aside and reported in the log."""
        found = await self._scan(lambda content: map(int, content.get("voices", {})), strict=False)
        return set(chain.from_iterable(found.values()))

    async def lines(self, owner_id: int, voice_id: int) -> tuple[Clip, ...]:
        """Return what was spoken with a voice, newest first, 50 lines at most."""
        found = await self._records.run(_name(owner_id), _lines)
        return tuple(reversed([line for line in found if line.voice_id == voice_id]))

    async def add_line(self, owner_id: int, line: Clip) -> None:
        """Remember what was spoken with a voice, if it is still there; a line is there once by its id."""

        def add(db: TinyDB) -> None:
            if not db.table("voices").contains(doc_id=line.voice_id):
                return
            before = [other for other in _lines(db) if other.id != line.id]
            same = [other for other in before if other.voice_id == line.voice_id]
            gone = same[: max(0, len(same) + 1 - LINES)]
            _keep_lines(db, [*(other for other in before if other not in gone), line])

        await self._records.run(_name(owner_id), add)

    async def lines_of(self, speaker_id: int) -> tuple[Clip, ...]:
        """Return what a member spoke with anybody's voices, newest first."""
        found: list[Clip] = []
        for name in await self._naming(speaker_id, strict=False):
            lines = await self._records.run(name, _lines)
            found += [line for line in lines if line.author_id == speaker_id]
        return tuple(sorted(found, key=lambda line: line.at, reverse=True))

    async def anonymise(self, member_id: int) -> None:
        """Take a member off others' files: lines, approvals they got; raises if one can't be read."""

        def blot_out(db: TinyDB) -> None:
            _keep_lines(
                db, [line.anonymous() if line.author_id == member_id else line for line in _lines(db)]
            )
            _keep_consents(db, [consent for consent in _consents(db) if consent.owner_id != member_id])

        for name in await self._naming(member_id, strict=True):
            await self._records.run(name, blot_out)

    async def consents(self, speaker_id: int) -> tuple[Consent, ...]:
        """Return what a member has approved, oldest first."""
        return tuple(await self._records.run(_name(speaker_id), _consents))

    async def put_consent(self, consent: Consent) -> None:
        """Record an approval in its speaker's file, in the place of one for the same clone."""

        def keep(db: TinyDB) -> None:
            others = [other for other in _consents(db) if other.job_id != consent.job_id]
            _keep_consents(db, [*others, consent])

        await self._records.run(_name(consent.statement.by), keep)

    async def change_consent(
        self, speaker_id: int, job_id: str, change: Callable[[Consent], Consent]
    ) -> Consent | None:
        """Change an approval in one step; None if there is none."""

        def apply(db: TinyDB) -> Consent | None:
            before = _consents(db)
            after = [change(consent) if consent.job_id == job_id else consent for consent in before]
            _keep_consents(db, after)
            return next((consent for consent in after if consent.job_id == job_id), None)

        return await self._records.run(_name(speaker_id), apply)

    async def drop_consent(self, speaker_id: int, job_id: str) -> None:
        """Forget an approval; one that is not there is no error."""

        def drop(db: TinyDB) -> None:
            _keep_consents(db, [consent for consent in _consents(db) if consent.job_id != job_id])

        await self._records.run(_name(speaker_id), drop)

    async def _naming(self, member_id: int, *, strict: bool) -> list[str]:
        """Name the files that hold a line of this member, or an approval that they got."""

        def named(content: _Content) -> Iterable[int]:
            lines = chain.from_iterable(row["lines"] for row in content.get("spoken", {}).values())
            given = chain.from_iterable(row["consents"] for row in content.get("consents", {}).values())
            return [*(line["author_id"] for line in lines), *(consent["owner_id"] for consent in given)]

        found = await self._scan(named, strict=strict)
        return [name for name, ids in found.items() if member_id in ids]

    async def _scan(self, find: Callable[[_Content], Iterable[_T]], *, strict: bool) -> dict[str, set[_T]]:
        """Find things in all members' files; `strict`: raise for one that can't be read, else report it.

        One scan at a time, so that the threads are there for others too.
        """
        async with self._scanning:
            return await asyncio.to_thread(self._find, find, strict=strict)

    def _find(self, find: Callable[[_Content], Iterable[_T]], *, strict: bool) -> dict[str, set[_T]]:
        # Past the open files: all members at once would push out those in use.
        found: dict[str, set[_T]] = {}
        for name in self._records.folder.names("members"):
            try:
                found[name] = set(find(self._records.folder.storage(name).read() or {}))
            except (RecordDamaged, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
                if strict:
                    raise
                if not isinstance(error, RecordDamaged):  # that was reported where it was set aside
                    _log.exception("%s does not hold what a member's file should; left as it is", name)
        if strict and (aside := self._records.folder.names("members", "*.damaged*")):
            raise RecordDamaged(file=aside[0].partition(".damaged")[0], aside=aside[0])
        return found


def _name(owner_id: int) -> str:
    return f"members/{owner_id:d}.json"


def _put(table: Table, voice: Voice) -> None:
    [record] = _VOICES.dump_python([voice], mode="json")
    put(table, voice.id, record)


def _lines(db: TinyDB) -> list[Clip]:
    record = db.table("spoken").get(doc_id=1)
    return _LINES.validate_python(record["lines"] if record else [])


def _keep_lines(db: TinyDB, lines: list[Clip]) -> None:
    if lines != _lines(db):
        put(db.table("spoken"), 1, {"lines": _LINES.dump_python(lines, mode="json")})


def _consents(db: TinyDB) -> list[Consent]:
    record = db.table("consents").get(doc_id=1)
    return _CONSENTS.validate_python(record["consents"] if record else [])


def _keep_consents(db: TinyDB, consents: list[Consent]) -> None:
    if consents != _consents(db):
        put(db.table("consents"), 1, {"consents": _CONSENTS.dump_python(consents, mode="json")})
