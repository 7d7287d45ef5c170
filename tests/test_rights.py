"""Who may see, speak with, rename, delete and share which voice: every cell of the table, through Discord."""

from pathlib import Path

import discord
import pytest
import simcord
from simcord.builders import ChannelHandle
from simcord.results import InteractionResult

from conftest import World, opened, sentence, text, until
from test_speak import ended
from test_voices import UNKNOWN, fields

YES, NO = True, False

TABLE = {
    #                            see  speak rename delete share unshare history
    ("owner", "private"): (YES, YES, YES, YES, YES, YES, YES),
    ("owner", "shared"): (YES, YES, YES, YES, YES, YES, YES),
    ("owner elsewhere", "private"): (YES, YES, YES, YES, YES, YES, YES),
    ("owner elsewhere", "shared"): (YES, YES, YES, YES, YES, YES, YES),
    ("member", "private"): (NO, NO, NO, NO, NO, NO, NO),
    ("member", "shared"): (YES, YES, NO, NO, NO, NO, NO),
    ("member elsewhere", "private"): (NO, NO, NO, NO, NO, NO, NO),
    ("member elsewhere", "shared"): (NO, NO, NO, NO, NO, NO, NO),
    ("stranger", "private"): (NO, NO, NO, NO, NO, NO, NO),
    ("stranger", "shared"): (NO, NO, NO, NO, NO, NO, NO),
}
"""Who: Ada, whose voice it is; Grace, a member of the server where it is shared; Linus, who is not. Ada and
Grace are also in another server, "elsewhere". A voice that one may not use does not exist."""

DEEDS = ("see", "speak", "rename", "delete", "share", "unshare", "history")
CELLS = [
    (who, state, deed, allowed)
    for (who, state), row in TABLE.items()
    for deed, allowed in zip(DEEDS, row, strict=True)
]


async def play(world: World, who: str, state: str) -> tuple[simcord.MemberActor, ChannelHandle, str]:
    """Set the scene; return who acts, where, and the id of the voice."""
    voice_id = await world.voice(world.ada, "Ada")
    if state == "shared":
        await world.ada.slash(world.channel, "voices share", voice="Ada")
    there, (ada, grace, linus) = world.elsewhere(world.ada, world.grace, world.linus)
    match who:
        case "owner":
            return world.ada, world.channel, str(voice_id)
        case "owner elsewhere":
            return ada, there, str(voice_id)
        case "member":
            return world.grace, world.channel, str(voice_id)
        case "member elsewhere":
            return grace, there, str(voice_id)
        case _:
            return linus, there, str(voice_id)


@pytest.mark.parametrize(("who", "state", "deed", "allowed"), CELLS)
async def test_by_command(tmp_path: Path, who: str, state: str, deed: str, allowed: bool):  # noqa: FBT001 - a cell
    async with opened(tmp_path) as world:
        actor, channel, voice = await play(world, who, state)
        before = world.stored(world.ada)
        if deed == "history":
            result = await click(world, actor, channel, "history", voice)
        elif deed == "speak":
            result = await actor.slash(channel, "speak", voice=voice, text="Hello")
            await until(lambda: ended(result))
        else:
            options = {"title": "Eve"} if deed == "rename" else {}
            command = "show" if deed == "see" else deed
            result = await actor.slash(channel, f"voices {command}", voice=voice, **options)
        assert (text(result) != UNKNOWN) is allowed
        if not allowed:
            assert world.stored(world.ada) == before
            assert world.upstream.speeches == []


@pytest.mark.parametrize(("who", "state", "deed", "allowed"), [cell for cell in CELLS if cell[2] != "see"])
async def test_by_a_button_after_a_restart_however_it_came_to_be_there(
    tmp_path: Path,
    who: str,
    state: str,
    deed: str,
    allowed: bool,  # noqa: FBT001 - a cell
):
    async with opened(tmp_path) as world:
        actor, channel, voice = await play(world, who, state)
        before = world.stored(world.ada)
        result = await click(
            world, actor, channel, "gone" if deed == "delete" else deed, voice, restarted=True
        )
        if deed in {"speak", "rename"}:
            assert (result.modal is not None) is allowed
            if result.modal:
                result = await actor.submit_modal(result, {fields(result)[0]: "Hello"})
                await until(lambda: text(result))
        said = [message.content for message in result.followups] + [text(result)]
        assert (UNKNOWN not in said) is allowed
        if not allowed:
            assert world.stored(world.ada) == before
            assert len(world.upstream.voices) == 1
            assert world.upstream.speeches == []


async def click(
    world: World,
    actor: simcord.MemberActor,
    channel: ChannelHandle,
    wish: str,
    voice: str,
    *,
    restarted: bool = False,
) -> InteractionResult:
    """Press a button that nobody would have been given there."""
    custom_id = f"voice:{wish}:{voice}"
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="x", custom_id=custom_id))
    sent = await world.bot.get_partial_messageable(channel.id).send("x", view=view)
    if restarted:
        await world.restart()
    return await actor.click(sent, custom_id=custom_id)


async def test_somebody_else_s_private_voice_can_t_be_told_from_none(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    answers = {
        text(await world.grace.slash(world.channel, "voices show", voice=voice))
        for voice in (str(voice_id), "Ada", "1", "nobody", "9" * 40)
    }
    assert answers == {sentence("refused.voice_unknown")}
