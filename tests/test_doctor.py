"""`clonevoice doctor`: its table and its exit code."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import discord
import pytest
from pydantic import SecretStr

from bot.demo.upstream import Fault, Upstream
from bot.doctor import examine
from bot.store.tiny.store import open_store
from support.builders import JOB, SHARE, VOICE
from support.world import settings


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture(autouse=True)
def _discord(monkeypatch: pytest.MonkeyPatch) -> None:
    async def login(self: discord.Client, token: str) -> None:
        del self
        if error := {"wrong": discord.LoginFailure, "offline": OSError, "page": OSError(PAGE)}.get(token):
            raise error

    monkeypatch.setattr(discord.Client, "login", login)


PAGE = "502: <!doctype html><html>Ray ID: 8f3c</html>"

Examine = Callable[..., Awaitable[tuple[int, list[str]]]]


@pytest.fixture
def examined(tmp_path: Path, upstream: Upstream, capsys: pytest.CaptureFixture[str]) -> Examine:
    """Return a function that runs the doctor with changed settings and returns its exit code and rows."""

    async def call(
        folder: Path = tmp_path,
        token: str = "right",  # noqa: S107 - a test
        links: Mapping[str, str] = MappingProxyType({}),
        **changes: Any,
    ) -> tuple[int, list[str]]:
        given = settings(folder, discord_token=SecretStr(token), **changes).model_copy(update=links)
        return await examine(given, api=upstream.url), capsys.readouterr().out.splitlines()

    return call


async def test_working_setup_passes_all_checks(examined: Examine):
    code, rows = await examined()
    assert code == 0
    assert [row[0] for row in rows] == ["✔"] * 4
    assert "demo@example.com: plan Premier, credits: 4,200" in rows[3]


@pytest.mark.parametrize(
    ("token", "said"),
    [("wrong", "Discord rejected DISCORD_TOKEN"), ("offline", "network"), ("page", "(502: [a page])")],
)
async def test_discord_error_is_a_row(examined: Examine, token: str, said: str):
    code, rows = await examined(token=token)
    assert code == 1
    assert rows[2].startswith("✘")
    assert said in rows[2]
    assert rows[3].startswith("✔"), "the other checks still run"


async def test_pages_that_help_links_to_must_exist(upstream: Upstream, examined: Examine):
    there = f"{upstream.origin}/v1/mureka/accounts"
    code, rows = await examined(links={"support_url": there, "privacy_url": f"{upstream.origin}/nothing"})
    assert code == 1
    assert rows[-2].startswith("✔ Links        SUPPORT_URL")
    assert rows[-1].startswith("✘ Links        PRIVACY_URL")
    code, rows = await examined(links={"support_url": "https://127.0.0.1:1"})
    assert rows[-1].startswith("✘ Links        SUPPORT_URL")


async def test_folder_of_a_running_bot_is_no_problem(tmp_path: Path, examined: Examine):
    async with open_store(tmp_path):
        code, rows = await examined()
    assert code == 0
    assert "in use" in rows[1]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=401), "useapi.net rejected USEAPI_TOKEN"),
        (Fault(status=404), "No Mureka account is set up"),
        (Fault(status=500), "useapi.net gave an unexpected answer"),
        (Fault(body={"a@example.com": {"error": "Session expired"}}), "Can't use a@example.com (Session expired)"),
        (Fault(body={"user": {"vip_name": "Basic"}}, path="/profile/"), "Cloning needs Mureka's Premier plan"),
        (Fault(status=596, path="/profile/"), "The Mureka session has expired"),
        (Fault(body={"a@example.com": {}, "b@example.com": {}}), "List the ones to use in USEAPI_ACCOUNTS"),
        (Fault(body={}), "No Mureka account is set up"),
    ],
)
async def test_api_problem_is_shown_with_its_remedy(upstream: Upstream, examined: Examine, fault: Fault, said: str):
    upstream.faults.append(fault)
    code, rows = await examined()
    assert code == 1
    assert said in rows[3]


BAD = {
    "members/1.json": b'{"voices":{"1":{"id":1}}}',
    "members/2.json": b'{"shape":3}',
    "members/3.json.damaged": b"",
    "servers/4.json": b"[" * 100_000,
    "servers/4.shares.json": b'{"shape":2,"shares":{},"checksum":"wrong"}',
    "servers/4.audit-2026-11.json": b'{"audit":{"1":{"at":NaN}}}',
    "jobs/5-0a1b2c3d.json": b"{}",
    "speeches/0a1b2c3d0a1b2c3d.json": b"\xff",
    "pending.json": b"[]",
}


async def test_each_bad_record_is_named_and_left_as_it_is(tmp_path: Path, examined: Examine):
    async with open_store(tmp_path) as store:
        await store.members.put(VOICE)
        for name, content in BAD.items():
            (tmp_path / name).write_bytes(content)
        (tmp_path / "members/7.json").mkdir()
    before = on_disk(tmp_path)
    code, rows = await examined()
    assert code == 1
    assert rows[1].startswith("✘")
    for name in (*BAD, "members/7.json"):
        assert name in rows[1]
    assert on_disk(tmp_path) == before


@pytest.mark.parametrize("name", BAD)
async def test_one_bad_record_is_enough(tmp_path: Path, examined: Examine, name: str):
    async with open_store(tmp_path) as store:
        await store.members.put(VOICE)
        (tmp_path / name).write_bytes(BAD[name])
        for _ in range(2):
            code, rows = await examined()
            assert (code, rows[1][0]) == (1, "✘"), "even while the bot runs"
            assert name in rows[1]


async def test_records_are_counted_and_foreign_files_are_not(tmp_path: Path, examined: Examine):
    async with open_store(tmp_path) as store:
        for owner_id in (1, 2):
            await store.members.put(replace(VOICE, owner_id=owner_id))
        await store.servers.put_share(5, SHARE)
        await store.jobs.put(JOB)
        await store.pending.add_duration(1.0)
    for name in ("._1.json", ".DS_Store", "1 (1).json", "1.json~"):
        (tmp_path / "members" / name).write_bytes(b"\0")
    (tmp_path / "members/x.json").mkdir()
    code, rows = await examined()
    assert code == 0
    assert rows[1].endswith(
        "members: 2, servers: 0, lists of shared voices: 1, months of moderation logs: 0, unfinished clones: 1, "
        "unfinished clips: 0, and pending work: 1."
    )


async def test_folder_of_the_first_start_is_not_created(tmp_path: Path, examined: Examine):
    assert (await examined(tmp_path / "new" / "data"))[0] == 0
    assert on_disk(tmp_path) == {}


@pytest.mark.parametrize(
    ("version", "said"), [('{"shape":3}', "newer version of Clonevoice"), ("[]", "doesn't say which version")]
)
async def test_newer_or_damaged_version_is_a_row(tmp_path: Path, examined: Examine, version: str, said: str):
    (tmp_path / "version.json").write_text(version)
    code, rows = await examined()
    assert code == 1
    assert said in rows[1]


def on_disk(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


async def test_unusable_folder_is_a_row(tmp_path: Path, examined: Examine):
    (tmp_path / "file").touch()
    code, rows = await examined(tmp_path / "file")
    assert (code, rows[1][0]) == (1, "✘")


async def test_account_unknown_to_useapi_is_named(examined: Examine):
    code, rows = await examined(useapi_accounts=("demo@example.com", "gone@example.com"))
    assert code == 1
    assert "gone@example.com is listed in USEAPI_ACCOUNTS but not set up" in rows[4]
