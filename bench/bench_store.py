"""Compares recording a voice in this store and in one TinyDB file for all members, and prints a table.

Run it as `python bench/bench_store.py`. The temporary folder should be on a real disk (`TMPDIR`).
"""
# TinyDB's documents are untyped:
# pyright: reportUnknownMemberType=false

import asyncio
import json
import os
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from tinydb import TinyDB
from tinydb.table import Document

from bot.store.tiny.store import open_store
from bot.voices.models import Language, Rights, Voice

COMMUNITIES = (100, 100_000)
VOICE = Voice(
    id=12345678901234,
    job_id="0a1b2c3d",
    owner_id=0,
    guild_id=234567890123456789,
    title="My own voice",
    description="My own voice (0a1b2c3d)",
    language=Language.ENGLISH,
    rights=Rights.OWN,
    sample_sha256="ab" * 32,
    created_at=1755483687.0,
    duration=12.52,
    cover_url="https://static-cos.mureka.ai/cover.png",
    preview_url="https://static-cos.mureka.ai/preview.mp3",
)


async def main() -> None:
    """Measure and print."""
    print("| one voice recorded, median ms | 100 members | 100,000 members | ratio |")
    print("| --- | ---: | ---: | ---: |")
    ours = [await file_a_member(members, writes=100) for members in COMMUNITIES]
    print(row("one small file a member (this store)", ours))
    plain = [one_file(members, writes=100 if members == COMMUNITIES[0] else 3) for members in COMMUNITIES]
    print(row("one TinyDB file for all (`JSONStorage`)", plain))


async def file_a_member(members: int, *, writes: int) -> float:
    """Add a second voice to some members. Returns the median in ms."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "members").mkdir()
        for owner_id in range(members):
            record = {"voices": {VOICE.id: asdict(replace(VOICE, owner_id=owner_id))}}
            (Path(folder) / f"members/{owner_id}.json").write_text(json.dumps(record))
        os.sync()
        times: list[float] = []
        async with open_store(Path(folder)) as store:
            for owner_id in random.sample(range(members), writes):
                voice = replace(VOICE, id=1, owner_id=owner_id)
                start = perf_counter()
                await store.members.put(voice)
                times.append(perf_counter() - start)
        return median(times) * 1000


def one_file(members: int, *, writes: int) -> float:
    """Insert voices into the table of all members' voices. Returns the median in ms."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "voices.json"
        path.write_text(json.dumps({"voices": {number: asdict(VOICE) for number in range(members)}}))
        os.sync()
        times: list[float] = []
        with TinyDB(path) as database:
            for number in range(members, members + writes):
                start = perf_counter()
                database.table("voices").insert(Document(asdict(VOICE), number))
                times.append(perf_counter() - start)
        return median(times) * 1000


def row(name: str, medians: Sequence[float]) -> str:
    """Return a row of the table."""
    few, many = medians
    return f"| {name} | {few:.2f} | {many:,.2f} | {many / few:,.1f} |"


if __name__ == "__main__":
    asyncio.run(main())
