"""What stands in the way of decisions and of what speakers take back, and what comes of them all the same."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
import simcord

import test_consent
from bot.demo.upstream import Upstream
from bot.errors import RecordUnwritable
from bot.moderation.models import Case, Decision
from bot.policy.models import ModAction, UserRef
from bot.store.protocol import Store
from bot.voices.models import Clip, Viewer
from conftest import FastClock, World, embed_of, opened, sentence, text, until
from test_cases import choose_reason, complain, decide, logged, replies, said_to, shared
from test_consent import DAY, asked, consents
from test_privacy import forget, on_disk
from test_speak import speak
from test_voiceadmin import Court, court_in
from test_voices import fields, message, press


@pytest.fixture
async def court(tmp_path: Path) -> AsyncGenerator[Court]:
    async with opened(tmp_path, clock=FastClock()) as world:
        yield court_in(world)


@pytest.fixture
async def world(court: Court) -> World:
    return court.world


def store_of(world: World) -> Store:
    return world.bot.cloner._store  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - to stand in its way


def skip(world: World, seconds: float) -> None:
    clock = world.bot.cloner.clock
    assert isinstance(clock, FastClock)
    clock.skip(seconds)


async def approved(world: World, **options: Any) -> None:
    """Have Grace asked by Ada, approve, and the voice made."""
    before = len(world.stored(world.ada))
    _, question = await asked(world, **options)
    await test_consent.click(world, question, "button.approve")
    await until(lambda: len(world.stored(world.ada)) > before)
    await until(lambda: not world.jobs())


async def refuses_to_decide(court: Court, case: Case) -> None:
    """Press a button that Hedy was not given, about a case that is about her."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="x", custom_id=f"case:dismiss:{case.id}"))
    sent = await court.world.bot.get_partial_messageable(court.world.channel.id).send("x", view=view)
    assert text(await court.hedy.click(sent, label="x")) == sentence("refused.act_on_self")


async def boss_of(world: World) -> simcord.MemberActor:
    """Add another member who manages the server."""
    manages = world.ada.guild.create_role("Bosses", permissions=discord.Permissions(manage_guild=True))
    return world.ada.guild.add_member(world.env.create_user("boss"), roles=[manages])


def refusing(times: int, then: Any) -> Any:
    """Return a call that fails as a full disk does, so many times."""
    left = [times]

    async def call(*args: Any, **kwargs: Any) -> Any:
        if left[0] > 0:
            left[0] -= 1
            raise OSError(28, "No space left on device")
        return await then(*args, **kwargs)

    return call


class TestWhatWasDecidedIsDone:
    """A decision on record is carried out, once, whatever breaks off."""

    async def test_a_removal_goes_on_after_a_kill(self, court: Court):
        world = court.world
        await shared(world)
        begun = asyncio.Event()

        async def hang(*_: Any) -> None:
            begun.set()
            await asyncio.Event().wait()

        world.bot.measures._voice = hang  # type: ignore[method-assign]  # noqa: SLF001
        [voice] = await store_of(world).members.voices(world.ada.id)
        by = UserRef(court.hedy.id, "hedy")
        removing = asyncio.create_task(world.bot.cases.remove(world.ada.guild.id, by, voice, "not here"))
        await begun.wait()
        removing.cancel()
        await world.restart()
        await until(lambda: not world.upstream.voices)
        await until(lambda: said_to(world.ada))
        assert len(await world.bot.moderation.audit(world.ada.guild.id)) == 1

    async def test_two_at_once_remove_once(self, court: Court):
        world = court.world
        await shared(world)
        [voice] = await store_of(world).members.voices(world.ada.id)
        guild = world.ada.guild.id
        outcomes = await asyncio.gather(
            *(world.bot.cases.remove(guild, UserRef(number, "m"), voice, "no") for number in (1, 2)),
            return_exceptions=True,
        )
        assert sorted(map(str, outcomes)) == ["True", "refused.case_decided name='m'"]
        assert len(await world.bot.moderation.audit(guild)) == 1

    async def test_while_the_disk_is_full_nobody_is_told_twice(self, court: Court):
        world = court.world
        await shared(world)
        await complain(world, world.grace)
        guild, servers = world.ada.guild.id, store_of(world).servers
        [case] = await world.bot.cases.open(guild)
        change_case, over = servers.change_case, world.bot.cases
        verdict = Decision(ModAction.DISMISS, UserRef(court.hedy.id, "hedy"), 1.0)
        await change_case(guild, case.id, lambda case: replace(case, decision=verdict))
        servers.change_case = refusing(3, change_case)  # type: ignore[method-assign]
        for _ in range(4):
            await over._look_after(guild)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - or wait ten minutes
        await until(lambda: said_to(world.grace))
        await until(lambda: said_to(world.ada))
        await asyncio.sleep(0.05)
        assert [len(said_to(who)) for who in (world.ada, world.grace)] == [1, 1]
        assert len(await world.bot.moderation.audit(guild)) == 1

    async def test_a_case_whose_end_could_not_be_shown_is_shown_later(self, court: Court):
        world = court.world
        log = await logged(court)
        await shared(world)
        await complain(world, world.grace)
        await until(lambda: log.history()[-1].embeds)
        path = f"/channels/{log.id}/messages/{log.history()[-1].id}"
        world.env.inject_error("PATCH", path, status=403, code=50001, times=1)
        [case] = await world.bot.cases.open(world.ada.guild.id)
        now = world.bot.cloner.clock.now()
        verdict = Decision(ModAction.DISMISS, UserRef(court.hedy.id, "hedy"), now)
        await world.bot.cases.decide(world.ada.guild.id, case.id, verdict)
        await world.restart()
        for _ in range(2):  # as the bot looks every ten minutes
            await world.bot.cases._look_after(world.ada.guild.id)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
            await asyncio.sleep(0.05)
        await until(lambda: not next(one for one in log.history() if one.embeds).components)

    async def test_a_block_that_could_not_be_finished_is_not_imposed_again(self, court: Court):
        world = court.world
        log = await logged(court)
        await shared(world)
        await complain(world, world.grace)
        await until(lambda: log.history()[-1].embeds)
        call_off = world.bot.cloner.call_off

        async def fail(*_: Any) -> bool:
            raise RecordUnwritable

        world.bot.cloner.call_off = fail  # type: ignore[method-assign]
        refused = await decide(court.hedy, log.history()[-1], "block", days="3")
        assert sentence("refused.not_carried_out") in replies(refused)
        await court.hedy.slash(world.channel, "voiceadmin unblock", member=world.ada)
        world.bot.cloner.call_off = call_off  # type: ignore[method-assign]
        await world.bot.cases._look_after(world.ada.guild.id)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as below
        await until(lambda: said_to(world.grace))
        assert await world.bot.moderation.blocked(world.ada.guild.id) == []
        blocks = await world.bot.moderation.audit(world.ada.guild.id, decision=ModAction.BLOCK)
        assert len(blocks) == 1

    async def test_a_log_channel_on_a_broken_line_keeps_nothing_from_happening(
        self, court: Court, monkeypatch: pytest.MonkeyPatch
    ):
        world = court.world
        await logged(court)
        await shared(world)

        def broken(*_: Any) -> None:
            raise aiohttp.ClientOSError

        monkeypatch.setattr(world.bot, "get_partial_messageable", broken)
        blocked = await court.block(world.ada)
        assert text(blocked) == sentence("block.done", name="ada")
        await until(lambda: said_to(world.ada))

    async def test_what_can_t_be_put_on_the_trail_is_not_done(self, court: Court):
        world = court.world
        guild = world.ada.guild.id
        await court.switch("cloning", "sharing")
        [trail] = (world.folder / "servers").glob("*.audit-*.json")
        trail.write_bytes(b"{")
        await world.restart()
        for _ in range(2):
            audit = await court.hedy.slash(world.channel, "voiceadmin audit")
            assert text(audit) == sentence("store.damaged")
        assert text(await court.block(world.ada)) == sentence("store.damaged")
        await court.switch("cloning", "sharing", "speaking")
        assert not (await world.bot.moderation.policy(guild)).speaking
        assert await world.bot.moderation.blocked(guild) == []

    async def test_a_report_that_comes_with_the_decision_opens_a_new_case(self, court: Court):
        world = court.world
        guild, cases = world.ada.guild.id, world.bot.cases
        await shared(world)
        await complain(world, world.grace)
        find_open = cases.open

        async def overtaken(guild_id: int) -> Any:
            found = await find_open(guild_id)
            cases.open = find_open  # type: ignore[method-assign]
            await cases.decide(guild, found[0].id, Decision(ModAction.DISMISS, UserRef(1, "m"), 1.0))
            return found

        card = await world.linus.slash(world.channel, "voices show", voice="Ada")
        choice = await press(world.linus, card, "button.report")
        cases.open = overtaken  # type: ignore[method-assign]
        await choose_reason(world.linus, message(choice), "hate")
        [case] = await cases.open(guild)
        assert [report.reporter_id for report in case.reports] == [world.linus.id]


class TestWhoIsNamed:
    """A voice's owner never learns who reported it; who was forgotten is named only as long as needed."""

    async def test_not_to_a_moderator_whose_own_voice_it_is(self, court: Court):
        world = court.world
        await world.send(court.hedy, title="Hedy")
        await court.hedy.slash(world.channel, "voices share", voice="Hedy")
        await complain(world, world.grace, voice="Hedy")
        listed = await court.hedy.slash(world.channel, "voiceadmin reports")
        [case] = await world.bot.cases.open(world.ada.guild.id)
        card = await court.hedy.select(message(listed), [str(case.id)], custom_id="pick:case")
        assert "grace" not in text(card)
        assert sentence("case.yours") in text(card)
        await refuses_to_decide(court, case)

    async def test_a_reporter_who_was_forgotten_only_until_the_decision(self, court: Court):
        world = court.world
        await shared(world)
        await complain(world, world.grace)
        await forget(world, world.grace)
        [case] = await world.bot.cases.open(world.ada.guild.id)
        verdict = Decision(ModAction.DISMISS, UserRef(court.hedy.id, "hedy"), 1.0)
        await until(lambda: not (world.folder / "members" / f"{world.grace.id}.json").exists())
        skip(world, 120)
        await until(lambda: f'"leaving":[{world.grace.id}]' in on_disk(world))
        await world.bot.cases.decide(world.ada.guild.id, case.id, verdict)
        assert str(world.grace.id) not in on_disk(world)
        assert said_to(world.grace) == []

    async def test_forgetting_waits_for_a_server_s_file_that_is_set_aside(self, court: Court):
        world = court.world
        await court.block(world.linus)
        rules = world.folder / "servers" / f"{world.ada.guild.id}.json"
        rules.write_bytes(b"{")
        await world.restart()
        await forget(world, world.grace)
        skip(world, 4000)
        await asyncio.sleep(0.2)
        assert f'"{world.grace.id}"' in (world.folder / "pending.json").read_text("utf-8")
        export = await world.bot.privacy.export(world.linus.id)
        assert export["server_files_that_can_t_be_read"] == 1


class TestEvidence:
    """What was heard can be reported, whatever became of the voice, and reaches who spoke."""

    @pytest.mark.parametrize("how", ["many lines later", "deleted"])
    async def test_it_can_t_be_flushed(self, court: Court, how: str):
        world = court.world
        voice_id = await world.voice(world.ada, "Mine")
        await speak(world, world.ada, voice="Mine", said="You *all* owe me")
        line = world.channel.history()[-1]
        if how == "deleted":
            card = await world.ada.slash(world.channel, "voices delete", voice="Mine")
            await press(world.ada, card, "button.gone")
        else:
            for number in range(50):
                late = Clip(f"{number:016x}", voice_id, world.ada.id, "ada", 1, "x", 1.0 + number)
                await store_of(world).members.add_line(world.ada.id, late)
        choice = await world.linus.click(line, label=sentence("button.report"))
        assert r"You \*all\* owe me" in text(choice)
        await choose_reason(world.linus, message(choice), "hate")
        [case] = await world.bot.cases.open(world.ada.guild.id)
        [report] = case.reports
        assert report.clip is not None
        assert (report.clip.text, case.voice.owner_id) == ("You *all* owe me", world.ada.id)
        assert case.voice.title == "Mine"

    async def test_a_voice_that_was_deleted_before_it_was_reported_can_t_be_made_again(self, court: Court):
        world = court.world
        await world.send(world.ada, title="Mine")
        await speak(world, world.ada, voice="Mine", said="slur")
        line = world.channel.history()[-1]
        card = await world.ada.slash(world.channel, "voices delete", voice="Mine")
        await press(world.ada, card, "button.gone")
        choice = await world.linus.click(line, label=sentence("button.report"))
        await choose_reason(world.linus, message(choice), "hate")
        [case] = await world.bot.cases.open(world.ada.guild.id)
        assert (case.voice.owner_name, case.voice.cloned_here) == ("ada", True)
        verdict = Decision(ModAction.REMOVE, UserRef(court.hedy.id, "hedy"), 1.0, "no")
        await world.bot.cases.decide(world.ada.guild.id, case.id, verdict)
        assert sentence("rule.sample_blocked") in text(await world.send(world.ada, title="Again"))

    async def test_who_spoke_with_a_shared_voice_can_be_blocked_instead_of_its_owner(self, court: Court):
        world = court.world
        log = await logged(court)
        await shared(world)
        await speak(world, world.grace, said="slur")
        choice = await world.linus.click(world.channel.history()[-1], label=sentence("button.report"))
        await choose_reason(world.linus, message(choice), "hate")
        await until(lambda: log.history()[-1].embeds)
        case = log.history()[-1]
        form = await court.hedy.click(case, label=sentence("button.case.silence", name="grace"))
        done = await court.hedy.submit_modal(form, {fields(form)[0]: "no slurs"})
        assert sentence("case.done.silence", title="Ada") in replies(done)
        blocked = await world.bot.moderation.blocked(world.ada.guild.id)
        assert [block.member_id for block in blocked] == [world.grace.id]
        await until(lambda: said_to(world.ada) and said_to(world.linus) and said_to(world.grace))
        assert "your voice stays as it is" in said_to(world.ada)[0]
        assert "no slurs" in said_to(world.grace)[0]

    async def test_the_form_blocks_whom_it_named_whatever_is_reported_meanwhile(self, court: Court):
        world = court.world
        log = await logged(court)
        await shared(world)
        for who, said in ((world.grace, "slur"), (court.hedy, "please stop")):
            await speak(world, who, said=said)
        first, second = world.channel.history()[-2:]
        choice = await world.linus.click(first, label=sentence("button.report"))
        await choose_reason(world.linus, message(choice), "hate")
        await until(lambda: log.history()[-1].embeds)
        boss = await boss_of(world)
        block_grace = sentence("button.case.silence", name="grace")
        form = await boss.click(log.history()[-1], label=block_grace)
        choice = await world.grace.click(second, label=sentence("button.report"))
        await choose_reason(world.grace, message(choice), "hate")
        await boss.submit_modal(form, {fields(form)[0]: "no slurs"})
        blocked = await world.bot.moderation.blocked(world.ada.guild.id)
        assert [block.member_id for block in blocked] == [world.grace.id]

    async def test_a_moderator_who_spoke_neither_decides_nor_learns_who_reported(self, court: Court):
        world = court.world
        await shared(world)
        await speak(world, court.hedy, said="slur")
        choice = await world.linus.click(world.channel.history()[-1], label=sentence("button.report"))
        await choose_reason(world.linus, message(choice), "hate")
        listed = await court.hedy.slash(world.channel, "voiceadmin reports")
        [case] = await world.bot.cases.open(world.ada.guild.id)
        card = await court.hedy.select(message(listed), [str(case.id)], custom_id="pick:case")
        assert "linus" not in text(card)
        assert sentence("case.yours") in text(card)
        await refuses_to_decide(court, case)


class TestWhatModeratorsSet:
    """Rules hold at once, for what is under way too, and undo nobody else's."""

    async def test_an_old_panel_puts_nothing_back(self, court: Court):
        world = court.world
        boss = await boss_of(world)
        his = await court.panel(who=boss)
        await court.switch("sharing", "speaking")
        await boss.select(
            message(his), ["cloning", "sharing", "allow_absent_speakers"], custom_id="rules:switches:switches"
        )
        policy = await world.bot.moderation.policy(world.ada.guild.id)
        assert (policy.cloning, policy.sharing, policy.speaking) == (False, True, False)

    async def test_with_sharing_off_nothing_that_is_shared_can_be_used(self, court: Court):
        world = court.world
        await shared(world)
        await court.switch("cloning", "speaking")
        unknown = sentence("refused.voice_unknown")
        assert text(await speak(world, world.grace)) == unknown
        assert sentence("community.title", voices=0) in text(
            await world.grace.slash(world.channel, "voices community")
        )
        await court.switch("cloning", "sharing", "speaking")
        assert text(await speak(world, world.grace)) != unknown

    async def test_a_blocked_owner_s_voices_are_out_of_reach_until_they_are_unblocked(self, court: Court):
        world = court.world
        await shared(world)
        await court.block(world.ada)
        assert text(await speak(world, world.grace)) == sentence("refused.voice_unknown")
        await court.hedy.slash(world.channel, "voiceadmin unblock", member=world.ada)
        assert text(await speak(world, world.grace)) != sentence("refused.voice_unknown")

    async def test_a_voice_that_was_barred_while_it_was_being_shared_is_not_shared(self, court: Court):
        world = court.world
        voice_id = await world.voice(world.ada, "Far", guild_id=1)
        await store_of(world).servers.bar_voice(world.ada.guild.id, voice_id)
        check = world.bot.moderation.check_sharing

        async def passed(*_: Any) -> None:
            """As it was just before."""

        world.bot.moderation.check_sharing = passed  # type: ignore[method-assign]
        await world.ada.slash(world.channel, "voices share", voice="Far")
        world.bot.moderation.check_sharing = check  # type: ignore[method-assign]
        assert text(await speak(world, world.grace, voice="Far")) == sentence("refused.voice_unknown")

    async def test_a_clone_that_waits_meets_the_channels_of_the_day(self, tmp_path: Path):
        async with (
            Upstream(clone_seconds=0.3) as upstream,
            opened(tmp_path, upstream, clock=FastClock()) as world,
        ):
            court = court_in(world)
            await world.send(world.linus, title="First", wait=False)
            await until(world.posts)
            card = await world.send(world.ada, wait=False)
            await until(lambda: "Queued" in text(card))
            other = world.ada.guild.create_text_channel("only-here")
            await court.choose("who", "clone_channels", [other])
            await until(lambda: "Cloning is for these channels here" in text(card))
            assert len(world.posts()) == 1

    async def test_two_approvals_at_once_don_t_pass_a_limit(self, tmp_path: Path):
        async with (
            Upstream(clone_seconds=0.3) as upstream,
            opened(tmp_path, upstream, FastClock(), clones_per_account=2) as world,
        ):
            court = court_in(world)
            await court.choose("limits", "max_clones_per_member", ["1"])
            first, _ = await asked(world)
            second = await test_consent.ask(world, speaker=world.linus, title="Linus by Ada")
            await until(world.linus.user.dm_channel.history)
            for who in (world.grace, world.linus):
                question = who.user.dm_channel.history()[-1]
                await who.user.click(question, label=sentence("button.approve"))
            await until(lambda: "No more than 1 clones a day" in text(first) + text(second))
            await until(lambda: not world.jobs())
            assert len(world.posts()) == 1

    async def test_the_role_of_all_members_is_no_moderation_role(self, court: Court):
        world = court.world
        await court.choose("moderators", "moderator_role", [world.ada.guild.default_role])
        assert (await world.bot.moderation.policy(world.ada.guild.id)).moderator_role is None

    async def test_a_blocked_moderator_does_not_unblock_themselves(self, court: Court):
        world = court.world
        boss = await boss_of(world)
        await court.block(boss)
        refused = await boss.slash(world.channel, "voiceadmin unblock", member=boss)
        assert text(refused) == sentence("refused.act_on_self")

    async def test_who_is_not_in_the_server_gets_no_message_from_it(self, court: Court):
        world = court.world
        world.ada.guild.remove_member(world.linus)
        await court.block(world.linus.user)  # type: ignore[arg-type]
        await court.block(world.grace)
        await until(lambda: said_to(world.grace))
        assert said_to(world.linus) == []

    @pytest.mark.parametrize("hidden", ["sharing off", "owner blocked"])
    async def test_moderators_see_and_bar_what_is_held_back(self, court: Court, hidden: str):
        world = court.world
        await shared(world, "Far", guild_id=1)
        if hidden == "sharing off":
            await court.switch("cloning", "speaking")
        else:
            await court.block(world.ada)
        listed = await court.hedy.slash(world.channel, "voiceadmin voices")
        assert "**Far** by ada" in (embed_of(listed).description or "")
        form = await court.hedy.slash(world.channel, "voiceadmin remove", voice="Far", reason="no")
        done = await court.hedy.submit_modal(form, {fields(form)[0]: "no"})
        assert text(done) == sentence("verdict.done.barring", title="Far")

    @pytest.mark.parametrize("command", ["block", "remove"])
    async def test_a_reason_has_to_say_something(self, court: Court, command: str):
        world = court.world
        await shared(world)
        about: dict[str, Any] = {"member": world.ada} if command == "block" else {"voice": "Ada"}
        blank = await court.hedy.slash(world.channel, f"voiceadmin {command}", reason="   ", **about)
        assert text(blank) == sentence("refused.reason_blank")
        form = await court.hedy.slash(world.channel, "voiceadmin remove", voice="Ada", reason="no")
        blank = await court.hedy.submit_modal(form, {fields(form)[0]: "   "})
        assert text(blank) == sentence("refused.reason_blank")
        assert len(world.stored(world.ada)) == 1

    async def test_the_trail_says_until_when_a_block_is_and_about_whose_voice_a_decision(self, court: Court):
        world = court.world
        await shared(world)
        await complain(world, world.grace)
        [case] = await world.bot.cases.open(world.ada.guild.id)
        verdict = Decision(ModAction.DISMISS, UserRef(court.hedy.id, "hedy"), 1.0)
        await world.bot.cases.decide(world.ada.guild.id, case.id, verdict)
        await court.block(world.ada, days=3)
        lines = (
            embed_of(await court.hedy.slash(world.channel, "voiceadmin audit")).description or ""
        ).splitlines()
        assert "blocked ada until <t:" in lines[0]
        assert "dismissed a report about “Ada” by ada" in lines[1]

    async def test_a_log_channel_hears_that_it_is_one_no_more(self, court: Court):
        log = await logged(court)
        shown = await court.panel("moderators")
        await press(court.hedy, shown, "button.defaults")
        await until(
            lambda: "Log channel" in log.history()[-1].content and "none" in log.history()[-1].content
        )

    async def test_lifting_a_block_is_told(self, court: Court):
        world = court.world
        await court.block(world.ada)
        await court.hedy.slash(world.channel, "voiceadmin unblock", member=world.ada)
        await until(lambda: sentence("notice.unblocked", server="Voice Club") in said_to(world.ada))

    async def test_a_new_reason_or_end_of_a_block_is_told_and_the_same_is_not(self, court: Court):
        world = court.world
        for options in ({"reason": "one"}, {"reason": "one"}, {"reason": "two"}):
            await court.block(world.ada, **options)
        await until(lambda: len(said_to(world.ada)) == 2)
        await asyncio.sleep(0.05)
        assert ["one" in said_to(world.ada)[0], "two" in said_to(world.ada)[1]] == [True, True]
        assert len(said_to(world.ada)) == 2


class TestWhatSpeakersSay:
    """It counts once, holds at once, and nobody is pestered."""

    async def test_two_clicks_at_once_approve_once(self, world: World):
        await asked(world)
        [job_id] = [name.removesuffix(".json") for name in world.jobs() if name.endswith(".json")]
        speaker = Viewer(world.grace.id, 0)
        await asyncio.gather(
            *(world.bot.consents.approve(speaker, job_id, wording="yes", channel_id=1) for _ in range(2))
        )
        await until(lambda: not world.jobs())
        assert len(world.stored(world.ada)) == len(consents(world, world.grace)) == 1

    async def test_nobody_is_asked_more_than_three_times_a_day_by_the_same_member(self, world: World):
        for number in range(3):
            card, _ = await asked(world, title=f"Try {number}")
            await press(world.ada, card, "button.cancel")
            await until(lambda: not world.jobs())
        again = await world.send(world.ada, title="Other", rights="permission", speaker=world.grace)
        assert "was asked by you often enough today" in text(again)
        skip(world, DAY)
        for number in range(4):  # what she approves is none too many
            await approved(world, title=f"Good {number}")

    @pytest.mark.parametrize("how", ["refused", "taken back"])
    async def test_after_a_no_nobody_is_asked_again_for_a_day(self, world: World, how: str):
        if how == "refused":
            _, question = await asked(world)
            await test_consent.click(world, question, "button.refuse")
        else:
            await approved(world)
            [consent] = consents(world, world.grace)
            await world.bot.consents.withdraw(world.grace.id, consent["job_id"])
        await until(lambda: not world.jobs())
        again = await world.send(world.ada, title="Other", rights="permission", speaker=world.grace)
        assert "grace said no a short while ago" in text(again)
        skip(world, DAY)
        await asked(world, title="Tomorrow")

    async def test_a_voice_is_of_no_use_from_the_moment_its_approval_is_taken_back(self, world: World):
        await approved(world)
        owner = world.folder / "members" / f"{world.ada.id}.json"
        content = owner.read_bytes()
        await world.restart()
        owner.write_bytes(b"{")
        question = world.grace.user.dm_channel.history()[-1]
        await test_consent.click(world, question, "button.revoke")
        failed = await test_consent.click(world, world.grace.user.dm_channel.history()[-1], "button.sure")
        assert sentence("store.damaged") in replies(failed)
        for aside in owner.parent.glob("*.damaged*"):
            aside.unlink()
        owner.write_bytes(content)
        assert text(await speak(world, world.ada, voice="Grace by Ada")) == sentence(
            "refused.approval_revoked", name="grace"
        )
        await world.restart()
        await until(lambda: not world.upstream.voices)
        await until(lambda: not consents(world, world.grace))

    async def test_a_full_disk_at_the_end_loses_neither_the_voice_nor_the_approval(self, world: World):
        members = store_of(world).members
        card, question = await asked(world)
        members.change_consent = refusing(3, members.change_consent)  # type: ignore[method-assign]
        await test_consent.click(world, question, "button.approve")
        await until(lambda: not world.jobs())
        assert sentence("voice.title", title="Grace by Ada") in text(card)
        [voice] = world.stored(world.ada)
        assert [consent["voice_id"] for consent in consents(world, world.grace)] == [voice["id"]]

    async def test_a_damaged_owner_hides_nobody_else_s_voices(self, world: World):
        await approved(world)
        await world.voice(world.linus, "Linus")
        await world.linus.slash(world.channel, "voices share", voice="Linus")
        await world.restart()
        (world.folder / "members" / f"{world.ada.id}.json").write_bytes(b"{")
        shown = await world.grace.slash(world.channel, "voices show", voice="Linus")
        assert sentence("voice.title", title="Linus") in text(shown)

    async def test_a_question_whose_sample_is_gone_is_over(self, world: World):
        _, question = await asked(world)
        [sample] = [name for name in world.jobs() if name.endswith(".mp3")]
        (world.folder / "jobs" / sample).unlink()
        gone = await test_consent.click(world, question, "button.open")
        assert text(gone) == sentence("refused.request_closed")

    async def test_an_approval_that_was_recorded_but_not_acted_on_counts_with_the_next_click(
        self, world: World
    ):
        await asked(world)
        [job_id] = [name.removesuffix(".json") for name in world.jobs() if name.endswith(".json")]
        members = store_of(world).members
        put = members.put_consent

        async def half(consent: Any) -> None:
            await put(consent)
            raise OSError(5, "the folder could not be synced")

        members.put_consent = half  # type: ignore[method-assign]
        speaker = Viewer(world.grace.id, 0)
        with pytest.raises(RecordUnwritable):
            await world.bot.consents.approve(speaker, job_id, wording="yes", channel_id=1)
        await world.bot.consents.approve(speaker, job_id, wording="yes", channel_id=1)
        await until(lambda: world.stored(world.ada))

    async def test_taking_back_can_be_tried_again(self, world: World):
        await approved(world)
        pending = store_of(world).pending
        pending.put_owed = refusing(1, pending.put_owed)  # type: ignore[method-assign]
        [job_id] = [consent["job_id"] for consent in consents(world, world.grace)]
        with pytest.raises(RecordUnwritable):
            await world.bot.consents.withdraw(world.grace.id, job_id)
        await world.bot.consents.withdraw(world.grace.id, job_id)
        assert world.upstream.voices == {}

    async def test_a_refusal_is_on_record_before_the_speaker_is_told(self, world: World):
        await asked(world)
        [job_id] = [name.removesuffix(".json") for name in world.jobs() if name.endswith(".json")]
        ledger = world.bot.cloner._ledger  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as in `store_of`
        ledger.move = refusing(1, ledger.move)  # type: ignore[method-assign]
        with pytest.raises(OSError, match="No space"):
            await world.bot.consents.decline(world.grace.id, job_id)
        await world.bot.consents.decline(world.grace.id, job_id)
        await until(lambda: not world.jobs())

    async def test_news_that_can_t_be_read_takes_nothing_away(self, world: World):
        await world.voice(world.ada, "Ada")
        await world.restart()
        (world.folder / "pending.json").write_bytes(b"{")
        listed = await world.ada.slash(world.channel, "voices list")
        assert sentence("list.title", voices=1) in text(listed)


class TestTheListOfVoices:
    """What was cloned here is on it, whatever happened at the end."""

    async def test_also_what_could_not_be_listed_at_first(self, court: Court):
        world = court.world
        servers = store_of(world).servers
        servers.add_cloned = refusing(2, servers.add_cloned)  # type: ignore[method-assign]
        await world.send(world.ada)
        listed = await court.hedy.slash(world.channel, "voiceadmin voices")
        assert sentence("moderators.voices", rows=1) in text(listed)

    async def test_also_what_was_cloned_before_there_was_one(self, court: Court):
        world = court.world
        await world.voice(world.ada, "Old")
        rules = world.folder / "servers" / f"{world.ada.guild.id}.json"
        assert not rules.exists()
        await world.restart()
        await until(lambda: rules.exists() and json.loads(rules.read_text("utf-8")).get("cloned"))
        listed = await court.hedy.slash(world.channel, "voiceadmin voices")
        assert "**Old** by ada" in (embed_of(listed).description or "")
        form = await court.hedy.slash(world.channel, "voiceadmin remove", voice="Old", reason="no")
        assert form.modal is not None
        assert len(fields(form)) == 1
