"""`/voiceadmin` as moderators use it, and its rules as everybody else meets them."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from simcord.builders import RoleHandle
from simcord.results import InteractionResult

from bot.demo.upstream import Upstream
from bot.i18n import Markup
from conftest import FastClock, World, embed_of, opened, sentence, text, until
from test_privacy import forget, on_disk
from test_speak import SPEECH, speak
from test_voices import message, press

NOT_MODERATOR = sentence("refused.not_moderator")


@dataclass
class Court:
    """A world with somebody who manages the server, and a role that may be given the say."""

    world: World
    hedy: simcord.MemberActor
    role: RoleHandle

    async def panel(
        self, page: str = "switches", who: simcord.MemberActor | None = None
    ) -> InteractionResult:
        """Open the panel at a page."""
        shown = await (who or self.hedy).slash(self.world.channel, "voiceadmin settings")
        if page != "switches":
            await (who or self.hedy).select(message(shown), [page], custom_id="rules:switches:page")
        return shown

    async def choose(self, page: str, rule: str, values: list[Any]) -> InteractionResult:
        """Set a rule on the panel."""
        shown = await self.panel(page)
        await self.hedy.select(message(shown), values, custom_id=f"rules:{page}:{rule}")
        return shown

    async def switch(self, *on: str) -> None:
        """Leave only these on."""
        await self.choose("switches", "switches", [*on, "allow_absent_speakers"])

    async def block(self, who: simcord.MemberActor, **options: Any) -> InteractionResult:
        """Block somebody."""
        given = {"member": who, "reason": "spam"} | options
        return await self.hedy.slash(self.world.channel, "voiceadmin block", **given)


def court_in(world: World) -> Court:
    guild = world.ada.guild
    manages = guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
    hedy = guild.add_member(world.env.create_user("hedy"), roles=[manages])
    return Court(world, hedy, guild.create_role("Voice mods"))


@pytest.fixture
async def court(tmp_path: Path) -> AsyncGenerator[Court]:
    async with opened(tmp_path, clock=FastClock()) as world:
        yield court_in(world)


async def test_the_panel_shows_the_rules_saves_at_once_and_goes_back(court: Court):
    shown = await court.panel()
    assert shown.ephemeral
    assert sentence("rule.is.cloning", value="on") in text(shown)
    await court.hedy.select(message(shown), ["sharing", "speaking"], custom_id="rules:switches:switches")
    assert sentence("rule.is.cloning", value="off") in text(shown)
    await court.world.restart()
    again = await court.panel()
    assert sentence("rule.is.cloning", value="off") in text(again)
    await press(court.hedy, again, "button.defaults")
    assert sentence("rule.is.cloning", value="on") in text(again)


async def test_every_rule_can_be_set_on_its_page(court: Court):
    channel = court.world.channel
    for page, rule, values, expected in (
        ("who", "clone_roles", [court.role], f"<@&{court.role.id}>"),
        ("who", "clone_channels", [channel], f"<#{channel.id}>"),
        ("who", "min_account_days", ["30"], "30"),
        ("who", "min_member_days", ["7"], "7"),
        ("limits", "max_voices_per_member", ["2"], "2"),
        ("limits", "max_clones_per_member", ["3"], "3"),
        ("limits", "max_clones_per_day", ["50"], "50"),
        ("moderators", "moderator_role", [court.role], f"<@&{court.role.id}>"),
        ("moderators", "log_channel", [channel], f"<#{channel.id}>"),
    ):
        shown = await court.choose(page, rule, values)
        assert sentence(f"rule.is.{rule}", value=Markup(expected)) in text(shown).splitlines()
    audit = await court.hedy.slash(channel, "voiceadmin audit", kind="policy")
    assert sentence("moderators.audit", rows=9) in text(audit)
    assert f"Roles that may clone, none → <@&{court.role.id}>" in text(audit)
    assert "Clones a day, each member, none → 3" in text(audit)


@pytest.mark.parametrize("command", ["settings", "blocked", "audit"])
async def test_only_moderators_decide(court: Court, command: str):
    with pytest.raises(simcord.SetupError):  # Discord does not even show it
        await court.world.ada.slash(court.world.channel, f"voiceadmin {command}")


async def test_buttons_of_the_panel_check_again_who_clicks(court: Court):
    world = court.world
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="x", custom_id="defaults:switches"))
    view.add_item(discord.ui.Button(label="y", custom_id="page:audit:0::"))
    view.add_item(discord.ui.Button(label="z", custom_id="page:blocked:0:"))
    view.add_item(
        discord.ui.Select(
            custom_id="rules:switches:switches",
            options=[discord.SelectOption(label="Cloning", value="cloning")],
        )
    )
    await court.switch("sharing")
    sent = await world.bot.get_partial_messageable(world.channel.id).send("x", view=view)
    for label in ("x", "y", "z"):
        refused = await world.ada.click(sent, label=label)
        assert refused.followups[0].content == NOT_MODERATOR
    refused = await world.ada.select(sent, ["cloning"], custom_id="rules:switches:switches")
    assert refused.followups[0].content == NOT_MODERATOR
    assert sentence("rule.is.cloning", value="off") in text(await court.panel())


async def test_the_moderation_role_decides_too(court: Court):
    world = court.world
    await court.choose("moderators", "moderator_role", [court.role])
    mod = world.ada.guild.add_member(world.env.create_user("mod"), roles=[court.role])
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="x", custom_id="defaults:switches"))
    sent = await world.bot.get_partial_messageable(world.channel.id).send("x", view=view)
    pressed = await mod.click(sent, label="x")
    assert pressed.followups == []


class TestWhoMayClone:
    """A refusal says which rule, and when or how it can be met; nothing is stored or sent."""

    async def refused(self, court: Court) -> str:
        world = court.world
        said = text(await world.send(world.ada))
        assert world.jobs() == []
        assert world.posts() == []
        return said

    async def test_nobody_where_it_is_off(self, court: Court):
        await court.switch("sharing", "speaking")
        assert await self.refused(court) == sentence("rule.cloning_off")

    async def test_only_roles_that_may(self, court: Court):
        await court.choose("who", "clone_roles", [court.role])
        assert f"<@&{court.role.id}>" in await self.refused(court)
        world = court.world
        may = world.ada.guild.add_member(world.env.create_user("may"), roles=[court.role])
        await world.send(may, title="May")
        assert len(world.stored(may)) == 1

    async def test_only_channels_that_may(self, court: Court):
        other = court.world.ada.guild.create_text_channel("voices")
        await court.choose("who", "clone_channels", [other])
        assert f"<#{other.id}>" in await self.refused(court)

    @pytest.mark.parametrize(
        ("rule", "key"), [("min_account_days", "account"), ("min_member_days", "been here")]
    )
    async def test_nobody_too_new(self, court: Court, rule: str, key: str, monkeypatch: pytest.MonkeyPatch):
        await court.choose("who", rule, ["365"])
        now = discord.utils.utcnow().timestamp
        monkeypatch.setattr(court.world.bot.moderation._clock, "now", now, raising=True)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the simulated Discord's time is the real one
        said = await self.refused(court)
        assert key in said.casefold()
        assert "<t:" in said

    async def test_no_more_voices_than_allowed(self, court: Court):
        await court.choose("limits", "max_voices_per_member", ["1"])
        await court.world.voice(court.world.ada, "First")
        assert await self.refused(court) == sentence("rule.voices", limit=1)

    @pytest.mark.parametrize("rule", ["max_clones_per_member", "max_clones_per_day"])
    async def test_no_more_clones_a_day_than_allowed(self, court: Court, rule: str):
        world = court.world
        await court.choose("limits", rule, ["1" if rule == "max_clones_per_member" else "5"])
        who = (
            [world.ada]
            if rule == "max_clones_per_member"
            else [world.ada, world.grace, world.linus, world.ada, world.grace]
        )
        for number, member in enumerate(who):
            await world.send(member, title=f"Voice {number}")
            await until(lambda: not world.jobs())
        said = text(await world.send(world.ada, title="One more"))
        assert "a day are allowed here: there is room again <t:" in said
        assert len(world.posts()) == len(who)
        clock = world.bot.cloner.clock
        assert isinstance(clock, FastClock)
        clock.skip(24 * 60 * 60)
        await world.send(world.ada, title="Tomorrow")
        assert len(world.posts()) == len(who) + 1


async def test_a_clone_that_waited_is_not_sent_where_cloning_was_switched_off(tmp_path: Path):
    async with (
        Upstream(clone_seconds=1) as upstream,
        opened(tmp_path, upstream, clock=FastClock()) as world,
    ):
        court = court_in(world)
        first = await world.send(world.ada, wait=False)
        await until(lambda: upstream.voices)
        waiting = await world.send(world.grace, title="Waiting", wait=False)
        await until(lambda: sentence("stage.present.queued") in text(waiting))
        await court.switch("sharing", "speaking")
        await world.ended(first)
        await world.ended(waiting)
        assert sentence("rule.cloning_off") in text(waiting)
        assert len(world.posts()) == 1


async def test_where_sharing_or_speaking_is_off_nobody_does(court: Court):
    world = court.world
    await world.voice(world.ada, "Ada")
    await court.switch("cloning")
    shared = await world.ada.slash(world.channel, "voices share", voice="Ada")
    assert text(shared) == sentence("rule.sharing_off")
    assert text(await world.ada.slash(world.channel, "speak", voice="Ada", text="Hi")) == sentence(
        "rule.speaking_off"
    )
    there, (ada,) = world.elsewhere(world.ada)
    assert "🎙️ Ada" in text(await ada.slash(there, "voices share", voice="Ada")), "it is this server's rule"


async def test_a_line_is_not_posted_where_speaking_was_switched_off_meanwhile(tmp_path: Path):
    async with (
        Upstream(speech_seconds=0.5) as upstream,
        opened(tmp_path, upstream, clock=FastClock()) as world,
    ):
        court = court_in(world)
        await world.voice(world.ada, "Ada")
        result = await speak(world, world.ada, wait=False)
        await until(lambda: upstream.speeches)
        await court.switch("cloning", "sharing")
        await until(lambda: sentence("rule.speaking_off") in text(result))
        assert result.followups == []


class TestBlocks:
    """Whoever is blocked takes no part here, keeps what is theirs, and is told why."""

    async def test_they_neither_clone_nor_share_nor_speak(self, court: Court):
        world = court.world
        await world.voice(world.ada, "Ada")
        done = await court.block(world.ada, reason="*spam*")
        assert text(done) == sentence("block.done", name="ada")
        said = sentence("rule.blocked", reason="*spam*")
        assert text(await world.send(world.ada, title="New")) == said
        for command, options in (("voices share", {}), ("speak", {"text": "Hi"})):
            assert text(await world.ada.slash(world.channel, command, voice="Ada", **options)) == said
        assert world.posts() == []
        assert not [request for request in world.upstream.requests if request.path == SPEECH]
        assert (await world.ada.slash(world.channel, "voices export")).followups == []
        assert "Ada" in text(await world.ada.slash(world.channel, "voices list"))
        there, (ada,) = world.elsewhere(world.ada)
        assert "Ada" in text(await ada.slash(there, "voices share", voice="Ada")), "only here"

    async def test_a_block_ends_by_itself_or_by_hand(self, court: Court):
        world = court.world
        await world.voice(world.ada, "Ada")
        await court.block(world.ada, days=1)
        listed = await court.hedy.slash(world.channel, "voiceadmin blocked")
        assert "**ada**" in text(listed)
        clock = world.bot.cloner.clock
        assert isinstance(clock, FastClock)
        clock.skip(24 * 60 * 60)
        assert "🎙️ Ada" in text(await world.ada.slash(world.channel, "voices share", voice="Ada"))
        unblocked = await court.hedy.slash(world.channel, "voiceadmin unblock", member=world.ada)
        assert text(unblocked) == sentence("refused.not_blocked")
        await court.block(world.ada)
        await court.hedy.slash(world.channel, "voiceadmin unblock", member=world.ada)
        assert "🎙️ Ada" in text(await world.ada.slash(world.channel, "voices share", voice="Ada"))
        assert sentence("moderators.none.blocked") in text(
            await court.hedy.slash(world.channel, "voiceadmin blocked")
        )

    async def test_leaving_and_coming_back_sheds_no_block(self, court: Court):
        world = court.world
        await court.block(world.ada)
        world.ada.guild.remove_member(world.ada)
        back = world.ada.guild.add_member(world.ada.user)
        assert sentence("rule.blocked", reason="spam") in text(await world.send(back))

    async def test_a_clone_that_waits_is_cancelled(self, tmp_path: Path):
        async with (
            Upstream(clone_seconds=1) as upstream,
            opened(tmp_path, upstream, clock=FastClock()) as world,
        ):
            court = court_in(world)
            await world.send(world.grace, title="First", wait=False)
            await until(lambda: upstream.voices)
            waiting = await world.send(world.ada, wait=False)
            await until(lambda: sentence("stage.present.queued") in text(waiting))
            await court.block(world.ada)
            await until(lambda: sentence("rule.blocked", reason="spam") in text(waiting))
            assert len(world.posts()) == 1


class TestTheTrail:
    """Every decision is on record: who, what, why, when; and in the log channel, if there is one."""

    async def test_it_is_newest_first_and_can_be_filtered(self, court: Court):
        world = court.world
        await court.switch("cloning")
        await court.block(world.ada, reason="*one*")
        await court.block(world.grace, reason="two")
        audit = await court.hedy.slash(world.channel, "voiceadmin audit")
        lines = (embed_of(audit).description or "").splitlines()
        assert ["blocked grace: two" in lines[0], r"blocked ada: \*one\*" in lines[1]] == [True, True]
        assert "**hedy**: Speaking, on → off" in lines[2]
        about = await court.hedy.slash(world.channel, "voiceadmin audit", member=world.ada)
        assert len((embed_of(about).description or "").splitlines()) == 1
        rules = await court.hedy.slash(world.channel, "voiceadmin audit", kind="policy")
        assert "blocked" not in (embed_of(rules).description or "")

    async def test_the_log_channel_hears_of_it(self, court: Court):
        world = court.world
        log = world.ada.guild.create_text_channel("log")
        await court.choose("moderators", "log_channel", [log])
        await court.block(world.ada)
        said = [message.content for message in log.history()]
        assert ["blocked ada: spam" in line for line in said] == [False, True]

    async def test_a_log_channel_that_is_closed_or_gone_is_said_on_the_panel(self, court: Court):
        world = court.world
        shown = await court.choose("moderators", "log_channel", [world.channel])
        assert sentence("panel.log_gone") not in text(shown)
        file = world.folder / "servers" / f"{world.ada.guild.id}.json"
        record = json.loads(file.read_text("utf-8"))
        record["policy"]["1"]["log_channel"] = 7
        file.write_text(json.dumps(record), "utf-8")
        await world.restart()
        assert sentence("panel.log_gone") in text(await court.panel())
        await court.block(world.ada)
        assert "blocked ada" in text(await court.hedy.slash(world.channel, "voiceadmin audit"))

    async def test_a_role_or_channel_that_was_deleted_is_said_on_the_panel(self, court: Court):
        world = court.world
        await court.choose("who", "clone_roles", [court.role])
        file = world.folder / "servers" / f"{world.ada.guild.id}.json"
        record = json.loads(file.read_text("utf-8"))
        record["policy"]["1"] |= {"clone_roles": [7, court.role.id], "clone_channels": [8]}
        file.write_text(json.dumps(record), "utf-8")
        await world.restart()
        shown = text(await court.panel("who"))
        assert sentence("rule.is.clone_roles", value=Markup(f"<@&{court.role.id}>, deleted")) in shown
        assert sentence("rule.is.clone_channels", value="deleted") in shown
        assert shown.count(sentence("panel.some_gone")) == 2
        await court.choose("who", "clone_channels", [])
        assert sentence("rule.is.clone_channels", value="everywhere") in text(await court.panel("who"))

    async def test_it_survives_forgetting_and_the_count_of_clones_names_nobody(self, court: Court):
        world = court.world
        await world.send(world.ada)
        await court.block(world.ada)
        await forget(world, world.ada)
        rules = world.folder / "servers" / f"{world.ada.guild.id}.json"
        await until(lambda: f'"owner_id":{world.ada.id}' not in on_disk(world))
        assert str(world.ada.id) in json.loads(rules.read_text("utf-8"))["blocks"]


async def test_damaged_rules_refuse_what_depends_on_them(court: Court):
    world = court.world
    await world.voice(world.ada, "Ada")
    await court.switch("cloning")
    (world.folder / "servers" / f"{world.ada.guild.id}.json").write_bytes(b"{")
    await world.restart()
    for command, options in (("voices share", {}), ("speak", {"text": "Hi"})):
        refused = await world.ada.slash(world.channel, command, voice="Ada", **options)
        assert text(refused) == sentence("store.damaged")
    assert text(await world.send(world.ada, title="New")) == sentence("store.damaged")


async def test_ten_long_rows_fit_into_one_answer(court: Court):
    world = court.world
    for number in range(10):
        member = world.ada.guild.add_member(world.env.create_user(f"member{number}"))
        await court.block(member, reason="*" * 200)
    for command in ("voiceadmin blocked", "voiceadmin audit"):
        listed = embed_of(await court.hedy.slash(world.channel, command)).description or ""
        assert len(listed) <= 4096
        assert len(listed.splitlines()) == 10


async def test_what_is_no_rule_changes_nothing_and_leaves_nothing(court: Court):
    world = court.world
    view = discord.ui.View(timeout=None)
    options = [discord.SelectOption(label="x", value="1")]
    view.add_item(discord.ui.Select(custom_id="rules:switches:nonsense", options=options))
    sent = await world.bot.get_partial_messageable(world.channel.id).send("x", view=view)
    await court.hedy.select(sent, ["1"], custom_id="rules:switches:nonsense")
    assert not [*(world.folder / "servers").iterdir()]
