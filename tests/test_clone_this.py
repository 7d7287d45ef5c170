"""The message command "Clone this voice": a form instead of options, then the same card."""

from unittest.mock import Mock

import pytest

from cogs.clonevoice import is_audio
from support.audio import GOOD
from support.clocks import until
from support.people import MENU, clone_message
from support.reading import buttons, over, sentence, text
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


@pytest.mark.parametrize("name", ["voice.mpga", "VOICE.MPEG", "voice.mp3"])
async def test_mp3_is_found_by_any_of_its_names(world: World, name: str):
    result = await clone_message(world.ada, world.channel, world.ada, sample=(name, GOOD[1]))
    await until(lambda: over(result))
    assert bytes(world.posts()[0].body) == GOOD[1]


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("voice", "audio/mpeg", True),
        ("voice.mpeg", "video/mpeg", True),
        ("voice", "video/mpeg; charset=binary", True),
        ("voice.mpga", None, True),
        ("voice.mpga", "application/octet-stream", True),
        ("voice.mp4", "video/mp4", False),
        ("voice", None, False),
    ],
)
def test_name_or_content_type_tells_that_a_file_may_be_an_mp3(name: str, kind: str | None, *, found: bool):
    assert is_audio(Mock(filename=name, content_type=kind)) is found


async def test_message_without_audio_is_refused(world: World):
    message = await world.ada.send(world.channel, "just words", attachments=[("a.png", b"x")])
    assert text(await world.ada.context_menu(world.channel, MENU, message)) == sentence("refused.no_audio")


async def test_clone_in_progress_shows_its_card_instead_of_a_second_one(world: World):
    world.cdn.delay = 30
    await world.send(title="First", wait=False)
    shown = await clone_message(world.ada, world.channel, world.ada)
    assert sentence("card.title", title="First") in text(shown)
