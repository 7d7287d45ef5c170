"""A killed bot makes one voice and one card of each accepted clone."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from bot.cloning.job import Stage
from bot.demo.wire import Call
from support.clocks import PATIENCE, until
from support.lives import AGAIN, SIZE, Life, begun

PATH = [*Stage]


@dataclass(frozen=True)
class Instant:
    """A moment at which the bot is killed: when `comes` returns, which starts with the command or restart."""

    name: str
    comes: Callable[[Life], Awaitable[object]]


def after(seconds: float) -> Instant:
    return Instant(f"{seconds:.3f} s later", lambda life: asyncio.sleep(life.began + seconds - time.monotonic()))


def recorded(stage: Stage) -> Instant:
    """Return the instant when this stage or a later one is on disk; short stages may pass unseen."""

    def passed(life: Life) -> bool:
        job = life.job()
        return PATH.index(job["stage"]) >= PATH.index(stage) if job else bool(life.records())

    return Instant(f"once {stage} is on disk", lambda life: until(lambda: passed(life)))


def read(size: int) -> Instant:
    return Instant(f"once {size} of {SIZE} bytes have arrived", lambda life: until(lambda: life.received() >= size))


def pressed(instant: Instant) -> Instant:
    async def comes(life: Life) -> None:
        await life.press()
        await instant.comes(life)

    return Instant(f"after `{AGAIN}` {instant.name}", comes)


def told(name: str, fits: Callable[[Call], bool]) -> list[Instant]:
    """Return the instants of a call to Discord that gets lost, and of one that arrives."""

    async def comes(life: Life, *, takes_effect: bool) -> None:
        reached = await life.holds.enter_async_context(life.double.hold(fits, takes_effect=takes_effect))
        await asyncio.wait_for(reached.wait(), PATIENCE)

    return [
        Instant(f"{name}, which gets lost", partial(comes, takes_effect=False)),
        Instant(f"{name}, which arrives", partial(comes, takes_effect=True)),
    ]


def is_edit(call: Call) -> bool:
    return call.method == "PATCH"


def is_last_edit(call: Call) -> bool:
    return is_edit(call) and "▫️" not in json.dumps(call.payload, ensure_ascii=False)


QUEUED, HALF, CLONING = recorded(Stage.QUEUED), read(SIZE // 2), recorded(Stage.CLONING)
MADE = Instant("once the voice exists", lambda life: until(lambda: life.upstream.voices))
KEPT = Instant("once the voice is on record", lambda life: until(life.records))
UNTOLD, TOLD = told("with the last card", is_last_edit)

SHORT = (*told("with the first card", is_edit), QUEUED, HALF, CLONING, MADE, KEPT, UNTOLD, TOLD)
LONG = (
    *told("with the acknowledgement", lambda call: call.path.endswith("/callback")),
    *(recorded(stage) for stage in (Stage.RECEIVED, Stage.CHECKED, Stage.UPLOADING, Stage.DONE)),
    *(read(size) for size in (1, SIZE // 10, SIZE * 9 // 10, SIZE - 2**14, SIZE - 2**12, SIZE)),
    Instant("once the job is gone", lambda life: until(lambda: life.records() and not life.job())),
)
TWICE = (
    *((first, second) for first in (QUEUED, HALF) for second in (HALF, CLONING, MADE, KEPT, UNTOLD)),
    *((first, second) for first in (MADE, KEPT, UNTOLD, TOLD) for second in (UNTOLD, TOLD)),
    *((CLONING, second) for second in (after(0.5), after(1), after(2), UNTOLD, TOLD)),
    *((CLONING, pressed(second)) for second in (HALF, CLONING, MADE, KEPT, UNTOLD, TOLD)),
    (QUEUED, HALF, CLONING, pressed(HALF), CLONING, pressed(CLONING), pressed(MADE), UNTOLD, TOLD),
)


async def lived(home: Path, instants: Sequence[Instant]) -> tuple[str, ...]:
    """Kill a bot at these instants in sequence; return a row of the table."""
    async with begun(home) as life:
        for instant in instants:
            await instant.comes(life)
            await life.kill()
            await life.start()
        end = await life.judge()
        return ", then ".join(i.name for i in instants), "/".join(d.stage for d in life.deaths), end


async def lives(folder: Path, all_instants: Sequence[Sequence[Instant]]) -> list[tuple[str, ...]]:
    """Run many lives, a few at a time. Raises an `ExceptionGroup` of those that failed."""
    few = asyncio.Semaphore(3)

    async def one(number: int, instants: Sequence[Instant]) -> tuple[str, ...]:
        async with few:
            return await lived(folder / str(number), instants)

    ends = await asyncio.gather(*(one(*each) for each in enumerate(all_instants)), return_exceptions=True)
    if failures := [end for end in ends if isinstance(end, Exception)]:
        raise ExceptionGroup(f"{len(failures)} of {len(ends)} lives ended badly", failures)
    return [end for end in ends if isinstance(end, tuple)]


async def test_clone_survives_a_kill_at_each_stage(tmp_path: Path):
    await lives(tmp_path, [[instant] for instant in SHORT])


@pytest.mark.soak
async def test_clone_survives_kills_at_many_moments(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    async with begun(tmp_path / "undisturbed") as life:
        await until(life.last_cards)
        whole = time.monotonic() - life.began
    often = (after(whole * part / 20) for part in range(41))  # lives take longer when others run at the same time
    rows = await lives(tmp_path, [*((instant,) for instant in (*SHORT, *LONG, *often)), *TWICE])
    with capsys.disabled():
        print(*("", *(f"{end:<42} {stages:<20} {when}" for when, stages, end in rows)), sep="\n")  # noqa: T201 - the table
