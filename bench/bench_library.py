"""What autocomplete, and one use of a shared voice, cost as the community grows: a table.

Run it as `python bench/bench_library.py`; the temporary folder should lie on a real disk (`TMPDIR`).
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

from bot.app import open_bot
from bot.library.library import Library
from bot.library.models import SharedVoice
from bot.settings import Settings
from bot.voices.models import Clip, Viewer, Voice

COMMUNITIES = ((10, 10), (10_000, 100_000))
"""How many voices are shared in the one server, and how many members there are in all; each has a voice."""

CALLS = 50
TICK = 0.001
GUILD = 234567890123456789
NOBODY = Viewer(999_999_999, GUILD)
"""Who asks: a member without a voice."""

WORDS = [
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fable",
    "grove",
    "hazel",
    "ivory",
    "jolly",
    "karma",
    "lunar",
    "mango",
    "noble",
    "ocean",
    "pearl",
]
TYPO = "ambr ocaen"

_Work = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds: of the first call, of the others, and for which the event loop was held up at most."""

    first: float
    median: float
    worst: float
    held_up: float


async def main() -> None:
    """Measure and print."""
    costs = [await measured(shared, members) for shared, members in COMMUNITIES]
    few, many = (f"{shared:,} shared, {members:,} members" for shared, members in COMMUNITIES)
    print(f"| ms | {few} | {many} | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for what, small in costs[0].items():
        large = costs[1][what]
        for name in ("first", "median", "worst", "held_up"):
            before, after = getattr(small, name), getattr(large, name)
            shown = {"first": "first call", "held_up": "event loop held up"}.get(name, name)
            print(f"| {what}: {shown} | {before:.2f} | {after:,.2f} | {after / before:,.1f} |")


async def measured(shared: int, members: int) -> dict[str, Cost]:
    """Measure what members do, with so many voices shared in a server and so many members in all."""
    async with opened(shared, members) as library:
        owners = random.sample(range(shared), min(shared, CALLS + 1))

        async def use(number: int, at: float) -> None:
            owner_id = owners[number % len(owners)]
            voice = voice_of(owner_id, shared)
            line = Clip(f"{owner_id}-{at}", voice.id, NOBODY.id, "nobody", GUILD, "Hello!", at)
            if await library.record_use(voice, line) is None:
                raise LookupError(voice)

        return {
            "autocomplete, no text": await cost(lambda _: library.suggest(NOBODY, "")),
            "autocomplete, a typo": await cost(lambda _: library.suggest(NOBODY, TYPO)),
            "one use, the first for hours": await cost(lambda number: use(number, 2e9 + 4000 * number)),
            "one use, the next": await cost(lambda number: use(number, 2e9 + 4000 * number + 1)),
        }


async def cost(work: _Work) -> Cost:
    """Do something again and again, one after the other, and see how late others get their turn meanwhile."""
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
    """Fill a folder, and open the bot on it without logging in."""
    with TemporaryDirectory() as folder:
        await asyncio.to_thread(fill, Path(folder), shared, members)
        settings = Settings(
            discord_token=SecretStr("offline"), useapi_token=SecretStr("offline"), data_dir=Path(folder)
        )
        async with open_bot(settings) as bot:
            yield bot.library


def fill(folder: Path, shared: int, members: int) -> None:
    """Write a file a member, and the server's list."""
    for kind in ("members", "servers"):
        (folder / kind).mkdir()
    for owner_id in range(members):
        voice = voice_of(owner_id, shared)
        record = {"voices": {voice.id: asdict(voice)}}
        (folder / f"members/{owner_id}.json").write_text(json.dumps(record))
    voices = [voice_of(owner_id, shared) for owner_id in range(shared)]
    rows = [
        SharedVoice(v.id, v.owner_id, f"member {v.owner_id}", v.title, v.language, v.used_at) for v in voices
    ]
    record = {"shares": {row.voice_id: asdict(row) for row in rows}}
    (folder / f"servers/{GUILD}.shares.json").write_text(json.dumps(record))
    os.sync()


def voice_of(owner_id: int, shared: int) -> Voice:
    """Return a member's voice; those of the first `shared` members are shared, and all titles differ."""
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
