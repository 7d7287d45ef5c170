"""`/clonevoice` from the command to the last card, and its refusals."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from simcord.results import InteractionResult

from bot.cloning.errors import OfferLapsed
from bot.demo.upstream import Fault
from bot.downloads import SampleDownloads
from support.audio import GOOD, mp3, wav
from support.clocks import ManualClock, until
from support.reading import buttons, embed_of, message, sentence, text
from support.world import World, opened


async def test_mp3_becomes_a_recorded_voice(world: World):
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
    told = {"title": "Ada & Söhne #1", "description": "two words", "language": "de", "rights": "permission"}
    expected = {"id": made.id, "owner_id": world.ada.id, "guild_id": world.guild_id} | told
    assert voice | expected == voice
    assert voice["job_id"]
    await until(lambda: not world.jobs())

    assert result.ephemeral
    embed = embed_of(result)
    assert embed.title == sentence("voice.ready", title="Ada & Söhne #1")
    for part in ("German", "14 sec", "Owner: ada"):
        assert part in text(result)
    files = {file.filename: await file.read() for file in message(result).attachments}
    assert files.keys() == {"Ada-Söhne-1.mp3", "cover.png"}
    assert files["Ada-Söhne-1.mp3"] == sample[1]
    assert embed.thumbnail.url is not None


async def test_card_shows_the_stages_in_order(world: World):
    await world.send(title="Ada")
    (voice,) = world.stored(world.ada)
    anonymous = f"Ada ({voice['job_id'].partition('-')[2]})"
    assert world.posts()[0].query == {"title": "Ada", "desc": anonymous, "lang": "en"}, "the default description"
    assert voice["description"] == anonymous
    shown = [edit["embeds"][0]["description"] for edit in world.edits()[:-1]]
    order = ["🔎 **Checking", "✅ Sample checked", "✅ Sent to Mureka"]
    places = [next(i for i, description in enumerate(shown) if mark in description) for mark in order]
    assert places == sorted(places)
    assert "✅ Sample checked · 12 sec" in shown[-1]


async def test_command_is_acknowledged_before_the_download(world: World):
    world.cdn.delay = 30
    result = await world.send(wait=False)
    (acknowledgement,) = [entry.json for entry in world.env.http_requests if "callback" in entry.path]
    assert acknowledgement == {"type": 5, "data": {"flags": 64}}, "the card is visible only to the member"
    assert sentence("stage.present.received") in text(result)
    assert len(world.jobs()) == 1


@pytest.mark.world(clone_seconds=30, clock=None)
async def test_job_is_cloning_on_disk_before_the_voice_can_exist(world: World):
    result = await world.send(wait=False)
    await until(lambda: world.upstream.voices)
    job_file = next(name for name in world.jobs() if name.endswith(".json"))
    assert '"stage":"cloning"' in (world.folder / "jobs" / job_file).read_text("utf-8")
    await until(lambda: sentence("card.sent") in text(result))


REFUSED_AT_ONCE: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"title": " \u3000"}, "refused.title_blank", {}),
    ({"title": "\u202e\u2066"}, "refused.title_blank", {}),
    ({"sample": ("empty.mp3", b"")}, "sample.empty", {}),
    ({"sample": ("large.mp3", bytes(2_000_001))}, "sample.too_large", {"limit": 2}),
]
BAD_SAMPLES: list[tuple[bytes, str, dict[str, Any]]] = [
    (b"plain text, no audio at all" * 50, "sample.not_audio", {}),
    (wav(seconds=12), "sample.not_mp3", {"actual": "WAV"}),
    (mp3(seconds=12)[:40_000], "sample.cut_off", {}),
    (mp3(seconds=12)[:30_000] + bytes(20_000) + mp3(seconds=12)[50_000:], "sample.broken", {}),
    (mp3(seconds=1), "sample.too_short", {"limit": 3, "seconds": 1}),
    (mp3(seconds=31), "sample.too_long", {"limit": 30}),
    (mp3(seconds=12, level_dbfs=-75), "sample.silent", {"rms": -75}),
]


REFUSED = REFUSED_AT_ONCE + [({"sample": ("sample.mp3", sample)}, key, said) for sample, key, said in BAD_SAMPLES]


@pytest.mark.parametrize(("options", "key", "values"), REFUSED, ids=[key for _, key, _ in REFUSED])
@pytest.mark.world(max_sample_seconds=30, max_sample_mb=2)
async def test_bad_title_or_sample_is_refused_and_leaves_nothing(
    world: World, options: dict[str, Any], key: str, values: dict[str, Any]
):
    result = await world.send(**options)
    said = sentence(key, **values)
    assert said in text(result)
    assert (said == text(result)) is (key in {key for _, key, _ in REFUSED_AT_ONCE}), "else it is in the card"
    assert result.ephemeral
    await assert_nothing_left(world)


@pytest.mark.world(max_sample_mb=0.05)
async def test_download_stops_if_the_file_is_larger_than_announced(world: World):
    url_of = world.env.backend.cdn.store_attachment

    def lying(*arguments: Any, **options: Any) -> dict[str, Any]:
        return url_of(*arguments, **options) | {"size": 1000}

    world.env.backend.cdn.store_attachment = lying
    assert sentence("sample.too_large", limit=0.05) in text(await world.send())
    await assert_nothing_left(world)


@pytest.mark.parametrize("trouble", ["dead", "broken", "slow"])
async def test_link_without_a_file_is_refused(world: World, trouble: str, monkeypatch: pytest.MonkeyPatch):
    get = SampleDownloads.get

    async def impatient(downloads: SampleDownloads, url: str) -> bytes:
        downloads._seconds = 0.2  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - ten seconds are too long
        return await get(downloads, url)

    if trouble == "slow":
        monkeypatch.setattr(SampleDownloads, "get", impatient)
        world.cdn.delay = 30
    else:
        setattr(world.cdn, trouble, True)
    said = sentence("sample.link_slow") if trouble == "slow" else sentence("sample.link_dead")
    assert said in text(await world.send())
    await assert_nothing_left(world)


async def test_slow_downloads_do_not_hold_up_others(world: World):
    world.cdn.delay, world.cdn.slow = 60, "slow"
    guild, env = world.ada.guild, world.env
    slow = [guild.add_member(env.create_user(f"member{number}")) for number in range(8)]
    for member in slow:
        await world.send(member, sample=("slow.mp3", GOOD[1]), wait=False)
    await world.send()
    assert len(world.stored(world.ada)) == 1
    assert all(world.services.cloner.running(member.id) for member in slow)


async def test_taken_title_is_refused_in_any_spelling_but_free_after_a_failure(world: World):
    world.upstream.faults.append(Fault(status=400, method="POST"))
    for _ in range(2):
        await world.send(title="Straße")
    assert text(await world.send(title="STRASSE ")) == sentence("refused.title_taken", title="STRASSE")
    assert len(world.posts()) == 2
    assert [voice["title"] for voice in world.stored(world.ada)] == ["Straße"]


@pytest.mark.world(max_voices_per_member=1)
async def test_voice_limit_is_refused_with_the_limit(world: World):
    await world.send(title="one")
    assert text(await world.send(title="two")) == sentence("refused.too_many_voices", limit=1)
    assert len(world.posts()) == 1
    await world.send(world.grace, title="two")
    assert len(world.stored(world.grace)) == 1


HOSTILE = "@everyone **x** [a](https://e.vil) `c`"


async def test_markdown_in_a_title_has_no_effect(world: World):
    result = await world.send(title=HOSTILE + "\u202e\x07")
    (voice,) = world.stored(world.ada)
    assert voice["title"] == HOSTILE
    for edit in world.edits():
        assert "allowed_mentions" not in edit or edit["allowed_mentions"] == {"parse": []}
        assert HOSTILE not in json.dumps(edit, ensure_ascii=False)
    assert "\\@everyone \\*\\*x\\*\\*" in text(result)


@pytest.mark.world(held=True)
async def test_second_command_shows_the_card_of_the_first_again(world: World):
    first = await world.send(title="first", wait=False)
    await until(lambda: "Cloning" in text(first))
    second = await world.send(title="second", wait=False)
    assert sentence("card.title", title="first") in text(second)
    world.release()
    await world.ended(second)
    assert embed_of(second).title == sentence("voice.ready", title="first")
    assert len(world.upstream.voices) == 1


@pytest.mark.world(clone_seconds=0.2)
async def test_two_commands_at_once_make_one_voice(world: World):
    orders = [await world.send(title=title, wait=False) for title in ("one", "two")]
    await until(lambda: any(order.response and order.response.attachments for order in orders))
    assert len(world.upstream.voices) == len(world.stored(world.ada)) == 1


@pytest.mark.world(held=True)
async def test_queued_members_see_their_place(world: World):
    first = await world.send(wait=False)
    await until(lambda: world.upstream.voices)
    second = await world.send(world.grace, wait=False)
    await until(lambda: sentence("stage.present.queued") in text(second))
    third = await world.send(world.linus, wait=False)
    await until(lambda: sentence("stage.queued_behind", ahead=1) in text(third))
    world.release()
    await world.ended(first)
    await world.ended(second)
    assert len(world.stored(world.ada)) == len(world.stored(world.grace)) == 1


class TestUnusualLength:
    """The member confirms a sample outside the recommended length."""

    SHORT = ("short.mp3", mp3(seconds=6))

    async def asked(self, world: World, **options: Any) -> InteractionResult:
        result = await world.send(sample=self.SHORT, wait=False, **options)
        await until(lambda: sentence("button.anyway") in buttons(result))
        return result

    async def test_confirmed_sample_is_cloned(self, world: World):
        result = await self.asked(world)
        assert buttons(result) == [sentence("button.anyway"), sentence("button.cancel")]
        assert sentence("stage.present.waiting", length=timedelta(seconds=6)) in text(result)
        assert world.upstream.requests == []
        await world.press(result, "button.anyway")
        await until(lambda: world.stored(world.ada))
        await world.ended(result)
        assert sentence("button.anyway") not in buttons(result)

    async def test_sample_that_was_cut_without_its_header_is_asked_about(self, world: World):
        sample = mp3(seconds=20)
        result = await world.send(sample=("cut.mpga", sample[: sample.rindex(b"\xff\xfb", 0, 120_000)]), wait=False)
        await until(lambda: sentence("button.anyway") in buttons(result))
        assert sentence("stage.shortened", full=timedelta(seconds=20), length=timedelta(seconds=15)) in text(result)
        await world.press(result, "button.anyway")
        await world.ended(result)
        assert len(world.stored(world.ada)) == 1

    async def test_canceled_sample_is_dropped(self, world: World):
        result = await self.asked(world)
        await world.press(result, "button.cancel")
        await until(lambda: sentence("refused.cancelled") in text(result))
        await assert_nothing_left(world)

    async def test_confirmation_expires_after_15_minutes(self, tmp_path: Path):
        clock = ManualClock()
        async with opened(tmp_path, clock=clock) as world:
            result = await self.asked(world)
            await clock.advance(15 * 60 - 1)
            assert buttons(result)
            await clock.advance(1)
            await until(world.direct)
            assert sentence("refused.unanswered") in json.dumps(world.direct(), ensure_ascii=False)
            await assert_nothing_left(world)

    async def test_another_title_can_be_cloned_during_a_confirmation(self, world: World):
        await self.asked(world, title="short")
        assert text(await world.send(title="Short")) == sentence("refused.title_taken", title="Short")
        await world.send(title="other")
        assert [voice["title"] for voice in world.stored(world.ada)] == ["other"]

    @pytest.mark.world(held=True)
    async def test_confirmed_sample_waits_for_the_other_clone_of_its_member(self, world: World):
        asked = await self.asked(world, title="short")
        other = await world.send(title="other", wait=False)
        click = await world.press(asked, "button.anyway")
        assert click.followups[0].content == sentence("refused.already_cloning")
        assert click.followups[0].ephemeral
        assert buttons(asked)
        world.release()
        await world.ended(other)

    async def test_expired_or_foreign_confirmation_is_refused(self, world: World):
        await self.asked(world)
        job_id = world.jobs()[0].partition(".")[0]
        for forged, member in ((job_id, world.grace), ("forged", world.ada)):
            for answer in (world.services.cloner.confirm, world.services.cloner.cancel):
                with pytest.raises(OfferLapsed):
                    await answer(forged, member.id)
        await world.services.cloner.confirm(job_id, world.ada.id)
        with pytest.raises(OfferLapsed):
            await world.services.cloner.confirm(job_id, world.ada.id)
        await until(lambda: world.stored(world.ada))


async def test_failed_edit_does_not_affect_the_clone(world: World):
    world.env.inject_error("PATCH", "/webhooks/*/messages/@original", times=4)
    await world.send(wait=False)
    await until(lambda: world.stored(world.ada) and not world.jobs())


async def assert_nothing_left(world: World) -> None:
    await until(lambda: not world.jobs())
    assert world.upstream.requests == []
    assert world.stored(world.ada) == []
