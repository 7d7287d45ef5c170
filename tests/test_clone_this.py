"""**Clone this voice** on a message with audio: a form instead of options, then the same card."""

from typing import Any

import discord
import pytest
import simcord
from simcord.results import InteractionResult

from conftest import GOOD, World, buttons, over, sentence, text, until
from test_voices import fields

MENU = "Clone this voice"


async def submit(
    world: World, who: simcord.MemberActor, message: discord.Message, **answers: Any
) -> InteractionResult:
    """Fill in the form on a message."""
    form = await who.context_menu(world.channel, MENU, message)
    title, rights, speaker, language, description = fields(form)
    given = {"title": "Ada", "rights": "own", "language": "en"} | answers
    values = {title: given["title"], rights: [given["rights"]], language: [given["language"]]}
    if "description" in given:
        values[description] = given["description"]
    if "speaker" in given:
        values[speaker] = [given["speaker"]]
    return await who.submit_modal(form, values)


async def test_one_s_own_message_becomes_a_voice(world: World):
    message = await world.ada.send(world.channel, "listen", attachments=[("notes.txt", b"x"), GOOD])
    result = await submit(world, world.ada, message, language="de", description="Hm")
    await until(lambda: over(result))
    (voice,) = world.stored(world.ada)
    assert (voice["title"], voice["language"], voice["description"]) == ("Ada", "de", "Hm")
    assert bytes(world.posts()[0].body) == GOOD[1]
    assert result.ephemeral


@pytest.mark.parametrize("goes_on", [True, False])
async def test_one_s_own_voice_in_somebody_else_s_message_is_asked_about(world: World, goes_on: bool):  # noqa: FBT001 - both answers
    message = await world.grace.send(world.channel, attachments=[GOOD])
    result = await submit(world, world.ada, message)
    await until(lambda: sentence("stage.doubtful") in text(result))
    assert buttons(result) == [sentence("button.mine"), sentence("button.cancel")]
    assert world.posts() == []
    await world.restart()
    await world.press(result, "button.mine" if goes_on else "button.cancel")
    await until(lambda: over(result))
    assert len(world.posts()) == len(world.stored(world.ada)) == goes_on


async def test_permission_for_somebody_else_s_message_is_not_asked_about(world: World):
    message = await world.grace.send(world.channel, attachments=[GOOD])
    result = await submit(world, world.ada, message, rights="permission")
    await until(lambda: over(result))
    assert len(world.stored(world.ada)) == 1


async def test_a_message_without_audio_says_so(world: World):
    message = await world.ada.send(world.channel, "just words", attachments=[("a.png", b"x")])
    result = await world.ada.context_menu(world.channel, MENU, message)
    assert text(result) == sentence("refused.no_audio")


async def test_a_clone_under_way_shows_its_card_instead(world: World):
    world.cdn.delay = 30
    await world.send(title="First", wait=False)
    message = await world.ada.send(world.channel, attachments=[GOOD])
    result = await submit(world, world.ada, message)
    assert sentence("card.title", title="First") in text(result)
