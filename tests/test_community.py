"""What a server shares ends with whoever leaves it, the bot included, and never outlives the owner's word."""

import json
from pathlib import Path

import pytest

from bot.client.membership import FRESH_SECONDS
from bot.library import shared_voices as community
from conftest import FastClock, World, opened, sentence, text, until
from test_speak import speak
from test_voices import UNKNOWN


async def shared(world: World) -> int:
    """Let Ada share a voice."""
    voice_id = await world.voice(world.ada, "Ada")
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    return voice_id


def rows(world: World) -> list[str]:
    """List the titles on the server's list as it lies on disk."""
    file = world.folder / "servers" / f"{world.ada.guild.id}.shares.json"
    if not file.exists():
        return []
    return [row["title"] for row in json.loads(file.read_text("utf-8")).get("shares", {}).values()]


async def test_whoever_leaves_takes_their_voices_along_seen_when_one_is_used(tmp_path: Path):
    async with opened(tmp_path, clock=(clock := FastClock())) as world:
        voice_id = await shared(world)
        assert "Ada" in text(await world.grace.slash(world.channel, "voices show", voice=str(voice_id)))
        world.ada.guild.remove_member(world.ada)
        clock.skip(FRESH_SECONDS)
        assert text(await world.grace.slash(world.channel, "voices show", voice=str(voice_id))) == UNKNOWN
        assert rows(world) == []
        assert world.stored(world.ada)[0]["shared_in"] == [], "and they stay away when the member comes back"


async def test_discord_is_asked_once_in_ten_minutes(tmp_path: Path):
    async with opened(tmp_path, clock=(clock := FastClock())) as world:
        voice_id = await shared(world)
        path = f"/guilds/{world.ada.guild.id}/members/{world.ada.id}"

        async def asked() -> int:
            await world.grace.slash(world.channel, "voices show", voice=str(voice_id))
            return sum(entry.path == path for entry in world.env.http_requests)

        assert [await asked(), await asked()] == [1, 1]
        clock.skip(FRESH_SECONDS)
        assert await asked() == 2


async def test_whoever_leaves_is_missed_once_a_day_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(community, "FIRST_SWEEP_SECONDS", 20.0)
    monkeypatch.setattr(community, "SWEEP_SECONDS", 20.0)
    async with opened(tmp_path, clock=FastClock()) as world:
        await shared(world)
        world.ada.guild.remove_member(world.ada)
        await until(lambda: rows(world) == [])
        assert world.stored(world.ada)[0]["shared_in"] == []


async def test_a_discord_that_does_not_know_takes_nothing_away(world: World):
    voice_id = await shared(world)
    world.env.inject_error("GET", f"/guilds/{world.ada.guild.id}/members/{world.ada.id}", status=403)
    assert "Ada" in text(await world.grace.slash(world.channel, "voices show", voice=str(voice_id)))
    assert rows(world) == ["Ada"]


async def test_the_bot_s_removal_ends_all_that_is_shared_there_and_nothing_elsewhere(world: World):
    await shared(world)
    there, (ada, grace) = world.elsewhere(world.ada, world.grace)
    await ada.slash(there, "voices share", voice="Ada")
    guild = world.bot.get_guild(world.ada.guild.id)
    assert guild is not None
    world.bot.dispatch("guild_remove", guild)
    await until(lambda: rows(world) == [])
    (voice,) = world.stored(world.ada)
    assert voice["shared_in"] == [ada.guild.id]
    assert "🎙️ Ada" in text(await grace.slash(there, "voices show", voice="Ada"))


async def test_a_removal_while_the_bot_was_away_is_seen_by_the_daily_look(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await shared(world)

    def nowhere(_: int) -> None:
        """Know of no server, as after READY."""

    monkeypatch.setattr(world.bot, "get_guild", nowhere)
    await world.bot.library.shared_voices.sweep(world.ada.guild.id)
    assert rows(world) == []


async def test_a_row_that_the_owner_s_file_does_not_confirm_shares_nothing_and_goes(world: World):
    voice_id = await shared(world)
    store = world.bot.cloner._store  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as a kill would leave it
    await store.members.drop(world.ada.id, voice_id)
    assert rows(world) == ["Ada"]
    listed = await world.grace.slash(world.channel, "voices community")
    assert sentence("community.empty") in text(listed)
    assert rows(world) == []


async def test_a_damaged_list_is_refused_and_said(world: World):
    await shared(world)
    file = world.folder / "servers" / f"{world.ada.guild.id}.shares.json"
    file.write_bytes(b"{")
    await world.restart()
    refused = await world.grace.slash(world.channel, "voices community")
    assert text(refused) == sentence("store.damaged")
    own = await world.ada.slash(world.channel, "voices list")
    assert "Ada" in text(own), "one's own voices don't depend on it"


async def test_an_owner_s_damaged_file_hides_only_their_voices(world: World):
    await shared(world)
    await world.voice(world.grace, "Grace")
    await world.grace.slash(world.channel, "voices share", voice="Grace")
    (world.folder / "members" / f"{world.ada.id}.json").write_bytes(b"{")
    await world.restart()
    listed = text(await world.linus.slash(world.channel, "voices community"))
    assert "**Grace**" in listed
    assert "**Ada**" not in listed
    assert rows(world) == ["Ada", "Grace"], "and are there again once it is restored"


async def test_shared_titles_do_nothing_in_markdown(world: World):
    await world.voice(world.ada, "*x* @everyone [a](https://example.org)")
    await world.ada.slash(world.channel, "voices share", voice="*x* @everyone [a](https://example.org)")
    listed = await world.grace.slash(world.channel, "voices community")
    assert r"\*x\* \@everyone \[a\]\(https\:\/\/example\.org\)" in text(listed)


async def test_a_use_changes_the_order_at_once_and_the_file_now_and_then(tmp_path: Path):
    async with opened(tmp_path, clock=(clock := FastClock())) as world:
        for title in ("Ada", "Eve"):
            await world.voice(world.ada, title)
            await world.ada.slash(world.channel, "voices share", voice=title)
        file = world.folder / "servers" / f"{world.ada.guild.id}.shares.json"
        written: list[bytes] = []
        for title, later in (("Ada", 0), ("Eve", 60), ("Ada", 60), ("Ada", 2 * 60 * 60)):
            clock.skip(later)
            await speak(world, world.grace, title)
            offered = await world.linus.autocomplete(world.channel, "speak", "voice", "")
            assert offered[0]["name"] == f"{title} (shared by ada)"
            written.append(file.read_bytes())
        assert written[1] != written[0], "each voice's first use"
        assert written[2] == written[1]
        assert written[3] != written[2]
