"""Measures autocomplete and the use of a shared voice in a small and a large community, and prints a table.

Run it as `python bench/bench_library.py`. The temporary folder should be on a real disk (`TMPDIR`).
"""

import asyncio
import json
import os
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from bench_store import VOICE
from pydantic import SecretStr

from bot.app import open_resources
from bot.client.client import Clonevoice
from bot.library.library import Library
from bot.library.models import SharedVoice
from bot.settings import Settings
from bot.voices.models import Clip, Viewer, Voice

COMMUNITIES = ((10, 10), (10_000, 100_000))
"""The number of voices shared in the one server, and the number of all members. Each member has a voice."""

CALLS = 50
TICK = 0.001
GUILD = 234567890123456789
VIEWER = Viewer(999_999_999, GUILD)
"""The member who searches. They have no voice."""

WORDS = [
    *("amber", "basil", "cedar", "delta"),
    *("ember", "fable", "grove", "hazel"),
    *("ivory", "jolly", "karma", "lunar"),
    *("mango", "noble", "ocean", "pearl"),
]
TYPO = "ambr ocaen"

_Work = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of the first call and of the others, and the longest delay of the event loop."""

    first: float
    median: float
    worst: float
    delay: float


async def main() -> None:
    """Measure and print."""
    costs = [await measured(shared, members) for shared, members in COMMUNITIES]
    few, many = (f"{shared:,} shared, {members:,} members" for shared, members in COMMUNITIES)
    print(f"| ms | {few} | {many} | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for what, small in costs[0].items():
        large = costs[1][what]
        for name in ("first", "median", "worst", "delay"):
            before, after = getattr(small, name), getattr(large, name)
            shown = {"first": "first call", "delay": "event loop delayed"}.get(name, name)
            print(f"| {what}: {shown} | {before:.2f} | {after:,.2f} | {after / before:,.1f} |")


async def measured(shared: int, members: int) -> dict[str, Cost]:
    """Measure autocomplete and use, with `shared` voices in a server and `members` in all."""
    async with opened(shared, members) as library:
        owners = random.sample(range(shared), min(shared, CALLS + 1))

        async def use(number: int, at: float) -> None:
            owner_id = owners[number % len(owners)]
            voice = voice_of(owner_id, shared)
            line = Clip(f"{owner_id}-{at}", voice.id, VIEWER.id, "viewer", GUILD, "Hello!", at)
            if await library.record_use(voice, line) is None:
                raise LookupError(voice)

        return {
            "autocomplete, no text": await cost(lambda _: library.suggest(VIEWER, "")),
            "autocomplete, a typo": await cost(lambda _: library.suggest(VIEWER, TYPO)),
            "one use, the first for hours": await cost(lambda number: use(number, 2e9 + 4000 * number)),
            "one use, the next": await cost(lambda number: use(number, 2e9 + 4000 * number + 1)),
        }


async def cost(work: _Work) -> Cost:
    """Repeat some work sequentially, and measure how late another task runs in the meantime."""
    late = [0.0]

    async def tick() -> None:
        while True:
            due = perf_counter() + TICK
            await asyncio.sleep(TICK)
            late.append(perf_counter() - due)

    times: list[float] = []
    ticking = asyncio.create_task(tick())
    for number in range(CALLS + 1):
        await asyncio.sleep(2 * TICK)
        start = perf_counter()
        await work(number)
        times.append(perf_counter() - start)
    ticking.cancel()
    first, *others = (1000 * seconds for seconds in times)
    return Cost(first, median(others), max(others), 1000 * max(late))


@asynccontextmanager
async def opened(shared: int, members: int) -> AsyncGenerator[Library]:
    """Fill a folder, and open the bot on it without a login."""
    with TemporaryDirectory() as folder:
        await asyncio.to_thread(fill, Path(folder), shared, members)
        settings = Settings(
            discord_token=SecretStr("offline"), useapi_token=SecretStr("offline"), data_dir=Path(folder)
        )
        async with open_resources(settings) as resources, Clonevoice(resources) as bot:
            yield bot.services.library


def fill(folder: Path, shared: int, members: int) -> None:
    """Write a file for each member, and the server's list."""
    for kind in ("members", "servers"):
        (folder / kind).mkdir()
    for owner_id in range(members):
        voice = voice_of(owner_id, shared)
        record = {"voices": {voice.id: asdict(voice)}}
        (folder / f"members/{owner_id}.json").write_text(json.dumps(record))
    voices = [voice_of(owner_id, shared) for owner_id in range(shared)]
    rows = [SharedVoice(v.id, v.owner_id, f"member {v.owner_id}", v.title, v.language, v.used_at) for v in voices]
    record = {"shares": {row.voice_id: asdict(row) for row in rows}}
    (folder / f"servers/{GUILD}.shares.json").write_text(json.dumps(record))
    os.sync()


def voice_of(owner_id: int, shared: int) -> Voice:
    """Return a member's voice. Those of the first `shared` members are shared. All titles are different."""
    word, other = WORDS[owner_id % len(WORDS)], WORDS[owner_id // len(WORDS) % len(WORDS)]
    return replace(
        VOICE,
        id=VOICE.id + owner_id,
        owner_id=owner_id,
        title=f"{word} {other} {owner_id}",
        shared_in=(GUILD,) if owner_id < shared else (),
    )


if __name__ == "__main__":
    asyncio.run(main())
