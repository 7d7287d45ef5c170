"""The store remembers what it acknowledged, whatever happens to the process, the disk or the files."""

import asyncio
import errno
import json
import os
import random
import resource
import signal
import stat
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.audio.sample_info import SampleInfo
from bot.cloning.job import CloneJob
from bot.cloning.stage import Stage
from bot.errors import FolderInUse, RecordDamaged
from bot.jobs.record import InteractionReply
from bot.library.errors import BeingDeleted
from bot.library.models import SharedVoice
from bot.moderation.models import Case, Decision, Report, ReportedClip, ReportedVoice, ReportReason
from bot.policy.models import DAY, AuditEntry, Block, CloneRecord, ModAction, Policy, UserRef
from bot.speaking.job import SpeechJob, SpeechStage
from bot.store.protocol import Store
from bot.store.tiny import records
from bot.store.tiny.storage import FOLDERS
from bot.store.tiny.store import open_store
from bot.voices.models import Clip, Consent, Language, Notice, PendingDeletion, Rights, Statement, Voice

T = TypeVar("T")

VOICE = Voice(
    id=12345678901234,
    job_id="0a1b2c3d",
    owner_id=1,
    guild_id=2,
    title="Größe 声 🎙",
    description='Tab\tand "quotes"',
    language=Language.JAPANESE,
    rights=Rights.OWN,
    sample_sha256="ab" * 32,
    created_at=1755483687.25,
    account="a@example.org",
    duration=12.5,
)
VERDICT = Decision(ModAction.DISMISS, UserRef(3, "hedy"), 2.0)
JOB = CloneJob(
    id="0a1b2c3d",
    owner_name="Ada",
    owner_id=1,
    guild_id=2,
    channel_id=3,
    title="Größe 声 🎙",
    description="A voice",
    rights=Rights.PERMISSION,
    language=Language.CHINESE_TRADITIONAL,
    locale="zh-TW",
    sample_url="https://cdn.example.org/a.mp3",
    stage=Stage.CHECKED,
    times={Stage.RECEIVED: 10.0, Stage.CHECKED: 11.5},
    sample_info=SampleInfo(12.5, "mp3", 44100, 1, 128000, -1.5, float("-inf")),
)

LINE = Clip(
    id="l1", voice_id=VOICE.id, author_id=9, author_name="Grace", guild_id=5, text="Größe\n声", at=3.5
)
SHARE = SharedVoice(VOICE.id, 1, "Ada", "Größe 声 🎙", Language.JAPANESE, 3.5)
SPEECH = SpeechJob(
    id="late",
    author_id=9,
    author_name="Grace",
    guild_id=5,
    channel_id=6,
    voice_id=VOICE.id,
    owner_id=1,
    account=None,
    title="Größe 声 🎙",
    text="Hello",
    locale="en-US",
    times={SpeechStage.ACCEPTED: 5.0},
    reply=InteractionReply("token", 4, 5.0, 100),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(params=["memory", "disk"])
async def store(request: pytest.FixtureRequest, folder: Path) -> AsyncGenerator[Store]:
    async with open_store(folder if request.param == "disk" else None) as store:
        yield store


# What any store does


async def test_members_have_their_own_voices_oldest_first(store: Store):
    late, early = replace(VOICE, id=7, created_at=2.0), replace(VOICE, id=8, created_at=1.0)
    for voice in (late, early, replace(VOICE, owner_id=9)):
        await store.members.put(voice)
    assert await store.members.voices(1) == (early, late)
    assert await store.members.voices(9) == (replace(VOICE, owner_id=9),)
    assert await store.members.voices(5) == ()


async def test_a_voice_takes_the_place_of_one_with_its_id(store: Store):
    renamed = replace(VOICE, title="Other", account=None)
    await store.members.put(VOICE)
    await store.members.put(renamed)
    assert await store.members.voices(1) == (renamed,)


async def test_jobs_come_oldest_first_as_they_were_put_last(store: Store):
    late, early = replace(JOB, id="a", times={Stage.RECEIVED: 20.0}), replace(JOB, id="z")
    twin = replace(JOB, id="y")
    for job in (late, replace(early, stage=Stage.RECEIVED), twin, early):
        await store.jobs.put(job)
    assert await store.jobs.all() == (twin, early, late)


async def test_a_dropped_job_is_gone_with_its_sample(store: Store):
    await store.jobs.put_sample(JOB.id, b"mp3")
    await store.jobs.put(JOB)
    assert await store.jobs.sample(JOB.id) == b"mp3"
    await store.jobs.drop(JOB.id)
    await store.jobs.drop(JOB.id)
    assert await store.jobs.all() == ()
    with pytest.raises(FileNotFoundError):
        await store.jobs.sample(JOB.id)


async def test_a_job_can_be_put_again_after_it_was_dropped(store: Store):
    await store.jobs.put(JOB)
    await store.jobs.drop(JOB.id)
    await store.jobs.put(JOB)
    assert await store.jobs.all() == (JOB,)


async def test_the_last_fifty_durations_are_remembered_newest_last(store: Store):
    assert await store.pending.durations() == ()
    for seconds in range(53):
        await store.pending.add_duration(seconds)
    assert await store.pending.durations() == tuple(range(3, 53))


async def test_a_change_is_one_step_and_one_that_fails_is_none(store: Store):
    await store.members.put(VOICE)

    def rename(voice: Voice) -> Voice:
        return replace(voice, title=voice.title + "!")

    await asyncio.gather(*(store.members.change(1, VOICE.id, rename) for _ in range(20)))
    assert (await store.members.voices(1))[0].title == VOICE.title + "!" * 20

    def fail(voice: Voice) -> Voice:
        raise BeingDeleted(title=voice.title)

    with pytest.raises(BeingDeleted):
        await store.members.change(1, VOICE.id, fail)
    assert await store.members.change(1, 7, rename) is None
    assert await store.members.change(2, VOICE.id, rename) is None
    assert (await store.members.voices(1))[0].title == VOICE.title + "!" * 20


async def test_a_voice_goes_with_what_was_spoken_with_it(store: Store):
    other = replace(VOICE, id=7)
    for voice in (VOICE, other):
        await store.members.put(voice)
        await store.members.add_line(1, replace(LINE, id=str(voice.id), voice_id=voice.id))
    await store.members.drop(1, VOICE.id)
    await store.members.drop(1, VOICE.id)
    assert await store.members.voices(1) == (other,)
    assert await store.members.lines(1, VOICE.id) == ()
    assert [line.id for line in await store.members.lines(1, 7)] == ["7"]


async def test_the_newest_fifty_lines_of_each_voice_are_remembered_once_each(store: Store):
    for voice_id in (7, 8):
        await store.members.put(replace(VOICE, id=voice_id))
        for number in range(53):
            line = replace(LINE, id=f"{voice_id}-{number}", voice_id=voice_id, at=float(number))
            await store.members.add_line(1, line)
            await store.members.add_line(1, line)
    for voice_id in (7, 8):
        kept = [line.at for line in await store.members.lines(1, voice_id)]
        assert kept == [float(number) for number in reversed(range(3, 53))]


async def test_a_line_of_a_voice_that_is_gone_is_not_kept(store: Store):
    await store.members.add_line(1, LINE)
    assert await store.members.lines(1, LINE.voice_id) == ()


async def test_a_speaker_is_found_and_made_nobody_in_all_files(store: Store):
    for owner_id in (1, 2, 3):
        await store.members.put(replace(VOICE, owner_id=owner_id))
        for speaker_id in (8, 9):
            line = replace(LINE, id=f"{owner_id}-{speaker_id}", author_id=speaker_id, at=float(owner_id))
            await store.members.add_line(owner_id, line)
    assert [line.id for line in await store.members.lines_of(9)] == ["3-9", "2-9", "1-9"]
    await store.members.anonymise(9)
    assert await store.members.lines_of(9) == ()
    assert len(await store.members.lines_of(8)) == 3
    (nobody,) = [line for line in await store.members.lines(2, VOICE.id) if line.id == "2-9"]
    assert (nobody.author_id, nobody.author_name, nobody.text) == (None, "", LINE.text)


async def test_a_forgotten_member_has_nothing(store: Store):
    await store.members.put(VOICE)
    await store.members.forget(1)
    await store.members.forget(1)
    assert await store.members.voices(1) == ()
    assert await store.members.voice_ids() == set()
    await store.members.put(VOICE)
    assert await store.members.voices(1) == (VOICE,)


async def test_shares_are_a_server_s(store: Store):
    for guild_id in (5, 6):
        await store.servers.put_share(guild_id, SHARE)
        await store.servers.put_share(guild_id, replace(SHARE, title="New"))
    assert await store.servers.shares(5) == (replace(SHARE, title="New"),)
    await store.servers.drop_share(5, SHARE.voice_id)
    await store.servers.drop_share(5, SHARE.voice_id)
    assert await store.servers.shares(5) == ()
    assert len(await store.servers.shares(6)) == 1
    await store.servers.drop_shares(6)
    assert await store.servers.shares(6) == ()


async def test_servers_that_share_are_known(store: Store):
    await store.servers.put_share(5, SHARE)
    await store.servers.put_share(6, SHARE)
    await store.servers.drop_shares(6)
    assert 5 in await store.servers.sharing()


async def test_rules_blocks_and_decisions_are_a_server_s(store: Store):
    assert await store.servers.policy(5) == Policy()
    policy = Policy(cloning=False, clone_roles=(7, 8), log_channel=9)
    block = Block(1, "Größe", 2, "spam", 3.0, 4.0)
    await store.servers.put_policy(5, policy)
    await store.servers.put_block(5, block)
    await store.servers.put_block(5, replace(block, until=None))
    assert await store.servers.policy(5) == policy
    assert await store.servers.policy(6) == Policy()
    assert await store.servers.blocks(5) == (replace(block, until=None),)
    await store.servers.drop_block(5, 1)
    await store.servers.drop_block(5, 1)
    assert await store.servers.blocks(5) == ()
    assert await store.servers.policy(5) == policy
    assert await store.servers.sharing() == ()


async def test_decisions_come_newest_first_over_months(store: Store):
    months = [f"2026-{month:02}" for month in (9, 10, 11)]
    for month in months:
        for day in (1, 2):
            at = datetime.fromisoformat(f"{month}-{day:02}T12:00:00+00:00").timestamp()
            await store.servers.add_entry(5, AuditEntry(at, 2, "Hedy", ModAction.BLOCK, "Ada", 1, "spam"))
    found = [entry.at for entry in await store.servers.audit(5)]
    assert found == sorted(found, reverse=True)
    assert len(found) == 6
    assert await store.servers.audit(55) == ()


async def test_what_was_cloned_is_remembered_as_long_as_it_is_there_or_counts(store: Store):
    there, gone, late = CloneRecord(7, 1, 1.0), CloneRecord(8, 1, 2.0), CloneRecord(9, 1, 40 * DAY)
    await store.servers.add_cloned(5, there, 1.0)
    await store.servers.add_cloned(5, gone, 2.0)
    await store.servers.lose_cloned(5, 8)
    await store.servers.lose_cloned(5, 10)
    assert await store.servers.cloned(5) == (there, replace(gone, deleted=True))
    await store.servers.add_cloned(5, late, 40 * DAY)
    assert await store.servers.cloned(5) == (there, late)
    await store.servers.anonymise(1)
    assert {one.owner_id for one in await store.servers.cloned(5)} == {0}


async def test_a_case_names_who_was_forgotten_only_until_it_is_done(store: Store):
    target = ReportedVoice(7, 1, "ada", "Ada", "ab" * 32, cloned_here=True)
    line = ReportedClip("Hi", 4, "linus", "https://discord.com")
    report = Report(2, "grace", ReportReason.HATE, 1.0, line)
    waits, decided = Case(1, target, (report,)), Case(2, target, (report,), (4, 5), "", VERDICT, done=True)
    await store.servers.put_case(5, waits)
    await store.servers.put_case(5, decided)
    assert {*await store.servers.cases(5)} == {waits, decided}
    changed = await store.servers.change_case(5, 1, lambda case: replace(case, message=(8, 9)))
    assert changed == replace(waits, message=(8, 9))
    assert await store.servers.change_case(5, 3, lambda case: case) is None
    await store.servers.anonymise(2)
    await store.servers.anonymise(4)
    anonymous = Report(0, "", ReportReason.HATE, 1.0, replace(line, author_id=0, author_name=""))
    assert {case.id: case.reports for case in await store.servers.cases(5)} == {1: (report,), 2: (anonymous,)}
    done = await store.servers.change_case(5, 1, lambda case: replace(case, decision=VERDICT).closed())
    assert done is not None
    assert done.reports == (anonymous,)
    await store.servers.anonymise(1)
    assert await store.servers.cases(5) == ()
    await store.servers.put_case(5, waits)
    await store.servers.drop_case(5, 1)
    await store.servers.drop_case(5, 1)
    assert await store.servers.cases(5) == ()


async def test_members_files_tell_what_was_cloned_where_and_what_was_taken_back(store: Store):
    await store.members.put(VOICE)
    statement = Statement(2, "yes", 1, 3.0, 5, 6)
    await store.members.put_consent(Consent("1-a", 1, "ada", "Ada", statement))
    assert await store.members.revoking() == []
    await store.members.put_consent(Consent("1-b", 1, "ada", "Eve", statement, revoked=True))
    assert await store.members.revoking() == [2]
    assert await store.members.cloned_in() == {2: [CloneRecord.from_voice(VOICE, VOICE.created_at)]}


async def test_what_is_banned_and_barred_stays_so_and_is_a_server_s_own(store: Store):
    for _ in range(2):
        await store.servers.ban_sample(5, "ab" * 32)
        await store.servers.bar_voice(5, 7)
    assert await store.servers.banned_samples(5) == {"ab" * 32}
    assert await store.servers.barred_voices(5) == {7}
    assert await store.servers.banned_samples(6) == await store.servers.barred_voices(6) == frozenset()


async def test_consents_stand_in_their_speakers_files(store: Store):
    statement = Statement(2, "yes", 1, 3.0, 5, 6)
    one, other = Consent("1-a", 1, "ada", "Ada", statement), Consent("4-b", 4, "eve", "Eve", statement)
    await store.members.put_consent(one)
    await store.members.put_consent(other)
    await store.members.put_consent(other)
    assert await store.members.consents(2) == (one, other)
    sealed = await store.members.change_consent(2, "1-a", lambda consent: replace(consent, voice_id=7))
    assert sealed == replace(one, voice_id=7)
    assert await store.members.change_consent(2, "9-x", lambda consent: consent) is None
    await store.members.anonymise(4)
    assert await store.members.consents(2) == (replace(one, voice_id=7),)
    await store.members.drop_consent(2, "1-a")
    await store.members.drop_consent(2, "1-a")
    assert await store.members.consents(2) == ()


async def test_news_is_kept_until_it_is_dropped(store: Store):
    notice = Notice("0a1b2c3d", 1, 5, "notice.revoked", {"title": "Ada", "until": 7}, 3.0)
    await store.pending.put_notice(notice)
    assert await store.pending.notices() == (notice,)
    await store.pending.drop_notice(notice.id)
    await store.pending.drop_notice(notice.id)
    assert await store.pending.notices() == ()


async def test_speeches_come_oldest_first_until_they_are_dropped(store: Store):
    late = SPEECH.advanced(SpeechStage.SPEAKING, 9.0, upstream_job="job:1")
    early = replace(SPEECH, id="early", times={SpeechStage.ACCEPTED: 1.0})
    for speech in (SPEECH, late, early):
        await store.speeches.put(speech)
    assert await store.speeches.all() == (early, late)
    assert await store.jobs.all() == ()
    await store.speeches.drop(late.id)
    await store.speeches.drop(late.id)
    assert await store.speeches.all() == (early,)


async def test_what_is_owed_stays_until_it_is_dropped(store: Store):
    owed = PendingDeletion(7, "a@example.org", 1)
    await store.pending.put_owed(owed)
    await store.pending.put_owed(replace(owed, owner_id=None))
    assert await store.pending.owed() == (replace(owed, owner_id=None),)
    await store.pending.drop_owed(7)
    await store.pending.drop_owed(7)
    assert await store.pending.owed() == ()


async def test_who_is_leaving_is_known_until_they_have_left(store: Store):
    await store.pending.put_leaving(1)
    await store.pending.put_leaving(1)
    assert await store.pending.leaving() == (1,)
    await store.pending.drop_leaving(1)
    assert await store.pending.leaving() == ()


async def test_clones_and_lines_have_durations_of_their_own(store: Store):
    await store.pending.add_duration(70.0)
    await store.pending.add_duration(20.0, "speech")
    assert await store.pending.durations() == (70.0,)
    assert await store.pending.durations("speech") == (20.0,)


async def test_writes_at_the_same_time_lose_nothing(store: Store):
    voices = tuple(replace(VOICE, id=number) for number in range(1, 30))
    await asyncio.gather(*map(store.members.put, voices))
    assert await store.members.voices(1) == voices


@pytest.mark.parametrize("job_id", ["../members/1", "a/b", "", ".", "a.mp3", "a\n"])
async def test_no_other_file_can_be_reached_through_a_job_id(store: Store, job_id: str):
    for attempt in (
        store.jobs.put(replace(JOB, id=job_id)),
        store.jobs.put_sample(job_id, b""),
        store.jobs.sample(job_id),
        store.jobs.drop(job_id),
    ):
        with pytest.raises(ValueError, match="not a job's id"):
            await attempt


# What lies on disk


async def test_everything_is_there_again_after_a_restart(folder: Path):
    async with open_store(folder) as store:
        await store.members.put(VOICE)
        await store.jobs.put(JOB)
        await store.jobs.put_sample(JOB.id, b"mp3")
        await store.pending.add_duration(61.5)
    async with open_store(folder) as store:
        assert await store.members.voices(1) == (VOICE,)
        assert await store.jobs.all() == (JOB,)
        assert await store.jobs.sample(JOB.id) == b"mp3"
        assert await store.pending.durations() == (61.5,)


async def test_files_are_small_compact_and_for_this_user_only(folder: Path):
    async with open_store(folder) as store:
        await store.members.put(VOICE)
        await store.jobs.put(JOB)
        await store.jobs.put_sample(JOB.id, b"mp3")
        await store.pending.add_duration(61.5)
    assert modes(folder) == {
        ".": 0o700,
        "lock": 0o600,
        "pending.json": 0o600,
        "members": 0o700,
        "members/1.json": 0o600,
        "jobs": 0o700,
        "jobs/0a1b2c3d.json": 0o600,
        "jobs/0a1b2c3d.mp3": 0o600,
        "servers": 0o700,
        "speeches": 0o700,
    }
    text = (folder / "members/1.json").read_text("utf-8")
    assert text.startswith('{"voices":{"12345678901234":{"id":12345678901234,"job_id":"0a1b2c3d",')
    assert "Größe 声 🎙" in text


async def test_fields_of_a_newer_version_are_kept_and_missing_ones_take_their_defaults(folder: Path):
    async with open_store(folder) as store:
        await store.members.put(VOICE)
    content = json.loads((folder / "members/1.json").read_bytes())
    record = content["voices"][str(VOICE.id)]
    del record["account"]
    record["mood"] = content["moods"] = {"1": {"name": "glad"}}
    (folder / "members/1.json").write_text(json.dumps(content))
    async with open_store(folder) as store:
        assert await store.members.voices(1) == (replace(VOICE, account=None),)
        await store.members.put(VOICE)
        assert await store.members.voices(1) == (VOICE,)
    kept = json.loads((folder / "members/1.json").read_bytes())
    assert kept["moods"] == kept["voices"][str(VOICE.id)]["mood"] == {"1": {"name": "glad"}}


async def test_files_are_read_once_and_the_least_recently_used_forgotten(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(records, "OPEN_FILES", 2)
    async with open_store(folder) as store:
        for owner_id in (1, 2, 3):
            await store.members.put(replace(VOICE, owner_id=owner_id))
        for owner_id in (1, 2, 3):
            (folder / f"members/{owner_id}.json").write_text("{}")
        assert len(await store.members.voices(3)) == 1
        assert len(await store.members.voices(2)) == 1
        assert len(await store.members.voices(1)) == 0
        assert len(await store.members.voices(3)) == 0


async def test_opening_sweeps_what_a_kill_left_and_nothing_else(folder: Path):
    async with open_store(folder) as store:
        await store.jobs.put(JOB)
        await store.jobs.put_sample(JOB.id, b"mp3")
        await store.jobs.put_sample("0rphan", b"mp3")
    before = modes(folder).keys() - {"jobs/0rphan.mp3"}
    for stray in ("pending.json.tmp", "members/1.json.tmp", "jobs/a.json.tmp", "jobs/a.mp3.tmp"):
        (folder / stray).write_bytes(b"{")
    (folder / "notes.tmp").touch()
    async with open_store(folder):
        assert modes(folder).keys() == before | {"notes.tmp"}


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of a folder and all that is in it, by name."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }


async def test_a_drop_that_fails_half_way_never_leaves_a_job_without_its_sample(folder: Path):
    async with open_store(folder) as store:
        await store.jobs.put(JOB)
        await store.jobs.put_sample(JOB.id, b"mp3")
        (folder / f"jobs/{JOB.id}.json").unlink()
        (folder / f"jobs/{JOB.id}.json").mkdir()
        with pytest.raises(OSError, match=JOB.id):
            await store.jobs.drop(JOB.id)
        assert await store.jobs.sample(JOB.id) == b"mp3"
        with pytest.raises(IsADirectoryError):  # what memory held is forgotten: the disk is asked
            await store.jobs.all()


# One process


async def test_a_second_process_is_refused_until_the_first_has_closed(folder: Path):
    async with open_store(folder):
        await run_in_a_child("asyncio.run(be_refused(folder))", folder)
    await run_in_a_child("asyncio.run(be_let_in(folder))", folder)


async def be_refused(folder: Path) -> None:
    with pytest.raises(FolderInUse) as refusal:
        await be_let_in(folder)
    assert refusal.value.values == {"folder": str(folder)}


async def be_let_in(folder: Path) -> None:
    async with open_store(folder):
        pass


# Kills and full disks


async def test_what_was_acknowledged_survives_a_kill_at_any_instant(folder: Path):
    acknowledged: set[int] = set()
    child = await start_a_child("record_until_killed(folder)", folder)
    assert child.stdin
    assert child.stdout
    for _ in range(15):
        child.stdin.write(b"go\n")
        pid = int(await child.stdout.readline())
        acknowledged.add(int(await child.stdout.readline()))
        await asyncio.sleep(random.uniform(0, 0.02))  # noqa: S311 - an instant, not a secret
        os.kill(pid, signal.SIGKILL)
        while (line := await child.stdout.readline()) != b"killed\n":
            acknowledged.add(int(line))
        assert acknowledged <= set(map(int, json.loads((folder / "members/1.json").read_bytes())["voices"]))
    child.stdin.close()
    assert await child.wait() == 0
    async with open_store(folder) as store:
        assert acknowledged <= {voice.id for voice in await store.members.voices(1)}


def record_until_killed(folder: Path) -> None:
    """For each line of input record voices in a new process, and print which are acknowledged."""
    for _ in sys.stdin:
        if (pid := os.fork()) == 0:
            say(os.getpid())
            asyncio.run(record_forever(folder))
        os.waitpid(pid, 0)
        say("killed")


async def record_forever(folder: Path) -> None:
    async with open_store(folder) as store:
        number = max((voice.id for voice in await store.members.voices(1)), default=0)
        while True:
            number += 1
            await store.members.put(replace(VOICE, id=number, description="d" * 500))
            say(number)


def say(what: object) -> None:
    """Print a line in one piece, whenever the kill comes."""
    os.write(sys.stdout.fileno(), f"{what}\n".encode())


async def test_a_full_disk_changes_nothing_and_is_over_when_there_is_room(folder: Path):
    await run_in_a_child("asyncio.run(fill_the_disk(folder))", folder)


async def fill_the_disk(folder: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    other = replace(VOICE, id=2, description="d" * 500)
    async with open_store(folder) as store:
        await store.members.put(VOICE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, resource.RLIM_INFINITY))
        for attempt in (store.members.put(other), store.jobs.put_sample("a", b"m" * 700)):
            with pytest.raises(OSError, match="too large") as failure:
                await attempt
            assert failure.value.errno == errno.EFBIG
        assert await store.members.voices(1) == (VOICE,)
        assert modes(folder).keys() == {".", "lock", *FOLDERS, "members/1.json"}
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await store.members.put(other)
        assert len(await store.members.voices(1)) == 2


# Files that are not as they should be

NOT_JSON = [b"", b"{", b'{"voices":{"1', b"\xff\xfe\xfd", bytes(64), b"[]", b'"text"']


@pytest.mark.parametrize("content", NOT_JSON)
async def test_a_damaged_file_is_set_aside_and_refused_until_it_is_restored(
    folder: Path, caplog: pytest.LogCaptureFixture, content: bytes
):
    async with open_store(folder) as store:
        await store.members.put(VOICE)
    file, aside = folder / "members/1.json", folder / "members/1.json.damaged"
    good = file.read_bytes()
    file.write_bytes(content)
    for _ in range(2):
        async with open_store(folder) as store:
            for attempt in (store.members.voices(1), store.members.put(VOICE), store.members.voices(1)):
                with pytest.raises(RecordDamaged) as damage:
                    await attempt
                assert damage.value.values == {"file": "members/1.json", "aside": "members/1.json.damaged"}
            await store.members.put(replace(VOICE, owner_id=2))
            assert not file.exists()
            assert aside.read_bytes() == content
            file.write_bytes(good)
            assert await store.members.voices(1) == (VOICE,)
        file.unlink()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_a_damaged_file_that_the_operator_removed_begins_anew(folder: Path):
    async with open_store(folder) as store:
        (folder / "pending.json").write_bytes(b"{")
        with pytest.raises(RecordDamaged):
            await store.pending.add_duration(1)
        (folder / "pending.json.damaged").unlink()
        await store.pending.add_duration(2)
        assert await store.pending.durations() == (2,)


async def test_setting_aside_overwrites_nothing(folder: Path):
    async with open_store(folder) as store:
        for number in range(11):
            (folder / "members/1.json").write_bytes(b"{" * (number + 1))
            with pytest.raises(RecordDamaged):
                await store.members.voices(1)
    sizes = {path.name: path.stat().st_size for path in (folder / "members").iterdir()}
    assert sizes == {"1.json": 11, "1.json.damaged": 1} | {
        f"1.json.damaged.{size}": size for size in range(2, 10)
    }


async def test_a_damaged_job_stops_only_itself(folder: Path, caplog: pytest.LogCaptureFixture):
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
            with pytest.raises(RecordDamaged):
                await store.jobs.drop("a")
    assert (folder / "jobs/a.json.damaged").read_bytes() == b"{"
    assert caplog.text.count("jobs/a.json.damaged") == 1
    assert caplog.text.count("jobs/b.json does not hold a job") == 2
    assert caplog.text.count("jobs/c.json does not hold a job") == 2
    assert "Secret" not in caplog.text


@pytest.mark.parametrize(
    "content", ['{"voices":{"1":{"id":1}}}', '{"voices":[]}', '{"voices":{"x":{"id":1}}}']
)
async def test_json_of_another_shape_is_raised_and_stays_as_it_is(folder: Path, content: str):
    async with open_store(folder) as store:
        (folder / "members/1.json").write_text(content)
        with pytest.raises(ValueError, match=r"validation error|invalid literal"):
            await store.members.voices(1)
    assert [path.name for path in (folder / "members").iterdir()] == ["1.json"]
    assert (folder / "members/1.json").read_text() == content


async def test_what_is_unreadable_for_another_reason_is_not_moved(folder: Path):
    async with open_store(folder) as store:
        (folder / "members/1.json").mkdir()
        for attempt in (store.members.voices(1), store.members.put(VOICE)):
            with pytest.raises(IsADirectoryError):
                await attempt
    assert [path.name for path in (folder / "members").iterdir()] == ["1.json"]


# Slow disks: reading a named pipe stops a thread of the store until the test feeds it


async def test_a_slow_file_holds_up_neither_the_loop_nor_other_files(folder: Path):
    async with open_store(folder) as store:
        async with stalled(store.members.voices(1), folder / "members/1.json") as slow:
            await store.members.put(replace(VOICE, owner_id=2))
            assert not slow.done()
        assert await slow == ()


async def test_a_cancelled_write_is_finished_before_the_next_on_its_file_begins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(records, "OPEN_FILES", 1)
    async with open_store(folder) as store:
        async with stalled(store.members.put(VOICE), folder / "members/1.json") as first:
            await cancel(first)
            second = asyncio.create_task(store.members.put(replace(VOICE, id=2)))
            await store.members.voices(2)  # another file, so that the first is no recent one any more
            third = asyncio.create_task(store.members.put(replace(VOICE, id=3)))
            await store.members.voices(2)
        await asyncio.gather(second, third)
        assert {voice.id for voice in await store.members.voices(1)} == {VOICE.id, 2, 3}
    async with open_store(folder) as store:
        assert {voice.id for voice in await store.members.voices(1)} == {VOICE.id, 2, 3}


async def test_the_folder_is_held_until_a_cancelled_write_is_finished(folder: Path):
    opened = open_store(folder)
    store = await opened.__aenter__()
    async with stalled(store.members.put(VOICE), folder / "members/1.json") as write:
        await cancel(write)
        closing = asyncio.create_task(opened.__aexit__(None, None, None))
        await asyncio.sleep(0)
        with pytest.raises(FolderInUse):
            await be_let_in(folder)
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
    """Open a pipe if somebody reads it."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# Children: functions of this file in a process of its own


async def start_a_child(statement: str, folder: Path) -> asyncio.subprocess.Process:
    script = f"from test_store import *; folder = Path(sys.argv[1]); {statement}"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, folder, cwd=Path(__file__).parent, stdin=PIPE, stdout=PIPE
    )


async def run_in_a_child(statement: str, folder: Path) -> None:
    child = await start_a_child(statement, folder)
    await child.communicate()
    assert child.returncode == 0
