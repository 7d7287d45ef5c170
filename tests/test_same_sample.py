"""Removing a voice also removes the other clones of its sample in the server."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.i18n import Markup
from bot.moderation.models import ReportedVoice
from bot.policy.models import CloneRecord, ModAction, UserRef
from support.audio import mp3
from support.clocks import until
from support.faults import hanging
from support.moderators import Court, complain, logged_case, shared
from support.people import said_to, speak
from support.reading import fields, message, replies, sentence, text
from support.world import World

OTHER = ("other.mp3", mp3(13))


def about(form: Any) -> str:
    """Return what a form says above its inputs."""
    return next(item["content"] for item in form.modal["components"] if "content" in item)


async def test_clones_of_the_sample_are_listed_and_removed_with_the_voice(court: Court, world: World):
    log = await logged_case(court)
    await world.send(world.grace, title="Echo")
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    await world.grace.slash(world.channel, "voices share", voice="Echo")
    await complain(world, world.linus, voice="Echo")
    await world.send(world.linus, title="Other", sample=OTHER)
    _, (linus,) = world.elsewhere(world.linus)
    await world.voice(linus, "Far", guild_id=linus.guild.id, sample_sha256=world.stored(world.ada)[0]["sample_sha256"])

    form = await court.hedy.click(log.history()[-1], label=sentence("button.case.remove"))
    [start, listed] = about(form).split(f"\n\n{sentence('verdict.clones')}\n")
    assert listed == "- " + sentence("choice.roster", title="Ada", owner="ada")
    assert "Echo" in start
    done = await court.hedy.submit_modal(form, {fields(form)[0]: "not here"})
    assert any(
        sentence("verdict.also_removed", voices=(Markup("Ada (by ada)"),)) in said.replace("\\", "")
        for said in replies(done)
    )
    assert world.stored(world.ada) == world.stored(world.grace) == []
    assert sorted(voice["title"] for voice in world.stored(world.linus)) == ["Far", "Other"]
    assert await court.cases() == []
    removed = await court.audit(decision=ModAction.REMOVE)
    assert sorted((entry.subject, entry.member_name, entry.reason) for entry in removed) == [
        ("Ada", "ada", "not here"),
        ("Echo", "grace", "not here"),
    ]
    for owner, title in ((world.ada, "Ada"), (world.grace, "Echo")):
        told = sentence("notice.removed", server="Voice Club", title=title, reason="not here", by="hedy")
        await until(lambda owner=owner, told=told: told in said_to(owner))
    await until(lambda: sentence("notice.reported.remove", server="Voice Club", title="Echo") in said_to(world.linus))
    assert sentence("rule.voice_barred", title="Far") in text(await speak(world, world.linus, "Far"))


async def test_clones_of_other_servers_that_are_shared_here_are_unshared_with_it(court: Court, world: World):
    await shared(world)
    [ada] = await world.store.members.voices(world.ada.id)
    far = await world.voice(world.grace, "Far", guild_id=world.guild_id + 1, sample_sha256=ada.sample_sha256)
    await world.grace.slash(world.channel, "voices share", voice="Far")
    form = await court.list("remove", voice="Ada", reason="not here")
    assert sentence("choice.roster", title="Far", owner="grace") in about(form)
    done = await court.hedy.submit_modal(form, {fields(form)[0]: "not here"})
    assert sentence("verdict.also_removed", voices=(Markup("Far (by grace)"),)) in text(done).replace("\\", "")
    assert world.stored(world.grace)[0]["shared_in"] == []
    told = sentence("notice.barred", server="Voice Club", title="Far", reason="not here", by="hedy")
    await until(lambda: told in said_to(world.grace))
    assert far in world.upstream.voices


async def test_clones_are_removed_at_once_although_the_owner_of_the_voice_is_erasing(court: Court, world: World):
    await logged_case(court)
    await world.send(world.grace, title="Echo")
    [case] = await court.cases()
    await world.store.servers.change_case(world.guild_id, case.id, lambda case: case.without_member(world.ada.id))
    form = await court.hedy.click(message(await court.open_case()), label=sentence("button.case.remove"))
    await court.hedy.submit_modal(form, {fields(form)[0]: "not here"})
    assert world.stored(world.grace) == []


async def test_removal_of_clones_continues_after_a_kill(court: Court, world: World, monkeypatch: pytest.MonkeyPatch):
    await shared(world)
    await world.send(world.grace, title="Echo")
    await world.send(world.linus, title="Third")
    begun = hanging(monkeypatch, world.services.enforcement.deletions, "put_pending_deletion")
    [echo] = await world.store.members.voices(world.grace.id)
    by = UserRef(court.hedy.id, "hedy")
    removing = asyncio.create_task(world.services.cases.remove(world.guild_id, by, echo, "not here"))
    await begun.wait()
    removing.cancel()
    await world.restart()
    await until(lambda: not world.upstream.voices)
    await until(lambda: [world.stored(who) for who in (world.ada, world.grace, world.linus)] == [[], [], []])
    await until(lambda: all(said_to(who) for who in (world.ada, world.grace, world.linus)))
    await world.restart()
    assert len(await court.audit(decision=ModAction.REMOVE)) == 3


@pytest.mark.world(held=True)
async def test_clone_in_progress_of_a_removed_sample_is_deleted_when_it_is_there(court: Court, world: World):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    card = await world.send(world.grace, title="Echo", wait=False)
    await until(lambda: len(world.upstream.voices) == 2)
    [job] = await world.store.jobs.all()
    await world.store.members.change(
        world.ada.id, voice_id, lambda voice: replace(voice, sample_sha256=job.sample_sha256 or "")
    )
    await court.remove()
    world.release()
    await world.ended(card)
    assert sentence("rule.sample_blocked") in text(card)
    await until(lambda: not world.upstream.voices and not world.stored(world.grace))


async def test_long_list_of_clones_ends_with_their_number(court: Court, world: World):
    for number in range(13):
        await world.voice(world.ada, f"Voice {number}")
    for voice in await world.store.members.voices(world.ada.id):
        await world.store.servers.add_clone_record(world.guild_id, CloneRecord.from_voice(voice, 0), 0)
    form = await court.list("remove", voice="Voice 5", reason="not here")
    lines = about(form).splitlines()
    assert len([line for line in lines if "(by ada)" in line]) == 10
    assert lines[-1] == "- " + sentence("verdict.more_clones", clones=2)
    [voice, *_] = await world.store.members.voices(world.ada.id)
    elsewhere = ReportedVoice.from_voice(voice, world.guild_id + 1)
    assert await world.services.enforcement.same_sample(world.guild_id, elsewhere) == []
