"""Each interaction gets an answer: in old forms, with forged IDs, when Discord refuses, and if its answer is lost."""

from collections.abc import Callable
from typing import Any

import discord
import pytest
from simcord.backend.serializers import message_payload
from simcord.http.client import FakeWebhookAdapter

from bot.client.tree import REFUSALS
from support.clocks import until
from support.people import card_of, press
from support.reading import fields, replies, sentence, text
from support.world import World

LATE = (10062, 10015)
CALLBACK = "/interactions/*/*/callback"
ORIGINAL = "/webhooks/*/messages/@original"


def synced(world: World, name: str) -> dict[str, Any]:
    commands = world.env.backend.visible_commands(user_id=world.ada.id, channel_id=world.channel.id)
    return next(command for command in commands if command["name"] == name)


def without_command(world: World) -> None:
    world.bot.tree.remove_command("speak")


def without_option(world: World) -> None:
    synced(world, "speak")["options"].append({"type": 3, "name": "tempo", "description": "x"})


def with_another_choice(world: World) -> None:
    [option] = [option for option in synced(world, "voices")["options"] if option["name"] == "community"]
    [language] = [option for option in option["options"] if option["name"] == "language"]
    language["choices"].append({"name": "Latin", "value": "la"})


def with_another_type(world: World) -> None:
    synced(world, "speak")["options"][0] |= {"type": 4}
    synced(world, "speak")["options"][0].pop("min_length")
    synced(world, "speak")["options"][0].pop("max_length")
    synced(world, "speak")["options"][0].pop("autocomplete")


@pytest.mark.parametrize(
    ("change", "command", "options"),
    [
        (without_command, "speak", {"voice": "Ada", "text": "Hello"}),
        (without_option, "speak", {"voice": "Ada", "text": "Hello", "tempo": "fast"}),
        (with_another_choice, "voices community", {"language": "la"}),
        (with_another_type, "speak", {"voice": 1, "text": "Hello"}),
    ],
)
async def test_old_form_of_a_command_says_to_reload_discord(
    world: World, change: Callable[[World], None], command: str, options: dict[str, Any]
):
    change(world)
    result = await world.ada.slash(world.channel, command, **options)
    assert text(result) == sentence("refused.outdated")
    assert "Ctrl+R" in text(result)
    world.env._errors.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the error was wanted


async def test_old_form_of_a_menu_says_to_reload_discord(world: World):
    message = await world.ada.send(world.channel, "Hello")
    for menu in world.bot.tree.get_commands(type=discord.AppCommandType.message):
        world.bot.tree.remove_command(menu.name, type=discord.AppCommandType.message)
    result = await world.ada.context_menu(world.channel, "Clone this voice", message)
    assert text(result) == sentence("refused.outdated")
    world.env._errors.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the error was wanted


@pytest.mark.parametrize(
    "custom_id",
    ["x", ":", "a:", "::::", "voice", "voice:", "voice:rename", "voice:rename:" + "9" * 80, "Ünï:\n", "pick:voice",
     "reason:1:2:-", "rules:limits:page", "page:own:\u0661:", "page:own:99999:", "case:dismiss:999999999999999",
     "takedown:99999999999999999999"],
)  # fmt: skip
@pytest.mark.parametrize("as_select", [False, True])
async def test_forged_custom_id_gets_a_sentence(
    world: World, caplog: pytest.LogCaptureFixture, custom_id: str, *, as_select: bool
):
    if as_select:
        sent = await world.forge_select(custom_id, "x", "-1")
        result = await world.ada.select(sent, ["-1"], custom_id=custom_id)
    else:
        result = await world.ada.click(await world.forge(custom_id), label="x")
    assert any(replies(result))
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("kind", [2, 3])
async def test_click_on_what_a_message_does_not_have_gets_a_sentence(world: World, kind: int):
    sent = await world.forge("voice:keep:1")
    extra = {"message": message_payload(world.env.backend, world.env.backend.get_message(sent.channel.id, sent.id))}
    for custom_id, shown in (("voice:keep:2", extra), ("voice:keep:1", extra if kind == 3 else {})):
        data = {"custom_id": custom_id, "component_type": kind, "values": ["1"]}
        result = await world.ada._dispatch_interaction(3, world.channel, data, extra=shown)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- members can't
        assert replies(result) == [sentence("refused.action_unknown")]


@pytest.mark.parametrize("code", REFUSALS)
async def test_refusal_of_discord_has_its_own_sentence(world: World, caplog: pytest.LogCaptureFixture, code: int):
    world.env.inject_error("PATCH", ORIGINAL, status=403 if code >= 50000 else 404, code=code)
    result = await world.ada.slash(world.channel, "voices export")
    assert text(result) == sentence(f"error.discord.{code}")
    assert not [record for record in caplog.records if record.exc_info]
    world.env._errors.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the error was wanted


@pytest.mark.parametrize("code", LATE)
async def test_interaction_that_is_too_old_is_dropped_quietly(
    world: World, caplog: pytest.LogCaptureFixture, code: int
):
    world.env.inject_error("POST", CALLBACK, status=404, code=code)
    await world.ada.slash(world.channel, "voices list")
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]
    world.env._errors.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the error was wanted


async def test_answer_that_the_member_dismissed_gets_a_new_message(world: World):
    world.env.inject_error("PATCH", ORIGINAL, status=404, code=10008, times=2)
    result = await world.ada.slash(world.channel, "voices export")
    assert sentence("error.discord.10008") in replies(result)
    world.env._errors.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the error was wanted


@pytest.fixture
def lossy(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lose Discord's answer to each acknowledgement: it takes effect, and its repetition is refused."""
    lost: list[str] = []
    request = FakeWebhookAdapter.request

    async def lose(self: FakeWebhookAdapter, route: Any, session: Any, **rest: Any) -> Any:
        done = await request(self, route, session, **rest)
        if route.url.endswith("/callback"):
            lost.append(route.url)
            raise ConnectionResetError
        return done

    monkeypatch.setattr(FakeWebhookAdapter, "request", lose)
    return lost


async def test_lost_answers_to_acknowledgements_change_nothing(world: World, lossy: list[str]):
    voice_id = await world.voice(world.ada, "Ada")
    result = await world.send(title="Eve")
    assert sentence("voice.ready", title="Eve") in text(result)  # a deferred command, whose card a job edits
    card = await card_of(world, world.ada, voice_id)
    await press(world.ada, card, "button.share")  # a click
    form = await press(world.ada, card, "button.rename")  # a form that is opened
    await world.ada.submit_modal(form, {fields(form)[0]: "Lovelace"})  # a form that is sent
    assert {"Lovelace", "Eve"} == {voice["title"] for voice in world.stored(world.ada)}
    assert len(lossy) >= 5


async def test_error_reaches_the_member_if_even_the_second_answer_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    request, lost = FakeWebhookAdapter.request, list[str]()

    async def lose(self: FakeWebhookAdapter, route: Any, session: Any, **rest: Any) -> Any:
        if not route.url.endswith("/callback") or len(lost) == 2:
            return await request(self, route, session, **rest)
        lost.append(route.url)
        if len(lost) == 1:
            await request(self, route, session, **rest)
        raise ConnectionResetError

    monkeypatch.setattr(FakeWebhookAdapter, "request", lose)
    result = await world.ada.slash(world.channel, "voices list")
    assert sentence("error.unexpected", id="") in text(result)
    assert len(lost) == 2
    world.env._errors.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the error was wanted


async def test_interaction_that_discord_sends_twice_is_carried_out_once(world: World):
    voice_id = await world.voice(world.ada, "Ada")
    result = await world.ada.slash(world.channel, "speak", voice=str(voice_id), text="Hello")
    await until(lambda: result.followups)
    sent = [payload for _, event, payload in world.env.backend.transcript if event == "INTERACTION_CREATE"]
    world.env.backend.emit("INTERACTION_CREATE", sent[-1])
    await world.idle()
    assert [request.method for request in world.upstream.requests].count("POST") == 1
    assert len(result.followups) == 1
    world.env._errors.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- the error was wanted
