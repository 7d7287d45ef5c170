"""`/voiceadmin` for moderators, and its rules for members."""

import json
from dataclasses import replace

import discord
import pytest
import simcord
from simcord.results import InteractionResult

from bot.i18n import Markup
from support.clocks import until
from support.moderators import Court, entry_of, logged
from support.people import SPEECH, forget, press
from support.reading import embed_of, message, sentence, text
from support.world import World, on_disk


async def test_panel_shows_rules_saves_at_once_and_restores_defaults(court: Court):
    shown = await court.panel()
    assert shown.ephemeral
    assert sentence("rule.is.cloning", value=sentence("panel.on")) in text(shown)
    await court.hedy.click(message(shown), custom_id="switch:cloning:off")
    assert sentence("rule.is.cloning", value=sentence("panel.off")) in text(shown)
    await court.world.restart()
    again = await court.panel()
    assert sentence("rule.is.cloning", value=sentence("panel.off")) in text(again)
    await press(court.hedy, again, "button.defaults")
    assert sentence("panel.reset") in text(again)
    await press(court.hedy, again, "button.keep_rules")
    assert sentence("rule.is.cloning", value=sentence("panel.off")) in text(again)
    await press(court.hedy, again, "button.defaults")
    await court.world.restart()
    await press(court.hedy, again, "button.reset_rules")
    assert sentence("rule.is.cloning", value=sentence("panel.on")) in text(again)


async def test_panel_begins_with_what_the_rules_mean(court: Court):
    assert sentence("panel.hint") in text(await court.panel()), "nothing has been chosen yet"
    log = await logged(court)
    await court.choose("who", "clone_roles", [court.role])
    await court.choose("limits", "max_voices_per_member", ["1"])
    await court.switch("cloning", "require_consent")
    shown = text(await court.panel())
    assert sentence("panel.hint") not in shown
    [summary] = [line for line in shown.splitlines() if sentence("panel.summary.approval") in line]
    assert summary.split(". ") == [
        sentence("panel.summary.roles", roles=(court.role.id,)).removesuffix("."),
        "Each member can have 1 voice",
        "Speakers must agree",
        f"Reports go to <#{log.id}>.",
    ]
    await court.switch()
    assert sentence("rule.cloning_off") in text(await court.panel())


async def test_page_of_the_panel_leads_back_to_the_first(court: Court):
    page = await court.panel("limits")
    assert sentence("rule.is.cloning", value=sentence("panel.on")) not in text(page)
    await press(court.hedy, page, "button.back")
    assert sentence("rule.is.cloning", value=sentence("panel.on")) in text(page)


def values_of(rule: str, panel: InteractionResult) -> list[str]:
    """Return what the panel says about a rule."""
    start = sentence(f"rule.is.{rule}", value="")
    return [line.removeprefix(start) for line in text(panel).splitlines() if line.startswith(start)]


async def test_each_rule_can_be_set_on_its_page(court: Court):
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
        [before] = values_of(rule, await court.panel(page))
        shown = await court.choose(page, rule, values)
        assert values_of(rule, shown) == [expected]
        audit = await court.hedy.slash(channel, "voiceadmin audit", kind="policy")
        assert f"{sentence(f'rule.name.{rule}')}: {before} → {expected}" in text(audit), "the panel has the same words"
    assert sentence("moderators.audit", rows=9) in text(audit)


async def test_panel_that_was_sent_before_rules_were_renamed_still_works(court: Court):
    for custom_id, values, value in (
        ("rules:limits:voices_a_member", ["3"], "3"),
        ("rules:switches:switches", ["outsiders", "approval"], "approval"),
    ):
        sent = await court.world.forge_select(custom_id, *values, on="outsiders")
        await court.hedy.select(sent, [value], custom_id=custom_id)
    shown = text(await court.panel())
    assert sentence("rule.is.max_voices_per_member", value="3") in shown
    assert sentence("rule.is.require_consent", value=sentence("panel.on")) in shown
    assert sentence("rule.is.allow_absent_speakers", value=sentence("panel.off")) in shown


@pytest.mark.parametrize("custom_id", ["voice:fly:1", "voice:speak:x", "pick:nothing", "unknown:1"])
async def test_unknown_custom_id_is_answered_with_a_sentence(court: Court, custom_id: str):
    clicked = await court.hedy.click(await court.world.forge(custom_id), label="x")
    assert text(clicked) == sentence("refused.action_unknown")
    assert clicked.ephemeral


@pytest.mark.parametrize("command", ["settings", "blocked", "audit"])
async def test_commands_are_hidden_from_members(court: Court, command: str):
    with pytest.raises(simcord.SetupError):  # Discord does not show it
        await court.world.ada.slash(court.world.channel, f"voiceadmin {command}")


class TestWhoMayClone:
    """A refusal names the rule and how to meet it; nothing is stored or sent."""

    async def refused(self, court: Court) -> str:
        world = court.world
        said = text(await world.send(world.ada))
        assert world.jobs() == []
        assert world.posts() == []
        return said

    async def test_cloning_can_be_switched_off_or_limited(self, court: Court, world: World):
        other = world.ada.guild.create_text_channel("voices")
        await court.switch("sharing", "speaking")
        assert await self.refused(court) == sentence("rule.cloning_off")
        await court.switch("cloning", "sharing", "speaking")
        await court.choose("who", "clone_channels", [other])
        assert f"<#{other.id}>" in await self.refused(court)
        await court.choose("who", "clone_channels", [])
        await court.choose("who", "clone_roles", [court.role])
        assert f"<@&{court.role.id}>" in await self.refused(court)
        may = world.ada.guild.add_member(world.env.create_user("may"), roles=[court.role])
        await world.send(may, title="May")
        assert len(world.stored(may)) == 1

    async def test_voices_per_member_are_limited(self, court: Court):
        await court.choose("limits", "max_voices_per_member", ["1"])
        await court.world.voice(court.world.ada, "First")
        assert await self.refused(court) == sentence("rule.voices", limit=1)

    @pytest.mark.parametrize(
        ("rule", "key"), [("min_account_days", "account"), ("min_member_days", "been in this server")]
    )
    async def test_newcomers_are_refused(self, court: Court, rule: str, key: str, monkeypatch: pytest.MonkeyPatch):
        await court.choose("who", rule, ["365"])
        now = discord.utils.utcnow().timestamp
        clock = court.world.services.clock
        monkeypatch.setattr(clock, "now", now)  # the simulated Discord's time is the real one
        said = await self.refused(court)
        assert key in said.casefold()
        assert "<t:" in said

    @pytest.mark.parametrize("rule", ["max_clones_per_member", "max_clones_per_day"])
    async def test_clones_per_day_are_limited(self, court: Court, world: World, rule: str):
        everyone = [world.ada, world.grace, world.linus, world.ada, world.grace]
        who = everyone[:1] if rule == "max_clones_per_member" else everyone
        await court.choose("limits", rule, [str(len(who))])
        for number, member in enumerate(who):
            await world.send(member, title=f"Voice {number}")
            await until(lambda: not world.jobs())
        said = text(await world.send(world.ada, title="One more"))
        assert "a day. You can clone again <t:" in said
        assert len(world.posts()) == len(who)
        world.skip(24 * 60 * 60)
        await world.send(world.ada, title="Tomorrow")
        assert len(world.posts()) == len(who) + 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("cloning off", sentence("rule.cloning_off")),
        ("another channel", "You can only clone voices in these channels"),
        ("a block", sentence("rule.blocked", reason="spam")),
    ],
)
@pytest.mark.world(held=True)
async def test_queued_clone_must_meet_the_current_rules(court: Court, world: World, change: str, said: str):
    await world.send(world.grace, title="First", wait=False)
    await until(lambda: world.upstream.voices)
    waiting = await world.send(world.ada, wait=False)
    await until(lambda: sentence("stage.present.queued") in text(waiting))
    if change == "cloning off":
        await court.switch("sharing", "speaking")
    elif change == "a block":
        await court.block(world.ada)
    else:
        await court.choose("who", "clone_channels", [world.ada.guild.create_text_channel("only-here")])
    world.release()
    await until(lambda: said in text(waiting))
    assert len(world.posts()) == 1


async def test_sharing_and_speaking_can_be_switched_off(court: Court, world: World):
    await world.voice(world.ada, "Ada")
    await court.switch("cloning")
    assert text(await world.ada.slash(world.channel, "voices share", voice="Ada")) == sentence("rule.sharing_off")
    assert text(await world.ada.slash(world.channel, "speak", voice="Ada", text="Hi")) == sentence("rule.speaking_off")
    there, (ada,) = world.elsewhere(world.ada)
    assert "🎙️ Ada" in text(await ada.slash(there, "voices share", voice="Ada")), "the rule is this server's"


class TestBlocks:
    """A blocked member cannot take part, keeps their voices, and sees the reason."""

    async def test_blocked_member_neither_clones_nor_shares_nor_speaks(self, court: Court, world: World):
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
        assert "Ada" in text(await ada.slash(there, "voices share", voice="Ada")), "blocked in one server only"

    async def test_block_ends_by_itself_or_by_hand_but_not_by_leaving(self, court: Court, world: World):
        await world.voice(world.ada, "Ada")
        await court.block(world.ada, days=1)
        assert "**ada**" in text(await court.list("blocked"))
        world.skip(24 * 60 * 60)
        assert "🎙️ Ada" in text(await world.ada.slash(world.channel, "voices share", voice="Ada"))
        assert text(await court.unblock(world.ada)) == sentence("refused.not_blocked")
        await court.block(world.ada)
        world.ada.guild.remove_member(world.ada)
        back = world.ada.guild.add_member(world.ada.user)
        assert sentence("rule.blocked", reason="spam") in text(await world.send(back))
        await court.unblock(world.ada)
        assert "🎙️ Ada" in text(await world.ada.slash(world.channel, "voices share", voice="Ada"))
        assert sentence("moderators.none.blocked") in text(await court.list("blocked"))


class TestAudit:
    """Each decision is in the audit log, and in the log channel if one is set."""

    async def test_audit_is_newest_first_and_can_be_filtered(self, court: Court, world: World):
        log = await logged(court)
        await court.switch("cloning", "sharing", "allow_absent_speakers")
        await court.block(world.ada, reason="*one*")
        await court.block(world.grace, days=3)
        lines = (embed_of(await court.list("audit")).description or "").splitlines()
        assert ["blocked until <t:" in lines[0], r"blocked: ada. Reason: \*one\*" in lines[1]] == [True, True]
        assert "**hedy** · Making clips: On → Off" in lines[2]
        said = [entry_of(message) for message in log.history()]
        assert ["blocked" in line for line in said] == [False, False, True, True]
        about = await court.list("audit", member=world.ada)
        assert len((embed_of(about).description or "").splitlines()) == 1
        rules = await court.list("audit", kind="policy")
        assert "blocked" not in (embed_of(rules).description or "")

    async def test_panel_shows_deleted_roles_and_channels(self, court: Court, world: World):
        await court.choose("who", "clone_roles", [court.role])
        shown = await court.choose("moderators", "log_channel", [world.channel])
        assert sentence("panel.log_gone") not in text(shown)
        policy = await world.store.servers.policy(world.guild_id)
        gone = replace(policy, clone_roles=(7, court.role.id), clone_channels=(8,), log_channel=7)
        await world.store.servers.put_policy(world.guild_id, gone)
        await world.restart()
        assert sentence("panel.log_gone") in text(await court.panel())
        shown = text(await court.panel("who"))
        assert sentence("rule.is.clone_roles", value=Markup(f"<@&{court.role.id}>, deleted")) in shown
        assert sentence("rule.is.clone_channels", value="deleted") in shown
        assert shown.count(sentence("panel.some_gone")) == 2
        await court.choose("who", "clone_channels", [])
        assert sentence("rule.is.clone_channels", value=sentence("panel.everywhere")) in text(await court.panel("who"))
        await court.block(world.ada)
        assert "blocked: ada" in text(await court.list("audit"))

    async def test_audit_survives_an_erasure_and_counts_name_no_member(self, court: Court, world: World):
        await world.send(world.ada)
        await court.block(world.ada)
        await forget(world, world.ada)
        rules = world.server_file()
        await until(lambda: f'"owner_id":{world.ada.id}' not in on_disk(world))
        assert str(world.ada.id) in json.loads(rules.read_text("utf-8"))["blocks"]


async def test_damaged_rules_refuse_what_depends_on_them(court: Court, world: World):
    await world.voice(world.ada, "Ada")
    await court.switch("cloning")
    (world.server_file()).write_bytes(b"{")
    await world.restart()
    for command, options in (("voices share", {}), ("speak", {"text": "Hi"})):
        assert text(await world.ada.slash(world.channel, command, voice="Ada", **options)) == sentence("store.damaged")
    assert text(await world.send(world.ada, title="New")) == sentence("store.damaged")


async def test_ten_long_rows_fit_into_one_reply(court: Court, world: World):
    for number in range(10):
        member = world.ada.guild.add_member(world.env.create_user(f"member{number}"))
        await court.block(member, reason="*" * 200)
    for command in ("voiceadmin blocked", "voiceadmin audit"):
        listed = embed_of(await court.hedy.slash(world.channel, command)).description or ""
        assert len(listed) <= 4096
        assert len(listed.splitlines()) == 10


async def test_unknown_rule_changes_nothing(court: Court, world: World):
    sent = await world.forge_select("rules:switches:nonsense", "1")
    await court.hedy.select(sent, ["1"], custom_id="rules:switches:nonsense")
    assert not [*(world.folder / "servers").iterdir()]
