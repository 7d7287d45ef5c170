"""Whatever the files of the data folder hold: the bot starts, answers, and writes only what JSON can hold."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from bot.errors import StoreError
from bot.store.protocol import Store
from bot.store.tiny.encoding import decode, encode
from bot.store.tiny.inspection import inspect_folder
from bot.store.tiny.store import open_store
from bot.voices.models import PendingDeletion
from support.clocks import FastClock
from support.reading import over, text
from support.world import opened
from test_store_shapes import MEMBERS, SERVERS, rewrite

RECORDS = [
    "members/1001.json",
    "members/1002.json",
    "servers/5001.json",
    "servers/5001.shares.json",
    "servers/5001.audit-2025-11.json",
    "jobs/1009-c0000009.json",
    "jobs/1014-c000000e.json",
    "speeches/a000000000000003.json",
    "pending.json",
]
ODD: list[Any] = [
    *(None, True, -1, 0, 2**63, 10**30, 1e300, -1e300, float("nan"), float("inf"), "", "7", "x", "\ud800", "\0", "¹"),
    *([], {}, [[]], {"1": {}}, [None], {"": None}),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all values inside a JSON value."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = [*cast("dict[str, Any]", value).items()]
    elif isinstance(value, list):
        items = [*enumerate(cast("list[Any]", value))]
    return [found for key, inner in items for found in ((*path, key), *places(inner, (*path, key)))]


def changed(content: Any, chance: random.Random) -> Any:
    """Replace, remove or rename one value somewhere in a record."""
    *path, last = chance.choice(places(content))
    inner = content
    for key in path:
        inner = inner[key]
    match chance.randrange(6):
        case 0:
            del inner[last]
        case 1 if isinstance(last, str):
            inner[f"{last}1"] = inner.pop(last)
        case _:
            inner[last] = json.loads(json.dumps(chance.choice(ODD)))
    return content


def signed(content: Any) -> bytes:
    """Encode a record with its checksum, if it can have one."""
    with suppress(ValueError, TypeError):
        return encode(content)
    return json.dumps(content).encode()


def mutated(raw: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Return a record as a bad disk, a wrong hand or a wrong program may leave it."""
    content, _ = decode(raw)
    deep = b"[" * 100_000
    match chance.randrange(10):
        case 0:
            return raw[: chance.randrange(len(raw))]
        case 1:
            at = chance.randrange(len(raw))
            return raw[:at] + bytes([raw[at] ^ 1 << chance.randrange(8)]) + raw[at + 1 :]
        case 2:
            return chance.choice(others)
        case 3:
            return chance.choice(
                [b"[" + raw + b"]", deep, raw.replace(b":", b":" + b"9" * 5000, 1), b'{"shape":1e999}']
            )
        case 4:
            content.pop("shape", None)
            return json.dumps(changed(content, chance)).encode()
        case _:
            return signed(changed(content, chance))


def damage(folder: Path, names: list[str], chance: random.Random) -> None:
    contents = {name: (folder / name).read_bytes() for name in RECORDS}
    for name in names:
        others = [content for other, content in contents.items() if other != name]
        (folder / name).write_bytes(mutated(contents[name], others, chance))


@pytest.fixture
async def data(shape0: Path) -> Path:
    """Return a data folder with each kind of record in the present shape."""
    async with open_store(shape0) as store:
        await rewrite(store)
    return shape0


USES: list[Callable[[Store], Awaitable[object]]] = [
    *(lambda store, one=one: store.members.voices(one) for one in MEMBERS),
    *(lambda store, one=one: store.members.consents(one) for one in MEMBERS),
    *(lambda store, one=one: store.servers.policy(one) for one in SERVERS),
    *(lambda store, one=one: store.servers.cases(one) for one in SERVERS),
    *(lambda store, one=one: store.servers.shares(one) for one in SERVERS),
    *(lambda store, one=one: store.servers.audit(one) for one in SERVERS),
    lambda store: store.jobs.check(1009),
    lambda store: store.pending.notices(),
    lambda store: store.pending.put_pending_deletion(PendingDeletion(7, None)),
    lambda store: store.members.anonymize(1040),
    lambda store: store.servers.anonymize(1040),
]
"""Uses of the store that may refuse."""

SURE: list[Callable[[Store], Awaitable[object]]] = [
    lambda store: store.jobs.all(),
    lambda store: store.speeches.all(),
    lambda store: store.members.voice_ids(),
    lambda store: store.members.cloned_in(),
    lambda store: store.members.clips_by(1040),
    lambda store: store.members.speakers_with_revoked_consents(),
    lambda store: store.servers.sharing(),
    lambda store: store.servers.ids(),
]
"""Uses of all records of a kind, which one bad record must not break."""


@pytest.mark.parametrize("name", RECORDS)
async def test_store_raises_only_its_own_errors_for_any_content(data: Path, name: str):
    good = (data / name).read_bytes()
    chance = random.Random(name)  # noqa: S311 - reproducible
    for _ in range(10):
        damage(data, [name], chance)
        shown = (data / name).read_bytes()
        unusable = {*inspect_folder(data).unusable}
        assert unusable <= {name}
        async with open_store(data) as store:
            for use in SURE:
                await use(store)
            refused = 0
            for use in USES:
                try:
                    await use(store)
                except StoreError:
                    refused += 1
        assert bool(unusable) <= bool(refused or name.startswith(("jobs", "speeches"))), shown[:300]
        check_and_restore(data, name, good)


def check_and_restore(folder: Path, name: str, content: bytes) -> None:
    """Check that each record is what JSON can hold, and restore one."""
    for aside in folder.glob(f"{name}.damaged*"):
        aside.unlink()
    if name in inspect_folder(folder).unusable:  # a newer version's, which is left as it is
        (folder / name).unlink()
    for file in folder.rglob("*.json"):
        json.loads(file.read_bytes(), parse_constant=pytest.fail)
    (folder / name).write_bytes(content)


@pytest.mark.parametrize("seed", [19, 38])
async def test_bot_starts_twice_and_answers_with_any_content(data: Path, caplog: pytest.LogCaptureFixture, seed: int):
    chance = random.Random(seed)  # noqa: S311 - reproducible
    await asyncio.to_thread(damage, data, RECORDS, chance)
    async with opened(data, clock=FastClock()) as world:
        for title in ("Ada", "Grace"):
            await world.idle()
            assert text(await world.ada.slash(world.channel, "voices list"))
            result = await world.send(title=title, wait=False)
            await world.later(lambda result=result: over(result))
            await world.restart()
    elsewhere = "cogs.voiceadmin.log_channel"  # the servers in the records are not in the simulated Discord
    assert [record for record in caplog.records if record.exc_info and record.name != elsewhere] == []
