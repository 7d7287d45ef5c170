"""`/clonevoice` as a member meets it: from the command to the last card, and every way of failing."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from simcord.results import InteractionResult

from audio import mp3, wav
from bot.cloning.errors import OfferLapsed
from bot.demo.upstream import Fault, Upstream
from bot.i18n import Markup
from conftest import FastClock, ManualClock, World, buttons, embed_of, opened, sentence, text, until


async def test_an_mp3_becomes_a_recorded_voice(world: World):
    sample = ("voice.mp3", mp3(seconds=14, bit_rate=64000))
    result = await world.send(
        sample=sample, title="Ada & Söhne #1", rights="permission", description="two words", language="de"
    )

    (request,) = world.posts()
    assert bytes(request.body) == sample[1]
    assert request.query == {"title": "Ada & Söhne #1", "desc": "two words", "lang": "de"}
    assert request.headers["Content-Type"] == "audio/mpeg"
    assert request.headers["Content-Length"] == str(len(sample[1]))
    assert request.headers["Authorization"] == "Bearer user:1234-demo"

    (made,) = world.upstream.voices.values()
    (voice,) = world.stored(world.ada)
    assert voice["id"] == made.id
    assert (voice["title"], voice["description"], voice["language"]) == ("Ada & Söhne #1", "two words", "de")
    assert (voice["owner_id"], voice["guild_id"]) == (world.ada.id, world.ada.guild.id)
    assert voice["rights"] == "permission"
    assert voice["job_id"]
    await until(lambda: not world.jobs())

    assert result.ephemeral
    embed = embed_of(result)
    assert embed.title == sentence("voice.title", title="Ada & Söhne #1")
    assert "German" in text(result)
    assert "0:14" in text(result)
    assert "By: ada" in text(result)
    assert result.response is not None
    preview, cover = sorted(result.response.attachments, key=lambda file: file.filename, reverse=True)[-2:]
    assert {preview.filename, cover.filename} == {"Ada-Söhne-1.mp3", "cover.png"}
    assert embed.thumbnail.url is not None
    playable = preview if preview.filename.endswith("mp3") else cover
    assert await playable.read() == sample[1]


async def test_the_card_shows_the_stages_in_their_order(world: World):
    await world.send()
    shown = [edit["embeds"][0]["description"] for edit in world.edits()[:-1]]
    order = ["**Received**", "✅ Checked", "✅ Queued", "✅ Uploaded"]
    places = [next(i for i, description in enumerate(shown) if mark in description) for mark in order]
    assert places == sorted(places)
    assert "0:12, MP3, 44.1 kHz mono" in shown[-1]


async def test_a_command_is_acknowledged_before_anything_slow(world: World):
    world.cdn.delay = 30
    result = await world.send(wait=False)
    (acknowledgement,) = [entry.json for entry in world.env.http_requests if "callback" in entry.path]
    assert acknowledgement == {"type": 5, "data": {"flags": 64}}, "thinking, seen by the member alone"
    assert sentence("stage.present.received") in text(result)
    assert len(world.jobs()) == 1


async def test_the_job_is_on_disk_as_cloning_before_the_voice_can_exist(tmp_path: Path):
    async with Upstream(clone_seconds=30) as upstream, opened(tmp_path, upstream) as world:
        result = await world.send(wait=False)
        await until(lambda: upstream.voices)
        job_file = next(name for name in world.jobs() if name.endswith(".json"))
        assert '"stage":"cloning"' in (tmp_path / "jobs" / job_file).read_text("utf-8")
        assert sentence("card.sent") in text(result)


async def test_a_description_left_out_is_the_title_and_a_code_that_names_nobody(world: World):
    await world.send(title="Ada")
    (voice,) = world.stored(world.ada)
    assert (
        world.posts()[0].query["desc"] == f"Ada ({voice['job_id'].partition('-')[2]})" == voice["description"]
    )
    assert world.posts()[0].query["lang"] == "en"


REFUSED_AT_ONCE: list[tuple[dict[str, Any], str]] = [
    ({"title": " \u3000"}, sentence("refused.title_blank")),
    ({"title": "\u202e\u2066"}, sentence("refused.title_blank")),
    ({"sample": ("empty.mp3", b"")}, sentence("sample.empty")),
    ({"sample": ("large.mp3", bytes(200_001))}, sentence("sample.too_large", limit=0.2)),
]


@pytest.mark.parametrize(("options", "expected"), REFUSED_AT_ONCE)
async def test_what_can_be_seen_at_once_is_refused_before_the_download(
    tmp_path: Path, options: dict[str, Any], expected: str
):
    async with opened(tmp_path, max_sample_mb=0.2) as world:
        result = await world.send(**options)
        assert text(result) == expected
        assert result.ephemeral
        await assert_nothing_left(world)


BAD_SAMPLES: list[tuple[bytes, str, dict[str, Any]]] = [
    (b"plain text, no audio at all" * 50, "sample.not_audio", {}),
    (wav(seconds=12), "sample.not_mp3", {"actual": "WAV"}),
    (mp3(seconds=12)[:40_000], "sample.cut_off", {}),
    (mp3(seconds=12)[:30_000] + bytes(20_000) + mp3(seconds=12)[50_000:], "sample.broken", {}),
    (mp3(seconds=1), "sample.too_short", {"limit": 3, "seconds": 1}),
    (mp3(seconds=31), "sample.too_long", {"limit": 30}),
    (mp3(seconds=12, level_dbfs=-75), "sample.silent", {"rms": -75}),
]


@pytest.mark.parametrize(("sample", "key", "values"), BAD_SAMPLES, ids=[key for _, key, _ in BAD_SAMPLES])
async def test_a_bad_sample_gets_its_sentence_and_leaves_nothing(
    tmp_path: Path, sample: bytes, key: str, values: dict[str, Any]
):
    async with opened(tmp_path, max_sample_seconds=30) as world:
        result = await world.send(sample=("sample.mp3", sample))
        assert sentence(key, **values) in text(result)
        await assert_nothing_left(world)


async def test_a_file_larger_than_discord_said_is_refused_while_it_comes(tmp_path: Path):
    async with opened(tmp_path, max_sample_mb=0.05) as world:
        url_of = world.env.backend.cdn.store_attachment

        def lying(*arguments: Any, **options: Any) -> dict[str, Any]:
            return url_of(*arguments, **options) | {"size": 1000}

        world.env.backend.cdn.store_attachment = lying
        result = await world.send()
        assert sentence("sample.too_large", limit=0.05) in text(result)
        await assert_nothing_left(world)


@pytest.mark.parametrize("trouble", ["dead", "broken"])
async def test_a_link_that_gives_no_file_says_so(world: World, trouble: str):
    setattr(world.cdn, trouble, True)
    result = await world.send()
    assert sentence("sample.link_dead") in text(result)
    await assert_nothing_left(world)


async def test_a_link_that_is_too_slow_says_so(world: World):
    intake = world.bot.cloner._intake  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- a minute is too long
    intake._download = partial(intake._download, seconds=0.2)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportCallIssue] -- the same
    world.cdn.delay = 30
    result = await world.send()
    assert sentence("sample.link_slow", limit=0.2) in text(result)
    await assert_nothing_left(world)


async def test_a_title_that_is_taken_is_refused_however_it_is_written(world: World):
    await world.send(title="Straße")
    result = await world.send(title="STRASSE ")
    assert text(result) == sentence("refused.title_taken", title="STRASSE")
    assert len(world.posts()) == 1


async def test_the_limit_of_voices_is_told(tmp_path: Path):
    async with opened(tmp_path, max_voices_per_member=1) as world:
        await world.send(title="one")
        result = await world.send(title="two")
        assert text(result) == sentence("refused.too_many_voices", limit=1)
        assert len(world.posts()) == 1
        await world.send(world.grace, title="two")
        assert len(world.stored(world.grace)) == 1


HOSTILE = "@everyone **x** [a](https://e.vil) `c`"


async def test_a_hostile_title_does_nothing_anywhere(world: World):
    result = await world.send(title=HOSTILE + "\u202e\x07")
    (voice,) = world.stored(world.ada)
    assert voice["title"] == HOSTILE
    for edit in world.edits():
        assert "allowed_mentions" not in edit or edit["allowed_mentions"] == {"parse": []}
        assert HOSTILE not in json.dumps(edit, ensure_ascii=False)
    assert "\\@everyone \\*\\*x\\*\\*" in text(result)


async def test_after_a_failure_the_title_is_free_again(world: World):
    world.upstream.faults.append(Fault(status=400, method="POST"))
    await world.send(title="Ada")
    await world.send(title="Ada")
    assert [voice["title"] for voice in world.stored(world.ada)] == ["Ada"]


async def test_a_second_command_shows_the_first_ones_card_anew(tmp_path: Path):
    async with Upstream(clone_seconds=0.5) as upstream, opened(tmp_path, upstream) as world:
        first = await world.send(title="first", wait=False)
        await until(lambda: "Cloning" in text(first))
        second = await world.send(title="second", wait=False)
        assert sentence("card.title", title="first") in text(second)
        assert first.response is None, "the old card is gone"
        await world.ended(second)
        assert embed_of(second).title == sentence("voice.title", title="first")
        assert len(upstream.voices) == 1


async def test_two_commands_at_once_make_one_voice(tmp_path: Path):
    async with Upstream(clone_seconds=0.2) as upstream, opened(tmp_path, upstream) as world:
        orders = [await world.send(title=title, wait=False) for title in ("one", "two")]
        await until(lambda: any(order.response and order.response.attachments for order in orders))
        assert len(upstream.voices) == len(world.stored(world.ada)) == 1


async def test_members_queue_and_see_their_place(tmp_path: Path):
    async with Upstream(clone_seconds=1.5) as upstream, opened(tmp_path, upstream, FastClock()) as world:
        first = await world.send(wait=False)
        await until(lambda: upstream.voices)
        second = await world.send(world.grace, wait=False)
        await until(lambda: sentence("stage.present.queued") in text(second))
        third = await world.send(world.linus, wait=False)
        await until(lambda: sentence("stage.queued_behind", ahead=1) in text(third))
        await world.ended(first)
        await world.ended(second)
        assert len(world.stored(world.ada)) == len(world.stored(world.grace)) == 1


class TestUnusualLength:
    """A sample outside of what is recommended is asked about."""

    SHORT = ("short.mp3", mp3(seconds=6))

    async def asked(self, world: World, **options: Any) -> InteractionResult:
        result = await world.send(sample=self.SHORT, wait=False, **options)
        await until(lambda: sentence("button.anyway") in buttons(result))
        return result

    async def test_it_is_cloned_if_the_member_wants_it_anyway(self, world: World):
        result = await self.asked(world)
        assert buttons(result) == [sentence("button.anyway"), sentence("button.cancel")]
        assert sentence("stage.present.waiting", length=Markup("0:06")) in text(result)
        assert world.upstream.requests == []
        await world.press(result, "button.anyway")
        await until(lambda: world.stored(world.ada))
        await world.ended(result)
        assert sentence("button.anyway") not in buttons(result)

    async def test_it_is_dropped_if_the_member_cancels(self, world: World):
        result = await self.asked(world)
        await world.press(result, "button.cancel")
        await until(lambda: sentence("refused.cancelled") in text(result))
        await assert_nothing_left(world)

    async def test_the_question_lapses_after_15_minutes(self, tmp_path: Path):
        clock = ManualClock()
        async with opened(tmp_path, clock=clock) as world:
            result = await self.asked(world)
            await clock.advance(15 * 60 - 1)
            assert buttons(result)
            await clock.advance(1)
            await until(world.direct)
            assert sentence("refused.unanswered") in json.dumps(world.direct(), ensure_ascii=False)
            await assert_nothing_left(world)

    async def test_meanwhile_another_clone_is_possible_but_not_of_the_same_title(self, world: World):
        await self.asked(world, title="short")
        same = await world.send(title="Short")
        assert text(same) == sentence("refused.title_taken", title="Short")
        await world.send(title="other")
        assert [voice["title"] for voice in world.stored(world.ada)] == ["other"]

    async def test_it_has_to_wait_for_the_members_other_clone(self, tmp_path: Path):
        async with Upstream(clone_seconds=0.5) as upstream, opened(tmp_path, upstream) as world:
            asked = await self.asked(world, title="short")
            other = await world.send(title="other", wait=False)
            click = await world.press(asked, "button.anyway")
            assert click.followups[0].content == sentence("refused.already_cloning")
            assert click.followups[0].ephemeral
            assert buttons(asked)
            await world.ended(other)

    async def test_a_decision_that_is_nobodys_business_any_more_is_refused(self, world: World):
        await self.asked(world)
        job_id = world.jobs()[0].partition(".")[0]
        for forged, member in ((job_id, world.grace), ("forged", world.ada)):
            with pytest.raises(OfferLapsed):
                world.bot.cloner.go_ahead(forged, member.id)
            with pytest.raises(OfferLapsed):
                world.bot.cloner.cancel(forged, member.id)
        world.bot.cloner.go_ahead(job_id, world.ada.id)
        with pytest.raises(OfferLapsed):
            world.bot.cloner.go_ahead(job_id, world.ada.id)
        await until(lambda: world.stored(world.ada))


async def test_a_failed_edit_never_harms_the_clone(world: World):
    world.env.inject_error("PATCH", "/webhooks/*/messages/@original", times=4)
    await world.send(wait=False)
    await until(lambda: world.stored(world.ada))
    await until(lambda: not world.jobs())


async def assert_nothing_left(world: World) -> None:
    """Nothing was sent, nothing is stored."""
    await until(lambda: not world.jobs())
    assert world.upstream.requests == []
    assert world.stored(world.ada) == []
