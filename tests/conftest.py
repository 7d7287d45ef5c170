"""The whole bot for a test: real parts on every side, Discord alone simulated."""

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.downloads import Previews
from cogs.clonevoice.presenter import DiscordClonePresenter
from support.browser import NARROW, WIDE, Visit, visiting
from support.clocks import FastClock, ManualClock
from support.messenger import Recorder
from support.moderators import Court, court_in
from support.world import World, opened

DATA = Path(__file__).parent / "data"
MEMORY = Path("/dev/shm")  # noqa: S108 - pytest and `tempfile` make their own folders in it


def pytest_configure() -> None:
    """Keep temporary files in memory if there is room: on a disk, the tests mostly wait for `fsync`."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2**28:
        tempfile.tempdir = str(MEMORY)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what pytest keeps until its end."""
    gc.freeze()


@pytest.fixture
def shape0(tmp_path: Path) -> Path:
    """Return a copy of the data folder in shape 0, with a sample beside each job that has one."""
    folder = tmp_path / "data"
    shutil.copytree(DATA / "shape0", folder)
    for job in (folder / "jobs").glob("*.json"):
        if '"stage":"received"' not in job.read_text("utf-8"):
            shutil.copy(DATA / "sample.mp3", job.with_suffix(".mp3"))
    return folder


@pytest.fixture
async def world(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncGenerator[World]:
    """Open a world with the options of the test's mark `world`; time is fast unless they have a clock."""
    mark = request.node.get_closest_marker("world")
    options: dict[str, Any] = {"clock": FastClock()} | (mark.kwargs if mark else {})
    async with opened(tmp_path / "data", **options) as world:
        yield world


@pytest.fixture
def court(world: World) -> Court:
    return court_in(world)


@pytest.fixture
async def ways() -> Recorder:
    """Return a messenger that records, with a clock that stands still."""
    return Recorder(ManualClock())


@pytest.fixture
async def cards(ways: Recorder) -> AsyncGenerator[DiscordClonePresenter]:
    """Return a presenter of clones that uses `ways` and its clock."""
    async with aiohttp.ClientSession() as session:
        yield DiscordClonePresenter(ways, Previews(session), ways.clock)


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Return the size of a page."""
    return request.param


@pytest.fixture
async def visit(size: tuple[int, int]) -> AsyncGenerator[Visit]:
    """Visit a demo in which clones and clips are made within a second."""
    async with visiting(size, clone_seconds=0.5, speech_seconds=1) as visit:
        yield visit
