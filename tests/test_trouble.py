"""What stands in the way of lines, shares and forgetting loses nothing, charges nothing twice, and ends."""

import asyncio
import errno
import json
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest

from bot.client.membership import DiscordMembership
from bot.demo.upstream import ClonedVoice, Fault, Upstream
from bot.errors import Refused
from bot.mureka.errors import SessionDied
from bot.speaking.job import SpeechJob, SpeechStage
from bot.store.tiny.jobs import TinySpeeches
from bot.store.tiny.members import TinyMembers
from bot.voices.models import Viewer
from conftest import GOOD, FastClock, World, opened, sentence, text, until
from test_community import rows
from test_privacy import forget, on_disk
from test_speak import SPEECH, ended, lines_on_disk, speak, stored_line
from test_voices import message

FOLLOW_UP = "/webhooks/*/*"


async def test_a_line_that_can_t_be_posted_comes_by_dm(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock()) as world:
        await world.voice(world.ada, "Ada")
        world.env.inject_error("POST", FOLLOW_UP, status=403, times=None)
        result = await speak(world, world.ada)
        await until(lambda: not lines_on_disk(world))
        (direct,) = [body for body in world.direct() if body.get("embeds")]
        assert "Synthetic voice" in direct["embeds"][0]["footer"]["text"]
        assert sentence("line.by_dm", title="Ada") in text(result)


async def test_with_closed_dms_a_mention_says_that_there_was_something(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock()) as world:
        await world.voice(world.ada, "Ada")
        world.env.inject_error("POST", FOLLOW_UP, status=403, times=None)
        world.env.inject_error("POST", "/users/@me/channels", status=403, times=None)
        await speak(world, world.ada, said="A secret")
        await until(lambda: not lines_on_disk(world))
        (mention,) = world.direct()
        assert mention["content"].startswith(f"<@{world.ada.id}>")
        assert "secret" not in mention["content"]


async def test_a_line_that_discord_delays_is_posted_later_but_not_once_its_voice_is_withdrawn(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock()) as world:
        await world.voice(world.ada, "Ada")
        await world.ada.slash(world.channel, "voices share", voice="Ada")
        for withdrawn in (False, True):
            world.env.inject_error("POST", FOLLOW_UP, status=503, times=5)
            result = await speak(world, world.grace, wait=False)
            await until(lambda: '"stage":"made"' in stored_line(world))
            if withdrawn:
                await world.ada.slash(world.channel, "voices unshare", voice="Ada")
            await until(lambda: not lines_on_disk(world), seconds=20)
            assert len(result.followups) == (not withdrawn)
        assert sentence("refused.withdrawn", title="Ada") in text(result)


@pytest.mark.parametrize("stage", [SpeechStage.SPEAKING, SpeechStage.MADE])
async def test_a_line_that_is_paid_for_is_heard_whatever_the_disk_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: SpeechStage
):
    put = TinySpeeches.put

    async def full(store: TinySpeeches, speech: SpeechJob) -> None:
        if speech.stage is stage:
            raise OSError(errno.ENOSPC, "No space left on device")
        await put(store, speech)

    async def never(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with opened(tmp_path, clock=FastClock()) as world:
        await world.voice(world.ada, "Ada")
        monkeypatch.setattr(TinySpeeches, "put", full)
        monkeypatch.setattr(TinyMembers, "change", never)
        result = await speak(world, world.ada)
        assert len(result.followups) == len(world.upstream.speeches) == 1


async def test_nothing_is_sent_while_the_disk_can_t_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put = TinySpeeches.put

    async def full(store: TinySpeeches, speech: SpeechJob) -> None:
        if speech.stage is SpeechStage.SENDING:
            raise OSError(errno.ENOSPC, "No space left on device")
        await put(store, speech)

    async with opened(tmp_path, clock=FastClock()) as world:
        await world.voice(world.ada, "Ada")
        monkeypatch.setattr(TinySpeeches, "put", full)
        result = await speak(world, world.ada)
        assert sentence("store.unwritable") in text(result)
        assert world.upstream.speeches == []


async def test_erasing_a_token_never_takes_a_line_back_to_an_older_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    put, sending = TinySpeeches.put, asyncio.Event()

    async def slow(store: TinySpeeches, speech: SpeechJob) -> None:
        if speech.stage is SpeechStage.SENDING:
            sending.set()
            await asyncio.sleep(0.2)
        await put(store, speech)

    async with opened(tmp_path, clock=(clock := FastClock())) as world:
        await world.voice(world.ada, "Ada")
        monkeypatch.setattr(TinySpeeches, "put", slow)
        world.upstream.faults.append(Fault(method="POST", path=SPEECH, then="hang", takes_effect=True))
        await speak(world, world.ada, wait=False)
        await sending.wait()
        clock.skip(15 * 60 - 3)
        await until(lambda: '"reply":null' in stored_line(world))
        assert '"stage":"sending"' in stored_line(world)


async def test_a_bot_that_stops_takes_no_lines_and_lets_one_that_is_being_sent_finish(tmp_path: Path):
    async with (
        Upstream(speech_seconds=0.3) as upstream,
        opened(tmp_path, upstream, clock=FastClock()) as world,
    ):
        await world.voice(world.ada, "Ada")
        upstream.faults.append(Fault(method="POST", path=SPEECH, status=400))  # the plain form then
        result = await speak(world, world.ada, wait=False)
        await until(lambda: '"stage":"sending"' in stored_line(world) and upstream.speeches)
        stopping = asyncio.create_task(world.bot.drain())
        await asyncio.sleep(0)
        refused = await world.ada.slash(world.channel, "speak", voice="Ada", text="Hello")
        assert text(refused) == sentence("refused.restarting")
        await stopping
        await until(lambda: ended(result))
        assert len(result.followups) == 1


async def test_the_trouble_of_an_account_that_clones_nothing_stops_no_clone(tmp_path: Path):
    async with (
        Upstream(accounts=("a", "b")) as upstream,
        opened(tmp_path, upstream, useapi_accounts=("a",)) as world,
    ):
        world.bot.cloner.watch.report("b", SessionDied(code="SESSION_EXPIRED"))
        await until(world.direct)
        await world.send(title="Ada")
        assert len(world.stored(world.ada)) == 1


@pytest.mark.parametrize("error", [aiohttp.ClientError("reset"), TimeoutError(), OSError("no route")])
async def test_a_line_to_discord_that_breaks_makes_nobody_gone(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    async def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(discord.Guild, "fetch_member", broken)
    membership = DiscordMembership(world.bot, FastClock())
    assert await membership.is_member(world.ada.guild.id, world.ada.id)


async def test_whoever_comes_back_is_there_at_once(world: World):
    membership, guild = DiscordMembership(world.bot, FastClock()), world.ada.guild
    guild.remove_member(world.ada)
    assert not await membership.is_member(guild.id, world.ada.id)
    guild.add_member(world.ada.user)
    assert await membership.is_member(guild.id, world.ada.id)


async def test_a_file_of_another_shape_hides_only_its_member_s_voices(world: World):
    for who, title in ((world.ada, "Ada"), (world.grace, "Grace")):
        await world.voice(who, title)
        await who.slash(world.channel, "voices share", voice=title)
    file = world.folder / "members" / f"{world.ada.id}.json"
    record = json.loads(file.read_text("utf-8"))
    for voice in record["voices"].values():
        del voice["title"]
    file.write_text(json.dumps(record), "utf-8")
    await world.restart()
    listed = text(await world.linus.slash(world.channel, "voices community"))
    assert "**Grace**" in listed
    assert "**Ada**" not in listed
    assert len(await world.linus.autocomplete(world.channel, "speak", "voice", "")) == 1


async def test_a_damaged_file_of_what_is_owed_keeps_nobody_from_working(world: World):
    (world.folder / "pending.json").write_bytes(b"{")
    await world.restart()
    await world.send(title="Ada")
    assert len(world.stored(world.ada)) == 1


class TestForgetting:
    """It ends with nothing left, here or upstream, whatever stands in the way."""

    async def test_a_list_that_fails_once_leaves_no_voice_upstream(self, tmp_path: Path):
        async with opened(tmp_path, clock=FastClock(), clone_timeout=10) as world:
            world.upstream.faults.append(Fault(method="POST", path="/speech/voice", status=500))
            await world.send(world.ada)
            asked = world.posts()[0].query
            made = ClonedVoice(7, "demo@example.com", asked["title"], asked["desc"], "en", GOOD[1], 1)
            world.upstream.voices[7] = made
            world.upstream.faults.append(Fault(method="GET", path="/speech/voices/", status=500))
            await forget(world, world.ada)
            await until(lambda: str(world.ada.id) not in on_disk(world))
            await until(lambda: not world.upstream.voices)

    async def test_nothing_can_be_shared_any_more(self, world: World, monkeypatch: pytest.MonkeyPatch):
        voice_id = await world.voice(world.ada, "Ada")
        holding = asyncio.Event()

        async def hold(*_: Any, **__: Any) -> None:
            holding.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(TinyMembers, "anonymise", hold)
        await forget(world, world.ada)
        await holding.wait()
        viewer = Viewer(world.ada.id, world.ada.guild.id)
        with pytest.raises(Refused, match=r"^refused\.(being_forgotten|voice_unknown)\b"):
            await world.bot.library.share(viewer, voice_id, owner_name="ada")
        assert rows(world) == []

    async def test_it_waits_for_damaged_files_that_may_name_the_member(self, tmp_path: Path):
        async with opened(tmp_path, clock=FastClock()) as world:
            await world.voice(world.ada, "Ada")
            aside = world.folder / "members" / f"{world.grace.id}.json.damaged"
            aside.write_bytes(b"{")
            await forget(world, world.ada)
            await asyncio.sleep(0.3)
            assert f'"leaving":{{"{world.ada.id}"' in on_disk(world)
            aside.unlink()
            await until(lambda: str(world.ada.id) not in on_disk(world), seconds=30)

    async def test_what_waited_does_not_go_on_at_the_next_start(self, tmp_path: Path):
        async with opened(tmp_path, clock=FastClock()) as world:
            await world.voice(world.ada, "Ada")
            world.upstream.faults.append(
                Fault(method="POST", path=SPEECH, status=429, headers={"Retry-After": "300"})
            )
            line = await speak(world, world.ada, wait=False)
            await until(lambda: '"stage":"accepted"' in stored_line(world) and world.upstream.requests)
            store = world.bot.cloner._store  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as a kill would leave it
            await store.pending.put_leaving(world.ada.id)
            await world.restart()
            await until(lambda: str(world.ada.id) not in on_disk(world))
            assert world.upstream.speeches == []
            assert sentence("refused.forgotten") in text(line)
            assert message(line).attachments, "the text is handed back"
