"""Decisions and consent under kills, full disks, damaged files and races."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import AsyncMock, Mock

import aiohttp
import pytest

from bot.cloning.cloner import Cloner
from bot.cloning.errors import RequestClosed
from bot.errors import RecordUnwritable, Refused
from bot.moderation.models import Case
from bot.policy.models import ModAction, UserRef
from bot.store.tiny.jobs import TinyJobs
from bot.store.tiny.members import TinyMembers
from bot.store.tiny.pending import TinyPending
from bot.store.tiny.servers import TinyServers
from bot.voices.models import Clip, Viewer
from support.clocks import DAY, FastClock, until
from support.consents import approved, ask, asked, click, consents, job_id, question
from support.faults import full_disk, hanging
from support.moderators import (
    Court,
    choose_reason,
    complain,
    decide,
    entry_of,
    logged,
    logged_case,
    report_clip,
    reported,
    shared,
    slur_reported,
)
from support.people import delete, forget, press, said_to, speak
from support.reading import UNKNOWN, embed_of, fields, message, replies, sentence, text
from support.world import World, on_disk


class TestEnforcement:
    """A recorded decision is carried out once, across kills and failures."""

    async def test_removal_continues_after_a_kill(self, court: Court, world: World, monkeypatch: pytest.MonkeyPatch):
        await reported(world)
        begun = hanging(monkeypatch, world.services.enforcement.deletions, "put_pending_deletion")
        [voice] = await world.store.members.voices(world.ada.id)
        by = UserRef(court.hedy.id, "hedy")
        removing = asyncio.create_task(world.services.cases.remove(world.guild_id, by, voice, "not here"))
        await begun.wait()
        removing.cancel()
        await world.restart()
        await until(lambda: not world.upstream.voices and not world.stored(world.ada))
        await until(lambda: said_to(world.ada) and said_to(world.grace))
        await world.restart()
        assert len(await court.audit()) == 1

    async def test_concurrent_removals_remove_once(self, court: Court, world: World):
        await shared(world)
        [voice] = await world.store.members.voices(world.ada.id)
        outcomes = await asyncio.gather(
            *(world.services.cases.remove(world.guild_id, UserRef(number, "m"), voice, "no") for number in (1, 2)),
            return_exceptions=True,
        )
        assert sorted(map(str, outcomes)) == ["True", "refused.case_decided name='m'"]
        assert len(await court.audit()) == 1

    async def test_full_disk_does_not_repeat_notices(self, court: Court, world: World, monkeypatch: pytest.MonkeyPatch):
        case = await reported(world)
        decided = partial(replace, decision=court.verdict())
        await world.store.servers.change_case(world.guild_id, case.id, decided)
        full_disk(monkeypatch, TinyServers, times=3, method="change_case")
        for _ in range(4):
            await world.services.cases.process(world.guild_id)
        await until(lambda: said_to(world.grace) and said_to(world.ada))
        await world.idle()
        assert [len(said_to(who)) for who in (world.ada, world.grace)] == [1, 1]
        assert len(await court.audit()) == 1

    async def test_closed_case_that_could_not_be_shown_is_shown_later(self, court: Court, world: World):
        log = await logged_case(court)
        path = f"/channels/{log.id}/messages/{log.history()[-1].id}"
        world.env.inject_error("PATCH", path, status=403, code=50001, times=1)
        [case] = await court.cases()
        verdict = replace(court.verdict(), at=world.services.clock.now())
        await world.services.cases.decide(world.guild_id, case.id, verdict)
        await world.restart()
        for _ in range(2):  # as the bot does every ten minutes
            await world.services.cases.process(world.guild_id)
            await world.idle()
        await until(lambda: not next(one for one in log.history() if one.embeds[0].title).components)

    async def test_failed_block_is_not_imposed_again(self, court: Court, world: World, monkeypatch: pytest.MonkeyPatch):
        log = await logged_case(court)
        full_disk(monkeypatch, Cloner, times=1, method="cancel_all")
        refused = await decide(court.hedy, log.history()[-1], "block", days="3")
        assert sentence("refused.not_carried_out") in replies(refused)
        await court.unblock(world.ada)
        await world.services.cases.process(world.guild_id)
        await until(lambda: said_to(world.grace))
        assert await court.blocked() == []
        assert len(await court.audit(decision=ModAction.BLOCK)) == 1

    async def test_unreachable_log_stops_no_block(self, court: Court, world: World, monkeypatch: pytest.MonkeyPatch):
        await logged(court)
        await shared(world)
        monkeypatch.setattr(world.bot, "get_partial_messageable", Mock(side_effect=aiohttp.ClientOSError))
        assert text(await court.block(world.ada)) == sentence("block.done", name="ada")
        await until(lambda: said_to(world.ada))

    async def test_decision_that_cannot_be_logged_is_not_carried_out(self, court: Court, world: World):
        await court.switch("cloning", "sharing")
        [audit] = (world.folder / "servers").glob("*.audit-*.json")
        audit.write_bytes(b"{")
        await world.restart()
        for _ in range(2):
            assert text(await court.list("audit")) == sentence("store.damaged")
        assert text(await court.block(world.ada)) == sentence("store.damaged")
        await court.switch("cloning", "sharing", "speaking")
        assert not (await world.services.rules.policy(world.guild_id)).speaking
        assert await court.blocked() == []

    async def test_late_report_opens_a_new_case(self, court: Court, world: World, monkeypatch: pytest.MonkeyPatch):
        await reported(world)
        cases = world.services.cases
        find_open = cases.open

        async def overtaken(guild_id: int) -> list[Case]:
            found = await find_open(guild_id)
            monkeypatch.undo()
            await cases.decide(world.guild_id, found[0].id, court.verdict())
            return found

        card = await world.linus.slash(world.channel, "voices show", voice="Ada")
        choice = await press(world.linus, card, "button.report")
        monkeypatch.setattr(cases, "open", overtaken)
        await choose_reason(world.linus, message(choice), "hate")
        [case] = await court.cases()
        assert [report.reporter_id for report in case.reports] == [world.linus.id]


class TestNames:
    """Owners never see reporters, and erased members are named only as long as needed."""

    @pytest.mark.parametrize("how", ["owns the voice", "spoke"])
    async def test_moderators_cannot_decide_their_case_or_see_its_reporter(self, court: Court, world: World, how: str):
        if how == "spoke":
            await slur_reported(court, court.hedy)
        else:
            await world.voice(court.hedy, "Hedy", share=True)
            await complain(world, world.linus, voice="Hedy")
        card = await court.open_case()
        assert "linus" not in text(card)
        assert sentence("case.yours") in text(card)
        [case] = await court.cases()
        sent = await world.forge(f"case:dismiss:{case.id}")
        assert text(await court.hedy.click(sent, label="x")) == sentence("refused.act_on_self")

    async def test_erased_reporter_is_kept_only_until_the_decision(self, court: Court, world: World):
        case = await reported(world)
        await forget(world, world.grace)
        assert "**Ada** by ada · reports: 1" in text(await court.list("reports"))
        await until(lambda: not (world.folder / "members" / f"{world.grace.id}.json").exists())
        world.skip(120)
        await until(lambda: f'"erasing":[{world.grace.id}]' in on_disk(world))
        await court.decide(case)
        assert str(world.grace.id) not in on_disk(world)
        assert said_to(world.grace) == []

    async def test_erasure_waits_for_a_quarantined_server_file(self, court: Court, world: World):
        await court.block(world.linus)
        world.server_file().write_bytes(b"{")
        await world.restart()
        await forget(world, world.grace)
        world.skip(4000)
        await world.idle()
        assert f'"{world.grace.id}"' in (world.folder / "pending.json").read_text("utf-8")
        export = await world.services.exporter.export(world.linus.id)
        assert export["server_files_that_can_t_be_read"] == 1


class TestEvidence:
    """A clip can be reported whatever happened to its voice, and its author can be blocked."""

    @pytest.mark.parametrize("how", ["many clips later", "deleted"])
    async def test_clip_can_be_reported_after_50_clips_or_a_deletion(self, court: Court, world: World, how: str):
        await world.send(world.ada, title="Mine")
        await speak(world, world.ada, voice="Mine", said="You *all* owe me")
        clip = world.channel.history()[-1]
        if how == "deleted":
            await delete(world, world.ada, "Mine")
        else:
            for number in range(50):
                voice_id = int(world.stored(world.ada)[0]["id"])
                late = Clip(f"{number:016x}", voice_id, world.ada.id, "ada", 1, "x", 1.0 + number)
                await world.store.members.add_clip(world.ada.id, late)
        choice = await world.linus.click(clip, label=sentence("button.report"))
        assert choice.ephemeral
        assert r"You \*all\* owe me" in text(choice)
        await choose_reason(world.linus, message(choice), "hate")
        [case] = await court.cases()
        [report] = case.reports
        assert report.clip
        assert report.clip.text == "You *all* owe me"
        assert (case.voice.title, case.voice.owner_id, case.voice.owner_name) == ("Mine", world.ada.id, "ada")
        assert case.voice.cloned_here
        await court.decide(case, ModAction.REMOVE, "no")
        assert sentence("rule.sample_blocked") in text(await world.send(world.ada, title="Again"))

    async def test_author_of_a_clip_can_be_blocked_instead_of_the_owner(self, court: Court, world: World):
        log = await slur_reported(court, world.grace)
        form = await court.hedy.click(log.history()[-1], label=sentence("button.case.silence", name="grace"))
        done = await court.hedy.submit_modal(form, {fields(form)[0]: "no slurs"})
        assert sentence("case.done.silence", title="Ada") in replies(done)
        assert await court.blocked() == [world.grace.id]
        await until(lambda: said_to(world.ada) and said_to(world.linus) and said_to(world.grace))
        assert "Your voice isn't affected" in said_to(world.ada)[0]
        assert "no slurs" in said_to(world.grace)[0]

    async def test_block_form_blocks_the_author_it_named(self, court: Court, world: World):
        log, boss = await slur_reported(court, world.grace), court.boss()
        await speak(world, court.hedy, said="please stop")
        form = await boss.click(log.history()[-1], label=sentence("button.case.silence", name="grace"))
        await report_clip(world.grace, world.channel.history()[-1])
        await boss.submit_modal(form, {fields(form)[0]: "no slurs"})
        assert await court.blocked() == [world.grace.id]


class TestRulesInForce:
    """Rules and blocks apply at once, also to work in progress."""

    async def test_outdated_panel_does_not_undo_newer_rules(self, court: Court, world: World):
        boss = court.boss()
        his = await court.panel(who=boss)
        await court.switch("sharing", "speaking", "allow_absent_speakers")
        await boss.click(message(his), custom_id="switch:speaking:off")
        policy = await world.services.rules.policy(world.guild_id)
        assert (policy.cloning, policy.sharing, policy.speaking) == (False, True, False)

    @pytest.mark.parametrize("hidden", ["sharing off", "owner blocked"])
    async def test_hidden_voice_is_unusable_by_others_but_can_be_banned(self, court: Court, world: World, hidden: str):
        await shared(world)
        await shared(world, "Far", guild_id=1)

        async def hide() -> None:
            await (court.switch("cloning", "speaking") if hidden == "sharing off" else court.block(world.ada))

        await hide()
        assert text(await speak(world, world.grace)) == UNKNOWN
        assert sentence("community.title", voices=0) in text(await world.grace.slash(world.channel, "voices community"))
        await court.switch("cloning", "sharing", "speaking")
        await court.unblock(world.ada)
        assert text(await speak(world, world.grace)) != UNKNOWN
        await hide()
        assert "**Far** by ada" in (embed_of(await court.list("voices")).description or "")
        assert text(await court.remove("Far")) == sentence("verdict.done.barring", title="Far")

    async def test_voice_banned_while_being_shared_is_not_shared(self, world: World, monkeypatch: pytest.MonkeyPatch):
        voice_id = await world.voice(world.ada, "Far", guild_id=1)
        await world.store.servers.ban_voice(world.guild_id, voice_id)

        with monkeypatch.context() as patch:
            patch.setattr(world.services.rules, "check_sharing", AsyncMock())  # passes, as before the ban
            await world.ada.slash(world.channel, "voices share", voice="Far")
        assert text(await speak(world, world.grace, voice="Far")) == UNKNOWN

    @pytest.mark.world(clones_per_account=2, clone_seconds=0.3, clock=FastClock(10))
    async def test_concurrent_approvals_do_not_exceed_a_limit(self, court: Court, world: World):
        await court.choose("limits", "max_clones_per_member", ["1"])
        first, _ = await asked(world)
        second = await ask(world, speaker=world.linus, title="Linus by Ada")
        await until(world.linus.user.dm_channel.history)
        for who in (world.grace, world.linus):
            await who.user.click(who.user.dm_channel.history()[-1], label=sentence("button.approve"))
        await until(lambda: "limit is 1 clone a day" in text(first) + text(second) and not world.jobs())
        assert len(world.posts()) == 1

    async def test_everyone_role_cannot_be_the_moderator_role(self, court: Court, world: World):
        await court.choose("moderators", "moderator_role", [world.ada.guild.default_role])
        assert (await world.services.rules.policy(world.guild_id)).moderator_role is None

    async def test_blank_reason_is_refused(self, court: Court, world: World):
        await shared(world)
        for blank in (
            await court.list("block", member=world.ada, reason="   "),
            await court.list("remove", voice="Ada", reason="   "),
            await court.remove(reason="   "),
        ):
            assert text(blank) == sentence("refused.reason_blank")
        assert len(world.stored(world.ada)) == 1

    async def test_former_log_channel_is_notified(self, court: Court):
        log = await logged(court)
        panel = await court.panel()
        await press(court.hedy, panel, "button.defaults")
        await press(court.hedy, panel, "button.reset_rules")
        await until(lambda: all(word in entry_of(log.history()[-1]) for word in ("Log channel", "none")))

    async def test_blocked_member_but_no_outsider_is_notified_of_each_change(self, court: Court, world: World):
        world.ada.guild.remove_member(world.linus)
        await court.block(world.linus.user)
        for reason in ("one", "one", "two"):
            await court.block(world.ada, reason=reason)
        await until(lambda: len(said_to(world.ada)) == 2)
        await world.idle()
        assert ["one" in said_to(world.ada)[0], "two" in said_to(world.ada)[1]] == [True, True]
        assert len(said_to(world.ada)) == 2
        await court.unblock(world.ada)
        await until(lambda: sentence("notice.unblocked", server="Voice Club") in said_to(world.ada))
        assert said_to(world.linus) == []


class TestSpeakers:
    """A speaker's answer counts once and at once, and requests are limited."""

    async def approve(self, world: World) -> None:
        speaker = Viewer(world.grace.id, 0)
        await world.services.consents.approve(speaker, job_id(world), wording="yes", channel_id=1, locale="en-US")

    async def test_two_clicks_at_once_approve_once(self, world: World):
        await asked(world)
        await asyncio.gather(self.approve(world), self.approve(world))
        await until(lambda: not world.jobs())
        assert len(world.stored(world.ada)) == len(consents(world, world.grace)) == 1

    async def test_member_asks_the_same_speaker_three_times_a_day_at_most(self, world: World):
        for number in range(3):
            card, _ = await asked(world, title=f"Try {number}")
            await press(world.ada, card, "button.cancel")
            await until(lambda: not world.jobs())
        again = await world.send(world.ada, title="Other", rights="permission", speaker=world.grace)
        assert "recently said no, or you've asked them too often today" in text(again)
        world.skip(DAY)
        for number in range(4):  # approved requests do not count
            await approved(world, title=f"Good {number}")

    @pytest.mark.parametrize("how", ["declined", "withdrawn"])
    async def test_declined_or_withdrawn_consent_stops_requests_for_a_day(self, world: World, how: str):
        if how == "declined":
            _, question = await asked(world)
            await click(world, question, "button.refuse")
        else:
            await approved(world)
            [consent] = consents(world, world.grace)
            await world.services.consents.withdraw(world.grace.id, consent["job_id"])
        await until(lambda: not world.jobs())
        again = await world.send(world.ada, title="Other", rights="permission", speaker=world.grace)
        assert "grace recently said no" in text(again)
        world.skip(DAY)
        await asked(world, title="Tomorrow")

    async def test_voice_cannot_be_used_once_withdrawal_has_begun(self, world: World):
        await approved(world)
        owner = world.folder / "members" / f"{world.ada.id}.json"
        content = owner.read_bytes()
        await world.restart()
        owner.write_bytes(b"{")
        await click(world, question(world), "button.revoke")
        failed = await click(world, question(world), "button.sure")
        assert sentence("refused.revoked_not_deleted", title="Grace by Ada") in replies(failed)
        for aside in owner.parent.glob("*.damaged*"):
            aside.unlink()
        owner.write_bytes(content)
        refused = await speak(world, world.ada, voice="Grace by Ada")
        assert text(refused) == sentence("refused.approval_revoked", name="grace")
        await world.restart()
        await until(lambda: not world.upstream.voices and not consents(world, world.grace))

    async def test_full_disk_at_the_end_loses_no_voice_or_consent(self, world: World, monkeypatch: pytest.MonkeyPatch):
        card, question = await asked(world)
        full_disk(monkeypatch, TinyMembers, times=3, method="change_consent")
        await click(world, question, "button.approve")
        await until(lambda: not world.jobs())
        assert sentence("voice.ready", title="Grace by Ada") in text(card)
        [voice] = world.stored(world.ada)
        assert [consent["voice_id"] for consent in consents(world, world.grace)] == [voice["id"]]

    async def test_damaged_owner_file_hides_no_voices_of_others(self, world: World):
        await approved(world)
        await world.voice(world.linus, "Linus", share=True)
        await world.restart()
        (world.folder / "members" / f"{world.ada.id}.json").write_bytes(b"{")
        shown = await world.grace.slash(world.channel, "voices show", voice="Linus")
        assert sentence("voice.title", title="Linus") in text(shown)

    async def test_request_without_its_sample_is_closed(self, world: World):
        _, question = await asked(world)
        (world.folder / "jobs" / f"{job_id(world)}.mp3").unlink()
        assert text(await click(world, question, "button.open")) == sentence("refused.request_closed")

    async def test_half_failed_approval_counts_with_the_next_click(self, world: World, monkeypatch: pytest.MonkeyPatch):
        await asked(world)
        put = world.store.members.put_consent

        async def half(consent: Any) -> None:
            await put(consent)
            raise RecordUnwritable(file="a record")

        monkeypatch.setattr(world.store.members, "put_consent", half)
        with pytest.raises(RecordUnwritable):
            await self.approve(world)
        await self.approve(world)
        await until(lambda: world.stored(world.ada))

    async def test_failed_decline_or_withdrawal_can_be_repeated(self, world: World, monkeypatch: pytest.MonkeyPatch):
        await asked(world, title="Declined")
        answers, declined = world.services.consents, job_id(world)
        full_disk(monkeypatch, TinyJobs, times=1)
        with pytest.raises(RecordUnwritable):
            await answers.decline(world.grace.id, declined)
        await answers.decline(world.grace.id, declined)
        await until(lambda: not world.jobs())
        world.skip(DAY)
        await approved(world)
        [given] = consents(world, world.grace)
        full_disk(monkeypatch, TinyPending, times=1, method="put_pending_deletion")
        with pytest.raises(Refused, match=r"^refused\.revoked_not_deleted\b"):
            await answers.withdraw(world.grace.id, given["job_id"])
        with suppress(RequestClosed):  # the bot may have repeated it by itself
            await answers.withdraw(world.grace.id, given["job_id"])
        await until(lambda: world.upstream.voices == {})
