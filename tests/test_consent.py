"""Whose voice it is: what is declared, how a speaker is asked, and what they can take back."""

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from simcord.results import InteractionResult

from bot.demo.upstream import Upstream
from bot.i18n import Markup
from conftest import (
    GOOD,
    FastClock,
    World,
    buttons,
    opened,
    sentence,
    text,
    until,
)
from test_clone_this import submit
from test_privacy import forget, on_disk
from test_speak import speak
from test_voiceadmin import court_in
from test_voices import UNKNOWN, press

DAY = 24 * 60 * 60.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with opened(tmp_path, clock=FastClock()) as world:
        yield world


async def ask(world: World, **options: Any) -> InteractionResult:
    """Have Ada clone Grace's voice, up to the question."""
    given = {"rights": "permission", "speaker": world.grace, "title": "Grace by Ada"} | options
    card = await world.send(world.ada, wait=False, **given)
    await until(lambda: "Waiting for approval" in text(card) or "▫️" not in text(card))
    return card


def question(world: World) -> discord.Message:
    """Return the last direct message that Grace got."""
    return world.grace.user.dm_channel.history()[-1]


async def asked(world: World, **options: Any) -> tuple[InteractionResult, discord.Message]:
    """Have Grace asked; return Ada's card and the question."""
    before = len(world.grace.user.dm_channel.history())
    card = await ask(world, **options)
    await until(lambda: len(world.grace.user.dm_channel.history()) > before)
    return card, question(world)


async def click(world: World, message: discord.Message, key: str) -> InteractionResult:
    """Press a button of a direct message, as Grace."""
    return await world.grace.user.click(message, label=sentence(key))


def consents(world: World, who: simcord.MemberActor) -> list[dict[str, Any]]:
    """Read what a member approved, as it lies on disk."""
    file = world.folder / "members" / f"{who.id}.json"
    if not file.exists():
        return []
    return [
        one
        for row in json.loads(file.read_text("utf-8")).get("consents", {}).values()
        for one in row["consents"]
    ]


async def test_the_life_of_a_consent(world: World):
    # Ada has a recording of Grace, and says so.
    card, message = await asked(world)
    assert sentence("stage.passed.checked")[:9] in text(card)
    assert world.posts() == []

    # Grace is asked by direct message: who, what, where, and in which words. The bot is restarted.
    assert "ada" in (message.embeds[0].description or "")
    assert "Voice Club" in (message.embeds[0].description or "")
    assert message.attachments == []
    await world.restart()
    assert len(world.grace.user.dm_channel.history()) == 1, "nobody is asked twice"

    # She listens, alone, and approves.
    opened_ = await click(world, question(world), "button.open")
    assert opened_.ephemeral
    assert opened_.response is not None
    assert [file.filename for file in opened_.response.attachments] == ["Grace-by-Ada.mp3"]
    await world.grace.user.click(opened_.response, label=sentence("button.approve"))
    assert buttons(opened_) == [sentence("button.revoke")]
    await until(lambda: world.stored(world.ada))
    await until(lambda: not world.jobs())

    # It stands in her file, word for word, with whom and what it is for.
    [consent] = consents(world, world.grace)
    [voice] = world.stored(world.ada)
    assert (consent["owner_id"], consent["voice_id"]) == (world.ada.id, voice["id"])
    assert consent["statement"]["wording"] == sentence(
        "consent.wording", owner=Markup("ada"), title=Markup("Grace by Ada")
    )
    assert (consent["statement"]["by"], consent["statement"]["version"]) == (world.grace.id, 1)
    assert voice["speaker"] == {"id": world.grace.id, "name": "grace"}

    # It is Ada's to use, and Grace can see it, though it isn't hers.
    await world.restart()
    assert world.posts()[0].method == "POST"
    suggested = await world.grace.autocomplete(world.channel, "voices show", "voice", "")
    assert [choice["name"] for choice in suggested] == ["Grace by Ada (of your voice, by ada)"]
    shown = await world.grace.slash(world.channel, "voices show", voice="Grace by Ada")
    assert buttons(shown) == [sentence("button.revoke")]
    assert text(await speak(world, who=world.grace, voice="Grace by Ada")) == UNKNOWN

    # One day she takes it back, after being asked, and the voice is gone everywhere.
    await world.ada.slash(world.channel, "voices share", voice="Grace by Ada")
    await press(world.grace, shown, "button.revoke")
    assert buttons(shown) == [sentence("button.sure"), sentence("button.stay")]
    await press(world.grace, shown, "button.sure")
    assert world.upstream.voices == {}
    assert world.stored(world.ada) == []
    assert consents(world, world.grace) == []
    assert "Voices shared in this server (0)" in text(
        await world.ada.slash(world.channel, "voices community")
    )
    await until(lambda: "grace took back" in world.ada.user.dm_channel.history()[-1].content)


async def test_one_s_own_voice_is_declared_word_for_word(world: World):
    await world.send(world.ada)
    [voice] = world.stored(world.ada)
    statement = voice["statement"]
    assert statement.pop("at") == pytest.approx(world.bot.cloner.clock.now(), abs=6000)
    assert statement == {
        "by": world.ada.id,
        "wording": sentence("rights.own"),
        "version": 1,
        "guild_id": world.ada.guild.id,
        "channel_id": world.channel.id,
    }


async def test_a_refusal_ends_the_clone_and_leaves_nothing(world: World):
    card, message = await asked(world)
    await click(world, message, "button.refuse")
    await until(lambda: sentence("refused.speaker_refused", name="grace") in text(card))
    assert world.posts() == []
    await until(lambda: not world.jobs())
    assert consents(world, world.grace) == []
    said = await click(world, message, "button.approve") if question(world).components else None
    assert said is None, "the question has no buttons any more"


async def test_without_an_answer_it_lapses_after_seven_days_restarts_included(tmp_path: Path):
    clock = FastClock()
    async with opened(tmp_path, clock=clock) as world:
        _, message = await asked(world)
        clock.skip(6.9 * DAY)
        await world.restart()
        assert any(name.endswith(".mp3") for name in world.jobs())
        clock.skip(0.2 * DAY)
        await world.restart()
        await until(lambda: not world.jobs())
        late = world.ada.user.dm_channel.history()[-1].embeds[0].description
        assert late == sentence("refused.approval_unanswered", name="grace", days=7)
        closed = await click(world, message, "button.open")
        assert text(closed) == sentence("refused.request_closed")
        assert world.posts() == []


class TestWhoCanBeAsked:
    """A speaker is another member of this server, and no bot."""

    async def refused(self, world: World, key: str, **options: Any) -> None:
        given: dict[str, Any] = {"rights": "permission"} | options
        assert text(await world.send(world.ada, **given)) == sentence(key)
        assert world.jobs() == []
        assert world.posts() == []

    async def test_not_oneself(self, world: World):
        await self.refused(world, "refused.speaker_is_you", speaker=world.ada)

    async def test_nobody_for_one_s_own_voice(self, world: World):
        await self.refused(world, "refused.speaker_not_needed", rights="own", speaker=world.grace)

    async def test_no_bot(self, world: World):
        bot = world.ada.guild.add_member(world.env.create_user("robot", bot=True))
        await self.refused(world, "refused.speaker_is_bot", speaker=bot)

    async def test_nobody_who_is_not_here(self, world: World):
        world.ada.guild.remove_member(world.grace)
        await self.refused(world, "refused.speaker_not_here", speaker=world.grace.user)

    async def test_nobody_twice_at_a_time(self, world: World):
        await asked(world)
        again = await world.send(world.ada, rights="permission", speaker=world.grace, title="Other")
        assert text(again) == sentence("refused.speaker_being_asked", name="grace")
        other = await ask(world, speaker=world.linus, title="Linus by Ada")
        assert "Waiting for approval" in text(other), "somebody else can be asked meanwhile"

    async def test_by_the_form_too(self, world: World):
        message = await world.grace.send(world.channel, attachments=[GOOD])
        card = await submit(world, world.ada, message, rights="permission", speaker=world.grace)
        await until(lambda: "Waiting for approval" in text(card))


class TestClosedDms:
    """A speaker whose direct messages are closed is called by a mention that gives nothing away."""

    @staticmethod
    def close(world: World, *channels: int) -> None:
        for channel in (world.grace.user.dm_channel.id, *channels):
            world.env.inject_error(
                "POST", f"/channels/{channel}/messages", status=403, code=50007, times=None
            )

    async def test_the_mention_opens_the_question_for_the_speaker_alone(self, world: World):
        self.close(world)
        await ask(world)
        await until(world.channel.history)
        mention = world.channel.history()[-1]
        called = Markup(f"<@{world.grace.id}>")
        assert mention.content == sentence("consent.mention", mention=called)
        assert mention.embeds == mention.attachments == []
        for_others = await world.linus.click(mention, label=sentence("button.open"))
        assert text(for_others) == sentence("refused.not_the_speaker")
        hers = await world.grace.click(mention, label=sentence("button.open"))
        assert hers.ephemeral
        await press(world.grace, hers, "button.approve")
        await until(lambda: world.stored(world.ada))

    async def test_with_the_channel_closed_too_the_clone_ends_and_says_so(self, world: World):
        self.close(world, world.channel.id)
        card = await ask(world)
        await until(lambda: sentence("refused.speaker_unreachable", name="grace") in text(card))
        await until(lambda: not world.jobs())


class TestTheQuestion:
    """Only the speaker can answer it, and only once."""

    @pytest.mark.parametrize("wish", ["open", "approve", "refuse", "revoke", "sure", "stay"])
    async def test_nobody_else_s_click_counts(self, world: World, wish: str):
        await asked(world)
        [job_id] = [name.removesuffix(".json") for name in world.jobs() if name.endswith(".json")]
        for who in (world.ada, world.linus):
            view = discord.ui.View(timeout=None)
            view.add_item(discord.ui.Button(label="x", custom_id=f"consent:{wish}:{job_id}"))
            sent = await world.bot.get_partial_messageable(world.channel.id).send("x", view=view)
            result = await who.click(sent, custom_id=f"consent:{wish}:{job_id}")
            said = [text(result), *(message.content for message in result.followups)]
            assert {sentence("refused.not_the_speaker"), sentence("refused.request_closed")} & {*said}
        assert world.posts() == []
        assert len(world.jobs()) == 2

    async def test_its_member_can_cancel_it_from_the_list(self, world: World):
        _, message = await asked(world)
        listed = await world.ada.slash(world.channel, "voices list")
        assert "waits for grace to approve" in text(listed)
        assert listed.response is not None
        [job_id] = [name.removesuffix(".json") for name in world.jobs() if name.endswith(".json")]
        card = await world.ada.select(listed.response, [job_id], custom_id="pick:voice")
        assert "Waiting for approval" in text(card)
        await press(world.ada, card, "button.cancel")
        await until(lambda: sentence("refused.cancelled") in text(card))
        closed = await click(world, message, "button.approve")
        assert [sent.content for sent in closed.followups] == [sentence("refused.request_closed")]
        assert consents(world, world.grace) == []

    async def test_meanwhile_its_member_clones_something_else(self, world: World):
        await asked(world)
        done = await world.send(world.ada, title="Mine")
        assert sentence("voice.title", title="Mine") in text(done)

    async def test_the_end_of_a_late_approval_comes_by_dm(self, world: World):
        clock = world.bot.cloner.clock
        assert isinstance(clock, FastClock)
        _, message = await asked(world)
        clock.skip(2 * DAY)
        await click(world, message, "button.approve")
        await until(world.ada.user.dm_channel.history)
        assert world.ada.user.dm_channel.history()[-1].embeds[0].title == sentence(
            "voice.title", title="Grace by Ada"
        )

    async def test_an_approval_in_the_message_itself_turns_it_into_the_approval(self, world: World):
        _, message = await asked(world)
        await click(world, message, "button.approve")
        await until(lambda: world.stored(world.ada))
        assert question(world).embeds[0].title == sentence("consent.given", title="Grace by Ada")
        await click(world, question(world), "button.revoke")
        await click(world, question(world), "button.stay")
        assert len(world.stored(world.ada)) == 1
        await click(world, question(world), "button.revoke")
        await click(world, question(world), "button.sure")
        assert world.upstream.voices == {}


class TestTakenBackBeforeItIsDone:
    """An approval that is taken back early ends the clone, or deletes what comes of it."""

    async def revoke(self, world: World) -> None:
        await click(world, question(world), "button.revoke")
        await click(world, question(world), "button.sure")

    async def test_in_the_queue_nothing_is_sent(self, tmp_path: Path):
        async with (
            Upstream(clone_seconds=30) as upstream,
            opened(tmp_path, upstream, clock=FastClock()) as world,
        ):
            await world.send(world.linus, title="First", wait=False)
            card, message = await asked(world)
            await click(world, message, "button.approve")
            await until(lambda: "Queued" in text(card))
            await self.revoke(world)
            await until(lambda: sentence("refused.approval_revoked", name="grace") in text(card))
            assert len(world.posts()) == 1
            await until(lambda: not consents(world, world.grace))

    async def test_what_is_only_on_record_yet_is_not_sent_either(self, tmp_path: Path):
        async with (
            Upstream(clone_seconds=1) as upstream,
            opened(tmp_path, upstream, clock=FastClock()) as world,
        ):
            await world.send(world.linus, title="First", wait=False)
            await until(world.posts)
            card, message = await asked(world)
            await click(world, message, "button.approve")
            await until(lambda: "Queued" in text(card))
            [consent] = consents(world, world.grace)
            members = world.bot.cloner._store.members  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as a kill leaves it
            await members.change_consent(
                world.grace.id, consent["job_id"], lambda given: replace(given, revoked=True)
            )
            await until(lambda: sentence("refused.approval_revoked", name="grace") in text(card))
            assert len(world.posts()) == 1

    @pytest.mark.parametrize("restarted", [False, True])
    async def test_while_it_is_made_its_voice_is_deleted(self, tmp_path: Path, restarted: bool):  # noqa: FBT001 - both
        async with (
            Upstream(clone_seconds=1) as upstream,
            opened(tmp_path, upstream, clock=FastClock()) as world,
        ):
            card, message = await asked(world)
            await click(world, message, "button.approve")
            await until(lambda: "Cloning" in text(card))
            await self.revoke(world)
            if restarted:
                await world.restart()
            await until(lambda: upstream.voices)
            await until(lambda: not world.jobs())
            await until(lambda: not upstream.voices)
            await until(lambda: not world.stored(world.ada))
            await until(lambda: not consents(world, world.grace))


class TestForgetting:
    """Whoever has all about them deleted takes back what they approved."""

    async def test_a_speaker_takes_the_voice_along(self, world: World):
        _, message = await asked(world)
        await click(world, message, "button.approve")
        await until(lambda: world.stored(world.ada))
        await forget(world, world.grace)
        await until(lambda: not world.upstream.voices)
        await until(lambda: not world.stored(world.ada))
        await until(lambda: not (world.folder / "members" / f"{world.grace.id}.json").exists())

    async def test_a_speaker_who_is_being_asked_ends_the_question(self, world: World):
        card, _ = await asked(world)
        await forget(world, world.grace)
        await until(lambda: sentence("refused.approval_revoked", name="grace") in text(card))
        await until(lambda: not world.jobs())

    async def test_an_owner_leaves_nothing_in_the_speaker_s_file(self, world: World):
        _, message = await asked(world)
        await click(world, message, "button.approve")
        await until(lambda: world.stored(world.ada))
        await until(lambda: not world.jobs())
        await forget(world, world.ada)
        await until(lambda: str(world.ada.id) not in on_disk(world))

    async def test_the_export_has_what_one_approved_and_was_asked(self, world: World):
        _, message = await asked(world)
        export = await world.bot.privacy.export(world.grace.id)
        assert [asked["title"] for asked in export["asked_of_me"]] == ["Grace by Ada"]
        await click(world, message, "button.approve")
        await until(lambda: not world.jobs())
        export = await world.bot.privacy.export(world.grace.id)
        assert [given["title"] for given in export["approved_by_me"]] == ["Grace by Ada"]


class TestTheRules:
    """A server may ask for the speaker of every voice that isn't one's own."""

    async def test_without_outsiders_permission_needs_a_speaker(self, world: World):
        court = court_in(world)
        await court.choose("switches", "switches", ["cloning", "sharing", "speaking"])
        refused = await world.send(world.ada, rights="permission")
        assert text(refused) == sentence("rule.outsiders_off")
        card = await ask(world)
        assert "Waiting for approval" in text(card)

    async def test_where_approval_is_required_a_voice_without_is_of_no_use(self, world: World):
        court = court_in(world)
        await world.send(world.ada, rights="permission", title="Stranger")
        await world.send(world.ada, title="Mine")
        on = ["cloning", "sharing", "speaking", "allow_absent_speakers", "require_consent"]
        await court.choose("switches", "switches", on)
        assert text(await world.send(world.ada, rights="permission", title="X")) == sentence("rule.approval")
        missing = sentence("rule.approval_missing", title="Stranger")
        assert text(await speak(world, who=world.ada, voice="Stranger")) == missing
        assert text(await world.ada.slash(world.channel, "voices share", voice="Stranger")) == missing
        assert text(await speak(world, who=world.ada, voice="Mine")) != missing

    async def test_an_approved_clone_still_has_to_meet_the_rules_of_the_day(self, world: World):
        court = court_in(world)
        card, message = await asked(world)
        await court.choose("who", "clone_roles", [court.role])
        await click(world, message, "button.approve")
        await until(lambda: "Cloning needs one of these roles here" in text(card))
        assert world.posts() == []

    async def test_a_blocked_member_s_question_ends(self, world: World):
        court = court_in(world)
        card, _ = await asked(world)
        await court.block(world.ada)
        await until(lambda: sentence("rule.blocked", reason="spam") in text(card))


def test_words_that_are_declared_keep_their_version():
    """A sentence of these may not change without `WORDING_VERSION` going up, and its line here with it."""
    words = {key: sentence(key, owner=Markup("{owner}"), title=Markup("{title}")) for key in WORDED}
    assert words == WORDED


WORDED = {
    "rights.own": "This is my own voice",
    "rights.permission": "I have the speaker's permission",
    "consent.wording": "The voice in this recording is mine. I agree that {owner} has it cloned as "
    "“{title}”, speaks with it, and lets others speak with it. I can take this back at any time, and the "
    "voice is deleted then.",
}
"""Version 1."""
