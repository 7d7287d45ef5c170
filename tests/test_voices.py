"""`/voices`: cards, lists and their buttons, for owners and others."""

from dataclasses import replace

import pytest
import simcord

from bot.demo.upstream import Fault
from bot.library.models import SharedVoice
from bot.voices.models import Language
from support.builders import VOICE
from support.clocks import until
from support.people import card_of, delete, pick, press
from support.reading import UNKNOWN, buttons, embed_of, fields, message, sentence, text
from support.world import World


async def test_last_card_of_a_clone_has_the_buttons_of_its_voice(world: World):
    result = await world.send()
    assert buttons(result) == [sentence(f"button.{wish}") for wish in ("speak", "share", "rename", "delete")]
    await press(world.ada, result, "button.share")
    assert sentence("shared.here") in text(result)
    assert sentence("button.unshare") in buttons(result)
    await press(world.ada, result, "button.unshare")
    assert sentence("shared.nowhere") in text(result)
    assert world.stored(world.ada)[0]["shared_in"] == []


async def test_card_shows_all_fields_and_plays_and_opens_for_others_once_shared(world: World):
    voice_id = await world.voice(world.ada, "Ada", language=Language.GERMAN)
    card = await card_of(world, world.ada, voice_id)
    assert card.ephemeral
    for part in ("🎙️ Ada", "German", "made from 12 sec", "Owner: ada", sentence("shared.nowhere"), "<t:"):
        assert part in text(card)
    assert {file.filename for file in message(card).attachments} == {"Ada.mp3", "cover.png"}
    assert embed_of(card).thumbnail.url
    await press(world.ada, card, "button.share")
    listed = await world.grace.slash(world.channel, "voices community")
    assert sentence("community.title", voices=1) in text(listed)
    assert "**Ada** · German · made from 12 sec · by ada" in text(listed)
    theirs = await pick(world.grace, listed, voice_id)
    assert "Owner: ada" in text(theirs)
    assert buttons(theirs) == [sentence("button.speak"), sentence("button.report")]
    assert {file.filename for file in message(theirs).attachments} == {"Ada.mp3", "cover.png"}


@pytest.mark.parametrize("command", ["voices unshare", "voices delete"])
async def test_withdrawn_voice_is_gone_everywhere_at_once(world: World, command: str):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    listed = await world.grace.slash(world.channel, "voices community")
    own, card = await world.ada.slash(world.channel, "voices list"), await card_of(world, world.ada, voice_id)
    result = await world.ada.slash(world.channel, command, voice="Ada")
    if command == "voices delete":
        assert sentence("delete.ask", title="Ada") in text(result)
        await press(world.ada, result, "button.gone")
        assert text(result) == sentence("delete.done", title="Ada")
        assert world.upstream.voices == {}
        assert world.stored(world.ada) == []
        assert text(await pick(world.ada, own, voice_id)) == UNKNOWN
        for wish in ("button.speak", "button.rename"):
            assert text(await press(world.ada, card, wish)) == UNKNOWN
        assert (await press(world.ada, card, "button.unshare")).followups[0].content == UNKNOWN
    assert text(await pick(world.grace, listed, voice_id)) == UNKNOWN
    assert text(await card_of(world, world.grace, voice_id)) == UNKNOWN
    empty = await world.grace.slash(world.channel, "voices community")
    assert sentence("community.empty") in text(empty)
    assert await world.grace.autocomplete(world.channel, "speak", "voice", "A") == []


@pytest.mark.world(accounts=("a@example.org", "b@example.org"), useapi_accounts=("b@example.org",))
async def test_deletion_uses_the_account_that_holds_the_voice(world: World):
    await world.voice(world.ada, "Ada", account="b@example.org")
    await delete(world, world.ada, "Ada")
    assert world.upstream.requests[-1].query["account"] == "b@example.org"
    assert world.upstream.voices == {}


async def test_failed_deletion_is_pending_until_it_is_done(world: World):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    world.upstream.faults += [Fault(method="DELETE", status=500)] * 2
    assert text(await delete(world, world.ada, "Ada")) == sentence("delete.owed", title="Ada")

    card = await card_of(world, world.ada, voice_id)
    assert sentence("voice.deleting") in text(card)
    assert buttons(card) == []
    for command, options in (("rename", {"title": "Eve"}), ("share", {})):
        refused = await world.ada.slash(world.channel, f"voices {command}", voice=str(voice_id), **options)
        assert text(refused) == sentence("refused.being_deleted", title="Ada")
    assert text(await card_of(world, world.grace, voice_id)) == UNKNOWN
    assert "being deleted" in text(await world.ada.slash(world.channel, "voices list"))
    assert "English" in text(await world.send(title="Ada")), "the title is free"

    await world.later(lambda: len(world.upstream.voices) == len(world.stored(world.ada)) == 1)
    assert (await world.ada.slash(world.channel, "voices list")).response is not None


@pytest.mark.parametrize("status", [404, 400])
async def test_not_found_counts_once_the_list_agrees(world: World, status: int):
    voice_id = await world.voice(world.ada, "Ada")
    world.upstream.faults.append(Fault(method="DELETE", status=status))
    asked = await delete(world, world.ada, "Ada")
    assert text(asked) == sentence("delete.owed", title="Ada"), "the voice is still listed"
    assert world.stored(world.ada)

    del world.upstream.voices[voice_id]
    del world.upstream.voices[await world.voice(world.ada, "Eve")]
    world.upstream.faults.append(Fault(method="DELETE", status=status))
    asked = await delete(world, world.ada, "Eve")
    assert text(asked) == sentence("delete.done", title="Eve")


async def test_missing_account_keeps_the_deletion_pending_and_notifies(world: World):
    await world.voice(world.ada, "Ada")
    world.upstream.faults += [Fault(method=method, status=404) for method in ("DELETE", "GET")]
    assert text(await delete(world, world.ada, "Ada")) == sentence("delete.owed", title="Ada")
    await until(world.direct)
    assert "isn't working" in world.direct()[0]["content"]


async def test_rename_reaches_card_shared_lists_and_suggestions(world: World):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    card = await card_of(world, world.ada, voice_id)
    form = await press(world.ada, card, "button.rename")
    await world.ada.submit_modal(form, {fields(form)[0]: "Eve"})
    assert "🎙️ Eve" in text(card)
    renamed = await world.ada.slash(world.channel, "voices rename", voice="Eve", title=" Ada  Lovelace ")
    assert "🎙️ Ada Lovelace" in text(renamed)
    assert "Ada Lovelace" in text(await world.grace.slash(world.channel, "voices community"))
    [choice] = await world.grace.autocomplete(world.channel, "speak", "voice", "lovelace")
    assert choice["name"] == "Ada Lovelace (shared by ada)"
    assert world.upstream.voices[voice_id].title == "Ada", "the API cannot rename"


async def test_title_of_a_voice_or_a_clone_in_progress_and_a_blank_title_are_refused(world: World):
    await world.voice(world.ada, "Ada")
    await world.voice(world.ada, "Eve")
    world.upstream.faults.append(Fault(method="POST", then="hang"))
    await world.send(title="Zoe", wait=False)
    for title, key in (("eve", "title_taken"), ("Zoe", "title_taken"), ("\u200b \u3000", "title_blank")):
        refused = await world.ada.slash(world.channel, "voices rename", voice="Ada", title=title)
        assert text(refused) == sentence(f"refused.{key}", title=title)
    assert {voice["title"] for voice in world.stored(world.ada)} == {"Ada", "Eve"}


async def test_empty_list_says_what_to_do_next(world: World):
    for command, options, key in (
        ("list", {}, "list.empty"),
        ("community", {}, "community.empty"),
        ("community", {"search": "x"}, "community.unfound"),
    ):
        assert sentence(key) in text(await world.ada.slash(world.channel, f"voices {command}", **options))


@pytest.mark.world(max_voices_per_member=100)
async def test_lists_have_pages_and_open_cards(world: World):
    for number in range(12):
        await world.voice(world.ada, f"Voice {number:02}", share=True)
    for command, who in (("voices list", world.ada), ("voices community", world.grace)):
        listed = await who.slash(world.channel, command)
        assert "Voice 11" in text(listed)
        assert "Voice 01" not in text(listed)
        await who.click(message(listed), label=sentence("button.next", page=2, pages=2))
        assert "Voice 01" in text(listed)
        assert "Voice 11" not in text(listed)
        voice_id = next(v["id"] for v in world.stored(world.ada) if v["title"] == "Voice 01")
        assert "🎙️ Voice 01" in text(await pick(who, listed, voice_id))
        await press(who, listed, "button.previous")
        assert "Voice 11" in text(listed)


async def test_shared_voices_can_be_searched_and_filtered(world: World):
    spoken = {"Ada reading": Language.ENGLISH, "Ada liest": Language.GERMAN, "Storyteller": Language.GERMAN}
    for title, language in spoken.items():
        await world.voice(world.ada, title, language=language, share=True)

    async def found(**options: str) -> str:
        return text(await world.grace.slash(world.channel, "voices community", **options))

    assert "Storyteller" in await found(search="storyteler")
    assert "Storyteller" not in await found(search="ada")
    german = await found(language="de")
    assert "Ada liest" in german
    assert "Ada reading" not in german
    both = await found(language="de", search="ada")
    assert "Ada liest" in both
    assert "Storyteller" not in both


@pytest.mark.world(clone_seconds=30, clock=None)
async def test_list_shows_the_card_of_a_running_clone_again(world: World):
    first = await world.send(wait=False)
    await until(lambda: world.upstream.voices)
    listed = await world.ada.slash(world.channel, "voices list")
    assert sentence("card.title", title="Ada") in text(listed)
    (below,) = listed.followups
    assert below.ephemeral
    assert below.embeds[0].description == sentence("list.empty").replace("\\", "")
    await until(lambda: sentence("card.moved", link="")[:-2] in text(first) and buttons(first) == [])


async def test_cards_and_lists_work_after_a_restart(world: World):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    card = await card_of(world, world.ada, voice_id)
    listed = await world.grace.slash(world.channel, "voices community")
    await world.restart()
    assert "🎙️ Ada" in text(await pick(world.grace, listed, voice_id))
    await press(world.ada, card, "button.unshare")
    assert sentence("shared.nowhere") in text(card)
    await press(world.ada, card, "button.delete")
    assert text(card) == sentence("delete.ask", title="Ada")
    assert not message(card).attachments
    await press(world.ada, card, "button.keep")
    assert "English" in text(card)
    assert len(world.upstream.voices) == 1, "the deletion was canceled"
    await press(world.ada, card, "button.delete")
    await world.restart()
    await press(world.ada, card, "button.gone")
    assert text(card) == sentence("delete.done", title="Ada")


async def test_card_without_its_preview_is_shown(world: World):
    for url in (
        f"{world.upstream.origin}/files/1.mp3",
        "https://example.org/huge.mp3",
        "https://mureka.ai.example.org/a.mp3",
        "javascript:alert(1)",
    ):
        card = await card_of(world, world.ada, await world.voice(world.ada, "Ada", preview_url=url))
        assert "English" in text(card)
        assert "Ada.mp3" not in {file.filename for file in message(card).attachments}
        assert (sentence("voice.preview_link") in text(card)) is url.startswith(world.upstream.origin)


async def test_suggestions_tolerate_typos_and_show_own_voices_first(world: World):
    for title in ("Storyteller", "Sports", "Newsreader"):
        await world.voice(world.ada, title)
    await world.voice(world.grace, "Story of Grace", share=True)

    async def offered(typed: str, command: str = "speak") -> list[str]:
        return [c["name"] for c in await world.ada.autocomplete(world.channel, command, "voice", typed)]

    assert await offered("") == ["Newsreader", "Sports", "Storyteller", "Story of Grace (shared by grace)"]
    assert await offered("storyteler") == ["Storyteller"]
    assert set(await offered("story")) == {"Storyteller", "Story of Grace (shared by grace)"}
    assert await offered("", "voices rename") == ["Newsreader", "Sports", "Storyteller"]
    assert await offered("qqqq") == []


async def test_at_most_25_voices_are_suggested(world: World):
    there = world.guild_id
    for number in range(100, 130):
        voice = replace(VOICE, id=number, owner_id=number, title=f"Voice {number}", shared_in=(there,))
        await world.store.members.put(voice)
        row = SharedVoice(number, number, "x", voice.title, voice.language, float(number))
        await world.store.servers.put_share(there, row)
    for typed in ("", "voice"):
        offered = await world.grace.autocomplete(world.channel, "speak", "voice", typed)
        assert len(offered) == 25
        assert offered[0]["name"] == "Voice 129 (shared by x)", "the last used voice comes first"


async def test_voice_can_be_named_by_an_unambiguous_title(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    await world.voice(world.grace, "Grace")
    await world.grace.slash(world.channel, "voices share", voice="grace")
    for who in (world.ada, world.grace):
        await world.voice(who, "Twin", share=True)

    async def shown(who: simcord.MemberActor, voice: str) -> str:
        return text(await who.slash(world.channel, "voices show", voice=voice))

    assert "🎙️ Ada" in await shown(world.ada, "ADA")
    assert "🎙️ Grace" in await shown(world.ada, "grace")
    for voice in (str(voice_id), "Ada", "1", "unknown", "9" * 40):
        assert await shown(world.grace, voice) == UNKNOWN, "a private voice of another member looks like no voice"
    assert await shown(world.linus, "twin") == sentence("refused.voice_ambiguous", title="twin")
