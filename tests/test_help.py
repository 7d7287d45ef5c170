"""`/help` tells what the member can do in this channel, given the rules and their roles, and who runs the bot."""

from dataclasses import replace

import pytest

from bot.client.client import Operator
from support.moderators import Court, reported
from support.reading import embed_of, message, sentence
from support.world import World

BY = Operator("Ada, ada@example.org", "https://example.org/help", "https://example.org/privacy")


async def lines(world: World, court: Court | None = None) -> list[str]:
    """Return the lines of the help for Ada, or for the moderator of a court."""
    who = court.hedy if court else world.ada
    return (embed_of(await who.slash(world.channel, "help")).description or "").splitlines()


async def test_member_who_may_do_everything_sees_five_lines(world: World):
    await world.voice(world.ada, "Ada")
    expected = ["help.speak", "help.share", "help.report", "help.data"]
    assert await lines(world) == [sentence("help.clone", voices=1), *map(sentence, expected)]


async def test_what_the_rules_forbid_is_replaced_by_the_reason(court: Court, world: World):
    await court.switch("sharing")  # the others are off now
    told = await lines(world)
    assert told[:2] == [f"🚫 {sentence('rule.cloning_off')}", f"🚫 {sentence('rule.speaking_off')}"]
    assert told[2] == sentence("help.share")


@pytest.mark.parametrize("rule", ["clone_roles", "clone_channels"])
async def test_rules_about_roles_and_channels_apply_to_this_member_here(court: Court, world: World, rule: str):
    policy = await world.store.servers.policy(world.guild_id)
    await world.store.servers.put_policy(world.guild_id, replace(policy, **{rule: (court.role.id,)}))
    kind = {"clone_roles": ("rule.role", "roles"), "clone_channels": ("rule.channel", "channels")}[rule]
    first, *others = await lines(world)
    assert first == "🚫 " + sentence(kind[0], **{kind[1]: (court.role.id,)})
    assert sentence("help.speak") in others


async def test_blocked_member_sees_the_reason_once(court: Court, world: World):
    await court.block(world.ada, reason="*spam*")
    assert await lines(world) == [f"🚫 {sentence('rule.blocked', reason='*spam*')}", sentence("help.data")]


async def test_moderator_sees_the_number_of_open_reports(court: Court, world: World):
    assert sentence("help.moderate", reports=0) in await lines(world, court)
    await reported(world)
    assert sentence("help.moderate", reports=1) in await lines(world, court)
    assert not any("voiceadmin" in line for line in await lines(world))


async def test_operator_and_links_are_shown_if_they_are_set(world: World):
    shown = await world.ada.slash(world.channel, "help")
    assert shown.ephemeral
    assert sentence("help.where") in str(embed_of(shown).fields)
    assert "run by" not in str(embed_of(shown).footer.text)
    assert message(shown).components == []
    world.bot.operator = BY
    shown = await world.ada.slash(world.channel, "help")
    assert "run by Ada, ada@example.org" in str(embed_of(shown).footer.text)
    [row] = message(shown).components
    assert [button["url"] for button in row["components"]] == [BY.support_url, BY.privacy_url]
