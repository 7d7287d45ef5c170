"""Events and frames of the gateway that can't be read end nothing."""

import asyncio
import copy
import gc
import json
import math
from pathlib import Path
from typing import Any

import pytest

from bot.client.gateway import keep_reading
from bot.demo.upstream import Upstream
from bot.log import MaskingFormatter, log_unhandled
from support.clocks import until
from support.discord_double import CHANNEL, GUILD
from support.lives import ADA, living
from support.payloads import ODD, mutations
from support.people import card_of, press
from support.reading import fields, text
from support.world import World, on_disk

TOKEN = "aW50ZXJhY3Rpb246dG9rZW4"
BARE_USER = {"id": str(ADA), "username": "ada", "discriminator": "0"}
CLICK: dict[str, Any] = {
    "id": "5002",
    "application_id": "1001",
    "type": 3,
    "token": TOKEN,
    "version": 1,
    "guild_id": GUILD,
    "channel_id": CHANNEL,
    "member": {"user": BARE_USER, "roles": [], "joined_at": None, "permissions": "0"},
    "data": {"custom_id": "voice:open:1", "component_type": 2},
}
EVENTS: list[tuple[str, Any]] = [
    ("INTERACTION_CREATE", CLICK),
    ("INTERACTION_CREATE", {"type": TOKEN}),
    ("CHANNEL_UPDATE", {"id": TOKEN, "type": 0}),
    ("GUILD_CREATE", None),
    ("MESSAGE_DELETE", []),
]
FRAMES = [
    f'{{"op": 0, "t": "READY", "s": 1, "d": {{"token": "{TOKEN}"}}}}',
    f'"{TOKEN}"',
    "{",
    '{"op": 0, "t": "CHANNEL_CREATE", "s": 1, "d": ' + "[" * 100_000,
    '{"op": 0, "t": "CHANNEL_CREATE", "s": 1, "d": ' + "9" * 5000 + "}",
]


async def test_unreadable_events_and_frames_are_logged_as_json_and_the_bot_goes_on(tmp_path: Path):
    waits = ('log_level="DEBUG"', 'log_format="json"', "bot.client.client:RECONNECT_SECONDS=0")
    async with living(tmp_path, Upstream(), *waits) as life:

        def told(start: str) -> list[dict[str, Any]]:
            lines = [json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines()]
            return [line for line in lines if line["message"].startswith(start)]

        await life.double.connected.wait()
        for event, payload in EVENTS:
            life.double.dispatch(event, payload)
        await until(lambda: len(told("Discord's event")) == len(EVENTS))
        for (event, _), line in zip(EVENTS, told("Discord's event"), strict=True):
            assert event in line["message"]
            assert "state.py" in line["exception"]
        for number, frame in enumerate(FRAMES, 1):
            life.double.send(frame)
            await until(lambda number=number: len(told("Shard ID None has connected")) == number + 1)
            await life.double.connected.wait()
        assert len(told("a frame from Discord")) == len(FRAMES)
        await life.order("Kirschkern")
        await until(life.records)
        log = (tmp_path / "log").read_text("utf-8")
        for secret in (TOKEN, life.answer.token, "Kirschkern", "user:1234"):
            assert secret not in log


def test_first_event_that_cannot_be_read_ends_the_connection_and_no_other_does():
    def fail(data: object) -> None:
        raise KeyError(data)

    parsers = {"READY": fail, "GUILD_CREATE": fail}
    keep_reading(parsers)
    parsers["GUILD_CREATE"]("x")
    with pytest.raises(KeyError):
        parsers["READY"]("x")


@pytest.mark.parametrize(
    "changes",
    [
        *(
            {name: value}
            for name in ("id", "application_id", "guild_id", "channel_id")
            for value in ("0", -1, 2**64, "x")
        ),
        {"member": {"user": {"id": "-5"}}},
        {"channel": {"id": 1.5}},
        {"message": {"id": "1" * 21}},
        {"data": {"resolved": {"users": {"0": {}}}}},
        {"data": {"options": [{"value": math.nan}]}},
        {"data": {"options": [{"options": [{"value": -math.inf}]}]}},
        {"locale": 5},
        {"attachment_size_limit": "big"},
    ],
)
def test_interaction_with_a_value_out_of_range_is_not_parsed(changes: dict[str, Any]):
    parsed: list[object] = []

    def parse(data: object) -> None:
        parsed.append(data)

    parsers = {"INTERACTION_CREATE": parse}
    keep_reading(parsers)
    parsers["INTERACTION_CREATE"](CLICK | changes)
    assert parsed == []
    parsers["INTERACTION_CREATE"](CLICK)
    assert parsed == [CLICK]


FILE = {"id": "7", "filename": "a.mp3", "size": 1, "url": "https://cdn.discordapp.com/a", "content_type": "audio/mpeg"}


@pytest.mark.parametrize("holder", ["attachments", "messages", "snapshots"])
@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("id", "-7", False),
        ("id", str(2**64), False),
        ("size", "1", False),
        ("size", 10**400, False),
        ("url", None, False),
        ("filename", ["a.mp3"], False),
        ("content_type", 1, False),
        ("content_type", None, True),
        ("title", {}, False),
    ],
)
def test_files_with_odd_fields_are_not_read(holder: str, name: str, value: object, *, read: bool):
    file = FILE | {name: value}
    inner = {"attachments": [file]}
    resolved: dict[str, Any] = {
        "attachments": {"attachments": {"7": file}},
        "messages": {"messages": {"8": inner}},
        "snapshots": {"messages": {"8": {"attachments": [], "message_snapshots": [{"message": inner}]}}},
    }
    seen: list[object] = []
    parsers = {"INTERACTION_CREATE": seen.append}
    keep_reading(parsers)
    parsers["INTERACTION_CREATE"](CLICK | {"data": {"resolved": resolved[holder]}})
    assert bool(seen) is read


@pytest.mark.world(keep_alive=False)
async def test_mutated_events_end_nothing_and_are_logged_without_their_texts(
    world: World, caplog: pytest.LogCaptureFixture
):
    asyncio.get_running_loop().set_exception_handler(log_unhandled)
    voice_id = await world.voice(world.ada, "Ada")
    card = await card_of(world, world.ada, voice_id)
    await world.ada.autocomplete(world.channel, "voices show", "voice", "A")
    form = await press(world.ada, card, "button.rename")
    await world.ada.submit_modal(form, {fields(form)[0]: "Urgroßtante"})
    samples: dict[tuple[str, int], Any] = {}
    for way, event, payload in world.env.backend.transcript:
        if way == "GATEWAY":
            samples[event, payload.get("type", 0)] = copy.deepcopy(payload)
    assert {kind for event, kind in samples if event == "INTERACTION_CREATE"} == {2, 3, 4, 5}
    parsers = world.bot._connection.parsers  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] -- it has no other door
    for (event, _), payload in samples.items():
        for _, changed in list(mutations(payload))[::8]:
            parsers[event](changed)
        await world.idle()
    for event in set(parsers) - {"READY"}:
        for value in ODD:
            parsers[event](copy.deepcopy(value))
    await world.idle()
    gc.collect()
    world.env._errors.clear()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] -- these were meant to fail
    assert len(caplog.records) > 100
    form_of = MaskingFormatter("json", [])
    logged = [json.loads(form_of.format(record)) for record in caplog.records]
    shown = json.dumps(logged)
    for secret in ("Urgro", "simcord_interaction_", "xxxxxx"):
        assert secret not in shown
    assert not any(word in on_disk(world) for word in ("NaN", "Infinity"))
    assert "Urgroßtante" in text(await world.ada.slash(world.channel, "voices list"))
