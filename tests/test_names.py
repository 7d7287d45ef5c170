"""Names and titles are shown without characters that can't be seen, and fit, wherever they come from."""

import json
import unicodedata

import pytest

from support.limits import too_long
from support.moderators import Court
from support.people import delete
from support.rounds import full_round
from support.world import World

HIDDEN = "\u202e\u200b\u2066\u061c\u200f\ufeff\U000e0041\u00ad"

WIDE = "*\U0001f600" * 5  # two UTF-16 code units each, the first one when it is escaped


@pytest.mark.world(keep_alive=False)
async def test_nothing_that_the_bot_sends_holds_hidden_characters_or_is_too_long(court: Court, world: World):
    backend = world.env.backend
    backend.guilds[world.guild_id].name = f"Voice{HIDDEN} Club"
    for who in (world.ada, world.grace, world.linus, court.hedy):
        backend.guilds[world.guild_id].members[who.id].nick = f"{HIDDEN}{who.user.name}{HIDDEN}x{WIDE}"
    await full_round(court, f"Kirsch{HIDDEN}kern{2 * WIDE}")
    sent = json.dumps([[entry.path, entry.json] for entry in world.env.http_requests], ensure_ascii=False)
    assert "Kirschkern" in sent
    assert f"adax{WIDE}" in sent
    assert [*too_long([entry.json for entry in world.env.http_requests])] == []
    assert {char for char in sent if unicodedata.category(char) in {"Cf", "Cs", "Co"}} == set()


async def test_member_whose_name_can_not_be_seen_is_called_by_their_user_name(world: World):
    world.env.backend.guilds[world.guild_id].members[world.ada.id].nick = "\u202e\u200b"
    await world.send()
    assert [voice["owner_name"] for voice in world.stored(world.ada)] == ["ada"]
    await delete(world, world.ada)
