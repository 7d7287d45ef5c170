"""All that is stored about a member, as they may have it: theirs, and what others' files say of them."""

from dataclasses import asdict
from typing import Any

from bot.errors import StoreError
from bot.moderation.models import Case
from bot.store.protocol import Store


async def everything_about(member_id: int, store: Store) -> dict[str, Any]:
    """Return all of it as JSON takes it; without tokens, and without who reported the member."""
    voices = await store.members.voices(member_id)
    jobs = await store.jobs.all()
    return {
        "member": str(member_id),
        "voices": [_told(voice) for voice in voices],
        "shares": [
            _told(row)
            for guild_id in {guild_id for voice in voices for guild_id in voice.shared_in}
            for row in await store.servers.shares(guild_id)
            if row.owner_id == member_id
        ],
        "spoken_with_my_voices": [
            _told(line) for voice in voices for line in await store.members.lines(member_id, voice.id)
        ],
        "spoken_by_me": [_told(line) for line in await store.members.lines_of(member_id)],
        "clones_under_way": [_told(job) for job in jobs if job.owner_id == member_id],
        "lines_under_way": [
            _told(speech) for speech in await store.speeches.all() if speech.author_id == member_id
        ],
        "approved_by_me": [_told(consent) for consent in await store.members.consents(member_id)],
        "asked_of_me": [
            {"title": job.title, "by": job.owner_name, "at": job.accepted_at}
            for job in jobs
            if job.speaker and job.speaker.id == member_id
        ],
        "news_for_me": [
            _told(notice) for notice in await store.pending.notices() if notice.user_id == member_id
        ],
        "deletions_owed_to_me": [
            _told(owed) for owed in await store.pending.owed() if owed.owner_id == member_id
        ],
        **await _in_servers(member_id, store),
    }


async def _in_servers(member_id: int, store: Store) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    unreadable = len(await store.servers.damaged())
    for guild_id in await store.servers.ids():
        try:
            found.append(await _decided(member_id, guild_id, store))
        except (StoreError, ValueError):
            unreadable += 1
    return {"decided_in_servers": [*filter(None, found)], "server_files_that_can_t_be_read": unreadable}


async def _decided(member_id: int, guild_id: int, store: Store) -> dict[str, Any]:
    """Return what a server's moderators have on record about a member; nothing if they have nothing."""
    cases = await store.servers.cases(guild_id)
    found = {
        "blocks": [
            _told(block) for block in await store.servers.blocks(guild_id) if block.member_id == member_id
        ],
        "decisions": [
            _told(entry)
            for entry in await store.servers.audit(guild_id)
            if member_id in (entry.member_id, entry.by)
        ],
        "cases_about_my_voices": [  # once they are decided: before, they are the moderators'
            {"title": case.voice.title, "outcome": case.outcome, "at": case.decision.at}
            for case in cases
            if case.voice.owner_id == member_id and case.done and case.decision
        ],
        "reports_by_me": [_reported(case, member_id) for case in cases if _reported(case, member_id)],
        "reported_lines_of_mine": [
            _told(report.clip)
            for case in cases
            for report in case.reports
            if case.done and report.clip and report.clip.author_id == member_id
        ],
    }
    return {"server": str(guild_id), **found} if any(found.values()) else {}


def _reported(case: Case, member_id: int) -> dict[str, Any]:
    mine = [_told(report) for report in case.reports if report.reporter_id == member_id]
    return {"title": case.voice.title, "owner": case.voice.owner_name, "reports": mine} if mine else {}


def _told(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the dataclasses that are stored
    told = asdict(record)
    told.pop("reply", None)
    return told
