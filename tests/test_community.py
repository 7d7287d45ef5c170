"""Shared voices end when their owner leaves, or when the owner's file disagrees."""

import pytest

from bot.client.membership import FRESH_SECONDS
from bot.library import shared_voices as community
from support.clocks import until
from support.people import speak
from support.reading import UNKNOWN, sentence, text
from support.world import World, shared_titles


async def test_voices_of_a_member_who_left_are_unshared_when_used(world: World):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    assert "Ada" in text(await world.grace.slash(world.channel, "voices show", voice=str(voice_id)))
    world.ada.guild.remove_member(world.ada)
    world.skip(FRESH_SECONDS)
    assert text(await world.grace.slash(world.channel, "voices show", voice=str(voice_id))) == UNKNOWN
    assert shared_titles(world) == []
    assert world.stored(world.ada)[0]["shared_in"] == [], "the voices stay unshared if the member returns"


async def test_discord_is_asked_once_in_ten_minutes_for_a_member(world: World):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    path = f"/guilds/{world.guild_id}/members/{world.ada.id}"

    async def asked() -> int:
        await world.grace.slash(world.channel, "voices show", voice=str(voice_id))
        return sum(entry.path == path for entry in world.env.http_requests)

    assert [await asked(), await asked()] == [1, 1]
    world.skip(FRESH_SECONDS)
    assert await asked() == 2


async def test_daily_sweep_unshares_voices_of_members_who_left(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(community, "FIRST_SWEEP_SECONDS", 20.0)
    monkeypatch.setattr(community, "SWEEP_SECONDS", 20.0)
    await world.voice(world.ada, "Ada", share=True)
    world.ada.guild.remove_member(world.ada)
    world.skip(FRESH_SECONDS)
    await until(lambda: shared_titles(world) == [])
    assert world.stored(world.ada)[0]["shared_in"] == []


@pytest.mark.parametrize(("status", "code"), [(403, 50001), (404, 10004)])
async def test_voices_stay_shared_if_discord_cannot_tell(world: World, status: int, code: int):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    path = f"/guilds/{world.guild_id}/members/{world.ada.id}"
    world.env.inject_error("GET", path, status=status, code=code)
    assert "Ada" in text(await world.grace.slash(world.channel, "voices show", voice=str(voice_id)))
    assert shared_titles(world) == ["Ada"]


async def test_share_that_the_owner_file_lacks_is_removed(world: World):
    hostile = "*x* @everyone [a](https://example.org)"
    voice_id = await world.voice(world.ada, hostile, share=True)
    listed = await world.grace.slash(world.channel, "voices community")
    assert r"\*x\* \@everyone \[a\]\(https\:\/\/example\.org\)" in text(listed), "Markdown has no effect"
    await world.store.members.remove(world.ada.id, voice_id)
    assert shared_titles(world) == [hostile]
    listed = await world.grace.slash(world.channel, "voices community")
    assert sentence("community.empty") in text(listed)
    assert shared_titles(world) == []


async def test_damaged_share_list_is_refused_and_reported(world: World):
    await world.voice(world.ada, "Ada", share=True)
    file = world.folder / "servers" / f"{world.guild_id}.shares.json"
    file.write_bytes(b"{")
    await world.restart()
    assert text(await world.grace.slash(world.channel, "voices community")) == sentence("store.damaged")
    own = text(await world.ada.slash(world.channel, "voices list"))
    assert "Ada" in own, "own voices do not depend on the share list"


@pytest.mark.parametrize("content", [b"{", b'{"voices":{"1":{"id":1}}}'], ids=["damaged", "of another form"])
async def test_damaged_owner_file_hides_only_its_voices(world: World, content: bytes):
    for who, title in ((world.ada, "Ada"), (world.grace, "Grace")):
        await world.voice(who, title, share=True)
    (world.folder / "members" / f"{world.ada.id}.json").write_bytes(content)
    await world.restart()
    listed = text(await world.linus.slash(world.channel, "voices community"))
    assert "**Grace**" in listed
    assert "**Ada**" not in listed
    assert len(await world.linus.autocomplete(world.channel, "speak", "voice", "")) == 1
    assert shared_titles(world) == ["Ada", "Grace"], "the shares return once the file is restored"


async def test_use_reorders_at_once_and_writes_the_file_rarely(world: World):
    for title in ("Ada", "Eve"):
        await world.voice(world.ada, title, share=True)
    file = world.folder / "servers" / f"{world.guild_id}.shares.json"
    written: list[bytes] = []
    for title, later in (("Ada", 0), ("Eve", 60), ("Ada", 60), ("Ada", 2 * 60 * 60)):
        world.skip(later)
        await speak(world, world.grace, title)
        offered = await world.linus.autocomplete(world.channel, "speak", "voice", "")
        assert offered[0]["name"] == f"{title} (shared by ada)"
        written.append(file.read_bytes())
    assert written[1] != written[0], "the first use of each voice"
    assert written[2] == written[1]
    assert written[3] != written[2]
