"""`/speak` from the text to a public clip that plays, and its failures."""

import json
from dataclasses import replace
from typing import Any

import pytest
import simcord

from bot.client.membership import FRESH_SECONDS
from bot.demo.upstream import Fault
from bot.i18n import Markup
from bot.speaking.synthesizer import JOBS_PER_AUTHOR
from support.clocks import until
from support.moderators import Court
from support.people import SPEECH, card_of, delete, press, speak, speech_ended, speeches_on_disk, stored_speech
from support.reading import UNKNOWN, buttons, fields, message, sentence, text
from support.world import World


@pytest.fixture(autouse=True)
async def voice_id(world: World) -> int:
    """Give Ada a private voice in each test."""
    return await world.voice(world.ada, "Ada")


def spoken(world: World) -> list[tuple[str, str]]:
    """List the texts that the API was asked to speak, with their voices."""
    return [(line.text, str(line.voice_id)) for line in world.upstream.speeches]


async def test_clip_is_public_labeled_and_playable(world: World):
    voice_id = await world.voice(world.ada, "Ada & Söhne")
    result = await speak(world, world.ada, "Ada & Söhne", "Hello *there* @everyone")
    assert result.ephemeral
    assert sentence("line.done", title="Ada & Söhne") in text(result)
    (line,) = result.followups
    assert not line.ephemeral
    embed = line.embeds[0]
    assert embed.footer.text == sentence("line.synthetic", title=Markup("Ada & Söhne"))
    assert embed.author.name == "ada"
    assert embed.description == r"Hello \*there\* \@everyone"
    (audio,) = line.attachments
    assert audio.filename == "Ada-Söhne.mp3"
    assert await audio.read() == world.upstream.voices[voice_id].sample
    assert spoken(world) == [("Hello *there* @everyone", str(voice_id))]
    await until(lambda: not speeches_on_disk(world))


@pytest.mark.world(speech_seconds=0.5)
async def test_card_shows_an_estimate_and_says_so(world: World):
    await speak(world, world.ada)
    shown = json.dumps(world.edits(), ensure_ascii=False)
    assert "of about 0:55" in shown
    assert sentence("line.sent") in shown


async def test_command_or_form_of_two_fields_takes_5000_characters(world: World, voice_id: int):
    with pytest.raises(simcord.SetupError, match="at most 5000"):
        await speak(world, world.ada, said="a" * 5001)
    form = await world.ada.slash(world.channel, "speak", voice="Ada")
    first, rest = fields(form)
    result = await world.ada.submit_modal(form, {first: "a" * 4000, rest: "b" * 1000})
    await until(lambda: speech_ended(result))
    assert spoken(world) == [("a" * 4000 + "b" * 1000, str(voice_id))]
    card = await world.ada.slash(world.channel, "voices show", voice="Ada")
    form = await press(world.ada, card, "button.speak")
    first, rest = fields(form)
    result = await world.ada.submit_modal(form, {first: "Hello", rest: "there"})
    await until(lambda: speech_ended(result))
    assert spoken(world)[1][0] == "Hello there"


@pytest.mark.parametrize("said", ["   ", "🎉🎉", "\u200b", "?!…", "\n\n"])
async def test_text_without_words_is_refused(world: World, said: str):
    assert text(await speak(world, world.ada, said=said)) == sentence("refused.text_blank")
    assert spoken(world) == []
    assert speeches_on_disk(world) == []


async def test_others_speak_with_a_shared_voice_and_the_owner_sees_it(world: World, voice_id: int):
    assert text(await speak(world, world.grace)) == UNKNOWN
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    await speak(world, world.grace, said="Good *morning*")
    card = await world.ada.slash(world.channel, "voices show", voice="Ada")
    assert "1 clip, posted" in text(card)
    assert "by grace" in text(card)
    history = await press(world.ada, card, "button.history")
    assert history.ephemeral
    assert r"**grace**: Good \*morning\*" in text(history)
    (file,) = message(history).attachments
    assert b"grace:\nGood *morning*" in await file.read()
    shown = await world.grace.slash(world.channel, "voices show", voice=str(voice_id))
    assert sentence("button.history") not in buttons(shown), "only the owner sees the history"


async def test_history_keeps_the_newest_fifty_clips_in_pages_and_counts_all(world: World, voice_id: int):
    await world.voice(world.ada, "Eve")
    for number in range(52):
        await speak(world, world.ada, said=f"Line number {number}")
    offered = await world.ada.autocomplete(world.channel, "speak", "voice", "")
    assert [choice["name"] for choice in offered] == ["Ada", "Eve"], "the last used voice is suggested first"
    card = await world.ada.slash(world.channel, "voices show", voice="Ada")
    assert "52 clips" in text(card)
    history = await press(world.ada, card, "button.history")
    assert sentence("history.title_last", lines=50, title="Ada") in text(history)
    assert "Line number 51" in text(history)
    assert "Line number 41" not in text(history)
    await world.ada.click(message(history), label=sentence("button.next", page=2, pages=5))
    assert "Line number 41" in text(history)
    (file,) = message(history).attachments
    whole = (await file.read()).decode()
    assert "Line number 2\n" in f"{whole}\n"
    assert "Line number 1\n" not in f"{whole}\n"
    await world.store.members.change(world.ada.id, voice_id, lambda voice: replace(voice, clip_count=0))
    assert "50 clips" in text(await card_of(world, world.ada, voice_id)), "as in a record of an older version"
    await speak(world, world.ada)
    assert "51 clips" in text(await card_of(world, world.ada, voice_id))


@pytest.mark.world(speech_seconds=30, clock=None)
async def test_number_of_clips_at_once_is_limited(world: World):
    for _ in range(JOBS_PER_AUTHOR):
        await speak(world, world.ada, wait=False)
    refused = await speak(world, world.ada)
    assert text(refused) == sentence("refused.speaking_already", limit=JOBS_PER_AUTHOR)
    assert text(await world.ada.slash(world.channel, "speak", voice="Ada")) == text(refused)


@pytest.mark.parametrize(
    ("how", "key"),
    [
        ("unshared", "line.failed"),
        ("deleted", "line.failed"),
        ("its owner left", "line.failed"),
        ("lost upstream", "line.voice_lost"),
        ("removed by a moderator", "refused.withdrawn"),
        ("speaking switched off", "rule.speaking_off"),
    ],
)
@pytest.mark.world(speech_seconds=0.5)
async def test_clip_of_a_voice_that_may_no_longer_speak_is_not_posted(court: Court, world: World, how: str, key: str):
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    result = await speak(world, world.grace, wait=False)
    await until(lambda: world.upstream.speeches)
    match how:
        case "unshared":
            await world.ada.slash(world.channel, "voices unshare", voice="Ada")
        case "deleted":
            await delete(world, world.ada)
        case "lost upstream":
            world.upstream.voices.clear()
        case "its owner left":
            world.ada.guild.remove_member(world.ada)
            world.skip(FRESH_SECONDS)
        case "removed by a moderator":
            await court.remove()
        case _:
            await court.switch("cloning", "sharing")
    await until(lambda: speech_ended(result))
    assert result.followups == []
    assert sentence(key, title="Ada") in text(result)


def fault(**details: Any) -> Fault:
    return Fault(method="POST", path=SPEECH, **details)


FAULTS: list[tuple[list[Fault], str, int]] = [
    ([fault(status=401)], "token_refused", 0),
    ([fault(status=402)], "exhausted", 0),
    ([fault(status=596, body={"code": "COOKIE_EXPIRED"})], "session_died", 0),
    ([fault(status=500, takes_effect=True)], "unknown", 1),
    ([fault(then="reset", takes_effect=True)], "unknown", 1),
    ([fault(body=b"<html>", takes_effect=True)], "unknown", 1),
    ([fault(then="cut_off", body={"a": 1}, takes_effect=True)], "unknown", 1),
    ([fault(status=400)] * 2, "rejected", 0),
]


@pytest.mark.parametrize(("faults", "key", "times"), FAULTS, ids=[f"{f.then} {f.status}" for [f, *_], _, _ in FAULTS])
async def test_failure_is_shown_once_and_nothing_is_sent_twice(world: World, faults: list[Fault], key: str, times: int):
    world.upstream.faults += faults
    result = await speak(world, world.ada, said="Do not lose me")
    assert sentence(f"line.mureka.{key}") in text(result)
    assert len(world.upstream.speeches) == times
    assert result.followups == []
    (attached,) = message(result).attachments
    assert await attached.read() == b"Do not lose me", "the text is not lost"
    await until(lambda: not speeches_on_disk(world))


RETRIED: list[list[Fault]] = [
    [fault(status=429, headers={"Retry-After": "3"})] * 6,
    [fault(status=596, body={"code": "REFRESH_IN_PROGRESS"})],
    [fault(status=400)],
]


@pytest.mark.parametrize("faults", RETRIED, ids=["busy", "refreshing", "no async form"])
async def test_retryable_errors_are_retried(world: World, faults: list[Fault]):
    world.upstream.faults += faults
    result = await speak(world, world.ada)
    assert len(result.followups) == 1
    assert len(world.upstream.speeches) == 1


async def test_voice_lost_by_mureka_can_be_deleted_by_its_owner_only(world: World, voice_id: int):
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    del world.upstream.voices[voice_id]
    theirs, result = await speak(world, world.grace), await speak(world, world.ada)
    assert buttons(theirs) == []
    for shown in (theirs, result):
        assert sentence("line.voice_lost", title="Ada") in text(shown)
    await press(world.ada, result, "button.lost")
    await press(world.ada, result, "button.gone")
    assert text(result) == sentence("delete.done", title="Ada")
    assert world.stored(world.ada) == []


async def test_interrupted_request_is_not_sent_again(world: World):
    world.upstream.faults.append(fault(then="hang", takes_effect=True))
    result = await speak(world, world.ada, wait=False)
    await until(lambda: '"stage":"sending"' in stored_speech(world) and world.upstream.speeches)
    await world.restart()
    await until(lambda: speech_ended(result))
    assert sentence("line.mureka.unknown") in text(result)
    assert len(world.upstream.speeches) == 1


@pytest.mark.world(speech_seconds=0.3)
async def test_late_clip_comes_by_dm(world: World):
    result = await speak(world, world.ada, wait=False)
    await until(lambda: '"stage":"speaking"' in stored_speech(world))
    world.skip(15 * 60)
    await until(lambda: not speeches_on_disk(world))
    assert result.followups == []
    (direct,) = [body for body in world.direct() if body.get("embeds")]
    assert "AI-generated with the voice" in direct["embeds"][0]["footer"]["text"]


async def test_audio_link_of_another_host_is_not_shown(world: World):
    world.upstream.faults.append(fault(body={"mp3_url": "https://example.org/a.mp3"}))
    result = await speak(world, world.ada)
    (line,) = result.followups
    assert line.attachments == []
    assert "example.org" not in str(line.embeds[0].to_dict())


async def test_clip_fails_as_withdrawn_if_its_voice_is_deleted(world: World):
    world.upstream.faults.append(fault(status=429, headers={"Retry-After": "30"}))
    result = await speak(world, world.ada, wait=False)
    await delete(world, world.ada, "Ada")
    await until(lambda: speech_ended(result))
    assert sentence("refused.withdrawn", title="Ada") in text(result)
    assert buttons(result) == []


async def test_refused_form_returns_its_text(world: World, voice_id: int):
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    form = await world.grace.slash(world.channel, "speak", voice=str(voice_id))
    await world.ada.slash(world.channel, "voices unshare", voice="Ada")
    refused = await world.grace.submit_modal(form, {fields(form)[0]: "Much to type"})
    assert text(refused) == UNKNOWN
    (attached,) = message(refused).attachments
    assert await attached.read() == b"Much to type"
