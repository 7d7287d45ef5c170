"""A killed bot finishes each accepted clip and speaks none twice."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.demo.upstream import ClonedVoice, Upstream
from bot.demo.wire import Call
from bot.store.tiny.store import open_store
from support.audio import GOOD
from support.builders import VOICE
from support.clocks import PATIENCE, until
from support.discord_double import Message
from support.lives import ADA, Life, living
from support.reading import read_files, sentence

UNCLEAR = sentence("line.mureka.unknown")


@asynccontextmanager
async def begun(home: Path) -> AsyncGenerator[Life]:
    """Give Ada a voice, start a bot, and send `/speak`."""
    async with open_store(home / "data") as store:
        await store.members.put(replace(VOICE, owner_id=ADA))
    upstream = Upstream(speech_seconds=0.4)
    upstream.voices[VOICE.id] = ClonedVoice(VOICE.id, "demo@example.com", "Ada", "Ada", "en", GOOD[1], 1)
    async with living(home, upstream, "bot.speaking.attempt:POLL_SECONDS=0.1") as life:
        async with asyncio.timeout(PATIENCE):
            life.answer = await life.double.slash(ADA, "speak", voice="Ada", text="Do not lose me")
        yield life


def stage(life: Life) -> str:
    for content in read_files(life.home, "data/speeches/*.json").values():
        return json.loads(content)["job"]["1"]["stage"]
    return ""


def public(life: Life) -> list[Message]:
    messages = [message for message in life.double.messages.values() if not message.flags & 64]
    return [message for message in messages if "Ada.mp3" in [file["filename"] for file in message.attachments]]


def is_post(call: Call) -> bool:
    return call.method == "POST" and "/webhooks/" in call.path


async def posting(life: Life, *, arrives: bool) -> None:
    """Wait until the clip is being posted, and hold the post."""
    reached = await life.holds.enter_async_context(life.double.hold(is_post, takes_effect=arrives))
    await asyncio.wait_for(reached.wait(), PATIENCE)


async def killed(life: Life) -> None:
    """Kill the bot and start it again; wait until no clip is left on disk."""
    await life.kill()
    await life.start()
    await until(lambda: life.card and life.card.texts and not stage(life))


INSTANTS: dict[str, Callable[[Life], object]] = {
    "it is accepted": stage,
    "it is being sent": lambda life: stage(life) in {"sending", "speaking", "made"},
    "the API has it": lambda life: life.upstream.speeches,
    "the API's job is on record": lambda life: stage(life) in {"speaking", "made"},
    "it is made": lambda life: stage(life) == "made",
}


async def test_clip_survives_a_kill_at_each_stage_and_is_spoken_once(tmp_path: Path):
    few = asyncio.Semaphore(2)

    async def lived(name: str, comes: Callable[[Life], object]) -> None:
        async with few, begun(tmp_path / name) as life:
            await until(lambda: comes(life))
            await killed(life)
            assert life.card is not None, name
            assert len(life.upstream.speeches) <= 1, name
            if public(life):
                assert len(public(life)) == len(life.upstream.speeches) == 1, name
                assert sentence("line.done", title="Ada") in life.card.text
            else:
                assert UNCLEAR in life.card.text, name
                assert [file["filename"] for file in life.card.attachments] == ["text.txt"]

    async with asyncio.TaskGroup() as group:
        for name, comes in INSTANTS.items():
            group.create_task(lived(name, comes))


@pytest.mark.parametrize("arrives", [True, False])
async def test_clip_is_posted_even_if_the_bot_is_killed_while_posting_it(tmp_path: Path, arrives: bool):  # noqa: FBT001 - both cases
    async with begun(tmp_path) as life:
        await posting(life, arrives=arrives)
        await killed(life)
        assert len(life.upstream.speeches) == 1
        assert len(public(life)) == 1 + arrives, "the bot cannot know whether it was posted"


async def test_stopping_bot_finishes_posting_a_clip(tmp_path: Path):
    async with begun(tmp_path) as life:
        await posting(life, arrives=True)
        life.process.terminate()
        await until(lambda: "stopping:" in (tmp_path / "log").read_text())
        await life.holds.aclose()
        assert await life.process.wait() == 0
        await life.start()
        await until(lambda: life.card and life.card.texts and not stage(life))
        assert len(public(life)) == 1
