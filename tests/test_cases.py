"""Reports, cases and takedowns: from a member's report to a moderator's decision."""

import asyncio
import json
from typing import Any
from unittest.mock import AsyncMock

import aiohttp
import discord
import pytest
from simcord.builders import ChannelHandle

from bot.moderation.models import Decision
from bot.moderation.ports import ClipOutOfReach
from bot.policy.models import ModAction, UserRef
from bot.store.tiny.servers import TinyServers
from support.clocks import DAY, until
from support.consents import approved
from support.faults import full_disk
from support.moderators import (
    REASON,
    Court,
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
from support.people import delete, said_to, speak
from support.reading import UNKNOWN, buttons, embed_of, fields, message, replies, sentence, text
from support.world import World


async def test_case_goes_from_report_to_removal_across_restarts(court: Court, world: World):
    log = await logged(court)

    # Grace reports Ada's shared voice from its card.
    await shared(world)
    assert text(await complain(world, world.grace)) == sentence("report.thanks")

    # The case in the log channel shows the voice, its owner, the reason and the preview.
    await until(lambda: log.history()[-1].components)
    case = log.history()[-1]
    assert case.embeds[0].title == sentence("case.title", title="Ada")
    shown = [f"{field.name}: {field.value}" for field in case.embeds[0].fields]
    assert f"Owner: ada (`{world.ada.id}`)" in shown
    assert any(sentence(f"report.reason.{REASON}") in one for one in shown)
    assert "grace" not in str(shown), "Ada may read the log channel"
    assert [file.filename for file in case.attachments] == ["Ada.mp3"]

    # After a restart Linus reports the same voice: it is the same case in the same message.
    await world.restart()
    await complain(world, world.linus, "hate")
    await until(lambda: "Reports: 2" in (log.history()[-1].embeds[0].description or ""))
    assert len([one for one in log.history() if one.components]) == 1

    # After another restart Hedy removes the voice and gives a reason.
    await world.restart()
    done = await decide(court.hedy, log.history()[-1], "remove", reason="Grace did not agree")
    assert sentence("case.done.remove", title="Ada") in replies(done)

    # The voice is gone everywhere, and its sample is banned.
    assert world.upstream.voices == {}
    assert world.stored(world.ada) == []
    assert sentence("rule.sample_blocked") in text(await world.send(world.ada, title="Ada again"))
    assert len(world.posts()) == 1

    # The case is closed, all members are notified, and Ada does not see who reported.
    over = next(one for one in log.history() if one.embeds and one.embeds[0].title)
    assert over.embeds[0].title == sentence("case.over", title="Ada")
    assert over.components == over.attachments == []
    outcome = sentence("notice.reported.remove", title="Ada", server="Voice Club")
    await until(lambda: said_to(world.grace) == said_to(world.linus) == [outcome] and said_to(world.ada))
    [told] = said_to(world.ada)
    assert "Grace did not agree" in told
    assert "ask hedy" in told
    assert not [who for who in ("grace", "linus") if who in told]
    assert "**hedy** · voice removed: “Ada” by ada. Reason: Grace did not agree" in text(
        await court.list("audit", kind="remove")
    )
    assert any("voice removed: “Ada” by ada. Reason: Grace did not agree" in entry_of(one) for one in log.history())


class TestReporting:
    """Members report clips and shared voices they can hear, each once and at most ten a day."""

    async def test_reported_clip_shows_its_text_author_and_link(self, court: Court, world: World):
        log = await slur_reported(court, world.grace, "You *all* owe me")
        line = world.channel.history()[-1]
        shown = "\n".join(field.value or "" for field in log.history()[-1].embeds[0].fields)
        assert f"[Clip]({line.jump_url}) by grace (`{world.grace.id}`): " in shown
        assert r"You \*all\* owe me" in shown

    async def test_same_voice_can_be_reported_again_only_after_a_decision(self, court: Court, world: World):
        log = await logged(court)
        await reported(world)
        assert text(await complain(world, world.grace)) == sentence("refused.already_reported", title="Ada")
        await until(lambda: log.history()[-1].components)
        await decide(court.hedy, log.history()[-1], "dismiss")
        assert text(await complain(world, world.grace)) == sentence("report.thanks")

    async def test_member_can_report_ten_times_a_day(self, world: World):
        for number in range(11):
            await world.voice(world.ada, f"Voice {number}", share=True)
            last = text(await complain(world, world.grace, voice=f"Voice {number}"))
            assert ("the limit of 10 reports a day" in last) is (number == 10)
        world.skip(DAY)
        assert text(await complain(world, world.grace, voice="Voice 10")) == sentence("report.thanks")

    async def test_private_voice_can_be_reported_only_by_its_clip_and_is_not_played(self, court: Court, world: World):
        log = await logged(court)
        private = await world.voice(world.ada, "Mine")
        there, (_, grace) = world.elsewhere(world.ada, world.grace)
        await speak(world, world.ada, voice="Mine")
        line = world.channel.history()[-1]
        [clip] = await world.store.members.clips(world.ada.id, private)
        for who, channel, of in (
            (world.grace, world.channel, f"{world.ada.id}:{private}:-"),
            (world.grace, world.channel, f"{world.ada.id}:{private}:{'0' * 16}"),
            (grace, there, f"{world.ada.id}:{private}:{clip.id}"),
            (world.grace, world.channel, f"{world.linus.id}:{private}:{clip.id}"),
        ):
            sent = await world.forge(f"report:{of}", channel)
            assert text(await who.click(sent, label="x")) == UNKNOWN
        assert text(await court.list("reports")).endswith(sentence("reports.none"))
        await report_clip(world.linus, line)
        await until(lambda: log.history()[-1].components)
        assert log.history()[-1].attachments == []


class TestDeciding:
    """A case is decided once, by a moderator, in the log channel or in the list."""

    async def test_case_without_a_log_channel_is_decided_in_the_list(self, court: Court, world: World):
        await reported(world)
        assert "**Ada** by ada · reports: 1" in text(await court.list("reports"))
        card = await court.open_case()
        assert [file.filename for file in message(card).attachments] == ["Ada.mp3"]
        done = await decide(court.hedy, message(card), "dismiss")
        assert sentence("case.done.dismiss", title="Ada") in replies(done)
        assert sentence("case.over", title="Ada") in text(card)
        assert buttons(card) == []
        assert sentence("reports.none") in text(await court.list("reports"))
        assert "report dismissed: “Ada” by ada" in text(await court.list("audit"))
        assert len(world.stored(world.ada)) == 1
        await until(lambda: said_to(world.ada))
        assert said_to(world.ada) == [sentence("notice.owner.dismiss", title="Ada", server="Voice Club")]

    async def test_case_is_posted_once_the_closed_log_channel_opens(self, court: Court, world: World):
        log = await logged(court)
        world.env.inject_error("POST", f"/channels/{log.id}/messages", status=403, code=50013, times=1)
        await reported(world)
        assert "**Ada** by ada" in text(await court.list("reports"))
        await world.restart()
        await until(lambda: log.history()[-1].components)

    async def test_concurrent_decisions_decide_a_case_once(self, court: Court, world: World):
        case = await reported(world)
        verdicts = [
            Decision(action, UserRef(number, f"m{number}"), 1.0, "because")
            for number, action in enumerate((ModAction.REMOVE, ModAction.DISMISS, ModAction.REMOVE))
        ]
        deciding = (world.services.cases.decide(world.guild_id, case.id, verdict) for verdict in verdicts)
        outcomes = await asyncio.gather(*deciding, return_exceptions=True)
        assert [isinstance(outcome, Exception) for outcome in outcomes].count(False) == 1
        assert len(await court.audit()) == 1

    async def test_second_moderator_sees_the_name_of_the_first(self, court: Court, world: World):
        case = (await logged_case(court)).history()[-1]
        boss = court.boss()
        form = await boss.click(case, label=sentence("button.case.remove"))
        await decide(court.hedy, case, "dismiss")
        late = await boss.submit_modal(form, {fields(form)[0]: "because"})
        assert sentence("refused.case_decided", name="hedy") in replies(late)
        assert len(world.stored(world.ada)) == 1

    @pytest.mark.parametrize("late", ["click", "form"])
    @pytest.mark.parametrize("place", ["log", "list"])
    async def test_old_card_shows_a_decision_made_elsewhere(
        self, court: Court, world: World, monkeypatch: pytest.MonkeyPatch, place: str, late: str
    ):
        log = await logged_case(court)
        old = log.history()[-1] if place == "log" else message(await court.open_case())
        form = await court.hedy.click(old, label=sentence("button.case.remove"))
        [case] = await court.cases()
        monkeypatch.setattr(world.services.cases.board, "show", AsyncMock(return_value=None))  # its message is lost
        await court.decide(case)
        if late == "form":
            await court.hedy.submit_modal(form, {fields(form)[0]: "because"})
        else:
            await court.hedy.click(old, label=sentence("button.case.dismiss"))
        card = next(one for one in log.history() if one.embeds and one.embeds[0].title) if place == "log" else old
        assert card.embeds[0].title == sentence("case.over", title="Ada")
        assert "hedy" in (card.embeds[0].description or "")
        assert not card.components

    async def test_card_of_a_forgotten_case_loses_its_buttons(self, court: Court, world: World):
        log = await logged_case(court)
        [case] = await court.cases()
        await world.store.servers.remove_case(world.guild_id, case.id)
        late = await court.hedy.click(log.history()[-1], label=sentence("button.case.dismiss"))
        assert replies(late)[-1] == sentence("refused.case_unknown")
        assert not log.history()[-1].components

    async def test_blocking_the_owner_ends_their_shares_until_the_given_day(self, court: Court, world: World):
        log = await logged_case(court)
        wrong = await decide(court.hedy, log.history()[-1], "block", days="no")
        assert sentence("refused.days", most=365) in replies(wrong)
        await decide(court.hedy, log.history()[-1], "block", reason="enough", days="3")
        assert "Voices shared in this server (0)" in text(await world.grace.slash(world.channel, "voices community"))
        assert "until" in text(await world.send(world.ada, title="New"))
        assert len(world.stored(world.ada)) == 1, "the owner keeps the voice"
        await until(lambda: said_to(world.ada))
        assert "enough" in said_to(world.ada)[0]

    async def test_case_bans_the_sample_of_a_voice_its_owner_deleted(self, court: Court, world: World):
        log = await logged_case(court)
        await delete(world, world.ada, "Ada")
        await decide(court.hedy, log.history()[-1], "remove")
        assert sentence("rule.sample_blocked") in text(await world.send(world.ada, title="Ada again"))


class TestClips:
    """A moderator can remove a reported clip, the bot's own message, and leave the voice as it is."""

    async def remove(self, court: Court, log: ChannelHandle) -> list[str]:
        return replies(await decide(court.hedy, log.history()[-1], "remove_clip", reason="no slurs"))

    async def test_removed_clip_is_gone_recorded_and_told_to_everybody_concerned(self, court: Court, world: World):
        log = await slur_reported(court, world.grace)
        said = await self.remove(court, log)
        assert sentence("case.done.remove_clip", title="Ada") in said
        assert [one for one in world.channel.history() if one.embeds] == []
        assert len(world.stored(world.ada)) == 1
        audit = "clip removed: made with “Ada” by grace. Reason: no slurs"
        assert audit in text(await court.list("audit", kind="remove_clip"))
        assert audit in text(await court.list("audit", member=world.grace))
        await until(lambda: said_to(world.ada) and said_to(world.grace) and said_to(world.linus))
        server = {"server": "Voice Club", "title": "Ada"}
        assert said_to(world.ada) == [sentence("notice.owner.remove_clip", **server)]
        assert said_to(world.linus) == [sentence("notice.reported.remove_clip", **server)]
        assert said_to(world.grace) == [sentence("notice.clip_removed", reason="no slurs", by="hedy", **server)]
        assert "Clip removed by **hedy**" in (log.history()[-2].embeds[0].description or "")

    async def test_owner_who_posted_the_clip_is_told_once(self, court: Court, world: World):
        log = await slur_reported(court, world.ada)
        await self.remove(court, log)
        await until(lambda: said_to(world.ada) and said_to(world.linus))
        await world.idle()
        assert ["no slurs" in one for one in said_to(world.ada)] == [True]

    async def test_case_of_a_clip_out_of_reach_stays_open(self, court: Court, world: World):
        log = await slur_reported(court, world.grace)
        clip = next(one for one in world.channel.history() if one.embeds)
        path = f"/channels/{world.channel.id}/messages/{clip.id}"
        world.env.inject_error("GET", path, status=403, code=50001, times=1)
        assert sentence("refused.clip_out_of_reach") in await self.remove(court, log)
        assert len(await court.cases()) == 1
        assert await court.audit(decision=ModAction.REMOVE_CLIP) == said_to(world.linus) == []
        world.env.inject_error("GET", path, status=404, code=10008, times=1)  # somebody has deleted it
        assert sentence("case.done.remove_clip", title="Ada") in await self.remove(court, log)
        assert len(await court.audit(decision=ModAction.REMOVE_CLIP)) == 1

    async def test_clips_of_several_authors_are_removed_together_or_not_at_all(self, court: Court, world: World):
        log = await slur_reported(court, world.grace)
        await speak(world, world.ada, said="another")
        await report_clip(world.grace, world.channel.history()[-1])
        clips = [one for one in world.channel.history() if one.embeds]
        path = f"/channels/{world.channel.id}/messages/{clips[0].id}"
        world.env.inject_error("GET", path, status=403, code=50001, times=1)
        assert sentence("refused.clip_out_of_reach") in await self.remove(court, log)
        assert [one for one in world.channel.history() if one.embeds] == clips
        await self.remove(court, log)
        assert [one for one in world.channel.history() if one.embeds] == []
        for author in (world.grace, world.ada):
            [entry] = await court.audit(decision=ModAction.REMOVE_CLIP, member_id=author.id)
            assert entry.member_name == author.user.name

    async def test_voice_is_removed_while_its_clip_can_not_be(
        self, court: Court, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        log = await slur_reported(court, world.grace)
        monkeypatch.setattr(world.bot, "fetch_channel", AsyncMock(side_effect=aiohttp.ClientOSError))
        await self.remove(court, log)
        await court.remove()
        assert world.stored(world.ada) == []

    @pytest.mark.parametrize("error", [discord.InvalidData, discord.ClientException])
    async def test_clip_in_a_channel_that_is_not_understood_is_out_of_reach(
        self, court: Court, world: World, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
    ):
        log = await slur_reported(court, world.grace)
        monkeypatch.setattr(world.bot, "fetch_channel", AsyncMock(side_effect=error))
        assert sentence("refused.clip_out_of_reach") in await self.remove(court, log)

    async def test_clip_is_removed_once_discord_answers_again(
        self, court: Court, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        log = await slur_reported(court, world.grace)
        with monkeypatch.context() as patch:
            patch.setattr(world.bot, "fetch_channel", AsyncMock(side_effect=aiohttp.ClientOSError))
            assert sentence("refused.clip_later") in await self.remove(court, log)
            await world.services.cases.process(world.guild_id)
            await world.idle()
            assert said_to(world.linus) == []
        await world.services.cases.process(world.guild_id)
        await until(lambda: said_to(world.linus))
        assert [one for one in world.channel.history() if one.embeds] == []
        assert len(await court.audit(decision=ModAction.REMOVE_CLIP)) == 1

    async def test_bot_deletes_only_its_own_messages_in_the_same_server(self, court: Court, world: World):
        there, (ada,) = world.elsewhere(world.ada)
        theirs, far = await court.hedy.send(world.channel, "hello"), await world.forge("x", there)
        board = world.services.cases.board
        mixed = far.jump_url.replace(str(ada.guild.id), str(world.guild_id))
        malformed = ("", "https://discord.com", f"{theirs.jump_url}/1", f"https://discord.com/channels/@me/1/{far.id}")
        for link in (theirs.jump_url, far.jump_url, mixed, *malformed):
            with pytest.raises(ClipOutOfReach):
                await board.delete_clips(world.guild_id, [link])
        assert theirs.id in [one.id for one in world.channel.history()]
        assert far.id in [one.id for one in there.history()]


class TestRemoving:
    """`/voiceadmin remove`, and the button on a card of `/voiceadmin voices`."""

    async def test_speaker_of_a_removed_voice_is_told(self, court: Court, world: World):
        await approved(world, title="Grace")
        await court.remove("Grace")
        told = sentence("notice.removed_speaker", server="Voice Club", title="Grace", owner="ada")
        await until(lambda: told in said_to(world.grace))

    async def test_remove_command_suggests_titles_and_asks_before_it_decides_the_case(self, court: Court, world: World):
        await reported(world)
        choices = await court.hedy.autocomplete(world.channel, "voiceadmin remove", "voice", "ad")
        assert [choice["name"] for choice in choices] == ["Ada (by ada)"]
        form = await court.list("remove", voice="Ada", reason="not here")
        assert form.modal is not None
        assert len(world.stored(world.ada)) == 1
        await court.hedy.submit_modal(form, {fields(form)[0]: "not here"})
        assert world.stored(world.ada) == []
        assert sentence("reports.none") in text(await court.list("reports"))
        await until(lambda: said_to(world.grace))

    async def test_voice_cloned_elsewhere_is_banned_here_but_not_deleted(self, court: Court, world: World):
        _, (ada, _) = world.elsewhere(world.ada, world.grace)
        await shared(world, guild_id=ada.guild.id)
        done = await court.remove()
        assert text(done) == sentence("verdict.done.barring", title="Ada")
        assert len(world.upstream.voices) == 1
        assert world.stored(world.ada)[0]["shared_in"] == []
        barred = sentence("rule.voice_barred", title="Ada")
        assert text(await world.ada.slash(world.channel, "voices share", voice="Ada")) == barred
        assert text(await speak(world, world.ada)) == barred
        await until(lambda: said_to(world.ada))
        assert "You can still use it in other servers" in said_to(world.ada)[0]

    async def test_voice_of_another_server_cannot_be_removed(self, court: Court, world: World):
        _, (ada, _) = world.elsewhere(world.ada, world.grace)
        voice_id = await world.voice(world.ada, "Far", guild_id=ada.guild.id)
        for voice in ("Far", str(voice_id), "nonsense"):
            assert text(await court.remove(voice)) == sentence("refused.voice_not_here")
        assert len(world.stored(world.ada)) == 1

    async def test_moderator_can_remove_voices_of_other_moderators_only(self, court: Court, world: World):
        await world.send(court.hedy, title="Hedy")
        assert text(await court.remove("Hedy")) == sentence("refused.act_on_self")
        await world.send(court.boss(), title="Other")
        await court.remove("Other")
        assert "voice removed: “Other”" in text(await court.list("audit"))


class TestServerVoices:
    """`/voiceadmin voices`: the voices cloned or shared in this server, and no others."""

    async def test_private_voice_is_listed_but_cannot_be_played(self, court: Court, world: World):
        await world.send(world.ada, title="Private", description="my diary")
        await shared(world, "Shared", guild_id=1)
        await world.voice(world.ada, "Far", guild_id=1)
        listed = await court.list("voices")
        assert sentence("moderators.voices", rows=2) in text(listed)
        assert "**Private** by ada" in text(listed)
        private = next(int(one["id"]) for one in world.stored(world.ada) if one["title"] == "Private")
        card = await court.hedy.select(message(listed), [str(private)], custom_id="pick:roster")
        assert message(card).attachments == []
        assert not [detail for detail in ("diary", "English", "mp3") if detail in text(card)]
        assert sentence("roster.private") in text(card)
        assert buttons(card) == [sentence("button.case.remove")]
        await decide(court.hedy, message(card), "remove")
        assert text(card) == sentence("verdict.done.removing", title="Private")

    async def test_server_voices_can_be_filtered_and_end_with_their_deletion(self, court: Court, world: World):
        await world.send(world.ada, title="Private")
        await shared(world, "Shared")
        await world.send(world.grace, title="Hers")

        async def titles(**filters: Any) -> set[str]:
            listed = embed_of(await court.list("voices", **filters)).description or ""
            return {line.split("**")[1] for line in listed.splitlines()}

        assert await titles() == {"Private", "Shared", "Hers"}
        assert await titles(show="shared") == {"Shared"}
        assert await titles(show="private") == {"Private", "Hers"}
        assert await titles(member=world.grace) == {"Hers"}
        await delete(world, world.grace, "Hers")
        assert await titles() == {"Private", "Shared"}

    async def test_lost_clone_record_is_added_later(self, court: Court, world: World, monkeypatch: pytest.MonkeyPatch):
        full_disk(monkeypatch, TinyServers, times=2, method="add_clone_record")
        await world.send(world.ada)
        assert sentence("moderators.voices", rows=1) in text(await court.list("voices"))

    async def test_voice_cloned_before_clone_records_is_added_at_start(self, court: Court, world: World):
        await world.voice(world.ada, "Old")
        rules = world.server_file()
        assert not rules.exists()
        await world.restart()
        await until(lambda: rules.exists() and json.loads(rules.read_text("utf-8")).get("clone_records"))
        assert "**Old** by ada" in (embed_of(await court.list("voices")).description or "")
        form = await court.hedy.slash(world.channel, "voiceadmin remove", voice="Old", reason="no")
        assert len(fields(form)) == 1


async def test_moderator_can_block_another_who_cannot_undo_it_but_not_the_owner_or_a_bot(court: Court, world: World):
    guild = world.ada.guild
    bot = guild.add_member(world.env.create_user("robot", bot=True))
    for member, key in ((court.hedy, "self"), (guild.owner, "server_owner"), (bot, "bot")):
        assert text(await court.block(member)) == sentence(f"refused.act_on_{key}")
    boss = court.boss()
    await court.block(boss)
    assert "blocked: boss. Reason: spam" in text(await court.list("audit"))
    refused = await boss.slash(world.channel, "voiceadmin unblock", member=boss)
    assert text(refused) == sentence("refused.act_on_self")


async def test_notice_that_closed_dms_reject_comes_with_the_next_list(court: Court, world: World):
    path = f"/channels/{world.ada.user.dm_channel.id}/messages"
    world.env.inject_error("POST", path, status=403, code=50007, times=None)
    await court.block(world.ada)
    await world.idle()
    await world.restart()
    listed = await world.ada.slash(world.channel, "voices list")
    [notice] = [one.content for one in listed.followups]
    assert "blocked you from using voices there.\nReason: spam" in notice
    assert (await world.ada.slash(world.channel, "voices list")).followups == []


async def test_export_holds_decisions_but_not_the_reporter(court: Court, world: World):
    await shared(world)
    await complain(world, world.grace)
    await court.block(world.ada)
    export = str(await world.services.exporter.export(world.ada.id))
    assert "spam" in export
    assert REASON not in export, "an open case is visible only to moderators"
    assert REASON in str(await world.services.exporter.export(world.grace.id))
    card = await court.open_case()
    assert "grace" in text(card), "moderators see who reported"
    await decide(court.hedy, message(card), "dismiss")
    export = str(await world.services.exporter.export(world.ada.id))
    assert "'outcome': 'dismiss'" in export
    assert not [who for who in ("grace", str(world.grace.id)) if who in export]
