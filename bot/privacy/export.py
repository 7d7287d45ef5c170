"""Exports everything that is stored about a member, including what other members' and servers' files say."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from bot.errors import StoreError
from bot.library.models import SharedVoice
from bot.moderation.models import Case
from bot.store.protocol import Store


@dataclass(frozen=True, slots=True)
class AskedOf:
    """An unfinished clone of a member's voice: its title, the name of its owner, and when it was asked for."""

    title: str
    by: str
    at: float


class Exporter:
    """Reads a member's data from all parts of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def samples(self, member_id: int) -> list[tuple[str, bytes]]:
        """Return the stored samples of a member's unfinished clones, each with the job's ID."""
        samples: list[tuple[str, bytes]] = []
        for job in await self._store.jobs.all():
            if job.owner_id == member_id:
                with suppress(FileNotFoundError):
                    samples.append((job.id, await self._store.jobs.sample(job.id)))
        return samples

    async def export(self, member_id: int) -> dict[str, Any]:
        """Return all other data, ready for JSON. Interaction tokens and names of reporters are left out.

        `complete` is False if a record that may be about the member can't be read.
        """
        stored = {kind: _records(records) for kind, records in (await self.stored(member_id)).items()}
        servers = await self._in_servers(member_id)
        complete = not servers["server_files_that_can_t_be_read"] and await self._can_read(member_id)
        return {"member": str(member_id), "complete": complete, **stored, **servers}

    async def _can_read(self, member_id: int) -> bool:
        try:
            for repository in (self._store.members, self._store.jobs, self._store.speeches):
                await repository.check(member_id)
        except StoreError:
            return False
        return True

    async def stored(self, member_id: int) -> dict[str, Sequence[Any]]:
        """Return the records about a member by kind, except those that servers keep of what was decided."""
        store = self._store
        voices = await store.members.voices(member_id)
        jobs = await store.jobs.all()
        notices = await store.pending.notices()
        deletions = await store.pending.pending_deletions()
        return {
            "voices": voices,
            "shares": await self._shares(member_id),
            "spoken_with_my_voices": [
                clip for voice in voices for clip in await store.members.clips(member_id, voice.id)
            ],
            "spoken_by_me": await store.members.clips_by(member_id),
            "clones_under_way": [job for job in jobs if job.owner_id == member_id],
            "lines_under_way": [speech for speech in await store.speeches.all() if speech.author_id == member_id],
            "approved_by_me": await store.members.consents(member_id),
            "requests_to_me": await store.members.requests(member_id),
            "asked_of_me": [
                AskedOf(job.title, job.owner_name, job.accepted_at)
                for job in jobs
                if job.speaker and job.speaker.id == member_id
            ],
            "news_for_me": [notice for notice in notices if notice.user_id == member_id],
            "deletions_owed_to_me": [deletion for deletion in deletions if deletion.owner_id == member_id],
        }

    async def _shares(self, member_id: int) -> list[SharedVoice]:
        shares: list[SharedVoice] = []
        for guild_id in await self._store.servers.sharing():
            with suppress(StoreError):  # only a cache of what voices say
                shares += [row for row in await self._store.servers.shares(guild_id) if row.owner_id == member_id]
        return shares

    async def _in_servers(self, member_id: int) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        unreadable = len(await self._store.servers.quarantined())
        for guild_id in await self._store.servers.ids():
            try:
                found.append(await self._in_server(member_id, guild_id))
            except StoreError:
                unreadable += 1
        return {"decided_in_servers": [*filter(None, found)], "server_files_that_can_t_be_read": unreadable}

    async def _in_server(self, member_id: int, guild_id: int) -> dict[str, Any]:
        """Return a server's moderation records of a member. Returns an empty dictionary if there are none."""
        servers = self._store.servers
        cases = await servers.cases(guild_id)
        done = [case for case in cases if case.done]  # open cases are not shown to their owners and authors
        clips = [report.clip for case in done for report in case.reports if report.clip]
        found = {
            "blocks": _records(block for block in await servers.blocks(guild_id) if block.member_id == member_id),
            "decisions": _records(
                entry for entry in await servers.audit(guild_id) if member_id in (entry.member_id, entry.by)
            ),
            "cases_about_my_voices": [
                {"title": case.voice.title, "outcome": case.outcome, "at": case.decision.at}
                for case in done
                if case.voice.owner_id == member_id and case.decision
            ],
            "reports_by_me": [*filter(None, (_reports(case, member_id) for case in cases))],
            "reported_lines_of_mine": _records(clip for clip in clips if clip.author_id == member_id),
        }
        return {"server": str(guild_id), **found} if any(found.values()) else {}


def _reports(case: Case, member_id: int) -> dict[str, Any]:
    reports = _records(report for report in case.reports if report.reporter_id == member_id)
    return {"title": case.voice.title, "owner": case.voice.owner_name, "reports": reports} if reports else {}


def _records(records: Iterable[Any]) -> list[dict[str, Any]]:
    """Convert dataclasses to dictionaries without their interaction tokens."""
    return [{name: value for name, value in asdict(record).items() if name != "reply"} for record in records]
