"""`/voices export` and `/voices forget`: returning and erasing all data of a member."""

import asyncio
import io
import json
import zipfile

import pytest

from bot.demo.upstream import Fault
from support.audio import GOOD
from support.clocks import PATIENCE, until
from support.people import forget, press, speak, speech_ended
from support.reading import message, over, sentence, text
from support.world import World, on_disk


async def test_confirmed_erasure_deletes_all_data_here_and_upstream(world: World):
    await world.voice(world.ada, "Second")
    await world.voice(world.ada, "Ada", share=True)
    await world.voice(world.grace, "Grace", share=True)
    await speak(world, world.ada, "Grace", "What Ada said")
    await speak(world, world.grace, "Ada", "What Grace said")

    refused = await forget(world, world.ada, "yes")
    assert text(refused) == sentence("refused.forget_unconfirmed", word="FORGET ME")
    assert (len(world.stored(world.ada)), len(world.upstream.voices)) == (2, 3)
    result = await forget(world, world.ada)
    assert sentence("forget.done", deleted=2) in text(result)
    assert sentence("forget.stays") in text(result)
    await until(lambda: str(world.ada.id) not in on_disk(world))
    assert [voice.title for voice in world.upstream.voices.values()] == ["Grace"]
    assert "What Grace said" not in on_disk(world)
    assert "Ada" not in text(await world.linus.slash(world.channel, "voices community"))
    card = await world.grace.slash(world.channel, "voices show", voice="Grace")
    history = await press(world.grace, card, "button.history")
    assert "What Ada said" in text(history)
    assert sentence("history.forgotten") in text(history)


async def test_failed_deletion_stays_pending_without_other_data(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    world.upstream.faults += [Fault(method="DELETE", status=500)] * 2
    assert sentence("forget.owed", owed=1) in text(await forget(world, world.ada))
    await until(lambda: str(world.ada.id) not in on_disk(world))
    if world.upstream.voices:
        owed = json.loads((world.folder / "pending.json").read_text("utf-8"))["pending_deletions"]
        assert owed == {str(voice_id): {"voice_id": voice_id, "account": None, "owner_id": None}}
    await world.later(lambda: not world.upstream.voices and str(voice_id) not in on_disk(world))


@pytest.mark.world(held=True)
async def test_erasure_cancels_a_queued_clone_and_deletes_one_in_progress(world: World):
    await world.send(world.ada, title="Being made", wait=False)
    await until(lambda: world.upstream.voices)
    waiting = await world.send(world.grace, title="Waiting", wait=False)
    await until(lambda: sentence("stage.present.queued") in text(waiting))

    assert sentence("forget.cloning") not in text(await forget(world, world.grace))
    assert sentence("refused.cancelled") in text(waiting)
    assert sentence("forget.cloning") in text(await forget(world, world.ada))
    refused = await world.send(world.ada, title="Again")
    assert text(refused) == sentence("refused.being_forgotten")
    world.release()
    await until(lambda: not world.upstream.voices)
    for who in (world.ada, world.grace):
        await until(lambda who=who: str(who.id) not in on_disk(world))
    assert len(world.posts()) == 1
    async with asyncio.timeout(PATIENCE):  # the last step is in memory
        while text(await world.send(world.ada, title="Anew")) == text(refused):
            pass
    assert [voice["title"] for voice in world.stored(world.ada)] == ["Anew"]


@pytest.mark.world(clone_timeout=10)
async def test_erasure_deletes_the_kept_sample_and_a_late_voice_even_if_the_list_fails_once(world: World):
    world.upstream.faults.append(Fault(method="POST", path="/speech/voice", status=500))
    assert sentence("mureka.not_found") in text(await world.send(world.ada))
    assert any(name.endswith(".mp3") for name in world.jobs())
    asked = world.posts()[0].query
    late = await world.voice(world.linus, asked["title"], description=asked["desc"])
    await world.store.members.forget(world.linus.id)
    assert late in world.upstream.voices

    world.upstream.faults.append(Fault(method="GET", path="/speech/voices/", status=500))
    await forget(world, world.ada)
    await until(lambda: not world.jobs() and not world.upstream.voices)
    await until(lambda: str(world.ada.id) not in on_disk(world))


@pytest.mark.parametrize("author", ["ada", "grace"])
@pytest.mark.world(speech_seconds=0.5)
async def test_clip_of_an_erased_author_or_voice_is_not_posted(world: World, author: str):
    await world.voice(world.ada, "Ada", share=True)
    clip = await speak(world, world.ada if author == "ada" else world.grace, wait=False)
    await until(lambda: world.upstream.speeches)
    await forget(world, world.ada)
    await until(lambda: str(world.ada.id) not in on_disk(world))
    await until(lambda: author == "ada" or speech_ended(clip))
    assert clip.followups == []


async def test_export_without_all_previews_says_so(world: World):
    await world.voice(world.ada, "Ada", preview_url="https://example.org/a.mp3")
    result = await world.ada.slash(world.channel, "voices export")
    assert text(result) == sentence("export.without_all_audio")
    assert [file.filename for file in message(result).attachments] == ["stored.json"]


@pytest.mark.world(clone_seconds=30, clock=None)
async def test_export_holds_own_voices_with_previews_and_work_in_progress_but_no_token(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    await world.voice(world.grace, "Grace", share=True)
    await speak(world, world.ada, "Grace", "Hello from Ada")
    running = await world.send(world.ada, title="Running", wait=False)
    await until(lambda: not over(running) and len(world.upstream.voices) == 3)
    result = await world.ada.slash(world.channel, "voices export")
    assert result.ephemeral
    files = {file.filename: await file.read() for file in message(result).attachments}
    with zipfile.ZipFile(io.BytesIO(files["audio.zip"])) as audio:
        held = {name: audio.read(name) for name in audio.namelist()}
    assert held.pop(f"{voice_id}-Ada.mp3") == world.upstream.voices[voice_id].sample
    [(sample, content)] = held.items()
    assert sample.startswith(f"sample-{world.ada.id}-"), "the sample is kept until the clone ends"
    assert content == GOOD[1]
    stored = json.loads(files["stored.json"])
    assert [voice["title"] for voice in stored["voices"]] == ["Ada"]
    assert [job["title"] for job in stored["clones_under_way"]] == ["Running"]
    assert [line["text"] for line in stored["spoken_by_me"]] == ["Hello from Ada"]
    assert "token" not in json.dumps(stored)
