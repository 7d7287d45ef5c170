"""What choosing a voice costs in a large server, beside a small one: a table.

Run it as `python bench/bench_library.py`; the temporary folder should lie on a real disk (`TMPDIR`).
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from bench_store import VOICE
from pydantic import SecretStr

from bot.app import assembled
from bot.settings import Settings
from bot.voices.library import Library
from bot.voices.models import Share, SpokenLine, Viewer

SMALL, LARGE = (10, 10), (10_000, 100_000)
"""Voices that are shared in the server, and members in all."""

GUILD = 234567890123456789
CALLS = 50
WORDS = ("Story", "News", "Diary", "Captain", "Little", "Winter", "Garden", "Radio", "Grand", "Blue")


class Everybody:
    """A Discord in which nobody leaves."""

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Say yes."""
        del guild_id, user_id
        return True

    def is_here(self, guild_id: int) -> bool:
        """Say yes."""
        del guild_id
        return True


async def main() -> None:
    """Measure and print."""
    few, many = await measured(*SMALL), await measured(*LARGE)
    print(f"| median ms (most) | {SMALL[0]} shared | {LARGE[0]:,} shared of {LARGE[1]:,} members | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for name, (one, most) in few.items():
        other, worst = many[name]
        print(f"| {name} | {one:.2f} ({most:.2f}) | {other:.2f} ({worst:.2f}) | {other / one:.0f} |")


async def measured(shared: int, members: int) -> dict[str, tuple[float, float]]:
    """Return medians and maxima in ms, by what was done."""
    with TemporaryDirectory() as folder:
        fill(Path(folder), shared, members)
        async with AsyncExitStack() as stack:
            bot = await stack.enter_async_context(assembled(settings(Path(folder))))
            bot.library.community.membership = Everybody()
            return await measure(bot.library)


async def measure(library: Library) -> dict[str, tuple[float, float]]:
    """Time what members do."""
    viewer = Viewer(1, GUILD)
    first = await timed(lambda: library.suggest(viewer, ""), 1)
    held: list[float] = []
    watch = asyncio.create_task(watch_loop(held))
    found = {
        "the list, first time": first,
        "nothing typed yet": await timed(lambda: library.suggest(viewer, ""), CALLS),
        "a title with a typo": await timed(lambda: library.suggest(viewer, "captian radoi 7"), CALLS),
    }
    found["the event loop held up meanwhile"] = median(held), max(held)
    watch.cancel()
    line = SpokenLine("l", VOICE.id, 1, "Ada", GUILD, "Hello", 1_790_000_000.0)
    voice = await library.see(viewer, VOICE.id)
    found["a voice used"] = await timed(lambda: library.used(voice, line), 10)
    return found


async def timed(work: Callable[[], Awaitable[object]], times: int) -> tuple[float, float]:
    """Return the median and the most, in ms."""
    taken: list[float] = []
    for _ in range(times):
        start = perf_counter()
        await work()
        taken.append((perf_counter() - start) * 1000)
    return median(taken), max(taken)


async def watch_loop(held: list[float]) -> None:
    """Note by how many ms a wait of 1 ms is late."""
    while True:
        start = perf_counter()
        await asyncio.sleep(0.001)
        held.append((perf_counter() - start - 0.001) * 1000)


def fill(folder: Path, shared: int, members: int) -> None:
    """Write the files of a community: a voice a member, some of them shared."""
    for kind in ("members", "servers"):
        (folder / kind).mkdir()
    rows: dict[int, object] = {}
    for number in range(members):
        title = f"{WORDS[number % 10]} {WORDS[number // 10 % 10]} {number}"
        voice = replace(VOICE, id=VOICE.id + number, owner_id=10_000 + number, title=title)
        if number < shared:
            voice = replace(voice, shared_in=(GUILD,))
            row = Share(voice.id, voice.owner_id, "Ada", title, voice.language, voice.created_at)
            rows[voice.id] = asdict(row)
        (folder / f"members/{voice.owner_id}.json").write_text(
            json.dumps({"voices": {voice.id: asdict(voice)}})
        )
    (folder / f"servers/{GUILD}.shares.json").write_text(json.dumps({"shares": rows}))
    os.sync()


def settings(folder: Path) -> Settings:
    """Return settings for a bot that is never started."""
    return Settings(discord_token=SecretStr("offline"), useapi_token=SecretStr("offline"), data_dir=folder)


if __name__ == "__main__":
    asyncio.run(main())
