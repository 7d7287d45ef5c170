"""Sharing in a server ends only if Discord says for a day that the bot is not in it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from simcord.backend import serializers

from support.clocks import ManualClock, until
from support.world import World, on_disk, opened, shared_titles

HOUR = 60 * 60.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def world(tmp_path: Path, clock: ManualClock) -> AsyncGenerator[World]:
    """Open a world in which Ada shares a voice, and whose clock stands still."""
    async with opened(tmp_path / "data", clock=clock) as world:
        await world.voice(world.ada, "Ada", share=True)
        yield world


def queries(world: World) -> int:
    path = f"/guilds/{world.guild_id}"
    return sum((sent.method, sent.path) == ("GET", path) for sent in world.env.http_requests)


def answer(world: World, status: int, *, times: int | None = None) -> None:
    """Let Discord answer all queries of the server with this status."""
    world.env.inject_error("GET", f"/guilds/{world.guild_id}", status=status, times=times)


async def vanish(world: World) -> None:
    """Have Discord report the server as left, without `unavailable`. Its other answers stay as they are."""
    world.env.backend.emit("GUILD_DELETE", {"id": str(world.guild_id)})
    await until(lambda: queries(world) and world.bot.get_guild(world.guild_id) is None)
    await world.services.departures.check(world.guild_id)


async def come_back(world: World) -> None:
    guild = world.env.backend.get_guild(world.guild_id)
    world.env.backend.emit("GUILD_CREATE", serializers.guild_create_payload(world.env.backend, guild))
    await until(lambda: world.bot.get_guild(world.guild_id))


async def hours(world: World, clock: ManualClock, number: int) -> None:
    """Let hours pass, after each of which the server is checked."""
    for _ in range(number):
        await clock.advance(HOUR)
        await world.services.departures.check(world.guild_id)


async def assert_shared(world: World) -> None:
    assert shared_titles(world) == ["Ada"]
    assert world.stored(world.ada)[0]["shared_in"] == [world.guild_id]


@pytest.mark.parametrize("status", [403, 404])
async def test_server_that_discord_denies_for_a_day_is_left(world: World, clock: ManualClock, status: int):
    there, (ada, _) = world.elsewhere(world.ada, world.grace)
    await ada.slash(there, "voices share", voice="Ada")
    answer(world, status)
    await vanish(world)
    await hours(world, clock, 23)
    assert shared_titles(world) == ["Ada"]
    await hours(world, clock, 1)
    assert shared_titles(world) == []
    assert world.stored(world.ada)[0]["shared_in"] == [ada.guild.id]


async def test_vanished_server_is_asked_about_again_and_again(world: World, clock: ManualClock):
    world.env.backend.remove_guild(world.guild_id)
    began = clock.now()
    await clock.advance_until(lambda: queries(world) > 5, step=HOUR / 4)
    await assert_shared(world)
    await clock.advance_until(lambda: shared_titles(world) == [], step=HOUR / 4)
    assert clock.now() - began >= 24 * HOUR


async def test_day_continues_after_a_restart(world: World, clock: ManualClock):
    world.env.backend.remove_guild(world.guild_id)
    await until(lambda: '"absences"' in on_disk(world))
    await hours(world, clock, 12)
    await world.restart()
    await hours(world, clock, 11)
    await assert_shared(world)
    await hours(world, clock, 1)
    assert shared_titles(world) == []


async def test_bot_removed_while_it_was_not_running_is_noticed(world: World, clock: ManualClock):
    world.env.backend.guilds.pop(world.guild_id)
    await world.restart()
    await hours(world, clock, 24)
    await assert_shared(world)
    await hours(world, clock, 1)
    assert shared_titles(world) == []


async def test_vanished_server_that_discord_still_has_is_not_left(world: World, clock: ManualClock):
    await vanish(world)
    await hours(world, clock, 50)
    await assert_shared(world)


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_unclear_answers_do_not_count(world: World, clock: ManualClock, status: int):
    answer(world, 404, times=1)
    await vanish(world)
    answer(world, status)
    await hours(world, clock, 27)
    assert queries(world) > 20
    await assert_shared(world)


@pytest.mark.parametrize("restarted", [True, False])
async def test_day_begins_anew_once_the_server_was_there(world: World, clock: ManualClock, restarted: bool):  # noqa: FBT001 - both
    answer(world, 404)
    await vanish(world)
    await hours(world, clock, 12)
    await come_back(world)
    if restarted:
        await world.restart()
    await hours(world, clock, 1)
    await vanish(world)
    await hours(world, clock, 23)
    await assert_shared(world)
    await hours(world, clock, 1)
    assert shared_titles(world) == []


async def test_answers_from_long_ago_do_not_count(world: World, clock: ManualClock):
    answer(world, 404)
    await vanish(world)
    await clock.advance(100 * HOUR)  # as if the bot had not been running
    await world.services.departures.check(world.guild_id)
    await assert_shared(world)


async def test_server_without_shared_voices_is_not_asked_about(world: World, clock: ManualClock):
    await world.store.servers.remove_shares(world.guild_id)
    world.env.backend.remove_guild(world.guild_id)
    await hours(world, clock, 30)
    assert queries(world) == 0
    assert not (world.folder / "servers" / f"{world.guild_id}.shares.json").exists()


async def test_unreadable_list_does_not_stop_the_others(world: World, clock: ManualClock):
    (world.folder / "servers" / "7.shares.json").write_bytes(b"{")
    world.env.backend.remove_guild(world.guild_id)
    await clock.advance_until(lambda: shared_titles(world) == [], step=HOUR / 4)
