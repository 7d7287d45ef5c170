"""Forms work at any later time, or say why they don't, and open again after a mistake."""

from collections.abc import Mapping
from typing import Any

import pytest
import simcord
from simcord.results import InteractionResult

from bot.client.forms import KEPT, KEPT_SECONDS, Memory
from bot.store.tiny.jobs import TinySpeeches
from support.audio import GOOD
from support.clocks import ManualClock, until
from support.faults import full_disk
from support.moderators import Court
from support.people import MENU, card_of, clone_message, press
from support.reading import fields, message, replies, sentence
from support.world import World

REOPEN = sentence("button.form")


def values_of(form: InteractionResult) -> list[str]:
    """List what the inputs of an open form hold."""
    assert form.modal is not None
    inputs = [item["component"] for item in form.modal["components"] if "component" in item]
    chosen = [[one["value"] for one in each.get("options", []) if one.get("default")] for each in inputs]
    return [each.get("value") or "".join(values) for each, values in zip(inputs, chosen, strict=True)]


async def reopened(who: simcord.MemberActor, refused: InteractionResult) -> InteractionResult:
    shown = next(one for one in [*refused.followups, message(refused)] if REOPEN in str(one.components))
    return await who.click(shown, label=REOPEN)


async def later(world: World) -> None:
    """Restart the bot, a while after the form was opened."""
    await world.restart()
    world.skip(20 * 60)


async def test_rename_form_works_after_a_restart(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    form = await press(world.ada, await card_of(world, world.ada, voice_id), "button.rename")
    await later(world)
    await world.ada.submit_modal(form, {fields(form)[0]: "Lovelace"})
    assert [voice["title"] for voice in world.stored(world.ada)] == ["Lovelace"]


async def test_text_form_works_after_a_restart(world: World):
    await world.voice(world.ada, "Ada")
    form = await world.ada.slash(world.channel, "speak", voice="Ada")
    await later(world)
    result = await world.ada.submit_modal(form, {fields(form)[0]: "Hello"})
    await until(lambda: result.followups)
    assert result.followups[0].embeds[0].description == "Hello"


async def test_form_that_erases_works_after_a_restart(world: World):
    await world.voice(world.ada, "Ada")
    form = await world.ada.slash(world.channel, "voices forget")
    await later(world)
    await world.ada.submit_modal(form, {fields(form)[0]: sentence("forget.word")})
    assert world.stored(world.ada) == []


async def test_form_that_removes_a_voice_works_after_a_restart(court: Court, world: World):
    await world.voice(world.ada, "Ada", share=True)
    form = await court.list("remove", voice="Ada", reason="not here")
    await later(world)
    await court.hedy.submit_modal(form, {fields(form)[0]: "not here"})
    assert world.stored(world.ada) == []


async def test_clone_form_says_why_it_does_not_work_after_a_restart(world: World):
    sent = await world.ada.send(world.channel, "listen", attachments=[GOOD])
    form = await world.ada.context_menu(world.channel, MENU, sent)
    title, rights, _, language, _ = fields(form)
    await later(world)
    result = await world.ada.submit_modal(form, {title: "Ada", rights: ["own"], language: ["en"]})
    assert sentence("refused.sample_forgotten") in replies(result)


async def test_members_who_have_the_same_form_open_submit_their_own(world: World):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    forms = [
        (who, text, await who.slash(world.channel, "speak", voice=str(voice_id)))
        for who, text in ((world.ada, "one"), (world.grace, "two"))
    ]
    for who, said, form in forms:
        result = await who.submit_modal(form, {fields(form)[0]: said})
        await until(lambda result=result: result.followups)
        assert result.followups[0].embeds[0].description == said


@pytest.mark.parametrize("restarted", [False, True])
async def test_refused_title_opens_again_as_typed(world: World, *, restarted: bool):
    await world.voice(world.ada, "Eve")
    voice_id = await world.voice(world.ada, "Ada")
    form = await press(world.ada, await card_of(world, world.ada, voice_id), "button.rename")
    refused = await world.ada.submit_modal(form, {fields(form)[0]: "Eve"})
    assert sentence("refused.title_taken", title="Eve") in replies(refused)
    if restarted:
        await later(world)
    again = await reopened(world.ada, refused)
    assert values_of(again) == ["Ada" if restarted else "Eve"]
    await world.ada.submit_modal(again, {fields(again)[0]: "Lovelace"})
    assert {voice["title"] for voice in world.stored(world.ada)} == {"Eve", "Lovelace"}


async def test_refused_title_is_forgotten_once_another_is_taken(world: World):
    await world.voice(world.ada, "Eve")
    card = await card_of(world, world.ada, await world.voice(world.ada, "Ada"))
    for title in ("Eve", "Lovelace"):
        form = await press(world.ada, card, "button.rename")
        await world.ada.submit_modal(form, {fields(form)[0]: title})
    assert values_of(await press(world.ada, card, "button.rename")) == ["Lovelace"]


async def test_text_is_kept_if_the_disk_is_full(world: World, monkeypatch: pytest.MonkeyPatch):
    voice_id = await world.voice(world.ada, "Ada")
    form = await world.ada.slash(world.channel, "speak", voice=str(voice_id))
    full_disk(monkeypatch, TinySpeeches, times=1)
    failed = await world.ada.submit_modal(form, {fields(form)[0]: "Hello"})
    assert sentence("store.unwritable") in replies(failed)
    assert values_of(await reopened(world.ada, failed)) == ["Hello", ""]


async def test_wrong_word_opens_the_form_again(world: World):
    form = await world.ada.slash(world.channel, "voices forget")
    refused = await world.ada.submit_modal(form, {fields(form)[0]: "yes"})
    assert values_of(await reopened(world.ada, refused)) == ["yes"]


async def test_refused_decision_opens_again_as_typed(court: Court, world: World):
    await world.voice(world.ada, "Ada", share=True)
    form = await court.list("remove", voice="Ada", reason="not here")
    refused = await court.hedy.submit_modal(form, {fields(form)[0]: "\u2800 \u2800"})
    assert sentence("refused.reason_blank") in replies(refused)
    again = await reopened(court.hedy, refused)
    await court.hedy.submit_modal(again, {fields(again)[0]: "spam"})
    assert world.stored(world.ada) == []


async def test_refused_clone_form_opens_again_as_typed(world: World):
    sent = await world.ada.send(world.channel, "listen", attachments=[GOOD])
    form = await world.ada.context_menu(world.channel, MENU, sent)
    title, rights, _, language, about = fields(form)
    typed = {title: "\u2800", rights: ["permission"], language: ["de"], about: "Hm"}
    refused = await world.ada.submit_modal(form, typed)
    again = await reopened(world.ada, refused)
    assert values_of(again) == ["\u2800", "permission", "", "de", "Hm"]
    result = await world.ada.submit_modal(again, typed | {title: "Ada"})
    await world.ended(result)
    assert len(world.stored(world.ada)) == 1


async def test_what_was_typed_is_shown_to_nobody_else_and_never_stored(world: World, caplog: pytest.LogCaptureFixture):
    voice_id = await world.voice(world.ada, "Ada")
    form = await press(world.ada, await card_of(world, world.ada, voice_id), "button.rename")
    await world.voice(world.ada, "Urgroßtante")
    refused = await world.ada.submit_modal(form, {fields(form)[0]: "Urgroßtante"})
    shown = await world.grace.click(await world.forge(f"form:rename:{voice_id}"), label="x")
    assert shown.modal is None
    assert REOPEN in str(refused.followups[0].components)
    assert "Urgroßtante" not in caplog.text
    for _ in range(2):
        world.skip(40 * 60)
    assert values_of(await reopened(world.ada, refused)) == ["Ada"]


CHANGES: list[dict[str, Any]] = [
    {"custom_id": "4f2a9b0c"},
    {"custom_id": ""},
    {"custom_id": "rename:x"},
    {"custom_id": "rename:99999999999999999999"},
    {"components": []},
    {"components": [{"type": 18, "component": {"type": 4, "custom_id": "rename.title"}}]},
    {"components": [{"type": 18, "component": {"type": 4, "custom_id": "rename.title", "value": "x" * 51}}]},
    {"components": [{"type": 3, "custom_id": "rename.title", "values": [None]}]},
    {"components": [{}]},
]


@pytest.mark.parametrize("change", CHANGES)
async def test_forged_form_gets_a_sentence(world: World, caplog: pytest.LogCaptureFixture, change: dict[str, Any]):
    voice_id = await world.voice(world.ada, "Ada")
    form = await press(world.ada, await card_of(world, world.ada, voice_id), "button.rename")
    emit = world.env.backend.emit

    def forge(event: str, payload: Mapping[str, Any]) -> None:
        if payload.get("type") == 5:
            payload["data"].update(change)
        emit(event, payload)

    world.env.backend.emit = forge
    result = await world.ada.submit_modal(form, {fields(form)[0]: "Lovelace"})
    assert any(replies(result))
    assert [voice["title"] for voice in world.stored(world.ada)] == ["Ada"]
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("form.rights", ["mine"]),
        ("form.rights", ["own", "permission"]),
        ("form.rights", []),
        ("form.language", ["la"]),
    ],
)
async def test_forged_choice_gets_a_sentence_and_clones_nothing(world: World, name: str, values: list[str]):
    emit = world.env.backend.emit

    def forge(event: str, payload: Mapping[str, Any]) -> None:
        if payload.get("type") == 5:
            chosen = [label["component"] for label in payload["data"]["components"]]
            next(each for each in chosen if each["custom_id"] == name)["values"] = values
        emit(event, payload)

    world.env.backend.emit = forge
    result = await clone_message(world.ada, world.channel, world.ada)
    assert replies(result) == [sentence("refused.form_unknown")]
    assert world.jobs() == []


async def test_what_was_typed_is_kept_for_an_hour_and_the_newest_of_it():
    clock = ManualClock()
    memory = Memory[str](clock)
    memory.put("first", "a")
    await clock.advance(KEPT_SECONDS)
    memory.put("second", "b")
    assert memory.get("first") == "a"
    await clock.advance(1)
    assert (memory.get("first"), memory.get("second")) == (None, "b")
    for number in range(KEPT - 1):
        memory.put(number, "c")
    assert memory.get("second") == "b"
    memory.put("second", "d")
    memory.put("last", "e")
    assert (memory.get(0), memory.get("second"), memory.get("last")) == (None, "d", "e")
