"""What members do: commands, buttons and forms."""

from typing import Any

import simcord
from simcord.builders import ChannelHandle
from simcord.results import InteractionResult

from support.audio import GOOD
from support.clocks import until
from support.reading import fields, message, read_files, sentence, text
from support.world import World


async def card_of(world: World, who: simcord.MemberActor, voice_id: int) -> InteractionResult:
    return await who.slash(world.channel, "voices show", voice=str(voice_id))


async def press(who: simcord.MemberActor, shown: InteractionResult, key: str) -> InteractionResult:
    return await who.click(message(shown), label=sentence(key))


async def pick(who: simcord.MemberActor, shown: InteractionResult, voice_id: int) -> InteractionResult:
    return await who.select(message(shown), [str(voice_id)], custom_id="pick:voice")


async def delete(world: World, who: simcord.MemberActor, voice: str = "Ada") -> InteractionResult:
    """Send `/voices delete` and confirm it."""
    asked = await who.slash(world.channel, "voices delete", voice=voice)
    await press(who, asked, "button.gone")
    return asked


SPEECH = "/speech"


async def speak(
    world: World, who: simcord.MemberActor, voice: str = "Ada", said: str = "Hello there", *, wait: bool = True
) -> InteractionResult:
    """Send `/speak` and wait until the clip is posted or has failed."""
    result = await who.slash(world.channel, "speak", voice=voice, text=said)
    if wait:
        await until(lambda: speech_ended(result))
    return result


def speech_ended(result: InteractionResult) -> bool:
    """Return True if the clip was posted or the card shows a failure."""
    shown = text(result)
    return bool(shown) and "Making the clip" not in shown and sentence("line.posting") not in shown


def speeches_on_disk(world: World) -> list[str]:
    return [file.name for file in (world.folder / "speeches").iterdir()]


def stored_speech(world: World) -> str:
    return "".join(read_files(world.folder, "speeches/*.json").values())


async def forget(world: World, who: simcord.MemberActor, word: str = "forget me") -> InteractionResult:
    form = await who.slash(world.channel, "voices forget")
    return await who.submit_modal(form, {fields(form)[0]: word})


MENU = "Clone this voice"


async def clone_message(
    who: simcord.MemberActor, channel: ChannelHandle, author: simcord.MemberActor, **told: Any
) -> InteractionResult:
    """Fill in the form of "Clone this voice" for a message with two files, the second being `sample` or a good MP3."""
    message = await author.send(channel, "listen", attachments=[("notes.txt", b"x"), told.pop("sample", GOOD)])
    return await fill_in(who, await who.context_menu(channel, MENU, message), **told)


async def fill_in(who: simcord.MemberActor, form: InteractionResult, **told: Any) -> InteractionResult:
    """Fill in an open form of "Clone this voice"."""
    told = {"title": "Ada", "rights": "own", "language": "en"} | told
    names = ("title", "rights", "speaker", "language", "description")
    given = told | {name: [told[name]] for name in ("rights", "speaker", "language") if name in told}
    values = {field: given[name] for name, field in zip(names, fields(form), strict=True) if name in given}
    return await who.submit_modal(form, values)


def said_to(who: simcord.MemberActor) -> list[str]:
    return [one.content for one in who.user.dm_channel.history() if one.content]
