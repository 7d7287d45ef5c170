"""`/voices` as a member meets it: cards and lists, what their buttons do, and what everybody else gets."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import simcord
from simcord.results import InteractionResult, ResponseMessage

from bot.demo.upstream import Fault, Upstream
from bot.library.models import SharedVoice
from bot.voices.models import Language
from conftest import FastClock, World, buttons, embed_of, opened, sentence, text, until
from test_store import VOICE

UNKNOWN = sentence("refused.voice_unknown")


def message(result: InteractionResult) -> ResponseMessage:
    """Return the answer to an interaction."""
    assert result.response is not None
    return result.response


async def card_of(world: World, who: simcord.MemberActor, voice_id: int) -> InteractionResult:
    """Open a voice's card."""
    return await who.slash(world.channel, "voices show", voice=str(voice_id))


async def press(who: simcord.MemberActor, shown: InteractionResult, key: str) -> InteractionResult:
    """Press a button of an answer."""
    return await who.click(message(shown), label=sentence(key))


async def pick(who: simcord.MemberActor, shown: InteractionResult, voice_id: int) -> InteractionResult:
    """Open a voice from a list."""
    return await who.select(message(shown), [str(voice_id)], custom_id="pick:voice")


async def test_the_last_card_of_a_clone_has_the_buttons_of_its_voice(world: World):
    result = await world.send()
    assert buttons(result) == [sentence(f"button.{wish}") for wish in ("speak", "share", "rename", "delete")]
    await press(world.ada, result, "button.share")
    assert sentence("shared.here") in text(result)
    assert sentence("button.unshare") in buttons(result)
    await press(world.ada, result, "button.unshare")
    assert sentence("shared.nowhere") in text(result)
    (voice,) = world.stored(world.ada)
    assert voice["shared_in"] == []


async def test_a_card_shows_what_is_known_and_plays_on_the_spot(world: World):
    voice_id = await world.voice(world.ada, "Ada", language=Language.GERMAN)
    card = await card_of(world, world.ada, voice_id)
    assert card.ephemeral
    shown = text(card)
    for part in ("🎙️ Ada", "German", "0:12", "By: ada", sentence("shared.nowhere"), "<t:"):
        assert part in shown
    names = {file.filename for file in message(card).attachments}
    assert names == {"Ada.mp3", "cover.png"}
    assert embed_of(card).thumbnail.url


async def test_a_shared_voice_is_on_the_list_at_once_and_opens_for_others(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    listed = await world.grace.slash(world.channel, "voices community")
    assert sentence("community.title", voices=1) in text(listed)
    assert "**Ada** · English, 0:12 · by ada" in text(listed)
    card = await pick(world.grace, listed, voice_id)
    assert "By: ada" in text(card)
    assert buttons(card) == [sentence("button.speak"), sentence("button.report")]
    assert {file.filename for file in message(card).attachments} == {"Ada.mp3", "cover.png"}


@pytest.mark.parametrize("command", ["voices unshare", "voices delete"])
async def test_what_is_withdrawn_is_gone_everywhere_at_once(world: World, command: str):
    voice_id = await world.voice(world.ada, "Ada")
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    listed = await world.grace.slash(world.channel, "voices community")
    result = await world.ada.slash(world.channel, command, voice="Ada")
    if command == "voices delete":
        assert sentence("delete.ask", title="Ada") in text(result)
        await press(world.ada, result, "button.gone")
        assert text(result) == sentence("delete.done", title="Ada")
        assert world.upstream.voices == {}
        assert world.stored(world.ada) == []
    assert text(await pick(world.grace, listed, voice_id)) == UNKNOWN
    assert text(await card_of(world, world.grace, voice_id)) == UNKNOWN
    empty = await world.grace.slash(world.channel, "voices community")
    assert sentence("community.empty") in text(empty)
    assert await world.grace.autocomplete(world.channel, "speak", "voice", "A") == []


async def test_a_deletion_can_be_thought_better_of(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    card = await card_of(world, world.ada, voice_id)
    await press(world.ada, card, "button.delete")
    assert text(card) == sentence("delete.ask", title="Ada")
    assert not message(card).attachments
    await press(world.ada, card, "button.keep")
    assert "English" in text(card)
    assert len(world.upstream.voices) == 1


async def test_a_deletion_goes_to_the_account_that_holds_the_voice(tmp_path: Path):
    async with (
        Upstream(accounts=("a@example.org", "b@example.org")) as upstream,
        opened(tmp_path, upstream, useapi_accounts=("b@example.org",)) as world,
    ):
        await world.voice(world.ada, "Ada", account="b@example.org")
        asked = await world.ada.slash(world.channel, "voices delete", voice="Ada")
        await press(world.ada, asked, "button.gone")
        assert upstream.requests[-1].query["account"] == "b@example.org"
        assert upstream.voices == {}


async def test_a_deletion_that_fails_is_owed_until_it_is_done(tmp_path: Path):
    async with opened(tmp_path, clock=FastClock()) as world:
        voice_id = await world.voice(world.ada, "Ada")
        await world.ada.slash(world.channel, "voices share", voice="Ada")
        world.upstream.faults += [Fault(method="DELETE", status=500) for _ in range(2)]
        asked = await world.ada.slash(world.channel, "voices delete", voice="Ada")
        await press(world.ada, asked, "button.gone")
        assert text(asked) == sentence("delete.owed", title="Ada")

        card = await card_of(world, world.ada, voice_id)
        assert sentence("voice.deleting") in text(card)
        assert buttons(card) == []
        for command in ("voices rename", "voices share"):
            options: dict[str, Any] = {"title": "Eve"} if command == "voices rename" else {}
            refused = await world.ada.slash(world.channel, command, voice=str(voice_id), **options)
            assert text(refused) == sentence("refused.being_deleted", title="Ada")
        assert text(await card_of(world, world.grace, voice_id)) == UNKNOWN
        listed = await world.ada.slash(world.channel, "voices list")
        assert "being deleted" in text(listed)

        await until(lambda: not world.upstream.voices)
        await until(lambda: not world.stored(world.ada))
        assert (await world.ada.slash(world.channel, "voices list")).response is not None


async def test_a_title_is_free_again_while_its_old_voice_is_being_deleted(world: World):
    await world.voice(world.ada, "Ada")
    world.upstream.faults.append(Fault(method="DELETE", status=500))
    asked = await world.ada.slash(world.channel, "voices delete", voice="Ada")
    await press(world.ada, asked, "button.gone")
    result = await world.send(title="Ada")
    assert "English" in text(result)


@pytest.mark.parametrize("status", [404, 400])
async def test_not_found_counts_once_the_list_agrees(world: World, status: int):
    voice_id = await world.voice(world.ada, "Ada")
    world.upstream.faults.append(Fault(method="DELETE", status=status))
    asked = await world.ada.slash(world.channel, "voices delete", voice="Ada")
    await press(world.ada, asked, "button.gone")
    assert text(asked) == sentence("delete.owed", title="Ada"), "it is still listed"
    assert world.stored(world.ada)

    del world.upstream.voices[voice_id]
    await world.voice(world.ada, "Eve")
    (other,) = [voice["id"] for voice in world.stored(world.ada) if voice["title"] == "Eve"]
    del world.upstream.voices[other]
    world.upstream.faults.append(Fault(method="DELETE", status=status))
    asked = await world.ada.slash(world.channel, "voices delete", voice="Eve")
    await press(world.ada, asked, "button.gone")
    assert text(asked) == sentence("delete.done", title="Eve")


async def test_an_account_that_is_gone_keeps_the_deletion_owed_and_tells_the_operator(world: World):
    await world.voice(world.ada, "Ada")
    world.upstream.faults += [
        Fault(method="DELETE", status=404),
        Fault(method="GET", path="/speech/voices/", status=404),
    ]
    asked = await world.ada.slash(world.channel, "voices delete", voice="Ada")
    await press(world.ada, asked, "button.gone")
    assert text(asked) == sentence("delete.owed", title="Ada")
    await until(world.direct)
    assert "Trouble with the Mureka account" in world.direct()[0]["content"]


async def test_a_rename_carries_through_to_whoever_shares_it(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    renamed = await world.ada.slash(world.channel, "voices rename", voice="Ada", title=" Ada  Lovelace ")
    assert "🎙️ Ada Lovelace" in text(renamed)
    listed = await world.grace.slash(world.channel, "voices community")
    assert "Ada Lovelace" in text(listed)
    assert [
        c["name"] for c in await world.grace.autocomplete(world.channel, "speak", "voice", "lovelace")
    ] == ["Ada Lovelace (shared by ada)"]
    assert world.upstream.voices[voice_id].title == "Ada", "the API can't"


async def test_a_card_s_rename_button_asks_and_changes_the_card(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    card = await card_of(world, world.ada, voice_id)
    form = await press(world.ada, card, "button.rename")
    (field,) = fields(form)
    await world.ada.submit_modal(form, {field: "Eve"})
    assert "🎙️ Eve" in text(card)


def fields(form: InteractionResult) -> list[str]:
    """Return the custom ids of a form's fields."""
    assert form.modal is not None
    return [item["component"]["custom_id"] for item in form.modal["components"] if "component" in item]


@pytest.mark.parametrize(
    ("title", "key"), [("eve", "refused.title_taken"), ("\u200b \u3000", "refused.title_blank")]
)
async def test_a_title_that_can_t_be_is_refused(world: World, title: str, key: str):
    await world.voice(world.ada, "Ada")
    await world.voice(world.ada, "Eve")
    refused = await world.ada.slash(world.channel, "voices rename", voice="Ada", title=title)
    assert text(refused) == sentence(key, title=title)
    assert {voice["title"] for voice in world.stored(world.ada)} == {"Ada", "Eve"}


async def test_a_rename_can_t_take_the_title_of_a_clone_under_way(tmp_path: Path):
    async with Upstream() as upstream, opened(tmp_path, upstream) as world:
        await world.voice(world.ada, "Ada")
        upstream.faults.append(Fault(method="POST", then="hang"))
        await world.send(title="Eve", wait=False)
        refused = await world.ada.slash(world.channel, "voices rename", voice="Ada", title="Eve")
        assert text(refused) == sentence("refused.title_taken", title="Eve")


async def test_an_empty_list_says_what_to_do_next(world: World):
    mine = await world.ada.slash(world.channel, "voices list")
    assert sentence("list.empty") in text(mine)
    shared = await world.ada.slash(world.channel, "voices community")
    assert sentence("community.empty") in text(shared)
    found = await world.ada.slash(world.channel, "voices community", search="x")
    assert sentence("community.unfound") in text(found)


async def test_lists_have_pages_and_open_cards(tmp_path: Path):
    async with opened(tmp_path, max_voices_per_member=100) as world:
        for number in range(12):
            await world.voice(world.ada, f"Voice {number:02}")
            await world.ada.slash(world.channel, "voices share", voice=f"Voice {number:02}")
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


async def test_the_community_can_be_searched_and_filtered(world: World):
    spoken = {"Ada reading": Language.ENGLISH, "Ada liest": Language.GERMAN, "Storyteller": Language.GERMAN}
    for title, language in spoken.items():
        await world.voice(world.ada, title, language=language)
        await world.ada.slash(world.channel, "voices share", voice=title)

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


async def test_list_shows_a_running_clone_s_card_anew(tmp_path: Path):
    async with Upstream(clone_seconds=30) as upstream, opened(tmp_path, upstream) as world:
        first = await world.send(wait=False)
        await until(lambda: upstream.voices)
        listed = await world.ada.slash(world.channel, "voices list")
        assert sentence("card.title", title="Ada") in text(listed)
        (below,) = listed.followups
        assert below.ephemeral
        assert below.embeds[0].description == sentence("list.empty").replace("\\", "")
        await until(lambda: first.response is None)


async def test_everything_goes_on_after_a_restart(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    await world.ada.slash(world.channel, "voices share", voice="Ada")
    card = await card_of(world, world.ada, voice_id)
    listed = await world.grace.slash(world.channel, "voices community")
    await world.restart()
    assert "🎙️ Ada" in text(await pick(world.grace, listed, voice_id))
    await press(world.ada, card, "button.unshare")
    assert sentence("shared.nowhere") in text(card)
    await press(world.ada, card, "button.delete")
    await world.restart()
    await press(world.ada, card, "button.gone")
    assert text(card) == sentence("delete.done", title="Ada")


async def test_a_voice_deleted_between_the_list_and_the_click_is_unknown(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    listed = await world.ada.slash(world.channel, "voices list")
    card = await card_of(world, world.ada, voice_id)
    asked = await world.ada.slash(world.channel, "voices delete", voice="Ada")
    await press(world.ada, asked, "button.gone")
    assert text(await pick(world.ada, listed, voice_id)) == UNKNOWN
    for wish in ("button.speak", "button.rename"):
        assert text(await press(world.ada, card, wish)) == UNKNOWN
    said = await press(world.ada, card, "button.share")
    assert said.followups[0].content == UNKNOWN


async def test_a_preview_that_can_t_be_fetched_leaves_a_card_without_it(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    stored = world.folder / "members" / f"{world.ada.id}.json"
    for url in (
        f"{world.upstream.origin}/files/1.mp3",
        "https://example.org/huge.mp3",
        "https://mureka.ai.example.org/a.mp3",
        "javascript:alert(1)",
    ):
        record = json.loads(stored.read_text("utf-8"))
        record["voices"][str(voice_id)]["preview_url"] = url
        stored.write_text(json.dumps(record), "utf-8")
        await world.restart()
        card = await card_of(world, world.ada, voice_id)
        assert "English" in text(card)
        assert "Ada.mp3" not in {file.filename for file in message(card).attachments}
        assert (sentence("voice.preview_link") in text(card)) is url.startswith(world.upstream.origin)


async def test_autocomplete_forgives_typos_and_offers_own_voices_first(world: World):
    for title in ("Storyteller", "Sports", "Newsreader"):
        await world.voice(world.ada, title)
    await world.voice(world.grace, "Story of Grace")
    await world.grace.slash(world.channel, "voices share", voice="Story of Grace")

    async def offered(typed: str, command: str = "speak") -> list[str]:
        return [c["name"] for c in await world.ada.autocomplete(world.channel, command, "voice", typed)]

    assert await offered("") == ["Newsreader", "Sports", "Storyteller", "Story of Grace (shared by grace)"]
    assert await offered("storyteler") == ["Storyteller"]
    assert set(await offered("story")) == {"Storyteller", "Story of Grace (shared by grace)"}
    assert await offered("", "voices rename") == ["Newsreader", "Sports", "Storyteller"]
    assert await offered("qqqq") == []


async def test_no_more_than_25_are_offered(world: World):
    there = world.ada.guild.id
    for number in range(100, 130):
        voice = replace(VOICE, id=number, owner_id=number, title=f"Voice {number}", shared_in=(there,))
        store = world.bot.library._store  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- thirty members
        await store.members.put(voice)
        row = SharedVoice(number, number, "x", voice.title, voice.language, float(number))
        await store.servers.put_share(there, row)
    for typed in ("", "voice"):
        offered = await world.grace.autocomplete(world.channel, "speak", "voice", typed)
        assert len(offered) == 25
        assert offered[0]["name"] == "Voice 129 (shared by x)", "the last used first"


async def test_a_voice_can_be_named_by_its_title_typed_in_full(world: World):
    await world.voice(world.ada, "Ada")
    await world.voice(world.grace, "Grace")
    await world.grace.slash(world.channel, "voices share", voice="grace")
    assert "🎙️ Ada" in text(await world.ada.slash(world.channel, "voices show", voice="ADA"))
    assert "🎙️ Grace" in text(await world.ada.slash(world.channel, "voices show", voice="grace"))
    assert text(await world.ada.slash(world.channel, "voices show", voice="nobody")) == UNKNOWN


async def test_a_title_that_two_members_share_must_be_picked(world: World):
    for who in (world.ada, world.grace):
        await world.voice(who, "Twin")
        await who.slash(world.channel, "voices share", voice="Twin")
    refused = await world.linus.slash(world.channel, "voices show", voice="twin")
    assert text(refused) == sentence("refused.voice_ambiguous", title="twin")


async def test_export_hands_out_all_of_one_s_own_and_the_previews(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    await world.voice(world.grace, "Grace")
    result = await world.ada.slash(world.channel, "voices export")
    assert result.ephemeral
    files = {file.filename: await file.read() for file in message(result).attachments}
    stored = json.loads(files["stored.json"])
    assert [voice["title"] for voice in stored["voices"]] == ["Ada"]
    assert "Grace" not in files["stored.json"].decode()
    with zipfile.ZipFile(io.BytesIO(files["audio.zip"])) as archive:
        assert archive.read(f"{voice_id}-Ada.mp3") == world.upstream.voices[voice_id].sample
