"""`/voices export` and `/voices forget`: all that is stored about a member, handed out and taken back."""

import asyncio
import io
import json
import zipfile
from contextlib import suppress
from pathlib import Path

import simcord
from simcord.results import InteractionResult

from bot.demo.upstream import Fault, Upstream
from conftest import GOOD, FastClock, World, opened, over, sentence, text, until
from test_speak import ended, speak
from test_voices import fields, message, press


async def forget(world: World, who: simcord.MemberActor, word: str = "forget me") -> InteractionResult:
    """Type `/voices forget` and the word."""
    form = await who.slash(world.channel, "voices forget")
    return await who.submit_modal(form, {fields(form)[0]: word})


def on_disk(world: World) -> str:
    """Read all of the data folder."""
    found: list[str] = []
    for file in world.folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):
            found += [file.name, file.read_bytes().decode("utf-8", "replace")]
    return "\n".join(found)


async def test_nothing_goes_without_the_word(world: World):
    await world.voice(world.ada, "Ada")
    refused = await forget(world, world.ada, "yes")
    assert text(refused) == sentence("refused.forget_unconfirmed", word="FORGET ME")
    assert len(world.stored(world.ada)) == len(world.upstream.voices) == 1


async def test_all_of_a_member_goes_here_and_upstream_and_the_reply_says_what_stays(world: World):
    await world.voice(world.ada, "Ada")
    await world.voice(world.ada, "Second")
    await world.voice(world.grace, "Grace")
    for who, title in ((world.ada, "Ada"), (world.grace, "Grace")):
        await who.slash(world.channel, "voices share", voice=title)
    await speak(world, world.ada, "Grace", "What Ada said")
    await speak(world, world.grace, "Ada", "What Grace said")

    result = await forget(world, world.ada)
    assert sentence("forget.done", deleted=2) in text(result)
    assert sentence("forget.stays") in text(result)
    await until(lambda: str(world.ada.id) not in on_disk(world))
    assert [voice.title for voice in world.upstream.voices.values()] == ["Grace"]
    assert "What Grace said" not in on_disk(world)
    listed = await world.linus.slash(world.channel, "voices community")
    assert "Ada" not in text(listed)
    card = await world.grace.slash(world.channel, "voices show", voice="Grace")
    history = await press(world.grace, card, "button.history")
    assert "What Ada said" in text(history)
    assert sentence("history.forgotten") in text(history)


async def test_what_could_not_be_deleted_stays_owed_and_says_nothing_else(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock()) as world:
        voice_id = await world.voice(world.ada, "Ada")
        world.upstream.faults += [Fault(method="DELETE", status=500)] * 2
        result = await forget(world, world.ada)
        assert sentence("forget.owed", owed=1) in text(result)
        await until(lambda: str(world.ada.id) not in on_disk(world))
        if world.upstream.voices:
            pending = json.loads((tmp_path / "pending.json").read_text("utf-8"))
            assert pending["owed"] == {
                str(voice_id): {"voice_id": voice_id, "account": None, "owner_id": None}
            }
        await until(lambda: not world.upstream.voices)
        await until(lambda: str(voice_id) not in on_disk(world))


async def test_a_clone_that_waits_is_cancelled_and_one_that_is_being_made_is_deleted_after(tmp_path: Path):
    async with (
        Upstream(clone_seconds=1) as upstream,
        opened(tmp_path, upstream, clock=FastClock()) as world,
    ):
        await world.send(world.ada, title="Being made", wait=False)
        await until(lambda: upstream.voices)
        waiting = await world.send(world.grace, title="Waiting", wait=False)
        await until(lambda: sentence("stage.present.queued") in text(waiting))

        assert sentence("forget.cloning") not in text(await forget(world, world.grace))
        assert sentence("refused.cancelled") in text(waiting)
        assert sentence("forget.cloning") in text(await forget(world, world.ada))
        refused = await world.send(world.ada, title="Again")
        assert text(refused) == sentence("refused.being_forgotten")
        await until(lambda: not upstream.voices)
        for who in (world.ada, world.grace):
            await until(lambda who=who: str(who.id) not in on_disk(world))
        assert len(world.posts()) == 1
        await asyncio.sleep(0.05)  # the last of it is in memory
        await world.send(world.ada, title="Anew")
        assert [voice["title"] for voice in world.stored(world.ada)] == ["Anew"]


async def test_a_sample_kept_for_another_try_goes_and_so_does_a_voice_made_after_all(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock(), clone_timeout=10) as world:
        world.upstream.faults.append(Fault(method="POST", path="/speech/voice", status=500))
        failed = await world.send(world.ada)
        assert sentence("mureka.not_found") in text(failed)
        assert any(name.endswith(".mp3") for name in world.jobs())
        asked = world.posts()[0].query
        late = await world.voice(world.linus, asked["title"], description=asked["desc"])
        await world.bot.cloner._store.members.forget(world.linus.id)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the voice is nobody's yet
        assert late in world.upstream.voices

        await forget(world, world.ada)
        await until(lambda: not world.jobs())
        await until(lambda: not world.upstream.voices)
        await until(lambda: str(world.ada.id) not in on_disk(world))


async def test_a_line_under_way_is_not_posted(tmp_path: Path):
    async with (
        Upstream(speech_seconds=0.5) as upstream,
        opened(tmp_path, upstream, clock=FastClock()) as world,
    ):
        await world.voice(world.ada, "Ada")
        line = await speak(world, world.ada, wait=False)
        await until(lambda: upstream.speeches)
        await forget(world, world.ada)
        await until(lambda: str(world.ada.id) not in on_disk(world))
        assert line.followups == []


async def test_a_line_with_a_voice_that_is_forgotten_meanwhile_fails(tmp_path: Path):
    async with (
        Upstream(speech_seconds=0.5) as upstream,
        opened(tmp_path, upstream, clock=FastClock()) as world,
    ):
        await world.voice(world.ada, "Ada")
        await world.ada.slash(world.channel, "voices share", voice="Ada")
        line = await speak(world, world.grace, wait=False)
        await until(lambda: upstream.speeches)
        await forget(world, world.ada)
        await until(lambda: ended(line))
        assert line.followups == []
        await until(lambda: str(world.ada.id) not in on_disk(world))


async def test_forgetting_goes_on_after_a_restart(tmp_path: Path):
    async with (
        Upstream(clone_seconds=0.5) as upstream,
        opened(tmp_path, upstream, clock=FastClock()) as world,
    ):
        await world.send(world.ada, wait=False)
        await until(lambda: upstream.voices)
        await forget(world, world.ada)
        await world.restart()
        await until(lambda: str(world.ada.id) not in on_disk(world))
        assert upstream.voices == {}


async def test_an_export_without_room_for_previews_says_so(world: World):
    await world.voice(world.ada, "Ada", preview_url="https://example.org/a.mp3")
    result = await world.ada.slash(world.channel, "voices export")
    assert text(result) == sentence("export.without_all_audio")
    assert [file.filename for file in message(result).attachments] == ["stored.json"]


async def test_an_export_holds_what_is_under_way_but_no_token(tmp_path: Path):
    async with Upstream(clone_seconds=30) as upstream, opened(tmp_path, upstream) as world:
        await world.voice(world.grace, "Grace")
        await world.grace.slash(world.channel, "voices share", voice="Grace")
        await speak(world, world.ada, "Grace", "Hello from Ada")
        running = await world.send(world.ada, title="Running", wait=False)
        await until(lambda: not over(running) and len(upstream.voices) == 2)
        result = await world.ada.slash(world.channel, "voices export")
        record, archive = message(result).attachments
        with zipfile.ZipFile(io.BytesIO(await archive.read())) as audio:
            (sample,) = audio.namelist()
            assert sample.startswith(f"sample-{world.ada.id}-"), "what is kept until the clone is over"
            assert audio.read(sample) == GOOD[1]
        stored = json.loads(await record.read())
        assert [job["title"] for job in stored["clones_under_way"]] == ["Running"]
        assert [line["text"] for line in stored["spoken_by_me"]] == ["Hello from Ada"]
        assert "token" not in json.dumps(stored)
