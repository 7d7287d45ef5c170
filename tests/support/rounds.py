"""A full round: each command, button and form is used once or more, with texts that members type."""

from simcord.builders import ChannelHandle

from bot.demo.upstream import Fault
from support.audio import mp3
from support.clocks import until
from support.consents import approved, asked, click
from support.moderators import Court, choose_reason, logged, report_clip
from support.people import card_of, clone_message, delete, forget, pick, press, speak
from support.reading import buttons, fields, message, sentence
from support.world import World


async def full_round(court: Court, word: str) -> None:
    """Have Ada, Grace, Linus and the moderator do everything once; all texts that they type hold `word`."""
    log = await logged(court)
    await _clone(court.world, word)
    await _use(court.world, word)
    await _moderate(court, log, word)
    ada = court.world.ada
    await ada.slash(court.world.channel, "voices export")
    await delete(court.world, ada, f"{word} of Ada")
    await forget(court.world, ada, f"not {word}")
    await forget(court.world, ada)
    await court.world.idle()


async def _clone(world: World, word: str) -> None:
    """Clone by command, from a message, with a speaker who approves, with one who refuses, and in vain."""
    sample = ("ada.mp3", mp3(seconds=13))  # not the one of Linus, whose clones are removed together
    await world.send(sample=sample, title=f"{word} of Ada", description=f"{word} described")
    found = await clone_message(world.grace, world.channel, world.linus, title=f"{word} of Linus", description=word)
    await until(lambda: sentence("button.mine") in buttons(found))
    await press(world.grace, found, "button.mine")
    await world.ended(found)
    await approved(world, title=f"{word} of Grace")
    _, question = await asked(world, title=f"{word} refused")
    await click(world, question, "button.refuse")
    world.upstream.faults.append(Fault(method="POST", status=400, body={"error": f"bad title {word}", "code": word}))
    await world.send(world.linus, title=f"{word} failed")


async def _use(world: World, word: str) -> None:
    """Rename, share, search and speak, by command and by form, and in vain."""
    ada, grace, channel, mine = world.ada, world.grace, world.channel, f"{word} of Ada"
    voice_id = world.stored(ada)[0]["id"]
    await ada.slash(channel, "voices show", voice=f"{word} unknown")
    await pick(ada, await ada.slash(channel, "voices list"), voice_id)
    form = await press(ada, await card_of(world, ada, voice_id), "button.rename")
    await ada.submit_modal(form, {fields(form)[0]: f"{word} renamed"})
    await ada.slash(channel, "voices rename", voice=f"{word} renamed", title=mine)
    await ada.slash(channel, "voices share", voice=mine)
    await grace.slash(channel, "voices community", search=word)
    await grace.autocomplete(channel, "speak", "voice", word)
    form = await press(grace, await card_of(world, grace, voice_id), "button.speak")
    await grace.submit_modal(form, dict(zip(fields(form), (f"{word} one", f"{word} two"), strict=True)))
    await world.idle()
    world.upstream.faults += [Fault(path="/speech", status=500, body={"error": word})]
    await speak(world, grace, mine, f"{word} lost")
    await speak(world, grace, mine, f"{word} said\nagain")
    await press(ada, await card_of(world, ada, voice_id), "button.history")


async def _moderate(court: Court, log: ChannelHandle, word: str) -> None:
    """Report a clip and a voice, decide, block, unblock and remove."""
    world, grace, linus, channel = court.world, court.world.grace, court.world.linus, court.world.channel
    await report_clip(linus, channel.history()[-1])
    asked_why = await press(grace, await grace.slash(channel, "voices show", voice=f"{word} of Ada"), "button.report")
    await choose_reason(grace, message(asked_why), "impersonation")
    await court.open_case()
    [case] = await court.cases()
    form = await court.hedy.click(log.history()[-1], custom_id=f"case:silence:{case.id}:{grace.id}")
    await court.hedy.submit_modal(form, dict(zip(fields(form), (f"{word} because", "2"), strict=True)))
    await court.block(linus, reason=f"{word} spam")
    await speak(world, linus, f"{word} of Ada", f"{word} blocked", wait=False)
    for what in ("blocked", "voices", "audit", "reports", "settings"):
        await court.list(what)
    await court.unblock(linus)
    await court.hedy.autocomplete(channel, "voiceadmin remove", "voice", word)
    await court.remove(f"{word} of Linus", f"{word} not here")
