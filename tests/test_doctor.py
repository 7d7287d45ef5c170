"""`clonevoice doctor`: its table and its exit code."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import discord
import pytest
from pydantic import SecretStr

from bot.demo.upstream import Fault, Upstream
from bot.doctor import examine
from bot.store.tiny.store import open_store
from support.world import settings


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture(autouse=True)
def _discord(monkeypatch: pytest.MonkeyPatch) -> None:
    async def login(self: discord.Client, token: str) -> None:
        del self
        if error := {"wrong": discord.LoginFailure, "offline": OSError}.get(token):
            raise error

    monkeypatch.setattr(discord.Client, "login", login)


Examine = Callable[..., Awaitable[tuple[int, list[str]]]]


@pytest.fixture
def examined(tmp_path: Path, upstream: Upstream, capsys: pytest.CaptureFixture[str]) -> Examine:
    """Return a function that runs the doctor with changed settings and returns its exit code and rows."""

    async def call(folder: Path = tmp_path, token: str = "right", **changes: Any) -> tuple[int, list[str]]:  # noqa: S107 - a test
        given = settings(folder, discord_token=SecretStr(token), **changes)
        return await examine(given, api=upstream.url), capsys.readouterr().out.splitlines()

    return call


async def test_working_setup_passes_all_checks(examined: Examine):
    code, rows = await examined()
    assert code == 0
    assert [row[0] for row in rows] == ["✔"] * 4
    assert "demo@example.com: plan Premier, 4200 credits" in rows[3]


@pytest.mark.parametrize(("token", "said"), [("wrong", "DISCORD_TOKEN is not accepted"), ("offline", "network")])
async def test_discord_error_is_a_row(examined: Examine, token: str, said: str):
    code, rows = await examined(token=token)
    assert code == 1
    assert rows[2].startswith("✘")
    assert said in rows[2]
    assert rows[3].startswith("✔"), "the other checks still run"


async def test_folder_of_a_running_bot_is_no_problem(tmp_path: Path, examined: Examine):
    async with open_store(tmp_path):
        code, rows = await examined()
    assert code == 0
    assert "in use" in rows[1]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=401), "USEAPI_TOKEN is not accepted"),
        (Fault(status=404), "no Mureka account is configured"),
        (Fault(status=500), "did not answer as it should"),
        (Fault(body={"a@example.com": {"error": "Session expired"}}), "a@example.com is unusable (Session expired)"),
        (Fault(body={"user": {"vip_name": "Basic"}}, path="/profile/"), "needs Mureka's Premier plan"),
        (Fault(status=596, path="/profile/"), "the Mureka session has died"),
        (Fault(body={"a@example.com": {}, "b@example.com": {}}), "name those to use in USEAPI_ACCOUNTS"),
        (Fault(body={}), "no Mureka account is configured"),
    ],
)
async def test_api_problem_is_shown_with_its_remedy(upstream: Upstream, examined: Examine, fault: Fault, said: str):
    upstream.faults.append(fault)
    code, rows = await examined()
    assert code == 1
    assert said in rows[3]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("members/1.json.damaged", "", "members/1.json.damaged"),
        ("members/1.json", '{"shape":2}', "members/1.json"),
        ("version.json", '{"shape":2}', "newer version of Clonevoice"),
    ],
)
async def test_damaged_and_newer_files_are_named(tmp_path: Path, examined: Examine, name: str, content: str, said: str):
    async with open_store(tmp_path):
        pass
    (tmp_path / name).write_text(content)
    code, rows = await examined()
    assert code == 1
    assert said in rows[1]


async def test_unusable_folder_is_a_row(tmp_path: Path, examined: Examine):
    (tmp_path / "file").touch()
    code, rows = await examined(tmp_path / "file")
    assert (code, rows[1][0]) == (1, "✘")


async def test_account_unknown_to_useapi_is_named(examined: Examine):
    code, rows = await examined(useapi_accounts=("demo@example.com", "gone@example.com"))
    assert code == 1
    assert "gone@example.com is in USEAPI_ACCOUNTS but not configured" in rows[4]
