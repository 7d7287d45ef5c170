"""A killed bot finishes each accepted clip and speaks none twice."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.demo.upstream import ClonedVoice, Upstream
from support.audio import GOOD
from support.clocks import PATIENCE, until
from support.discord_double import Call, Message
from support.lives import ADA, Life, living
from support.reading import sentence

VOICE_ID = 12345678901234
UNCLEAR = sentence("line.mureka.unknown")


@asynccontextmanager
async def begun(home: Path) -> AsyncGenerator[Life]:
    """Give Ada a voice, start a bot, and send `/speak`."""
    record: dict[str, Any] = {"id": VOICE_ID, "job_id": f"{ADA}-1", "owner_id": ADA, "guild_id": 1, "title": "Ada"}
    record |= {"description": "Ada", "language": "en", "rights": "own", "sample_sha256": "", "created_at": 1.0}
    await asyncio.to_thread((home / "data" / "members").mkdir, parents=True)
    (home / "data" / "members" / f"{ADA}.json").write_text(json.dumps({"voices": {VOICE_ID: record}}))
    upstream = Upstream(speech_seconds=0.4)
    upstream.voices[VOICE_ID] = ClonedVoice(VOICE_ID, "demo@example.com", "Ada", "Ada", "en", GOOD[1], 1)
    async with living(home, upstream, "bot.speaking.attempt:POLL_SECONDS=0.1") as life:
        async with asyncio.timeout(PATIENCE):
            life.answer = await life.double.slash(ADA, "speak", voice="Ada", text="Do not lose me")
        yield life


def stage(life: Life) -> str:
    for file in life.home.glob("data/speeches/*.json"):
        return json.loads(file.read_bytes())["job"]["1"]["stage"]
    return ""


def public(life: Life) -> list[Message]:
    return [
        message
        for message in life.double.messages.values()
        if any(file["filename"] == "Ada.mp3" for file in message.attachments) and not message.flags & 64
    ]


def is_post(call: Call) -> bool:
    return call.method == "POST" and "/webhooks/" in call.path


async def ended(life: Life) -> None:
    """Wait until no clip is left on disk."""
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
            await life.kill()
            await life.start()
            await ended(life)
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
        reached = await life.holds.enter_async_context(life.double.hold(is_post, takes_effect=arrives))
        await asyncio.wait_for(reached.wait(), PATIENCE)
        await life.kill()
        await life.start()
        await ended(life)
        assert len(life.upstream.speeches) == 1
        assert len(public(life)) == 1 + arrives, "the bot cannot know whether it was posted"


async def test_stopping_bot_finishes_posting_a_clip(tmp_path: Path):
    async with begun(tmp_path) as life:
        reached = await life.holds.enter_async_context(life.double.hold(is_post, takes_effect=True))
        await asyncio.wait_for(reached.wait(), PATIENCE)
        life.process.terminate()
        await until(lambda: "stopping:" in (tmp_path / "log").read_text())
        await life.holds.aclose()
        assert await life.process.wait() == 0
        await life.start()
        await ended(life)
        assert len(public(life)) == 1
