"""The demo's program: its address, its port, and its end."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from support.clocks import PATIENCE

ROOT = Path(__file__).parent.parent

IGNORED = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"


@contextmanager
def started(folder: Path, *started_by: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Start the demo in a folder, which is empty; return it with the page's address."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath, "TMPDIR": str(folder), "BROWSER": "true"}
    with subprocess.Popen(
        [*started_by, sys.executable, "-m", "bot", "demo"],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - it may be ignored here
    ) as process:
        assert process.stdout is not None
        printed = iter(process.stdout.readline, "")
        yield process, next(found[0] for line in printed if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)))


def end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    process.send_signal(number)
    rest, complaints = process.communicate(timeout=PATIENCE)
    assert (process.returncode, complaints) == (0, ""), rest


@pytest.mark.parametrize("started_by", [(), (sys.executable, "-c", IGNORED)], ids=["a person", "a script"])
def test_demo_prints_its_address_and_ends_on_ctrl_c(tmp_path: Path, started_by: tuple[str, ...]):
    with started(tmp_path, *started_by) as (process, url):
        with urllib.request.urlopen(url) as answer:
            assert b"<html" in answer.read()
        end(process, signal.SIGINT)
    assert list(tmp_path.iterdir()) == [], "the demo leaves nothing behind"


async def test_demo_ends_although_pages_are_open_and_stay_so(tmp_path: Path):
    async with aiohttp.ClientSession() as browser:
        with started(tmp_path) as (process, url):
            pages = [await browser.ws_connect(f"{url}live?person={name}", origin=url[:-1]) for name in ("ada", "hedy")]
            assert "people" in await pages[0].receive_json()
            await asyncio.to_thread(end, process, signal.SIGTERM)
            for page in pages:
                while not page.closed:
                    await page.receive()


def test_taken_port_is_refused_with_a_sentence(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "bot", "demo", "--port", str(port)],
            env={"PYTHONPATH": str(ROOT), "PATH": os.defpath},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert ended.returncode != 0
    assert str(port) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_killed_demo_leaves_no_bot_behind(tmp_path: Path):
    with started(tmp_path) as (process, _):
        bot = next(iter(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("utf-8").split()))
        process.kill()
        process.communicate(timeout=PATIENCE)
        limit = time.monotonic() + PATIENCE
        while Path(f"/proc/{bot}/cmdline").exists() and Path(f"/proc/{bot}/cmdline").read_bytes():
            assert time.monotonic() < limit
            time.sleep(0.05)
