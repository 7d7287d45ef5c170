"""`clonevoice doctor`: what it prints, and what it returns."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import discord
import pytest
from pydantic import SecretStr

from bot.demo.upstream import Fault, Upstream
from bot.doctor import examine
from bot.store.tiny.store import open_store
from conftest import settings

Captured = pytest.CaptureFixture[str]


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture(autouse=True)
def _discord(monkeypatch: pytest.MonkeyPatch) -> None:
    async def login(self: discord.Client, token: str) -> None:
        del self
        if token == "wrong":
            raise discord.LoginFailure
        if token == "offline":
            raise OSError

    monkeypatch.setattr(discord.Client, "login", login)


async def examined(
    folder: Path, upstream: Upstream, capsys: Captured, **changes: Any
) -> tuple[int, list[str]]:
    token = changes.pop("discord", "right")
    given = settings(folder, discord_token=SecretStr(token), **changes)
    code = await examine(given, api=upstream.url)
    return code, capsys.readouterr().out.splitlines()


async def test_all_that_holds_is_ticked_off(tmp_path: Path, upstream: Upstream, capsys: Captured):
    code, rows = await examined(tmp_path, upstream, capsys)
    assert code == 0
    assert [row[0] for row in rows] == ["✔"] * 4
    assert "demo@example.com: plan Premier, 4200 credits" in rows[3]


@pytest.mark.parametrize(
    ("token", "said"), [("wrong", "DISCORD_TOKEN is not accepted"), ("offline", "network")]
)
async def test_discords_no_is_a_row(
    tmp_path: Path, upstream: Upstream, capsys: Captured, token: str, said: str
):
    code, rows = await examined(tmp_path, upstream, capsys, discord=token)
    assert code == 1
    assert rows[2].startswith("✘")
    assert said in rows[2]
    assert rows[3].startswith("✔"), "the rest is looked at all the same"


async def test_a_running_bots_folder_is_no_fault(tmp_path: Path, upstream: Upstream, capsys: Captured):
    async with open_store(tmp_path):
        code, rows = await examined(tmp_path, upstream, capsys)
    assert code == 0
    assert "in use" in rows[1]


async def test_a_folder_that_can_not_be_used_is_a_row(tmp_path: Path, upstream: Upstream, capsys: Captured):
    (tmp_path / "file").touch()
    code, rows = await examined(tmp_path / "file", upstream, capsys)
    assert code == 1
    assert rows[1].startswith("✘")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=401), "USEAPI_TOKEN is not accepted"),
        (Fault(status=404), "no Mureka account is configured"),
        (Fault(status=500), "did not answer as it should"),
        (
            Fault(body={"a@example.com": {"error": "Session expired"}}),
            "a@example.com is unusable (Session expired)",
        ),
        (
            Fault(body={"user": {"vip_name": "Basic"}, "credits": 3}, path="/profile/"),
            "needs Mureka's Premier plan",
        ),
        (Fault(status=596, path="/profile/"), "the Mureka session has died"),
    ],
)
async def test_what_is_wrong_upstream_is_said_with_what_to_do(
    tmp_path: Path, upstream: Upstream, capsys: Captured, fault: Fault, said: str
):
    upstream.faults.append(fault)
    code, rows = await examined(tmp_path, upstream, capsys)
    assert code == 1
    assert said in rows[3]


async def test_several_accounts_of_which_none_is_named_are_a_fault(
    tmp_path: Path, upstream: Upstream, capsys: Captured
):
    upstream.faults.append(Fault(body={"a@example.com": {}, "b@example.com": {}}))
    code, rows = await examined(tmp_path, upstream, capsys)
    assert code == 1
    assert "name those to use in USEAPI_ACCOUNTS" in rows[3]


async def test_no_account_at_all_is_a_fault(tmp_path: Path, upstream: Upstream, capsys: Captured):
    upstream.faults.append(Fault(body={}))
    code, rows = await examined(tmp_path, upstream, capsys)
    assert code == 1
    assert "no Mureka account is configured" in rows[3]


async def test_a_file_that_was_set_aside_is_named(tmp_path: Path, upstream: Upstream, capsys: Captured):
    async with open_store(tmp_path):
        pass
    (tmp_path / "members" / "1.json.damaged").touch()
    code, rows = await examined(tmp_path, upstream, capsys)
    assert code == 1
    assert "members/1.json.damaged" in rows[1]


async def test_an_account_that_useapi_does_not_know_is_named(
    tmp_path: Path, upstream: Upstream, capsys: Captured
):
    accounts = ("demo@example.com", "gone@example.com")
    code, rows = await examined(tmp_path, upstream, capsys, useapi_accounts=accounts)
    assert code == 1
    assert "gone@example.com is in USEAPI_ACCOUNTS but not configured" in rows[4]
