"""How exceptions become replies."""

from typing import Any, cast
from unittest.mock import AsyncMock, Mock

import discord
import pytest

from bot.audio.inspector import SampleInspector
from support.reading import sentence, text
from support.world import World


class Broken(Exception):
    """An unexpected error."""


@pytest.mark.parametrize("place", ["submit", "move_running_card"])
async def test_unexpected_error_shows_a_number_that_is_also_logged(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, place: str
):

    monkeypatch.setattr(world.bot.services.cloner, place, Mock(side_effect=Broken("secret inner workings")))
    result = await world.send()
    assert world.env.errors
    world.env._errors.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the error was wanted
    (record,) = [record for record in caplog.records if "unexpectedly" in record.message]
    mark = record.message.rsplit(" ", 1)[1]
    assert text(result) == sentence("error.unexpected", id=mark)
    assert record.exc_info
    assert "secret inner" not in text(result)


async def test_unexpected_error_in_a_job_ends_it_with_a_number(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(SampleInspector, "inspect", AsyncMock(side_effect=Broken))
    result = await world.send()
    (record,) = [record for record in caplog.records if "unexpectedly" in record.message]
    assert record.message.rsplit(" ", 1)[1] in text(result)


async def test_undeliverable_reply_is_only_logged(world: World, caplog: pytest.LogCaptureFixture):
    world.env.inject_error("PATCH", "/webhooks/*/messages/@original", status=403, times=None)
    await world.send(title=" ", wait=False)
    assert "could not be delivered" in caplog.text


async def test_commands_are_synced_once_for_servers_with_the_bot(world: World):
    (sync,) = [entry for entry in world.env.http_requests if entry.path.endswith("/commands")]
    assert sync.method == "PUT"
    commands = cast("list[dict[str, Any]]", sync.json)
    names = {command["name"] for command in commands}
    assert names == {"clonevoice", "Clone this voice", "voices", "speak", "voiceadmin", "help"}
    for command in commands:
        assert (command["contexts"], command["integration_types"]) == ([0], [0]), command["name"]
    permissions = {command["name"]: command.get("default_member_permissions") for command in commands}
    assert permissions["voiceadmin"] == discord.Permissions(manage_guild=True).value


def test_no_privileged_intent_is_used(world: World):
    assert world.bot.intents == discord.Intents(guilds=True)
