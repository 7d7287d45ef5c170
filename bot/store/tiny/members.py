"""Members' files: voices, their clips, the consents that the member gave, and recent requests for them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

from tinydb import TinyDB

from bot.errors import RecordUnreadable
from bot.store.tiny.records import Records, Repository
from bot.store.tiny.shapes import CLIPS, CONSENTS, REQUESTS, VOICES
from bot.store.tiny.upgrades import Tables
from bot.voices.models import Clip, Consent, ConsentRequest, Voice

MAX_CLIPS = 50  # how many clips are kept of each voice

_T = TypeVar("_T")


class TinyMembers(Repository):
    """`bot.voices.repository.MembersRepository` in `members/<user id>.json`."""

    def __init__(self, records: Records) -> None:
        super().__init__(records)
        self._scanning = asyncio.Lock()

    async def voices(self, owner_id: int) -> tuple[Voice, ...]:
        found = await self._records.run(_name(owner_id), VOICES.all)
        return tuple(sorted(found, key=lambda voice: (voice.created_at, voice.id)))

    async def voice(self, owner_id: int, voice_id: int) -> Voice | None:
        return next((voice for voice in await self.voices(owner_id) if voice.id == voice_id), None)

    async def put(self, voice: Voice) -> None:
        await self._records.run(_name(voice.owner_id), lambda db: VOICES.put(db, voice))

    async def change(self, owner_id: int, voice_id: int, change: Callable[[Voice], Voice]) -> Voice | None:
        return await self._records.run(_name(owner_id), lambda db: VOICES.change(db, voice_id, change))

    async def remove(self, owner_id: int, voice_id: int) -> None:
        def remove(db: TinyDB) -> None:
            VOICES.remove(db, voice_id)
            CLIPS.keep(db, lambda clip: clip.voice_id != voice_id)

        await self._records.run(_name(owner_id), remove)

    async def forget(self, owner_id: int) -> None:
        await self._records.remove(_name(owner_id))

    async def cloned_in(self) -> dict[int, list[Voice]]:
        files, _ = await self._scan(lambda tables: VOICES.parse(tables.get("voices", {}).values()))
        found: defaultdict[int, list[Voice]] = defaultdict(list)
        for voice in chain.from_iterable(files.values()):
            found[voice.guild_id].append(voice)
        return found

    async def speakers_with_revoked_consents(self) -> list[int]:
        def revoked(tables: Tables) -> Iterable[int]:
            return [one["statement"]["by"] for one in _items(tables, "consents") if one.get("revoked")]

        found, _ = await self._scan(revoked)
        return [*set(chain.from_iterable(found.values()))]

    async def voice_ids(self) -> set[int]:
        found, _ = await self._scan(lambda tables: map(int, tables.get("voices", {})))
        return set(chain.from_iterable(found.values()))

    async def clips(self, owner_id: int, voice_id: int) -> tuple[Clip, ...]:
        found = await self._records.run(_name(owner_id), CLIPS.all)
        return tuple(reversed([clip for clip in found if clip.voice_id == voice_id]))

    async def add_clip(self, owner_id: int, clip: Clip) -> None:
        def add(db: TinyDB) -> None:
            everything = CLIPS.all(db)
            before = [other for other in everything if other.id != clip.id]
            same = [other for other in before if other.voice_id == clip.voice_id]
            is_new = len(before) == len(everything)
            counted = VOICES.change(
                db,
                clip.voice_id,
                lambda voice: replace(voice, clip_count=max(voice.clip_count + is_new, len(same) + 1)),
            )
            if counted:
                old = same[: max(0, len(same) + 1 - MAX_CLIPS)]
                CLIPS.put(db, [*(other for other in before if other not in old), clip])

        await self._records.run(_name(owner_id), add)

    async def clips_by(self, author_id: int) -> tuple[Clip, ...]:
        found: list[Clip] = []
        for name in (await self._naming(author_id))[0]:
            found += [clip for clip in await self._records.run(name, CLIPS.all) if clip.author_id == author_id]
        return tuple(sorted(found, key=lambda clip: clip.at, reverse=True))

    async def anonymize(self, member_id: int) -> None:
        def anonymize(db: TinyDB) -> None:
            CLIPS.put(db, [clip.anonymous() if clip.author_id == member_id else clip for clip in CLIPS.all(db)])
            CONSENTS.keep(db, lambda consent: consent.owner_id != member_id)
            REQUESTS.keep(db, lambda request: request.owner_id != member_id)
            for voice in VOICES.all(db):
                if voice.deleting and voice.speaker and voice.speaker.id == member_id:
                    VOICES.put(db, replace(voice, speaker=None))

        names, failure = await self._naming(member_id)
        for name in names:
            await self._records.run(name, anonymize)
        await self._check(failure)

    async def check(self, member_id: int) -> None:
        await self._check((await self._naming(member_id))[1])

    async def _check(self, failure: RecordUnreadable | None) -> None:
        if failure:
            raise failure
        await self._records.check_quarantine("members")

    async def consents(self, speaker_id: int) -> tuple[Consent, ...]:
        return tuple(await self._records.run(_name(speaker_id), CONSENTS.all))

    async def put_consent(self, consent: Consent) -> None:
        def put(db: TinyDB) -> None:
            others = [other for other in CONSENTS.all(db) if other.job_id != consent.job_id]
            CONSENTS.put(db, [*others, consent])

        await self._records.run(_name(consent.statement.by), put)

    async def change_consent(
        self, speaker_id: int, job_id: str, change: Callable[[Consent], Consent]
    ) -> Consent | None:
        def apply(db: TinyDB) -> Consent | None:
            before = CONSENTS.all(db)
            after = [change(consent) if consent.job_id == job_id else consent for consent in before]
            CONSENTS.put(db, after)
            return next((consent for consent in after if consent.job_id == job_id), None)

        return await self._records.run(_name(speaker_id), apply)

    async def remove_consent(self, speaker_id: int, job_id: str) -> None:
        await self._records.run(_name(speaker_id), lambda db: CONSENTS.keep(db, lambda one: one.job_id != job_id))

    async def requests(self, speaker_id: int) -> tuple[ConsentRequest, ...]:
        return tuple(await self._records.run(_name(speaker_id), REQUESTS.all))

    async def put_request(self, request: ConsentRequest, since: float) -> None:
        def put(db: TinyDB) -> None:
            recent = [one for one in REQUESTS.all(db) if one.at >= since and one.job_id != request.job_id]
            REQUESTS.put(db, [*recent, request])

        await self._records.run(_name(request.speaker_id), put)

    async def remove_request(self, speaker_id: int, job_id: str) -> None:
        await self._records.run(_name(speaker_id), lambda db: REQUESTS.keep(db, lambda one: one.job_id != job_id))

    async def _naming(self, member_id: int) -> tuple[list[str], RecordUnreadable | None]:
        """Return the names of the files with clips by, a voice of, or a consent or request for this member.

        Also return an error if a file can't be read.
        """

        def named(tables: Tables) -> Iterable[int | None]:
            authors = [clip["author_id"] for clip in _items(tables, "clips")]
            speakers = [voice["speaker"]["id"] for voice in tables.get("voices", {}).values() if voice.get("speaker")]
            owners = [one["owner_id"] for table in ("consents", "requests") for one in _items(tables, table)]
            return [*authors, *speakers, *owners]

        found, failure = await self._scan(named)
        return [name for name, ids in found.items() if member_id in ids], failure

    async def _scan(
        self, find: Callable[[Tables], Iterable[_T]]
    ) -> tuple[dict[str, list[_T]], RecordUnreadable | None]:
        """Return what `find` finds in each member's file, and an error if one can't be read."""
        async with self._scanning:  # one scan at a time, so that other operations get threads too
            return await asyncio.to_thread(self._find, find)

    def _find(self, find: Callable[[Tables], Iterable[_T]]) -> tuple[dict[str, list[_T]], RecordUnreadable | None]:
        # Not through `Records`: reading all members' files would evict those in use.
        found: dict[str, list[_T]] = {}
        failure: RecordUnreadable | None = None
        try:
            names = self._records.folder.names("members")
        except RecordUnreadable as error:
            return found, error
        for name in names:
            try:
                found[name] = [*find(self._records.folder.load(name) or {})]
            except RecordUnreadable as error:
                failure = error
        return found, failure


def _name(owner_id: int) -> str:
    return f"members/{owner_id:d}.json"


def _items(tables: Tables, table: str) -> list[dict[str, Any]]:
    """Return the clips, consents or requests in a member's file."""
    return [item for row in tables.get(table, {}).values() for item in row[table]]
