"""`/speak` as a member meets it: from the text to a public line that plays, and every way of failing."""

import json
from pathlib import Path
from typing import Any

import pytest
import simcord
from simcord.results import InteractionResult

from bot.client.membership import FRESH_SECONDS
from bot.demo.upstream import Fault, Upstream
from bot.speaking.synthesizer import AT_ONCE
from conftest import FastClock, World, buttons, opened, sentence, text, until
from test_voices import fields, message, press

UNKNOWN = sentence("refused.voice_unknown")
SPEECH = "/speech"


async def speak(
    world: World,
    who: simcord.MemberActor,
    voice: str = "Ada",
    said: str = "Hello there",
    *,
    wait: bool = True,
) -> InteractionResult:
    """Type `/speak` and wait until the line is posted or has failed."""
    result = await who.slash(world.channel, "speak", voice=voice, text=said)
    if wait:
        await until(lambda: ended(result))
    return result


def ended(result: InteractionResult) -> bool:
    """Whether nothing more comes: a line was posted, or the card says how it failed."""
    shown = text(result)
    return bool(shown) and "Speaking" not in shown and "being posted" not in shown


def spoken(world: World) -> list[tuple[str, str]]:
    """List what the API was asked to speak, and with which voice."""
    return [(line.text, str(line.voice_id)) for line in world.upstream.speeches]


def lines_on_disk(world: World) -> list[str]:
    """List the files of lines under way."""
    return [file.name for file in (world.folder / "speeches").iterdir()]


async def test_a_line_is_posted_for_everybody_labelled_and_playable(world: World):
    voice_id = await world.voice(world.ada, "Ada & Söhne")
    result = await speak(world, world.ada, "Ada & Söhne", "Hello *there* @everyone")
    assert result.ephemeral
    assert sentence("line.done", title="Ada & Söhne") in text(result)
    (line,) = result.followups
    assert not line.ephemeral
    embed = line.embeds[0]
    assert embed.footer.text == "Synthetic voice “Ada & Söhne”: nobody said this"
    assert embed.author.name == "ada"
    assert embed.description == r"Hello \*there\* \@everyone"
    (audio,) = line.attachments
    assert audio.filename == "Ada-Söhne.mp3"
    assert await audio.read() == world.upstream.voices[voice_id].sample
    assert spoken(world) == [("Hello *there* @everyone", str(voice_id))]
    await until(lambda: not lines_on_disk(world))


async def test_the_card_shows_an_estimate_that_says_so(tmp_path: Path):
    async with (
        Upstream(speech_seconds=0.5) as upstream,
        opened(tmp_path, upstream, clock=FastClock()) as world,
    ):
        await world.voice(world.ada, "Ada")
        await speak(world, world.ada)
        shown = json.dumps(world.edits(), ensure_ascii=False)
        assert "of about 0:55, an estimate" in shown
        assert sentence("line.sent") in shown


async def test_a_text_of_5000_characters_fits_a_form_of_two_fields(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    form = await world.ada.slash(world.channel, "speak", voice="Ada")
    first, rest = fields(form)
    result = await world.ada.submit_modal(form, {first: "a" * 4000, rest: "b" * 1000})
    await until(lambda: ended(result))
    assert spoken(world) == [("a" * 4000 + "b" * 1000, str(voice_id))]
    form = await world.ada.slash(world.channel, "speak", voice="Ada")
    first, rest = fields(form)
    result = await world.ada.submit_modal(form, {first: "Hello", rest: "there"})
    await until(lambda: ended(result))
    assert spoken(world)[1][0] == "Hello there"


async def test_a_card_s_speak_button_asks_for_the_text(world: World):
    result = await world.send()
    form = await press(world.ada, result, "button.speak")
    line = await world.ada.submit_modal(form, {fields(form)[0]: "Hello"})
    await until(lambda: ended(line))
    assert len(line.followups) == 1


@pytest.mark.parametrize("said", ["   ", "🎉🎉", "\u200b", "?!…", "\n\n"])
async def test_a_text_with_nothing_to_say_is_refused(world: World, said: str):
    await world.voice(world.ada, "Ada")
    result = await speak(world, world.ada, said=said)
    assert text(result) == sentence("refused.text_blank")
    assert spoken(world) == []
    assert lines_on_disk(world) == []


async def test_discord_takes_no_more_than_5000_characters(world: World):
    await world.voice(world.ada, "Ada")
    with pytest.raises(simcord.SetupError, match="at most 5000"):
        await speak(world, world.ada, said="a" * 5001)


async def test_others_speak_with_what_is_shared_and_the_owner_sees_it(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    assert text(await speak(world, world.grace)) == UNKNOWN
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    await speak(world, world.grace, said="Good *morning*")
    card = await world.ada.slash(world.channel, "voices show", voice="Ada")
    assert "1\u00d7, the last time" in text(card)
    assert "by grace" in text(card)
    history = await press(world.ada, card, "button.history")
    assert history.ephemeral
    assert r"**grace**: Good \*morning\*" in text(history)
    (file,) = message(history).attachments
    assert b"grace:\nGood *morning*" in await file.read()
    shown = await world.grace.slash(world.channel, "voices show", voice=str(voice_id))
    assert sentence("button.history") not in buttons(shown), "it is the owner's alone"


async def test_the_history_keeps_the_newest_fifty_in_pages(tmp_path: Path):
    async with opened(tmp_path) as world:
        await world.voice(world.ada, "Ada")
        for number in range(52):
            await speak(world, world.ada, said=f"Line number {number}")
        card = await world.ada.slash(world.channel, "voices show", voice="Ada")
        assert "50\u00d7" in text(card)
        history = await press(world.ada, card, "button.history")
        assert "Line number 51" in text(history)
        assert "Line number 41" not in text(history)
        await world.ada.click(message(history), label=sentence("button.next", page=2, pages=5))
        assert "Line number 41" in text(history)
        (file,) = message(history).attachments
        whole = (await file.read()).decode()
        assert "Line number 2\n" in f"{whole}\n"
        assert "Line number 1\n" not in f"{whole}\n"


async def test_the_last_used_comes_first(world: World):
    await world.voice(world.ada, "Ada")
    await world.voice(world.ada, "Eve")
    await speak(world, world.ada, "Ada")
    offered = await world.ada.autocomplete(world.channel, "speak", "voice", "")
    assert [choice["name"] for choice in offered] == ["Ada", "Eve"]


async def test_no_more_lines_at_once_than_allowed(tmp_path: Path):
    async with Upstream(speech_seconds=30) as upstream, opened(tmp_path, upstream) as world:
        await world.voice(world.ada, "Ada")
        for _ in range(AT_ONCE):
            await speak(world, world.ada, wait=False)
        refused = await speak(world, world.ada)
        assert text(refused) == sentence("refused.speaking_already", limit=AT_ONCE)
        assert text(await world.ada.slash(world.channel, "speak", voice="Ada")) == text(refused)


@pytest.mark.parametrize("how", ["unshare", "delete", "leave"])
async def test_a_voice_that_is_withdrawn_meanwhile_is_not_heard(tmp_path: Path, how: str):
    async with (
        Upstream(speech_seconds=0.5) as upstream,
        opened(tmp_path, upstream, clock=(clock := FastClock())) as world,
    ):
        await world.voice(world.ada, "Ada")
        await world.ada.slash(world.channel, "voices share", voice="Ada")
        result = await speak(world, world.grace, wait=False)
        await until(lambda: world.upstream.speeches)
        if how == "leave":
            world.ada.guild.remove_member(world.ada)
            clock.skip(FRESH_SECONDS)
        else:
            asked = await world.ada.slash(world.channel, f"voices {how}", voice="Ada")
            if how == "delete":
                await press(world.ada, asked, "button.gone")
        await until(lambda: ended(result))
        assert result.followups == []
        assert sentence("line.failed", title="Ada") in text(result)


FAULTS: list[tuple[Fault, str, int]] = [
    (Fault(method="POST", path=SPEECH, status=401), "line.mureka.token_refused", 0),
    (Fault(method="POST", path=SPEECH, status=402), "line.mureka.exhausted", 0),
    (
        Fault(method="POST", path=SPEECH, status=596, body={"code": "COOKIE_EXPIRED"}),
        "line.mureka.session_died",
        0,
    ),
    (Fault(method="POST", path=SPEECH, status=500, takes_effect=True), "line.mureka.unknown", 1),
    (Fault(method="POST", path=SPEECH, then="reset", takes_effect=True), "line.mureka.unknown", 1),
    (Fault(method="POST", path=SPEECH, body=b"<html>", takes_effect=True), "line.mureka.unknown", 1),
    (
        Fault(method="POST", path=SPEECH, then="cut_off", body={"a": 1}, takes_effect=True),
        "line.mureka.unknown",
        1,
    ),
]


@pytest.mark.parametrize(
    ("fault", "key", "times"), FAULTS, ids=[f"{f.then} {f.status}" for f, _, _ in FAULTS]
)
async def test_what_goes_wrong_is_said_once_and_never_sent_twice(
    tmp_path: Path, fault: Fault, key: str, times: int
):
    async with opened(tmp_path, clock=FastClock()) as world:
        await world.voice(world.ada, "Ada")
        world.upstream.faults.append(fault)
        result = await speak(world, world.ada, said="Do not lose me")
        assert sentence(key) in text(result)
        assert len(world.upstream.speeches) == times
        assert result.followups == []
        (attached,) = message(result).attachments
        assert await attached.read() == b"Do not lose me", "what was typed is not lost"
        await until(lambda: not lines_on_disk(world))


RETRIED: list[tuple[Fault, ...]] = [
    (Fault(method="POST", path=SPEECH, status=429, headers={"Retry-After": "3"}),) * 6,
    (Fault(method="POST", path=SPEECH, status=596, body={"code": "REFRESH_IN_PROGRESS"}),),
    (Fault(method="POST", path=SPEECH, status=400),),
]


@pytest.mark.parametrize("faults", RETRIED, ids=["busy", "refreshing", "no async form"])
async def test_what_may_be_sent_again_is(tmp_path: Path, faults: tuple[Fault, ...]):
    async with opened(tmp_path, clock=FastClock()) as world:
        await world.voice(world.ada, "Ada")
        world.upstream.faults += faults
        result = await speak(world, world.ada)
        assert len(result.followups) == 1
        assert len(world.upstream.speeches) == 1


async def test_a_text_that_both_forms_refuse_is_refused(world: World):
    await world.voice(world.ada, "Ada")
    world.upstream.faults += [Fault(method="POST", path=SPEECH, status=400)] * 2
    result = await speak(world, world.ada)
    assert sentence("line.mureka.rejected") in text(result)


async def test_a_voice_that_mureka_has_lost_can_be_forgotten(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    del world.upstream.voices[voice_id]
    result = await speak(world, world.ada)
    assert sentence("line.voice_lost", title="Ada") in text(result)
    await press(world.ada, result, "button.lost")
    await press(world.ada, result, "button.gone")
    assert text(result) == sentence("delete.done", title="Ada")
    assert world.stored(world.ada) == []


async def test_only_the_owner_of_a_lost_voice_is_offered_to_forget_it(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    del world.upstream.voices[voice_id]
    result = await speak(world, world.grace)
    assert sentence("line.voice_lost", title="Ada") in text(result)
    assert buttons(result) == []


async def test_a_job_that_fails_says_so(tmp_path: Path):
    async with (
        Upstream(speech_seconds=0.5) as upstream,
        opened(tmp_path, upstream, clock=FastClock()) as world,
    ):
        await world.voice(world.ada, "Ada")
        result = await speak(world, world.ada, wait=False)
        await until(lambda: upstream.speeches)
        upstream.voices.clear()
        await until(lambda: ended(result))
        assert sentence("line.voice_lost", title="Ada") in text(result)


async def test_a_line_goes_on_after_a_restart(tmp_path: Path):
    async with (
        Upstream(speech_seconds=0.5) as upstream,
        opened(tmp_path, upstream, clock=FastClock()) as world,
    ):
        await world.voice(world.ada, "Ada")
        result = await speak(world, world.ada, wait=False)
        await until(lambda: upstream.speeches)
        await until(lambda: '"stage":"speaking"' in stored_line(world))
        await world.restart()
        await until(lambda: ended(result))
        assert len(result.followups) == 1
        assert len(upstream.speeches) == 1


def stored_line(world: World) -> str:
    """Read the only line under way as it lies on disk."""
    files = [file for file in (world.folder / "speeches").iterdir() if file.suffix == ".json"]
    return files[0].read_text("utf-8") if files else ""


async def test_a_line_whose_sending_was_interrupted_is_not_sent_again(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock()) as world:
        await world.voice(world.ada, "Ada")
        world.upstream.faults.append(Fault(method="POST", path=SPEECH, then="hang", takes_effect=True))
        result = await speak(world, world.ada, wait=False)
        await until(lambda: '"stage":"sending"' in stored_line(world))
        await until(lambda: world.upstream.speeches)
        await world.restart()
        await until(lambda: ended(result))
        assert sentence("line.mureka.unknown") in text(result)
        assert len(world.upstream.speeches) == 1


async def test_a_line_that_is_late_comes_by_dm(tmp_path: Path):
    clock = FastClock()
    async with Upstream(speech_seconds=0.3) as upstream, opened(tmp_path, upstream, clock=clock) as world:
        await world.voice(world.ada, "Ada")
        result = await speak(world, world.ada, wait=False)
        await until(lambda: '"stage":"speaking"' in stored_line(world))
        clock.skip(15 * 60)
        await until(lambda: not lines_on_disk(world))
        assert result.followups == []
        (direct,) = [body for body in world.direct() if body.get("embeds")]
        assert "Synthetic voice" in direct["embeds"][0]["footer"]["text"]


async def test_an_audio_link_that_is_not_mureka_s_is_not_shown(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock()) as world:
        await world.voice(world.ada, "Ada")
        answer: dict[str, Any] = {"mp3_url": "https://example.org/a.mp3"}
        world.upstream.faults.append(Fault(method="POST", path=SPEECH, body=answer))
        result = await speak(world, world.ada)
        (line,) = result.followups
        assert line.attachments == []
        assert "example.org" not in str(line.embeds[0].to_dict())


async def test_deleting_the_voice_while_it_speaks_blames_nobody_else(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock()) as world:
        await world.voice(world.ada, "Ada")
        world.upstream.faults.append(
            Fault(method="POST", path=SPEECH, status=429, headers={"Retry-After": "30"})
        )
        result = await speak(world, world.ada, wait=False)
        asked = await world.ada.slash(world.channel, "voices delete", voice="Ada")
        await press(world.ada, asked, "button.gone")
        await until(lambda: ended(result))
        assert sentence("refused.withdrawn", title="Ada") in text(result)
        assert buttons(result) == []


async def test_a_form_that_is_refused_hands_its_text_back(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    form = await world.grace.slash(world.channel, "speak", voice=str(voice_id))
    await world.ada.slash(world.channel, "voices unshare", voice="Ada")
    refused = await world.grace.submit_modal(form, {fields(form)[0]: "Much to type"})
    assert text(refused) == UNKNOWN
    (attached,) = message(refused).attachments
    assert await attached.read() == b"Much to type"
