"""Measures a clone's edits, its latency and the bot's memory, and prints a table. Takes 3 minutes.

Run it as `python bench/bench_clone.py`, on Linux. The simulated Discord and the emulated API run in the
bot's own process, as in the tests. All members share one copy of the sample.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import aiohttp
import simcord

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("", "tests"))

from bot.audio.inspector import DECODER
from bot.cloning.job import Stage
from bot.demo.upstream import Upstream
from support.audio import mp3
from support.clocks import until
from support.world import World, opened

# A small process starts the decoder, because a child's peak includes the memory of its parent.
MEASURE = """import os, resource, subprocess, sys
subprocess.run([*sys.argv[1:], str(os.getpid())], stdout=sys.stderr, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""


class Requests(list[simcord.HttpLogEntry]):
    """Requests to Discord. `seen` has the time in seconds, the method and the body of each."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[float, str, str]] = []

    def append(self, entry: simcord.HttpLogEntry) -> None:
        """Record a request."""
        self.seen.append((perf_counter(), entry.method, json.dumps(entry.json, ensure_ascii=False)))


@asynccontextmanager
async def world(clone_seconds: float) -> AsyncGenerator[World]:
    """Run the bot as in production, but with a simulated Discord and an emulated API."""
    with TemporaryDirectory() as folder:
        async with Upstream(clone_seconds=clone_seconds) as api, opened(Path(folder), api) as here:
            yield here


async def order(here: World, sample: bytes) -> int:
    """Add a member to the server who sends the command. Returns the member's ID."""
    member = here.ada.guild.add_member(here.env.create_user("charles"))
    await here.send(member, sample=("sample.mp3", sample), wait=False)
    return member.id


async def clone(here: World, sample: bytes) -> list[tuple[float, str, str]]:
    """Run a clone to its end. Returns the requests to Discord, with the seconds since the command."""
    here.env.backend.http_requests = requests = Requests()
    began = perf_counter()
    await order(here, sample)
    await until(lambda: "Ada.mp3" in requests.seen[-1][2], seconds=90)
    return [(at - began, method, body) for at, method, body in requests.seen]


async def edits(sample: bytes, clone_seconds: float) -> tuple[int, float | None]:
    """Return the number of edits of a clone, and the shortest time in seconds between two within a stage."""
    async with world(clone_seconds) as here:
        requests = await clone(here, sample)
    # The number of stages ahead on a card identifies its stage.
    cards = [(at, body.count("▫️")) for at, method, body in requests if method == "PATCH"]
    gaps = [later - sooner for (sooner, stage), (later, other) in pairwise(cards) if stage == other]
    return len(cards), min(gaps, default=None)


async def waits(sample: bytes, clone_seconds: float) -> list[float]:
    """Return medians of 10 in ms: to the acknowledgement, to the last card, and of a request without the bot."""
    rows: list[tuple[float, float, float]] = []
    async with world(clone_seconds) as here, aiohttp.ClientSession(raise_for_status=True) as session:
        url = f"{here.upstream.url}/speech/voice?title=Ada&desc=bare&lang=en"
        headers = {"Authorization": "Bearer user:1234-demo", "Content-Type": "audio/mpeg"}
        for _ in range(10):
            requests = await clone(here, sample)
            began = perf_counter()
            async with session.post(url, headers=headers, data=sample) as response:
                await response.read()
            rows.append((requests[0][0], requests[-1][0], perf_counter() - began))
    return [median(column) * 1000 for column in zip(*rows, strict=True)]


def growth(sample: bytes, clones: int) -> float:
    """Return the peak growth of this process in MiB until one clone was sent and the others were queued."""

    async def queue_up() -> float:
        async with world(3600) as here:
            before = resident("VmRSS")
            owners = [await order(here, sample) for _ in range(clones)]
            await until(lambda: here.upstream.voices)
            job_of = here.bot.services.cloner.running
            for who in owners:
                await until(lambda who=who: (job := job_of(who)) and Stage.QUEUED in job.times, seconds=60)
            return resident("VmHWM") - before

    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    return asyncio.run(queue_up())


def resident(field: str) -> float:
    """Return this process's resident memory in MiB: `VmRSS` is now, `VmHWM` the peak (man 5 proc)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def decoder(sample: bytes) -> float:
    """Return the peak memory in MiB of a worker that decodes the sample."""
    command = (sys.executable, "-c", MEASURE, sys.executable, "-I", "-B", str(DECODER), "300", "45")
    done = subprocess.run(command, input=sample, capture_output=True, check=True)  # noqa: S603 - this project's program
    return int(done.stdout) / 1024


def main() -> None:
    """Measure and print."""
    sample = mp3(50, bit_rate=160_000)
    print("| a sample of 50 s and 1 MB | the bot | beside it |\n| --- | ---: | ---: |")
    for seconds in (1, 10, 75):
        number, least = asyncio.run(edits(sample, seconds))
        apart = f"{least:.3f} s apart within a stage" if least else "one a stage"
        print(f"| edits of the card, the API taking {seconds} s | {number} | {apart} |")
    answered, shown, bare = asyncio.run(waits(sample, 0.5))
    beside = f"{bare - 500:.1f} ms for a bare request, a ratio of {(shown - 500) / (bare - 500):.0f}"
    print(f"| from the command to its acknowledgement | {answered:.1f} ms | Discord waits for 3,000 ms |")
    print(f"| to the last card, beyond the API's 500 ms | {shown - 500:.0f} ms | {beside} |")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        one, many = (fresh.submit(growth, sample, clones).result() for clones in (1, 100))
    print(f"| memory for 100 clones at once, at its peak | {many:.1f} MiB | {one:.1f} MiB for one |")
    print(f"| memory of a process that decodes | {decoder(sample):.1f} MiB | at most one a processor |")


if __name__ == "__main__":
    main()
