"""Reports, cases and takedowns: as members report, as moderators decide, and what follows from it."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from simcord.builders import ChannelHandle
from simcord.results import InteractionResult, ResponseMessage

from bot.demo.upstream import Upstream
from bot.moderation.models import Decision
from bot.policy.models import ModAction, UserRef
from conftest import FastClock, World, buttons, embed_of, opened, sentence, text, until
from test_privacy import forget
from test_speak import speak
from test_voiceadmin import NOT_MODERATOR, Court, court_in
from test_voices import UNKNOWN, fields, message, press

REASON = "impersonation"
DAY = 24 * 60 * 60.0


@pytest.fixture
async def court(tmp_path: Path) -> AsyncGenerator[Court]:
    async with opened(tmp_path, clock=FastClock()) as world:
        yield court_in(world)


async def logged(court: Court) -> ChannelHandle:
    """Give the server a log channel."""
    log = court.world.ada.guild.create_text_channel("log")
    await court.choose("moderators", "log_channel", [log])
    return log


async def shared(world: World, title: str = "Ada", **details: Any) -> int:
    """Have Ada clone a voice and share it here; with details, as if she had cloned it so."""
    if details:
        voice_id = await world.voice(world.ada, title, **details)
    else:
        await world.send(world.ada, title=title)
        voice_id = int(world.stored(world.ada)[-1]["id"])
    await world.ada.slash(world.channel, "voices share", voice=title)
    return voice_id


async def complain(
    world: World, who: simcord.MemberActor, reason: str = REASON, voice: str = "Ada"
) -> InteractionResult:
    """Report a shared voice from its card."""
    card = await who.slash(world.channel, "voices show", voice=voice)
    asked = await press(who, card, "button.report")
    if asked.response is None or not asked.response.components:
        return asked
    await choose_reason(who, message(asked), reason)
    return asked


async def choose_reason(who: simcord.MemberActor, asked: ResponseMessage, reason: str) -> None:
    [row] = asked.components
    await who.select(asked, [reason], custom_id=row["components"][0]["custom_id"])


async def decide(
    who: simcord.MemberActor, shown: discord.Message | ResponseMessage, wish: str, **answers: str
) -> InteractionResult:
    """Press a case's button and send its form, if it has one."""
    result = await who.click(shown, label=sentence(f"button.case.{wish}"))
    if result.modal is None:
        return result
    names = fields(result)
    values = {names[0]: answers.get("reason", "It is not allowed here")}
    if "days" in answers:
        values[names[1]] = answers["days"]
    return await who.submit_modal(result, values)


def said_to(who: simcord.MemberActor) -> list[str]:
    """Read what somebody got by direct message."""
    return [one.content for one in who.user.dm_channel.history() if one.content]


def replies(result: InteractionResult) -> list[str]:
    """Collect what an answer says, and what follows it."""
    return [text(result), *(one.content for one in result.followups)]


async def test_the_life_of_a_case(court: Court):
    world = court.world
    log = await logged(court)

    # Ada's voice is shared here, and Grace hears herself in it. She reports it, from its card.
    await shared(world)
    thanked = await complain(world, world.grace)
    assert text(thanked) == sentence("report.thanks")

    # The moderators get a case in the log channel: which voice, whose, why, and the voice to hear.
    await until(lambda: any(one.embeds for one in log.history()))
    case = log.history()[-1]
    assert case.embeds[0].title == sentence("case.title", title="Ada")
    shown = [f"{field.name}: {field.value}" for field in case.embeds[0].fields]
    assert f"By: ada (`{world.ada.id}`)" in shown
    assert any(sentence(f"report.reason.{REASON}") in one for one in shown)
    assert "grace" not in str(shown), "Ada may read along there"
    assert [file.filename for file in case.attachments] == ["Ada.mp3"]

    # The bot is restarted. Linus reports the same voice: that is the same case, in the same message.
    await world.restart()
    await complain(world, world.linus, "hate")
    await until(lambda: "Reports: 2" in (log.history()[-1].embeds[0].description or ""))
    assert len([one for one in log.history() if one.embeds]) == 1

    # Once more it is restarted; then Hedy removes the voice, and says why.
    await world.restart()
    done = await decide(court.hedy, log.history()[-1], "remove", reason="Grace did not agree")
    assert sentence("case.done.remove", title="Ada") in replies(done)

    # It is gone everywhere, and its sample can't come back.
    assert world.upstream.voices == {}
    assert world.stored(world.ada) == []
    again = await world.send(world.ada, title="Ada again")
    assert sentence("rule.sample_blocked") in text(again)
    assert len(world.posts()) == 1

    # The case says so, everybody is told, and nobody who reported is named to Ada.
    over = next(one for one in log.history() if one.embeds)
    assert over.embeds[0].title == sentence("case.over", title="Ada")
    assert over.components == []
    assert over.attachments == []
    outcome = sentence("notice.reported.remove", title="Ada", server="Voice Club")
    await until(lambda: said_to(world.grace) == said_to(world.linus) == [outcome])
    await until(lambda: said_to(world.ada))
    [told] = said_to(world.ada)
    assert "Grace did not agree" in told
    assert "Ask hedy" in told
    assert "grace" not in told
    assert "linus" not in told
    audit = await court.hedy.slash(world.channel, "voiceadmin audit", kind="remove")
    assert "**hedy** removed “Ada” by ada: Grace did not agree" in text(audit)
    assert any("removed “Ada” by ada: Grace did not agree" in one.content for one in log.history())


class TestReporting:
    """Every member may report what they can hear here, once, and ten times a day."""

    async def test_a_spoken_line_with_what_was_said_and_where(self, court: Court):
        world = court.world
        log = await logged(court)
        await shared(world)
        await speak(world, world.grace, said="You *all* owe me")
        line = world.channel.history()[-1]
        asked = await world.linus.click(line, label=sentence("button.report"))
        assert asked.ephemeral
        await choose_reason(world.linus, message(asked), "deception")
        await until(lambda: log.history()[-1].embeds)
        shown = "\n".join(field.value or "" for field in log.history()[-1].embeds[0].fields)
        assert f"[Spoken]({line.jump_url}) by grace (`{world.grace.id}`): " in shown
        assert r"You \*all\* owe me" in shown

    async def test_a_line_of_a_private_voice_whose_preview_stays_private(self, court: Court):
        world = court.world
        log = await logged(court)
        await world.voice(world.ada, "Mine")
        await speak(world, world.ada, voice="Mine")
        line = world.channel.history()[-1]
        asked = await world.linus.click(line, label=sentence("button.report"))
        await choose_reason(world.linus, message(asked), "hate")
        await until(lambda: log.history()[-1].embeds)
        assert log.history()[-1].attachments == []

    async def test_the_same_voice_twice_only_after_a_decision(self, court: Court):
        world = court.world
        log = await logged(court)
        await shared(world)
        await complain(world, world.grace)
        again = await complain(world, world.grace)
        assert text(again) == sentence("refused.already_reported", title="Ada")
        await until(lambda: log.history()[-1].embeds)
        await decide(court.hedy, log.history()[-1], "dismiss")
        assert text(await complain(world, world.grace)) == sentence("report.thanks")

    async def test_not_one_s_own_voice(self, court: Court):
        world = court.world
        await shared(world)
        await speak(world, world.grace)
        line = world.channel.history()[-1]
        refused = await world.ada.click(line, label=sentence("button.report"))
        assert text(refused) == sentence("refused.own_voice")

    async def test_ten_times_a_day(self, court: Court):
        world = court.world
        clock = world.bot.cloner.clock
        assert isinstance(clock, FastClock)
        last: InteractionResult | None = None
        for number in range(11):
            title = f"Voice {number}"
            await world.voice(world.ada, title)
            await world.ada.slash(world.channel, "voices share", voice=title)
            last = await complain(world, world.grace, voice=title)
        assert last is not None
        assert "10 reports a day are the most" in text(last)
        clock.skip(DAY)
        assert text(await complain(world, world.grace, voice="Voice 10")) == sentence("report.thanks")

    async def test_not_while_blocked(self, court: Court):
        world = court.world
        await shared(world)
        card = await world.grace.slash(world.channel, "voices show", voice="Ada")
        await court.block(world.grace)
        refused = await press(world.grace, card, "button.report")
        assert text(refused) == sentence("rule.blocked", reason="spam")

    async def test_what_one_can_t_hear_here_does_not_exist(self, court: Court):
        world = court.world
        private = await world.voice(world.ada, "Mine")
        there, (_, grace) = world.elsewhere(world.ada, world.grace)
        await speak(world, world.ada, voice="Mine")
        line = world.channel.history()[-1]
        speech = line.components[0].children[0].custom_id.rpartition(":")[2]  # type: ignore[union-attr]
        for who, channel, of in (
            (world.grace, world.channel, f"{world.ada.id}:{private}:-"),
            (world.grace, world.channel, f"{world.ada.id}:{private}:{'0' * 16}"),
            (grace, there, f"{world.ada.id}:{private}:{speech}"),
            (world.grace, world.channel, f"{world.linus.id}:{private}:{speech}"),
        ):
            view = discord.ui.View(timeout=None)
            view.add_item(discord.ui.Button(label="x", custom_id=f"report:{of}"))
            sent = await world.bot.get_partial_messageable(channel.id).send("x", view=view)
            assert text(await who.click(sent, label="x")) == UNKNOWN
        assert text(await court.hedy.slash(world.channel, "voiceadmin reports")).endswith(
            sentence("reports.none")
        )


class TestDeciding:
    """A case is decided once, by a moderator, wherever they see it."""

    async def test_without_a_log_channel_it_waits_on_the_list(self, court: Court):
        world = court.world
        await shared(world)
        await complain(world, world.grace)
        listed = await court.hedy.slash(world.channel, "voiceadmin reports")
        assert "**Ada** by ada · 1" in text(listed)
        [case_id] = [case.id for case in await world.bot.cases.open(world.ada.guild.id)]
        card = await court.hedy.select(message(listed), [str(case_id)], custom_id="pick:case")
        assert [file.filename for file in message(card).attachments] == ["Ada.mp3"]
        done = await decide(court.hedy, message(card), "dismiss")
        assert sentence("case.done.dismiss", title="Ada") in replies(done)
        assert sentence("case.over", title="Ada") in text(card)
        assert buttons(card) == []
        left = await court.hedy.slash(world.channel, "voiceadmin reports")
        assert sentence("reports.none") in text(left)
        assert len(world.stored(world.ada)) == 1
        await until(lambda: said_to(world.ada))
        assert said_to(world.ada) == [sentence("notice.owner.dismiss", title="Ada", server="Voice Club")]

    async def test_a_log_channel_that_is_closed_keeps_it_on_the_list_and_gets_it_once_open(
        self, court: Court
    ):
        world = court.world
        log = await logged(court)
        world.env.inject_error("POST", f"/channels/{log.id}/messages", status=403, code=50013, times=1)
        await shared(world)
        await complain(world, world.grace)
        listed = await court.hedy.slash(world.channel, "voiceadmin reports")
        assert "**Ada** by ada" in text(listed)
        await world.restart()
        await until(lambda: log.history()[-1].embeds)

    async def test_two_at_once_decide_once(self, court: Court):
        world = court.world
        guild = world.ada.guild.id
        await shared(world)
        await complain(world, world.grace)
        [case] = await world.bot.cases.open(guild)
        outcomes = await asyncio.gather(
            *(
                world.bot.cases.decide(
                    guild, case.id, Decision(decision, UserRef(number, f"m{number}"), 1.0, "because")
                )
                for number, decision in ((1, ModAction.REMOVE), (2, ModAction.DISMISS), (3, ModAction.REMOVE))
            ),
            return_exceptions=True,
        )
        assert [isinstance(outcome, Exception) for outcome in outcomes].count(False) == 1
        assert len(await world.bot.moderation.audit(guild)) == 1

    async def test_who_comes_second_is_told_who_was_first(self, court: Court):
        world = court.world
        log = await logged(court)
        other = world.ada.guild.add_member(world.env.create_user("other"), roles=[court.role])
        await court.choose("moderators", "moderator_role", [court.role])
        await shared(world)
        await complain(world, world.grace)
        await until(lambda: log.history()[-1].embeds)
        case = log.history()[-1]
        form = await other.click(case, label=sentence("button.case.remove"))
        await decide(court.hedy, case, "dismiss")
        late = await other.submit_modal(form, {fields(form)[0]: "because"})
        assert sentence("refused.case_decided", name="hedy") in replies(late)
        assert len(world.stored(world.ada)) == 1

    async def test_blocking_the_owner_ends_what_they_share_for_as_long_as_was_said(self, court: Court):
        world = court.world
        log = await logged(court)
        await shared(world)
        await complain(world, world.grace)
        await until(lambda: log.history()[-1].embeds)
        wrong = await decide(court.hedy, log.history()[-1], "block", days="no")
        assert sentence("refused.days", most=365) in replies(wrong)
        await decide(court.hedy, log.history()[-1], "block", reason="enough", days="3")
        assert "Voices shared in this server (0)" in text(
            await world.grace.slash(world.channel, "voices community")
        )
        assert "until" in text(await world.send(world.ada, title="New"))
        assert len(world.stored(world.ada)) == 1, "the voice stays its owner's"
        await until(lambda: said_to(world.ada))
        assert "enough" in said_to(world.ada)[0]

    async def test_a_voice_that_its_owner_deletes_first_does_not_come_back(self, court: Court):
        world = court.world
        log = await logged(court)
        await shared(world)
        await complain(world, world.grace)
        await until(lambda: log.history()[-1].embeds)
        card = await world.ada.slash(world.channel, "voices delete", voice="Ada")
        await press(world.ada, card, "button.gone")
        await decide(court.hedy, log.history()[-1], "remove")
        again = await world.send(world.ada, title="Ada again")
        assert sentence("rule.sample_blocked") in text(again)

    async def test_what_was_decided_just_before_a_kill_is_carried_out_after_it(self, court: Court):
        world = court.world
        guild = world.ada.guild.id
        await shared(world)
        await complain(world, world.grace)
        [case] = await world.bot.cases.open(guild)
        await court.hedy.slash(world.channel, "voiceadmin reports")
        verdict = Decision(ModAction.REMOVE, UserRef(court.hedy.id, "hedy"), 1.0, "because")
        store = world.bot.cloner._store  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as a kill leaves it
        await store.servers.change_case(guild, case.id, lambda case: replace(case, decision=verdict))
        await world.restart()
        await until(lambda: not world.stored(world.ada))
        await until(lambda: said_to(world.grace))
        await world.restart()
        assert len(await world.bot.moderation.audit(guild)) == 1

    async def test_an_open_case_stays_when_its_reporter_is_forgotten(self, court: Court):
        world = court.world
        await shared(world)
        await complain(world, world.grace)
        await forget(world, world.grace)
        assert "**Ada** by ada · 1" in text(await court.hedy.slash(world.channel, "voiceadmin reports"))


class TestRemoving:
    """`/voiceadmin remove`, and the button on the card of `/voiceadmin voices`."""

    async def remove(self, court: Court, voice: str = "Ada", **answers: str) -> InteractionResult:
        form = await court.hedy.slash(
            court.world.channel, "voiceadmin remove", voice=voice, reason="not here"
        )
        if form.modal is None:
            return form
        return await court.hedy.submit_modal(form, {fields(form)[0]: answers.get("reason", "not here")})

    async def test_it_asks_first_and_says_what_it_means(self, court: Court):
        world = court.world
        await shared(world)
        form = await court.hedy.slash(world.channel, "voiceadmin remove", voice="Ada", reason="not here")
        assert form.modal is not None
        assert len(world.stored(world.ada)) == 1
        await court.hedy.submit_modal(form, {fields(form)[0]: "not here"})
        assert world.stored(world.ada) == []

    async def test_what_was_cloned_elsewhere_is_barred_and_not_deleted(self, court: Court):
        world = court.world
        _, (ada, _) = world.elsewhere(world.ada, world.grace)
        await shared(world, guild_id=ada.guild.id)
        done = await self.remove(court)
        assert text(done) == sentence("verdict.done.barring", title="Ada")
        assert len(world.upstream.voices) == 1
        [voice] = world.stored(world.ada)
        assert voice["shared_in"] == []
        barred = sentence("rule.voice_barred", title="Ada")
        assert text(await world.ada.slash(world.channel, "voices share", voice="Ada")) == barred
        assert text(await speak(world, world.ada)) == barred
        await until(lambda: said_to(world.ada))
        assert "Elsewhere nothing changes" in said_to(world.ada)[0]

    async def test_it_decides_the_case_about_that_voice(self, court: Court):
        world = court.world
        await shared(world)
        await complain(world, world.grace)
        await self.remove(court)
        assert sentence("reports.none") in text(await court.hedy.slash(world.channel, "voiceadmin reports"))
        await until(lambda: said_to(world.grace))

    async def test_a_line_under_way_is_not_posted(self, tmp_path: Path):
        async with (
            Upstream(speech_seconds=1) as upstream,
            opened(tmp_path, upstream, clock=FastClock()) as world,
        ):
            await shared(world)
            line = await speak(world, world.grace, wait=False)
            await until(lambda: upstream.speeches)
            await self.remove(court_in(world))
            await until(lambda: sentence("refused.withdrawn", title="Ada") in text(line))

    async def test_what_is_not_of_this_server_is_not_its_to_remove(self, court: Court):
        world = court.world
        _, (ada, _) = world.elsewhere(world.ada, world.grace)
        voice_id = await world.voice(world.ada, "Far", guild_id=ada.guild.id)
        for voice in ("Far", str(voice_id), "nonsense"):
            assert text(await self.remove(court, voice)) == sentence("refused.voice_not_here")
        assert len(world.stored(world.ada)) == 1

    async def test_not_one_s_own(self, court: Court):
        world = court.world
        await world.send(court.hedy, title="Hedy")
        assert text(await self.remove(court, "Hedy")) == sentence("refused.act_on_self")

    async def test_another_moderator_s_may_be_and_is_on_the_trail(self, court: Court):
        world = court.world
        other = world.ada.guild.add_member(world.env.create_user("other"), roles=[court.role])
        await court.choose("moderators", "moderator_role", [court.role])
        await world.send(other, title="Other")
        await self.remove(court, "Other")
        assert "removed “Other”" in text(await court.hedy.slash(world.channel, "voiceadmin audit"))

    async def test_suggestions_are_for_moderators(self, court: Court):
        world = court.world
        await world.send(world.ada)
        hers = await court.hedy.autocomplete(world.channel, "voiceadmin remove", "voice", "ad")
        assert [choice["name"] for choice in hers] == ["Ada (by ada)"]


class TestTheRoster:
    """`/voiceadmin voices`: what was cloned or is shared here, and nothing else."""

    async def test_private_ones_are_named_and_can_t_be_played(self, court: Court):
        world = court.world
        await world.send(world.ada, title="Private", description="my diary")
        await shared(world, "Shared", guild_id=1)
        await world.voice(world.ada, "Far", guild_id=1)
        listed = await court.hedy.slash(world.channel, "voiceadmin voices")
        assert sentence("moderators.voices", rows=2) in text(listed)
        assert "**Private** by ada" in text(listed)
        private = next(int(one["id"]) for one in world.stored(world.ada) if one["title"] == "Private")
        card = await court.hedy.select(message(listed), [str(private)], custom_id="pick:roster")
        assert message(card).attachments == []
        assert "diary" not in text(card)
        assert "English" not in text(card)
        assert "mp3" not in text(card)
        assert sentence("roster.private") in text(card)
        assert buttons(card) == [sentence("button.case.remove")]
        form = await press(court.hedy, card, "button.case.remove")
        await court.hedy.submit_modal(form, {fields(form)[0]: "no"})
        assert text(card) == sentence("verdict.done.removing", title="Private")

    @pytest.mark.parametrize(
        ("filters", "titles"),
        [
            ({}, {"Private", "Shared", "Hers"}),
            ({"show": "shared"}, {"Shared"}),
            ({"show": "private"}, {"Private", "Hers"}),
            ({"member": "grace"}, {"Hers"}),
        ],
    )
    async def test_it_can_be_filtered(self, court: Court, filters: dict[str, Any], titles: set[str]):
        world = court.world
        await world.send(world.ada, title="Private")
        await shared(world, "Shared")
        await world.send(world.grace, title="Hers")
        given = {**filters, **({"member": world.grace} if "member" in filters else {})}
        listed = embed_of(await court.hedy.slash(world.channel, "voiceadmin voices", **given))
        assert {line.split("**")[1] for line in (listed.description or "").splitlines()} == titles

    async def test_a_deleted_voice_is_gone_from_it(self, court: Court):
        world = court.world
        await world.send(world.ada)
        card = await world.ada.slash(world.channel, "voices delete", voice="Ada")
        await press(world.ada, card, "button.gone")
        assert sentence("moderators.voices", rows=0) in text(
            await court.hedy.slash(world.channel, "voiceadmin voices")
        )


class TestWhomModeratorsCantBlock:
    """Neither themselves nor the server's owner, nor a bot; another moderator they can."""

    async def test_themselves(self, court: Court):
        assert text(await court.block(court.hedy)) == sentence("refused.act_on_self")

    async def test_the_server_s_owner(self, court: Court):
        guild = court.world.ada.guild
        blocked = await court.hedy.slash(
            court.world.channel, "voiceadmin block", member=guild.owner, reason="no"
        )
        assert text(blocked) == sentence("refused.act_on_server_owner")

    async def test_a_bot(self, court: Court):
        bot = court.world.ada.guild.add_member(court.world.env.create_user("robot", bot=True))
        assert text(await court.block(bot)) == sentence("refused.act_on_bot")

    async def test_another_moderator(self, court: Court):
        world = court.world
        other = world.ada.guild.add_member(world.env.create_user("other"), roles=[court.role])
        await court.block(other)
        assert "blocked other: spam" in text(await court.hedy.slash(world.channel, "voiceadmin audit"))

    async def test_leaving_and_coming_back_does_not_shed_a_block(self, court: Court):
        world = court.world
        await court.block(world.ada)
        world.ada.guild.remove_member(world.ada)
        back = world.ada.guild.add_member(world.ada.user)
        assert text(await world.send(back)) == sentence("rule.blocked", reason="spam")


async def test_news_that_closed_dms_keep_out_comes_with_the_next_list(court: Court):
    world = court.world
    world.env.inject_error(
        "POST", f"/channels/{world.ada.user.dm_channel.id}/messages", status=403, code=50007, times=None
    )
    await court.block(world.ada)
    await asyncio.sleep(0.05)
    await world.restart()
    listed = await world.ada.slash(world.channel, "voices list")
    [news] = [one.content for one in listed.followups]
    assert "blocked you from using voices there: spam" in news
    again = await world.ada.slash(world.channel, "voices list")
    assert again.followups == []


async def test_the_export_has_what_is_on_record_about_a_member_and_not_who_reported(court: Court):
    world = court.world
    await shared(world)
    await complain(world, world.grace)
    await court.block(world.ada)
    export = str(await world.bot.privacy.export(world.ada.id))
    assert "spam" in export
    assert REASON not in export, "an open case is the moderators'"
    assert REASON in str(await world.bot.privacy.export(world.grace.id))
    listed = await court.hedy.slash(world.channel, "voiceadmin reports")
    [case] = await world.bot.cases.open(world.ada.guild.id)
    card = await court.hedy.select(message(listed), [str(case.id)], custom_id="pick:case")
    assert "grace" in text(card), "moderators know who reported"
    await decide(court.hedy, message(card), "dismiss")
    export = str(await world.bot.privacy.export(world.ada.id))
    assert "'outcome': 'dismiss'" in export
    assert "grace" not in export
    assert str(world.grace.id) not in export


async def test_nobody_else_sees_or_decides_a_case(court: Court):
    world = court.world
    log = await logged(court)
    await shared(world)
    await complain(world, world.grace)
    await until(lambda: log.history()[-1].embeds)
    for who in (world.ada, world.grace, world.linus):
        for wish in ("remove", "dismiss", "block"):
            refused = await who.click(log.history()[-1], label=sentence(f"button.case.{wish}"))
            assert text(refused) == NOT_MODERATOR
    assert len(world.stored(world.ada)) == 1
