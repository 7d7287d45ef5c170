"""Clips, shares and erasures under failures of Discord, the disk and the API."""

import asyncio
from unittest.mock import AsyncMock

import aiohttp
import discord
import pytest

from bot.client.membership import DiscordMembership
from bot.demo.upstream import Fault
from bot.errors import Refused
from bot.mureka.errors import SessionDied
from bot.speaking.job import SpeechJob, SpeechStage
from bot.store.tiny.jobs import TinySpeeches
from bot.store.tiny.members import TinyMembers
from bot.voices.models import Viewer
from support.clocks import FastClock, turns, until
from support.faults import full_disk, hanging
from support.people import SPEECH, forget, speak, speech_ended, speeches_on_disk, stored_speech
from support.reading import message, sentence, text
from support.world import World, on_disk, shared_titles

FOLLOW_UP = "/webhooks/*/*"


async def test_undeliverable_clip_comes_by_dm_or_leaves_a_mention_without_details(world: World):
    await world.voice(world.ada, "Ada")
    world.env.inject_error("POST", FOLLOW_UP, status=403, times=None)
    result = await speak(world, world.ada)
    await until(lambda: not speeches_on_disk(world))
    (direct,) = [body for body in world.direct() if body.get("embeds")]
    assert "AI-generated with the voice" in direct["embeds"][0]["footer"]["text"]
    assert sentence("line.by_dm", title="Ada") in text(result)
    world.env.inject_error("POST", f"/channels/{world.ada.user.dm_channel.id}/messages", status=403, times=None)
    result = await speak(world, world.ada, said="A secret")
    await until(lambda: not speeches_on_disk(world))
    assert sentence("line.nowhere", title="Ada") in text(result)
    mention = world.channel.history()[-1].content
    assert mention.startswith(f"<@{world.ada.id}>")
    assert "secret" not in mention


async def test_delayed_clip_is_posted_later_unless_its_voice_is_withdrawn(world: World):
    await world.voice(world.ada, "Ada", share=True)
    for withdrawn in (False, True):
        world.env.inject_error("POST", FOLLOW_UP, status=503, times=5)
        result = await speak(world, world.grace, wait=False)
        await until(lambda: '"stage":"made"' in stored_speech(world))
        if withdrawn:
            await world.ada.slash(world.channel, "voices unshare", voice="Ada")
        await world.later(lambda: not speeches_on_disk(world))
        assert len(result.followups) == (not withdrawn)
    assert sentence("refused.withdrawn", title="Ada") in text(result)


@pytest.mark.parametrize(
    ("stage", "clips"), [(SpeechStage.SPEAKING, 1), (SpeechStage.MADE, 1), (SpeechStage.SENDING, 0)]
)
async def test_full_disk_stops_only_unsent_clips(
    world: World, monkeypatch: pytest.MonkeyPatch, stage: SpeechStage, clips: int
):
    await world.voice(world.ada, "Ada")
    full_disk(monkeypatch, TinySpeeches, lambda speech: speech.stage is stage, times=1000)
    full_disk(monkeypatch, TinyMembers, times=1000, method="change")
    result = await speak(world, world.ada)
    assert len(result.followups) == len(world.upstream.speeches) == clips
    assert (sentence("store.unwritable") in text(result)) == (not clips)


async def test_erasing_a_token_does_not_undo_a_stage(world: World, monkeypatch: pytest.MonkeyPatch):
    put, sending = TinySpeeches.put, asyncio.Event()

    async def slow(store: TinySpeeches, speech: SpeechJob) -> None:
        if speech.stage is SpeechStage.SENDING:
            sending.set()
            await turns(200)
        await put(store, speech)

    await world.voice(world.ada, "Ada")
    monkeypatch.setattr(TinySpeeches, "put", slow)
    world.upstream.faults.append(Fault(method="POST", path=SPEECH, then="hang", takes_effect=True))
    await speak(world, world.ada, wait=False)
    await sending.wait()
    world.skip(15 * 60 - 3)
    await until(lambda: '"reply":null' in stored_speech(world))
    assert '"stage":"sending"' in stored_speech(world)


@pytest.mark.world(speech_seconds=0.3)
async def test_stopping_bot_refuses_clips_and_finishes_the_one_being_sent(world: World):
    await world.voice(world.ada, "Ada")
    world.upstream.faults.append(Fault(method="POST", path=SPEECH, status=400))  # then it is synchronous
    result = await speak(world, world.ada, wait=False)
    await until(lambda: '"stage":"sending"' in stored_speech(world) and world.upstream.speeches)
    stopping = asyncio.create_task(world.services.drain())
    await asyncio.sleep(0)
    refused = await world.ada.slash(world.channel, "speak", voice="Ada", text="Hello")
    assert text(refused) == sentence("refused.restarting")
    await stopping
    await until(lambda: speech_ended(result))
    assert len(result.followups) == 1


async def test_stopping_bot_leaves_a_waiting_clip_to_the_next_start(world: World):
    await world.voice(world.ada, "Ada")
    world.upstream.faults.append(Fault(method="POST", path=SPEECH, status=429, headers={"Retry-After": "30"}))
    result = await speak(world, world.ada, wait=False)
    await until(lambda: '"stage":"accepted"' in stored_speech(world) and world.upstream.requests)
    await world.services.drain()
    await world.services.clock.sleep(60)  # the API has asked to wait for 30
    assert world.upstream.speeches == []
    await world.restart()
    await until(lambda: speech_ended(result))
    assert len(world.upstream.speeches) == 1


@pytest.mark.world(accounts=("a", "b"), useapi_accounts=("a",))
async def test_problem_of_an_unused_account_does_not_stop_clones(world: World):
    world.services.accounts.report("b", SessionDied(code="SESSION_EXPIRED"))
    await until(world.direct)
    await world.send(title="Ada")
    assert len(world.stored(world.ada)) == 1


@pytest.mark.parametrize("error", [aiohttp.ClientError("reset"), TimeoutError(), OSError("no route")])
async def test_lost_connection_makes_no_member_absent(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception):
    monkeypatch.setattr(discord.Guild, "fetch_member", AsyncMock(side_effect=error))
    membership = DiscordMembership(world.bot, FastClock())
    assert await membership.is_member(world.guild_id, world.ada.id)


async def test_returning_member_is_present_at_once(world: World):
    membership, guild = DiscordMembership(world.bot, FastClock()), world.ada.guild
    guild.remove_member(world.ada)
    assert not await membership.is_member(guild.id, world.ada.id)
    guild.add_member(world.ada.user)
    assert await membership.is_member(guild.id, world.ada.id)


async def test_damaged_pending_file_does_not_stop_the_bot(world: World):
    (world.folder / "pending.json").write_bytes(b"{")
    await world.restart()
    await world.send(title="Ada")
    assert len(world.stored(world.ada)) == 1
    listed = await world.ada.slash(world.channel, "voices list")
    assert sentence("list.title", voices=1) in text(listed), "only the notices are missing"


class TestErasure:
    """An erasure leaves nothing here or upstream, whatever fails."""

    async def test_nothing_can_be_shared_during_an_erasure(self, world: World, monkeypatch: pytest.MonkeyPatch):
        voice_id = await world.voice(world.ada, "Ada")
        holding = hanging(monkeypatch, TinyMembers, "anonymize")
        forgetting = asyncio.create_task(forget(world, world.ada))
        await holding.wait()
        viewer = Viewer(world.ada.id, world.guild_id)
        with pytest.raises(Refused, match=r"^refused\.(being_forgotten|voice_unknown)\b"):
            await world.services.library.share(viewer, voice_id, owner_name="ada")
        assert shared_titles(world) == []
        forgetting.cancel()

    async def test_erasure_waits_for_damaged_files_that_may_name_the_member(self, world: World):
        await world.voice(world.ada, "Ada")
        aside = world.folder / "members" / f"{world.grace.id}.json.damaged"
        aside.write_bytes(b"{")
        await forget(world, world.ada)
        await world.idle()
        assert f'"pending_erasures":{{"{world.ada.id}"' in on_disk(world)
        aside.unlink()
        await until(lambda: str(world.ada.id) not in on_disk(world))

    async def test_waiting_clip_is_dropped_at_the_next_start(self, world: World):
        await world.voice(world.ada, "Ada")
        world.upstream.faults.append(Fault(method="POST", path=SPEECH, status=429, headers={"Retry-After": "300"}))
        line = await speak(world, world.ada, wait=False)
        await until(lambda: '"stage":"accepted"' in stored_speech(world) and world.upstream.requests)
        await world.store.pending.put_pending_erasure(world.ada.id)
        await world.restart()
        await until(lambda: str(world.ada.id) not in on_disk(world))
        assert world.upstream.speeches == []
        assert sentence("refused.forgotten") in text(line)
        assert message(line).attachments, "the text is returned"
