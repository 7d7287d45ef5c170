"""What fails: disks, and responses that get lost."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.demo.upstream import ClonedVoice
from bot.errors import RecordUnwritable
from support.reading import sentence
from support.world import World


def hanging(monkeypatch: pytest.MonkeyPatch, target: object, name: str) -> asyncio.Event:
    """Let a method never return; the event is set once it is called."""
    called = asyncio.Event()

    async def hang(*_: Any, **__: Any) -> None:
        called.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(target, name, hang)
    return called


def full_disk(
    monkeypatch: pytest.MonkeyPatch,
    records: type,
    fits: Callable[[Any], bool] = lambda _: True,
    *,
    times: int,
    method: str = "put",
) -> list[Any]:
    """Fail the next `times` writes of records that fit, as a full disk does; return these records."""
    write: Callable[..., Awaitable[Any]] = getattr(records, method)
    refused: list[Any] = []

    async def refuse(store: object, *what: Any) -> Any:
        if fits(what[0]) and len(refused) < times:
            refused.append(what[0])
            raise RecordUnwritable(file="a record")
        return await write(store, *what)

    monkeypatch.setattr(records, method, refuse)
    return refused


def voice_appears(world: World) -> None:
    """Create upstream the voice of the first clone request, as its job would have made it."""
    [request, *_] = world.posts()
    title, description, language = (request.query[name] for name in ("title", "desc", "lang"))
    world.upstream.voices[7] = ClonedVoice(7, "demo@example.com", title, description, language, request.body, 1)


def shown(world: World, key: str) -> bool:
    """Return True if a card has ever shown a text."""
    return sentence(key) in json.dumps(world.edits(), ensure_ascii=False)
