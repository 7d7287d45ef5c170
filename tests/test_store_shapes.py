"""Data of earlier versions is read completely, and data of newer versions is left as it is."""

import json
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from bot.errors import RecordUnreadable
from bot.i18n import ENGLISH, translate
from bot.policy.models import RENAMED_RULES, AuditEntry, ModAction, Policy
from bot.store.tiny.store import TinyStore, open_store
from bot.voices.models import Notice
from support.builders import JOB, SHARE, SPEECH, VOICE
from support.program import exit_of

DATA = Path(__file__).parent / "data"
PARTS_OF_A_SERVER = "policy blocks clone_records banned_samples banned_voices cases audit shares".split()  # noqa: SIM905 - one line
MEMBERS, SERVERS = (1001, 1002, 1011, 1040), (5001, 5002)


async def everything(store: TinyStore) -> dict[str, Any]:
    jobs = await store.jobs.all()
    return to_jsonable_python(
        {
            "members": [
                {
                    "voices": (voices := await store.members.voices(member_id)),
                    "clips": [await store.members.clips(member_id, voice.id) for voice in voices],
                    "consents": await store.members.consents(member_id),
                }
                for member_id in MEMBERS
            ],
            "voice_ids": sorted(await store.members.voice_ids()),
            "revoking": await store.members.speakers_with_revoked_consents(),
            "clips_by_1040": await store.members.clips_by(1040),
            "servers": [
                {name: await getattr(store.servers, name)(guild_id) for name in PARTS_OF_A_SERVER}
                for guild_id in SERVERS
            ],
            "sharing": await store.servers.sharing(),
            "jobs": jobs,
            "sample_bytes": [len(await store.jobs.sample(job.id)) for job in jobs if job.id != "1003-c0000003"],
            "speeches": await store.speeches.all(),
            "durations": [await store.pending.durations(), await store.pending.durations("speech")],
            "pending_deletions": await store.pending.pending_deletions(),
            "pending_erasures": await store.pending.pending_erasures(),
            "notices": await store.pending.notices(),
        }
    )


def without_new_fields(read: JsonValue, expected: JsonValue) -> JsonValue:
    """Return what was read without the fields that were added since `expected` was written."""
    if isinstance(read, dict) and isinstance(expected, dict):
        return {name: without_new_fields(read[name], expected[name]) for name in expected}
    if isinstance(read, list) and isinstance(expected, list):
        return [without_new_fields(one, other) for one, other in zip(read, expected, strict=True)]
    return read


def expected() -> dict[str, Any]:
    return json.loads((DATA / "shape0.expected.json").read_text("utf-8"))


def records(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {"version.json", "lock"}
    }


def state(folder: Path) -> dict[str, tuple[int, int, bytes | None]]:
    """Return the mode, the time of the last change and the content of all files and folders."""
    return {
        str(path): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in (folder, *folder.rglob("*"))
    }


async def test_records_of_shape_0_are_read_completely_and_left_as_they_are(shape0: Path):
    before = records(shape0)
    async with open_store(shape0) as store:
        assert without_new_fields(await everything(store), expected()) == expected()
    assert records(shape0) == before
    assert json.loads((shape0 / "version.json").read_bytes()) == {"shape": 2}


async def rewrite(store: TinyStore) -> None:
    for member_id in MEMBERS:
        for voice in await store.members.voices(member_id):
            await store.members.put(voice)
    for guild_id in SERVERS:
        await store.servers.put_policy(guild_id, await store.servers.policy(guild_id))
        for share in await store.servers.shares(guild_id):
            await store.servers.put_share(guild_id, share)
    for job in await store.jobs.all():
        await store.jobs.put(job)
    for speech in await store.speeches.all():
        await store.speeches.put(speech)
    for notice in await store.pending.notices():
        await store.pending.put_notice(notice)
    newest, *_ = await store.servers.audit(5001)
    await store.servers.add_entry(5001, replace(newest, reason="again"))


async def test_record_of_shape_0_is_written_in_shape_2_and_read_the_same(shape0: Path):
    async with open_store(shape0) as store:
        await rewrite(store)
    written = [json.loads(content) for name, content in records(shape0).items() if name.endswith(".json")]
    assert {content["shape"] for content in written} == {2}
    after = expected()
    after["servers"][0]["audit"].insert(0, {**after["servers"][0]["audit"][0], "reason": "again"})
    async with open_store(shape0) as store:
        assert without_new_fields(await everything(store), after) == after


def test_every_rule_has_one_name():
    assert {*RENAMED_RULES.values()} <= {*Policy.__dataclass_fields__}
    assert not {*RENAMED_RULES} & {*Policy.__dataclass_fields__}


GARBAGE = [b"", b"{", b"[]", b"1", b"{}", b'{"shape":"1"}', b'{"shape":true}', b'{"shape":-1}', b"\xff"]


@pytest.mark.parametrize("version", [b'{"shape":3}', *GARBAGE])
def test_folder_of_a_newer_or_an_unknown_shape_is_refused_untouched(
    shape0: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: bytes
):
    (shape0 / "version.json").write_bytes(version)
    shutil.rmtree(shape0 / "speeches")
    (shape0 / "pending.json.tmp").write_bytes(b"{")
    before = state(shape0)
    monkeypatch.chdir(shape0.parent)
    given = {"DISCORD_TOKEN": "abc.d.e", "USEAPI_TOKEN": "user:1-a", "DATA_DIR": str(shape0)}
    assert exit_of(monkeypatch, "run", **given) == os.EX_CONFIG == 78
    if version == b'{"shape":3}':
        said = translate(ENGLISH, "store.newer", folder=shape0, shape=3, known=2)
    else:
        said = translate(ENGLISH, "store.version_damaged", file=shape0 / "version.json")
    assert capsys.readouterr().err == f"{said}\n"
    assert state(shape0) == before


Use = Callable[[TinyStore], Awaitable[object]]


IN_NOVEMBER = datetime(2025, 11, 15, tzinfo=UTC).timestamp()
UNREADABLE: dict[str, tuple[Use, ...]] = {
    "members/1002.json": (
        lambda store: store.members.voices(1002),
        lambda store: store.members.consents(1002),
        lambda store: store.members.remove(1002, 20250000000201),
        lambda store: store.members.forget(1002),
        lambda store: store.members.anonymize(1025),
        lambda store: store.members.put(replace(VOICE, owner_id=1002)),
    ),
    "servers/5001.json": (
        lambda store: store.servers.policy(5001),
        lambda store: store.servers.put_policy(5001, Policy()),
        lambda store: store.servers.ban_voice(5001, 7),
        lambda store: store.servers.mark_deleted(5001, 20250000000101),
        lambda store: store.servers.change_case(5001, 700000000005, lambda case: replace(case, message=None)),
        lambda store: store.servers.anonymize(1001),
    ),
    "servers/5001.shares.json": (
        lambda store: store.servers.shares(5001),
        lambda store: store.servers.remove_share(5001, 20250000000101),
        lambda store: store.servers.remove_shares(5001),
        lambda store: store.servers.put_share(5001, SHARE),
    ),
    "servers/5001.audit-2025-11.json": (
        lambda store: store.servers.audit(5001),
        lambda store: store.servers.add_entry(5001, AuditEntry(IN_NOVEMBER, 2, "Hedy", ModAction.BLOCK, "Ada", 1, "")),
    ),
    "jobs/1009-c0000009.json": (
        lambda store: store.jobs.check(1009),
        lambda store: store.jobs.remove("1009-c0000009"),
        lambda store: store.jobs.put(replace(JOB, id="1009-c0000009")),
    ),
    "speeches/a000000000000003.json": (
        lambda store: store.speeches.remove("a000000000000003"),
        lambda store: store.speeches.put(replace(SPEECH, id="a000000000000003")),
    ),
    "pending.json": (
        lambda store: store.pending.notices(),
        lambda store: store.pending.add_duration(1.0),
        lambda store: store.pending.durations("speech"),
        lambda store: store.pending.remove_pending_deletion(20250000000201),
        lambda store: store.pending.put_notice(Notice("1a", 1, 2, "notice.unblocked", {}, 3.0)),
    ),
}
"""Uses of each kind of record, by a file of that kind."""


@pytest.mark.parametrize("name", UNREADABLE)
async def test_record_of_a_newer_shape_is_refused_and_everything_else_works(
    shape0: Path, caplog: pytest.LogCaptureFixture, name: str
):
    content = json.loads((shape0 / name).read_bytes())
    (shape0 / name).write_text(json.dumps({"shape": 3, **content}), "utf-8")
    before = (shape0 / name).read_bytes()
    kept = records(shape0).keys()
    async with open_store(shape0) as store:
        for use in UNREADABLE[name] * 2:
            with pytest.raises(RecordUnreadable) as error:
                await use(store)
            assert error.value.key == "store.unreadable"
            assert error.value.values == {"file": name}
        others = expected()
        assert len(await store.jobs.all()) == len(others["jobs"]) - name.startswith("jobs")
        assert len(await store.speeches.all()) == len(others["speeches"]) - name.startswith("speeches")
        missing = {20250000000201, 20250000000202} if name.startswith("members") else set[int]()
        assert await store.members.voice_ids() == {*others["voice_ids"]} - missing
        assert len(await store.members.voices(1001)) == 2
        assert len(await store.servers.clone_records(5002)) == 2
        if name.startswith("jobs"):
            assert await store.jobs.sample("1009-c0000009") == (DATA / "sample.mp3").read_bytes()
    assert (shape0 / name).read_bytes() == before
    assert records(shape0).keys() == kept
    assert [record.getMessage() for record in caplog.records if name in record.getMessage()] == [
        f"store.unreadable file='{name}': its shape 3 is newer than this program's, 2"
    ]
