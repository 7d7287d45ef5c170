"""The store keeps what it acknowledged, whatever happens to the process, the disk or the files."""

import asyncio
import gc
import json
import os
import random
import resource
import signal
import stat
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

import pytest
from pydantic_core import to_jsonable_python

from bot.audio.sample_info import SampleInfo
from bot.cloning.job import Stage
from bot.errors import FolderInUse, RecordDamaged, RecordUnreadable, RecordUnwritable
from bot.library.errors import BeingDeleted
from bot.moderation.models import Case, Decision, Report, ReportedClip, ReportedVoice, ReportReason
from bot.policy.models import DAY, AuditEntry, Block, CloneRecord, ModAction, Policy, UserRef
from bot.speaking.job import SpeechStage
from bot.store.protocol import Store
from bot.store.tiny import records
from bot.store.tiny.encoding import checksum, decode, encode
from bot.store.tiny.rows import Items
from bot.store.tiny.servers import TinyServers
from bot.store.tiny.storage import FOLDERS
from bot.store.tiny.store import open_store
from bot.voices.models import Clip, Consent, ConsentRequest, Language, Notice, PendingDeletion, Rights, Statement, Voice
from support import builders
from support.builders import SHARE, SPEECH

T = TypeVar("T")
E = TypeVar("E", bound=Exception)

VOICE = replace(
    builders.VOICE,
    title="Größe 声 🎙",
    description='Tab\tand "quotes"',
    language=Language.JAPANESE,
    account="a@example.org",
    duration=12.5,
)
JOB = replace(
    builders.JOB,
    id="0a1b2c3d",
    title="Größe 声 🎙",
    rights=Rights.PERMISSION,
    language=Language.CHINESE_TRADITIONAL,
    locale="zh-TW",
    stage=Stage.CHECKED,
    times={Stage.RECEIVED: 10.0, Stage.CHECKED: 11.5},
    sample_info=SampleInfo(12.5, "mp3", 44100, 1, 128000, -1.5, -20.25),
)
CLIP = Clip(id="l1", voice_id=VOICE.id, author_id=9, author_name="Grace", guild_id=5, text="Größe\n声", at=3.5)
SPEAKING = SPEECH.advance(SpeechStage.SENDING, 8.0).advance(SpeechStage.SPEAKING, 9.0, upstream_job="job:1")
BLOCK = Block(1, "Größe", 2, "spam", 3.0, 4.0)
REPORTED_CLIP = ReportedClip("Hi", 4, "linus", "https://discord.com")
REPORT = Report(2, "grace", ReportReason.HATE, 1.0, REPORTED_CLIP)
CASE = Case(1, ReportedVoice(7, 1, "ada", "Ada", "ab" * 32, cloned_here=True), (REPORT,))
VERDICT = Decision(ModAction.DISMISS, UserRef(3, "hedy"), 2.0)
CONSENT = Consent("1-a", 1, "ada", "Ada", Statement(2, "yes", 1, 3.0, 5, 6))
NOTICE = Notice("0a1b2c3d", 1, 5, "notice.revoked", {"title": "Ada", "until": 7}, 3.0)
DELETION = PendingDeletion(7, "a@example.org", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def store(folder: Path) -> AsyncGenerator[Store]:
    async with open_store(folder) as store:
        yield store


async def refused(error: type[E], *attempts: Awaitable[object]) -> list[E]:
    """Return the errors of attempts that must all fail in one way."""
    errors: list[E] = []
    for attempt in attempts:
        with pytest.raises(error) as raised:
            await attempt
        errors.append(raised.value)
    return errors


# What both stores do


class Kind(NamedTuple):
    """A kind of record: its part of the store, its methods there, its key, and two records of this key."""

    part: str
    methods: str
    key: tuple[Any, ...]
    record: Any
    changed: Any
    of: tuple[int, ...] = ()

    def calls(self, store: Store) -> list[Callable[..., Any]]:
        return [getattr(getattr(store, self.part), method) for method in self.methods.split()]


DELETIONS = "put_pending_deletion pending_deletions remove_pending_deletion"
KINDS = [
    Kind("members", "put voices remove", (1, VOICE.id), VOICE, replace(VOICE, title="Other", account=None)),
    Kind("members", "put_consent consents remove_consent", (2, "1-a"), CONSENT, replace(CONSENT, voice_id=7)),
    Kind("jobs", "put all remove", (JOB.id,), replace(JOB, stage=Stage.RECEIVED), JOB),
    Kind("speeches", "put all remove", ("late",), SPEECH, SPEAKING),
    Kind("servers", "put_share shares remove_share", (5, VOICE.id), SHARE, replace(SHARE, title="New"), (5,)),
    Kind("servers", "put_block blocks remove_block", (5, 1), BLOCK, replace(BLOCK, until=None), (5,)),
    Kind("servers", "put_case cases remove_case", (5, 1), CASE, replace(CASE, message=(8, 9)), (5,)),
    Kind("pending", "put_notice notices remove_notice", ("0a1b2c3d",), NOTICE, NOTICE),
    Kind("pending", DELETIONS, (7,), DELETION, replace(DELETION, owner_id=None)),
    Kind("pending", "put_pending_erasure pending_erasures remove_pending_erasure", (1,), 1, 1),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.methods)
async def test_record_is_kept_as_it_was_put_last_until_it_is_removed(store: Store, kind: Kind):
    put, read, remove = kind.calls(store)
    whose = kind.of or kind.key[:-1]
    for record in (kind.record, kind.changed, kind.changed):
        await put(*kind.of, record)
        assert await read(*whose) == (record,)
        assert not whose or await read(99) == (), "each member and each server has its own"
    for _ in range(2):
        await remove(*kind.key)
        assert await read(*whose) == ()
    await put(*kind.of, kind.record)
    assert await read(*whose) == (kind.record,)


async def test_members_have_their_own_voices_oldest_first(store: Store):
    late, early = replace(VOICE, id=7, created_at=2.0), replace(VOICE, id=8, created_at=1.0)
    for voice in (late, early, replace(VOICE, owner_id=9)):
        await store.members.put(voice)
    assert await store.members.voices(1) == (early, late)
    assert await store.members.voices(9) == (replace(VOICE, owner_id=9),)


async def test_jobs_and_speeches_are_read_oldest_first(store: Store):
    late, early, twin = replace(JOB, id="a", times={Stage.RECEIVED: 20.0}), replace(JOB, id="z"), replace(JOB, id="y")
    for job in (late, twin, early):
        await store.jobs.put(job)
    first = replace(SPEECH, id="early", times={SpeechStage.ACCEPTED: 1.0})
    for speech in (SPEAKING, first):
        await store.speeches.put(speech)
    assert await store.jobs.all() == (twin, early, late)
    assert await store.speeches.all() == (first, SPEAKING)


async def test_sample_is_removed_with_its_job(store: Store):
    await store.jobs.put_sample(JOB.id, b"mp3")
    await store.jobs.put(JOB)
    assert await store.jobs.sample(JOB.id) == b"mp3"
    await store.jobs.remove(JOB.id)
    await refused(FileNotFoundError, store.jobs.sample(JOB.id))


async def test_last_fifty_durations_of_clones_and_of_clips_are_kept_newest_last(store: Store):
    assert await store.pending.durations() == ()
    await store.pending.add_duration(20.0, "speech")
    for seconds in range(53):
        await store.pending.add_duration(seconds)
    assert await store.pending.durations() == tuple(range(3, 53))
    assert await store.pending.durations("speech") == (20.0,)


async def test_change_is_atomic_and_a_failed_one_has_no_effect(store: Store):
    await store.members.put(VOICE)

    def rename(voice: Voice) -> Voice:
        return replace(voice, title=voice.title + "!")

    def fail(voice: Voice) -> Voice:
        raise BeingDeleted(title=voice.title)

    await asyncio.gather(*(store.members.change(1, VOICE.id, rename) for _ in range(20)))
    await refused(BeingDeleted, store.members.change(1, VOICE.id, fail))
    assert await store.members.change(1, 7, rename) is None
    assert await store.members.change(2, VOICE.id, rename) is None
    assert (await store.members.voices(1))[0].title == VOICE.title + "!" * 20


async def test_clips_are_removed_with_their_voice(store: Store):
    other = replace(VOICE, id=7)
    for voice in (VOICE, other):
        await store.members.put(voice)
        await store.members.add_clip(1, replace(CLIP, id=str(voice.id), voice_id=voice.id))
    await store.members.remove(1, VOICE.id)
    assert await store.members.voices(1) == (replace(other, clip_count=1),)
    await store.members.add_clip(1, CLIP)
    assert await store.members.clips(1, VOICE.id) == (), "nor is a clip added to a voice that was removed"
    assert [clip.id for clip in await store.members.clips(1, 7)] == ["7"]


async def test_newest_fifty_clips_of_each_voice_are_kept_once_each(store: Store):
    for voice_id in (7, 8):
        await store.members.put(replace(VOICE, id=voice_id))
        for number in [*range(53), *range(50, 53)]:
            clip = replace(CLIP, id=f"{voice_id}-{number}", voice_id=voice_id, at=float(number))
            await store.members.add_clip(1, clip)
    for voice_id in (7, 8):
        kept = [clip.at for clip in await store.members.clips(1, voice_id)]
        assert kept == [float(number) for number in reversed(range(3, 53))]
    assert [voice.clip_count for voice in await store.members.voices(1)] == [53, 53], "a clip is counted once"


async def test_author_is_found_and_anonymized_in_all_files(store: Store):
    for owner_id in (1, 2, 3):
        await store.members.put(replace(VOICE, owner_id=owner_id))
        for author_id in (8, 9):
            clip = replace(CLIP, id=f"{owner_id}-{author_id}", author_id=author_id, at=float(owner_id))
            await store.members.add_clip(owner_id, clip)
    assert [clip.id for clip in await store.members.clips_by(9)] == ["3-9", "2-9", "1-9"]
    await store.members.anonymize(9)
    assert await store.members.clips_by(9) == ()
    assert len(await store.members.clips_by(8)) == 3
    (anonymous,) = [clip for clip in await store.members.clips(2, VOICE.id) if clip.id == "2-9"]
    assert (anonymous.author_id, anonymous.author_name, anonymous.text) == (None, "", CLIP.text)


async def test_forgotten_member_has_nothing(store: Store):
    await store.members.put(VOICE)
    for _ in range(2):
        await store.members.forget(1)
        assert (await store.members.voices(1), await store.members.voice_ids()) == ((), set())
    await store.members.put(VOICE)
    assert await store.members.voices(1) == (VOICE,)


async def test_each_server_has_its_own_rules_bans_and_shares(store: Store):
    servers, policy = store.servers, Policy(cloning=False, clone_roles=(7, 8), log_channel=9)
    await servers.put_policy(5, policy)
    for _ in range(2):
        await servers.ban_sample(5, "ab" * 32)
        await servers.ban_voice(5, 7)
    assert await servers.sharing() == ()
    for guild_id in (5, 6):
        await servers.put_share(guild_id, SHARE)
    await servers.remove_shares(6)
    assert (await servers.policy(5), await servers.policy(6)) == (policy, Policy())
    assert (await servers.banned_samples(5), await servers.banned_voices(5)) == ({"ab" * 32}, {7})
    assert await servers.banned_samples(6) == await servers.banned_voices(6) == frozenset()
    assert (await servers.shares(5), await servers.shares(6)) == ((SHARE,), ())
    assert 5 in await servers.sharing()


async def test_audit_is_read_newest_first_across_months(store: Store):
    for month in (9, 10, 11):
        for day in (1, 2):
            at = datetime.fromisoformat(f"2026-{month:02}-{day:02}T12:00:00+00:00").timestamp()
            await store.servers.add_entry(5, AuditEntry(at, 2, "Hedy", ModAction.BLOCK, "Ada", 1, "spam"))
    found = [entry.at for entry in await store.servers.audit(5)]
    assert found == sorted(found, reverse=True)
    assert len(found) == 6
    assert await store.servers.audit(55) == ()


@pytest.mark.parametrize(("part", "step"), [(TinyServers, "_append"), (Items, "keep")])
async def test_interrupted_change_has_its_audit_entry_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, part: type, step: str
):
    def fail(*_: object) -> None:
        raise RecordUnwritable(file="a record")

    entries = [AuditEntry(float(at), 2, "Hedy", ModAction.BLOCK, "Ada", 1, "spam") for at in (1, 2, 3)]
    async with open_store(folder) as store:
        with monkeypatch.context() as patch:
            patch.setattr(part, step, fail)
            await store.servers.put_block(5, BLOCK, entries[0])
        await store.servers.add_entry(5, entries[1])
        assert await store.servers.audit(5) == (entries[1], entries[0])
    async with open_store(folder) as store:
        assert await store.servers.blocks(5) == (BLOCK,)
        await store.servers.remove_block(5, 1, entries[2])
        assert await store.servers.audit(5) == (*reversed(entries),)
        assert json.loads((folder / "servers/5.json").read_bytes())["unaudited"]["1"] == {"entries": []}


async def test_clone_record_is_kept_while_its_voice_exists_or_it_counts_for_a_limit(store: Store):
    there, gone, late = CloneRecord(7, 1, 1.0), CloneRecord(8, 1, 2.0), CloneRecord(9, 1, 40 * DAY)
    await store.servers.add_clone_record(5, there, 1.0)
    await store.servers.add_clone_record(5, gone, 2.0)
    await store.servers.mark_deleted(5, 8)
    await store.servers.mark_deleted(5, 10)
    assert await store.servers.clone_records(5) == (there, replace(gone, deleted=True))
    await store.servers.add_clone_record(5, late, 40 * DAY)
    assert await store.servers.clone_records(5) == (there, late)
    await store.servers.anonymize(1)
    assert {one.owner_id for one in await store.servers.clone_records(5)} == {0}


async def test_case_names_an_erased_member_only_until_it_is_closed(store: Store):
    decided = Case(2, CASE.voice, (REPORT,), (4, 5), "", VERDICT, done=True)
    for case in (CASE, decided):
        await store.servers.put_case(5, case)
    assert {*await store.servers.cases(5)} == {CASE, decided}
    changed = await store.servers.change_case(5, 1, lambda case: replace(case, message=(8, 9)))
    assert changed == replace(CASE, message=(8, 9))
    assert await store.servers.change_case(5, 3, lambda case: case) is None
    await store.servers.anonymize(2)
    await store.servers.anonymize(4)
    anonymous = Report(0, "", ReportReason.HATE, 1.0, replace(REPORTED_CLIP, author_id=0, author_name=""))
    assert {case.id: case.reports for case in await store.servers.cases(5)} == {1: (REPORT,), 2: (anonymous,)}
    done = await store.servers.change_case(5, 1, lambda case: replace(case, decision=VERDICT).closed())
    assert done is not None
    assert done.reports == (anonymous,)
    await store.servers.anonymize(1)
    assert await store.servers.cases(5) == ()


async def test_consents_are_in_their_speaker_s_file_until_their_owner_is_erased(store: Store):
    other = replace(CONSENT, job_id="4-b", owner_id=4, owner_name="eve", title="Eve")
    for consent in (CONSENT, other):
        await store.members.put_consent(consent)
    assert await store.members.consents(2) == (CONSENT, other)
    sealed = await store.members.change_consent(2, "1-a", lambda consent: replace(consent, voice_id=7))
    assert sealed == replace(CONSENT, voice_id=7)
    assert await store.members.change_consent(2, "9-x", lambda consent: consent) is None
    await store.members.anonymize(4)
    assert await store.members.consents(2) == (replace(CONSENT, voice_id=7),)


async def test_requests_are_in_their_speaker_s_file_until_they_are_old_or_their_owner_is_erased(store: Store):
    old, declined, other = (ConsentRequest(f"{owner}-{at}", owner, 2, at) for owner, at in ((1, 10), (1, 20), (4, 21)))
    for request in (old, declined, other):
        await store.members.put_request(request, 5.0)
    assert await store.members.requests(2) == (old, declined, other)
    declined = replace(declined, at=30.0, declined=True)
    await store.members.put_request(declined, 15.0)
    assert await store.members.requests(2) == (other, declined)
    await store.members.remove_request(2, "9-x")
    await store.members.anonymize(1)
    assert await store.members.requests(2) == (other,)
    await store.members.remove_request(2, other.job_id)
    assert await store.members.requests(2) == ()


async def test_withdrawals_and_voices_of_each_server_are_found_in_members_files(store: Store):
    await store.members.put(VOICE)
    await store.members.put_consent(CONSENT)
    assert await store.members.speakers_with_revoked_consents() == []
    await store.members.put_consent(replace(CONSENT, job_id="1-b", revoked=True))
    assert await store.members.speakers_with_revoked_consents() == [2]
    assert await store.members.cloned_in() == {2: [VOICE]}


@pytest.mark.parametrize("job_id", ["../members/1", "a/b", "", ".", "a.mp3", "a\n"])
async def test_job_id_reaches_no_other_file(store: Store, job_id: str):
    jobs = store.jobs
    attempts = (
        jobs.put(replace(JOB, id=job_id)),
        jobs.put_sample(job_id, b""),
        jobs.sample(job_id),
        jobs.remove(job_id),
    )
    assert all("not a job's id" in str(error) for error in await refused(ValueError, *attempts))


# Files


async def put_one_of_each(store: Store) -> None:
    await store.members.put(VOICE)
    await store.jobs.put(JOB)
    await store.jobs.put_sample(JOB.id, b"mp3")
    await store.pending.add_duration(61.5)


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of a folder and all that is in it, by name."""
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


async def test_everything_is_there_after_a_restart_in_small_files_for_this_user_only(folder: Path):
    async with open_store(folder) as store:
        await put_one_of_each(store)
    folders = dict.fromkeys((".", *FOLDERS), 0o700)
    files = ("lock", "version.json", "pending.json", "members/1.json", "jobs/0a1b2c3d.json", "jobs/0a1b2c3d.mp3")
    assert modes(folder) == folders | dict.fromkeys(files, 0o600)
    assert json.loads((folder / "version.json").read_bytes()) == {"shape": 2}
    text = (folder / "members/1.json").read_text("utf-8")
    assert text.startswith('{"shape":2,"voices":{"12345678901234":{"id":12345678901234,"job_id":"0a1b2c3d",')
    assert "Größe 声 🎙" in text
    async with open_store(folder) as store:
        assert await store.members.voices(1) == (VOICE,)
        assert await store.jobs.all() == (JOB,)
        assert await store.jobs.sample(JOB.id) == b"mp3"
        assert await store.pending.durations() == (61.5,)


async def test_unknown_fields_are_kept_and_missing_ones_take_their_defaults(folder: Path):
    async with open_store(folder) as store:
        await store.members.put(VOICE)
    content = json.loads((folder / "members/1.json").read_bytes())
    record = content["voices"][str(VOICE.id)]
    del record["account"]
    record["mood"] = content["moods"] = {"1": {"name": "glad"}}
    del content["checksum"]
    (folder / "members/1.json").write_bytes(encode(content))
    async with open_store(folder) as store:
        assert await store.members.voices(1) == (replace(VOICE, account=None),)
        await store.members.put(VOICE)
        assert await store.members.voices(1) == (VOICE,)
    kept = json.loads((folder / "members/1.json").read_bytes())
    assert kept["moods"] == kept["voices"][str(VOICE.id)]["mood"] == {"1": {"name": "glad"}}


async def test_files_are_cached_and_the_least_recently_used_is_evicted(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "OPEN_FILES", 2)
    async with open_store(folder) as store:
        for owner_id in (1, 2, 3):
            await store.members.put(replace(VOICE, owner_id=owner_id))
        for owner_id in (1, 2, 3):
            (folder / f"members/{owner_id}.json").write_text("{}")
        assert [len(await store.members.voices(owner_id)) for owner_id in (3, 2, 1)] == [1, 1, 0]
        gc.collect()  # what was evicted, but is part of a cycle, can still be found before
        assert await store.members.voices(3) == ()


async def test_opening_removes_what_a_kill_left_and_nothing_else(folder: Path):
    async with open_store(folder) as store:
        await put_one_of_each(store)
        await store.jobs.put_sample("0rphan", b"mp3")
    before = modes(folder).keys() - {"jobs/0rphan.mp3"}
    for stray in ("pending.json.tmp", "members/1.json.tmp", "jobs/a.json.tmp", "jobs/a.mp3.tmp"):
        (folder / stray).write_bytes(b"{")
    (folder / "notes.tmp").touch()
    async with open_store(folder):
        assert modes(folder).keys() == before | {"notes.tmp"}


async def test_failed_removal_never_leaves_a_job_without_its_sample(store: Store, folder: Path):
    await put_one_of_each(store)
    (folder / f"jobs/{JOB.id}.json").unlink()
    (folder / f"jobs/{JOB.id}.json").mkdir()
    with pytest.raises(RecordUnwritable, match=JOB.id):
        await store.jobs.remove(JOB.id)
    assert await store.jobs.sample(JOB.id) == b"mp3"
    assert await store.jobs.all() == ()  # memory no longer holds the job: the disk is read


# One process


async def test_second_process_is_refused_until_the_first_has_closed(folder: Path):
    async with open_store(folder):
        await run_in_a_child("asyncio.run(be_refused(folder))", folder)
    await run_in_a_child("asyncio.run(be_let_in(folder))", folder)


async def be_refused(folder: Path) -> None:
    [refusal] = await refused(FolderInUse, be_let_in(folder))
    assert refusal.values == {"folder": str(folder)}


async def be_let_in(folder: Path) -> None:
    async with open_store(folder):
        pass


# Kills and full disks


async def test_acknowledged_records_survive_a_kill_at_any_instant(folder: Path):
    await run_in_a_child("survive_kills(folder)", folder)


def survive_kills(folder: Path) -> None:
    """Kill processes that record voices; each voice whose ID they have printed must be on disk."""
    acknowledged: set[str] = set()
    for _ in range(15):
        reading, writing = os.pipe()
        if (pid := os.fork()) == 0:
            asyncio.run(record_forever(folder, writing))
        os.close(writing)
        with open(reading, "rb", 0) as printed:  # noqa: PTH123 - a descriptor
            acknowledged.add(printed.readline().decode().strip())
            time.sleep(random.uniform(0, 0.02))  # noqa: S311 - an instant, not a secret
            os.kill(pid, signal.SIGKILL)
            acknowledged.update(printed.read().decode().split())
        os.waitpid(pid, 0)
        assert acknowledged <= json.loads((folder / "members/1.json").read_bytes())["voices"].keys()


async def record_forever(folder: Path, printed: int) -> None:
    async with open_store(folder) as store:
        number = max((voice.id for voice in await store.members.voices(1)), default=0)
        while True:
            number += 1
            await store.members.put(replace(VOICE, id=number, description="d" * 500))
            os.write(printed, f"{number}\n".encode())


async def test_full_disk_changes_nothing_and_writes_succeed_once_there_is_room(folder: Path):
    await run_in_a_child("asyncio.run(fill_the_disk(folder))", folder)


async def fill_the_disk(folder: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    other = replace(VOICE, id=2, description="d" * 500)
    async with open_store(folder) as store:
        await store.members.put(VOICE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, resource.RLIM_INFINITY))
        await refused(RecordUnwritable, store.members.put(other), store.jobs.put_sample("a", b"m" * 700))
        assert await store.members.voices(1) == (VOICE,)
        assert modes(folder).keys() == {".", "lock", "version.json", *FOLDERS, "members/1.json"}
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await store.members.put(other)
        assert len(await store.members.voices(1)) == 2


# Damaged files

DAMAGED = {
    "nothing": b"",
    "cut off": b'{"voices":{"1',
    "not UTF-8": b"\xff\xfe\xfd",
    "zeros": bytes(64),
    "a list": b"[]",
    "a text": b'"text"',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep inside": b'{"voices":{"1":' + b'{"a":' * 500 + b"1" + b"}" * 502,
    "a long number": b'{"voices":{"1":{"id":' + b"9" * 5_000 + b"}}}",
    "a long key": b'{"voices":{"' + b"9" * 5_000 + b'":{}}}',
    "NaN": b'{"voices":{},"x":{"1":{"at":NaN}}}',
    "Infinity": b'{"voices":{},"x":{"1":{"at":-Infinity}}}',
    "infinite": b'{"clips":{"1":{"clips":[],"x":1e999}}}',
    "half a character": b'{"clips":{"1":{"clips":[],"x":"\\ud800"}}}',
    "NUL": b'{"clips":{"1":{"clips":[],"x":"\\u0000"}}}',
    "a row without fields": b'{"voices":{"1":{"id":1}}}',
    "a list as a table": b'{"voices":[]}',
    "a word as a key": b'{"voices":{"x":{"id":1}}}',
    "a list twice": b'{"clips":{"1":{"clips":[]},"2":{"clips":[]}}}',
    "another table": b'{"shares":{}}',
    "an unknown table": b'{"vokces":{}}',
    "no number as its shape": b'{"shape":true}',
    "no checksum": b'{"shape":2,"voices":{}}',
    "a wrong checksum": b'{"shape":2,"voices":{},"checksum":"' + b"0" * 64 + b'"}',
    "a checksum that is no text": b'{"shape":2,"voices":{},"checksum":[]}',
    "another member's voice": json.dumps(
        {"voices": {str(VOICE.id): to_jsonable_python(replace(VOICE, owner_id=7))}}
    ).encode(),
    "another key": json.dumps({"voices": {"7": to_jsonable_python(VOICE)}}).encode(),
    "a time that is none": json.dumps(
        {"voices": {str(VOICE.id): to_jsonable_python(replace(VOICE, created_at=1e300))}}
    ).encode(),
}
"""Contents of a member's file that the program can't have written."""


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
async def test_damaged_file_is_quarantined_and_refused_until_it_is_restored(
    folder: Path, caplog: pytest.LogCaptureFixture, content: bytes
):
    async with open_store(folder) as store:
        await store.members.put(VOICE)
    file, aside = folder / "members/1.json", folder / "members/1.json.damaged"
    good = file.read_bytes()
    file.write_bytes(content)
    for _ in range(2):
        async with open_store(folder) as store:
            members = store.members
            for damage in await refused(RecordDamaged, members.voices(1), members.put(VOICE), members.voices(1)):
                assert damage.values == {"file": "members/1.json", "aside": "members/1.json.damaged"}
            await store.members.put(replace(VOICE, owner_id=2))
            assert not file.exists()
            assert aside.read_bytes() == content
            file.write_bytes(good)
            assert await store.members.voices(1) == (VOICE,)
        file.unlink()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_file_begins_empty_if_the_operator_removed_the_damaged_one(store: Store, folder: Path):
    (folder / "pending.json").write_bytes(b"{")
    await refused(RecordDamaged, store.pending.add_duration(1))
    (folder / "pending.json.damaged").unlink()
    await store.pending.add_duration(2)
    assert await store.pending.durations() == (2,)


async def test_quarantine_overwrites_nothing(store: Store, folder: Path):
    for number in range(11):
        (folder / "members/1.json").write_bytes(b"{" * (number + 1))
        await refused(RecordDamaged, store.members.voices(1))
    sizes = {path.name: path.stat().st_size for path in (folder / "members").iterdir()}
    assert sizes == {"1.json": 11, "1.json.damaged": 1} | {f"1.json.damaged.{size}": size for size in range(2, 10)}


async def test_damaged_job_affects_no_other_job(folder: Path, caplog: pytest.LogCaptureFixture):
    async with open_store(folder) as store:
        for job_id in ("a", "b", "c", "d"):
            await store.jobs.put(replace(JOB, id=job_id))
            await store.jobs.put_sample(job_id, b"mp3")
    (folder / "jobs/a.json").write_bytes(b"{")
    (folder / "jobs/b.json").write_text(json.dumps({"job": {"1": {"title": "Secret"}}}))
    (folder / "jobs/c.json").write_text(json.dumps({"job": ["Secret"]}))
    for _ in range(2):
        async with open_store(folder) as store:
            assert [job.id for job in await store.jobs.all()] == ["d"]
            assert await store.jobs.sample("a") == b"mp3"
            await refused(RecordDamaged, store.jobs.remove("a"))
    assert (folder / "jobs/a.json.damaged").read_bytes() == b"{"
    assert caplog.text.count("jobs/a.json.damaged") == 1
    for name in ("jobs/b.json", "jobs/c.json"):
        assert caplog.text.count(f"store.damaged file='{name}'") == 1
    assert "Secret" not in caplog.text


async def test_damaged_file_hides_nothing_of_others_but_their_erasure_waits(folder: Path):
    async with open_store(folder) as store:
        await store.members.put(replace(VOICE, id=2, owner_id=2))
        (folder / "members/1.json").write_text('{"voices":{"1":{"id":1}}}')
        for _ in range(2):
            assert await store.members.voice_ids() == {2}
            assert await store.members.cloned_in() == {2: [replace(VOICE, id=2, owner_id=2)]}
            await refused(RecordDamaged, store.members.forget(1), store.members.anonymize(2))


async def test_flipped_bit_inside_a_text_is_found(folder: Path):
    async with open_store(folder) as store:
        await store.members.put(replace(VOICE, title="Ada"))
    file = folder / "members/1.json"
    file.write_bytes(file.read_bytes().replace(b'"Ada"', b'"Ade"'))
    async with open_store(folder) as store:
        await refused(RecordDamaged, store.members.voices(1))


def test_checksum_is_that_of_the_canonical_form():
    record = {"shape": 2, "voices": {"7": {"title": "Größe", "at": 3.0, "levels": [-0.0, 1e16, 0.5], "used": None}}}
    canonical = '{"shape":2,"voices":{"7":{"at":3,"levels":[0,10000000000000000,0.5],"title":"Größe","used":null}}}'
    assert checksum(record) == sha256(canonical.encode()).hexdigest()
    content, checked = decode(encode(record))
    assert (content, checked) == (record, True)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e300])
async def test_no_number_that_is_not_finite_is_written(store: Store, folder: Path, number: float):
    await store.members.put(VOICE)
    before = (folder / "members/1.json").read_bytes()
    await refused(RecordUnwritable, store.members.put(replace(VOICE, duration=number)))
    assert (folder / "members/1.json").read_bytes() == before
    assert await store.members.voices(1) == (VOICE,)


async def test_text_that_no_store_can_hold_costs_no_voice(folder: Path):
    async with open_store(folder) as store:
        await store.members.put(replace(VOICE, title="A\ud800d\0a", cover_url="\udfff"))
    async with open_store(folder) as store:
        assert await store.members.voices(1) == (replace(VOICE, title="A\ufffdd\ufffda", cover_url="\ufffd"),)


FOREIGN = [
    *("._1.json", ".DS_Store", "1 (1).json", "1 copy.json", "1.json~"),
    *(".1.json.swp", "1.json.bak", "#1.json#", "x (1).mp3"),
]


@pytest.mark.parametrize("name", FOREIGN)
async def test_foreign_file_is_no_record_and_stays(folder: Path, caplog: pytest.LogCaptureFixture, name: str):
    async with open_store(folder) as store:
        await put_one_of_each(store)
    for kind in (".", *FOLDERS):
        (folder / kind / name).write_bytes(b"\0\5\x16\7")
        (folder / kind / f"{name}.damaged").touch()
        (folder / kind / "a folder.json").mkdir(exist_ok=True)
        (folder / kind / "a folder.json.tmp").mkdir(exist_ok=True)
    (folder / "members/7.json.tmp").mkdir()
    before = modes(folder).keys()
    async with open_store(folder) as store:
        assert await store.jobs.all() == (JOB,)
        assert await store.speeches.all() == ()
        assert await store.members.voice_ids() == {VOICE.id}
        assert await store.servers.ids() == await store.servers.sharing() == await store.servers.audit(1) == ()
        await store.members.anonymize(9)
        await store.servers.anonymize(9)
        await store.jobs.check(1)
    assert modes(folder).keys() == before
    assert not caplog.records


@pytest.mark.parametrize("place", ["a folder", "a loop", "no permission", "an I/O error"])
async def test_file_that_cannot_be_read_is_not_moved_and_is_reported_once(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, place: str
):
    async with open_store(folder) as store:
        file = folder / "members/1.json"
        match place:
            case "a folder":
                file.mkdir()
            case "a loop":
                file.symlink_to(file)
            case _:
                await store.members.put(VOICE)
                failure = PermissionError(13, place) if place == "no permission" else OSError(5, place)
                read = Path.read_bytes

                def fail(path: Path) -> bytes:
                    return raising(failure) if path == file else read(path)

                monkeypatch.setattr(Path, "read_bytes", fail)
    async with open_store(folder) as store:
        members = store.members
        attempts = (members.voices(1), members.put(VOICE), members.forget(1), members.anonymize(2), members.voices(1))
        for error in await refused(RecordUnreadable, *attempts):
            assert (error.key, error.values) == ("store.unreadable", {"file": "members/1.json"})
        assert await members.voice_ids() == set()
        await members.put(replace(VOICE, owner_id=2))
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert {path.name for path in (folder / "members").iterdir()} == {"1.json", "2.json"}


def raising(error: Exception) -> NoReturn:
    raise error


# Slow disks: reading a named pipe stops a thread of the store until the test feeds it


async def test_slow_file_blocks_neither_the_loop_nor_other_files(store: Store, folder: Path):
    async with stalled(store.members.voices(1), folder / "members/1.json") as slow:
        await store.members.put(replace(VOICE, owner_id=2))
        assert not slow.done()
    assert await slow == ()


async def test_canceled_write_ends_before_the_next_one_to_its_file_begins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(records, "OPEN_FILES", 1)
    async with open_store(folder) as store:
        async with stalled(store.members.put(VOICE), folder / "members/1.json") as first:
            await cancel(first)
            second = asyncio.create_task(store.members.put(replace(VOICE, id=2)))
            await store.members.voices(2)  # another file, so that the first is evicted
            third = asyncio.create_task(store.members.put(replace(VOICE, id=3)))
            await store.members.voices(2)
        await asyncio.gather(second, third)
        assert {voice.id for voice in await store.members.voices(1)} == {VOICE.id, 2, 3}
    async with open_store(folder) as store:
        assert {voice.id for voice in await store.members.voices(1)} == {VOICE.id, 2, 3}


async def test_folder_is_locked_until_a_canceled_write_has_ended(folder: Path):
    opened = open_store(folder)
    store = await opened.__aenter__()
    async with stalled(store.members.put(VOICE), folder / "members/1.json") as write:
        await cancel(write)
        closing = asyncio.create_task(opened.__aexit__(None, None, None))
        await asyncio.sleep(0)
        await refused(FolderInUse, be_let_in(folder))
    await closing
    async with open_store(folder) as store:
        assert await store.members.voices(1) == (VOICE,)


@asynccontextmanager
async def stalled(work: Coroutine[Any, Any, T], file: Path) -> AsyncGenerator[asyncio.Task[T]]:
    """Begin `work`, and let it hang on reading `file`, an empty record, until the block ends."""
    os.mkfifo(file)
    task = asyncio.create_task(work)
    async with asyncio.timeout(5):
        while (pipe := open_to_write(file)) is None:  # noqa: ASYNC110 - the reader is a thread, it sets no event
            await asyncio.sleep(0.001)
    try:
        yield task
    finally:
        os.write(pipe, b"{}")
        os.close(pipe)


def open_to_write(pipe: Path) -> int | None:
    """Open a pipe if it is being read."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# Children: functions of this file in a process of its own


async def run_in_a_child(statement: str, folder: Path) -> None:
    script = f"from test_store import *; folder = Path(sys.argv[1]); {statement}"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script, folder, cwd=Path(__file__).parent)
    assert await child.wait() == 0
