"""The message command "Clone this voice": a form instead of options, then the same card."""

from collections.abc import Sequence

import discord
import pytest
from simcord.backend.models.message import Message

from support.audio import GOOD, mp3
from support.clocks import until
from support.people import MENU, clone_message, fill_in
from support.reading import buttons, over, replies, sentence, text
from support.reading import message as result_message
from support.world import World


async def test_own_message_becomes_a_voice(world: World):
    result = await clone_message(world.ada, world.channel, world.ada, language="de", description="Hm")
    await until(lambda: over(result))
    (voice,) = world.stored(world.ada)
    assert (voice["title"], voice["language"], voice["description"]) == ("Ada", "de", "Hm")
    assert bytes(world.posts()[0].body) == GOOD[1]
    assert result.ephemeral


@pytest.mark.parametrize("goes_on", [True, False])
async def test_own_rights_to_the_message_of_another_must_be_confirmed(world: World, goes_on: bool):  # noqa: FBT001 - both answers
    result = await clone_message(world.ada, world.channel, world.grace)
    await until(lambda: sentence("stage.doubtful") in text(result))
    assert buttons(result) == [sentence("button.mine"), sentence("button.cancel")]
    assert world.posts() == []
    await world.restart()
    await world.press(result, "button.mine" if goes_on else "button.cancel")
    await until(lambda: over(result))
    assert len(world.posts()) == len(world.stored(world.ada)) == goes_on


async def test_permission_for_the_message_of_another_is_not_confirmed(world: World):
    result = await clone_message(world.ada, world.channel, world.grace, rights="permission")
    await until(lambda: over(result))
    assert len(world.stored(world.ada)) == 1


File = tuple[str, str | None]
"""A file's name and content type."""

NOTES: File = ("notes.txt", "text/plain")


def payload_of(world: World, message: discord.Message) -> Message:
    return world.env.backend.messages[message.channel.id][message.id]


async def posted(world: World, files: Sequence[File], forwarded: Sequence[Sequence[File]] = ()) -> discord.Message:
    """Post files as Ada, and forwarded messages with others in the same message, each with its content type."""
    original = await world.ada.send(world.channel, "listen", attachments=[(name, b"x") for name, _ in files])
    for file, (_, kind) in zip(payload_of(world, original).attachments, files, strict=True):
        file["content_type"] = kind
        if kind is None:
            del file["content_type"]
    for inner in forwarded:
        sent = payload_of(world, await world.ada.forward(await posted(world, inner), world.channel))
        payload_of(world, original).reference = sent.reference
        payload_of(world, original).snapshots += sent.snapshots
    return original


async def offered(world: World, message: discord.Message) -> list[str]:
    """Return the names of the files that the menu offers: the only one has its form opened."""
    shown = await world.ada.context_menu(world.channel, MENU, message)
    if shown.modal is None:
        rows = result_message(shown).components
        return [option["label"] for row in rows for option in row["components"][0]["options"]]
    stored = payload_of(world, message)
    snapshots = [file for each in stored.snapshots for file in each["message"]["attachments"]]
    chosen = shown.modal["custom_id"].split(":")[2]
    return [file["filename"] for file in [*stored.attachments, *snapshots] if file["id"] == chosen]


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (("voice.mp3", None), True),
        (("VOICE.MPEG", "video/mpeg"), True),
        (("voice.mpga", "application/octet-stream"), True),
        (("voice", "Audio/X-MP3; rate=44100"), True),
        (("voice", None), True),
        (("voice", "application/octet-stream"), True),
        (("voice-message.ogg", "audio/ogg"), True),
        (("voice.M4A", None), True),
        (("voice.mp4", "video/mp4"), False),
        (("mp3", "text/plain"), False),
        (("voice.mp3.txt", None), False),
        (NOTES, False),
    ],
)
async def test_audio_is_found_by_its_name_or_type(world: World, file: File, *, found: bool):
    for message in (await posted(world, [NOTES, file]), await posted(world, [NOTES], [[file]])):
        assert await offered(world, message) == ([file[0]] if found else [])


@pytest.mark.parametrize(
    ("files", "forwarded", "found"),
    [
        ([("a.ogg", "audio/ogg"), ("b.mp3", "audio/mpeg"), ("c.wav", None)], [], ["b.mp3"]),
        ([("a", None), ("b.ogg", "audio/ogg"), ("c.wav", "audio/wav")], [], ["b.ogg"]),
        ([("a.ogg", "audio/ogg")], [[NOTES], [("b.mpga", None)]], ["b.mpga"]),
        ([("a.mp3", None)], [[("b.mpeg", "video/mpeg"), NOTES], [("c", "audio/mpeg")]], ["a.mp3", "b.mpeg", "c"]),
        ([("\u202ea.mp3", None), ("z" * 200 + ".mp3", None)], [], ["a.mp3", "z" * 99 + "…"]),
        ([], [[(f"{name}.mp3", None) for name in range(start, start + 9)] for start in (0, 9, 18)], None),
        ([], [[NOTES], []], []),
    ],
)
async def test_best_files_of_the_message_and_of_forwarded_ones_are_offered(
    world: World, files: Sequence[File], forwarded: Sequence[Sequence[File]], found: Sequence[str] | None
):
    shown = await offered(world, await posted(world, files, forwarded))
    assert shown == (found if found is not None else [f"{name}.mp3" for name in range(25)])


async def test_message_without_audio_is_refused(world: World):
    message = await world.ada.send(world.channel, "just words", attachments=[("a.png", b"x")])
    for shown in (message, await world.ada.forward(message, world.channel)):
        assert text(await world.ada.context_menu(world.channel, MENU, shown)) == sentence("refused.no_audio")


@pytest.mark.parametrize("rights", ["own", "permission"])
async def test_forwarding_a_file_does_not_tell_whose_voice_it_is(world: World, rights: str):
    original = await world.ada.send(world.channel, "listen", attachments=[GOOD])
    forwarded = await world.ada.forward(original, world.channel)
    result = await fill_in(world.ada, await world.ada.context_menu(world.channel, MENU, forwarded), rights=rights)
    if rights == "own":
        await until(lambda: sentence("stage.doubtful") in text(result))
        assert world.posts() == []
        await world.press(result, "button.mine")
    await until(lambda: over(result))
    assert bytes(world.posts()[0].body) == GOOD[1]


OTHER = ("other.mp3", mp3(seconds=13))


async def test_chosen_file_becomes_a_voice(world: World):
    message = await world.ada.send(world.channel, "listen", attachments=[GOOD, OTHER])
    shown = await world.ada.context_menu(world.channel, MENU, message)
    assert text(shown) == sentence("clonevoice.several")
    for who, file in ((world.ada, OTHER), (world.ada, GOOD)):
        number = next(each.id for each in message.attachments if each.filename == file[0])
        result = await fill_in(who, await who.select(result_message(shown), [str(number)]), title=file[0])
        await until(lambda result=result: over(result))
        assert bytes(world.posts()[-1].body) == file[1]


@pytest.mark.parametrize("why", ["restart", "time", "another member", "forged"])
async def test_files_that_are_not_known_any_more_say_so(world: World, why: str):
    message = await world.ada.send(world.channel, "listen", attachments=[GOOD, OTHER])
    shown = result_message(await world.ada.context_menu(world.channel, MENU, message))
    number, who = str(message.attachments[0].id), world.ada
    match why:
        case "restart":
            await world.restart()
        case "time":
            world.skip(61 * 60)
        case _:
            who = world.grace if why == "another member" else world.ada
            number = number if who is world.grace else "1:1"
            shown = await world.forge_select(f"sample:{message.id}", number)
    assert sentence("refused.sample_forgotten") in replies(await who.select(shown, [number]))


async def test_clone_in_progress_shows_its_card_instead_of_a_second_one(world: World):
    world.cdn.delay = 30
    await world.send(title="First", wait=False)
    shown = await clone_message(world.ada, world.channel, world.ada)
    assert sentence("card.title", title="First") in text(shown)
