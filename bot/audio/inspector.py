"""Judges a sample before anything is spent on it: its bytes become facts, or a refusal that says why."""

import asyncio
import json
import logging
import math
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter

from bot.audio.sample_info import SampleInfo
from bot.errors import (
    Refused,
)

_log = logging.getLogger(__name__)

SHORTEST = 3.0
"""The least that is cloned, in seconds."""

RECOMMENDED = (10.0, 60.0)
"""Seconds of clear speech: https://useapi.net/docs/api-mureka-v1/post-mureka-speech-voice recommends them."""

SILENT_RMS = -50.0
"""A sample is nearly silent below this average and `SILENT_PEAK`, in dBFS; quiet speech is at about -35."""

SILENT_PEAK = -35.0
"""A short word in a long silence passes, for its peak is higher than this, in dBFS."""

DECODER = Path(__file__).with_name("decoder.py")
"""The program that a worker runs."""

_REFUSALS = {"sample.not_audio", "sample.broken", "sample.cut_off"}
_FACTS = TypeAdapter(SampleInfo)
_COMPLAINT = 4096
"""Bytes that are read of what a worker complains."""


def within_recommended(facts: SampleInfo) -> bool:
    """Whether a sample is as long as recommended, to the second: encoders pad a file by a few hundredths."""
    shortest, longest = RECOMMENDED
    return shortest <= round(facts.duration) <= longest


class SampleInspector:
    """Judges samples of up to `max_seconds` in `workers` processes at most, `timeout` seconds each."""

    def __init__(
        self, max_seconds: float, *, workers: int = os.cpu_count() or 1, timeout: float = 20
    ) -> None:
        self._max_seconds = max_seconds
        self._slots = asyncio.Semaphore(workers)
        self._timeout = timeout

    async def inspect(self, sample: bytes) -> SampleInfo:
        """Return the facts of an MP3, or raise the `SampleRefused` that fits."""
        if not sample:
            raise Refused("sample.empty")
        async with self._slots:
            answer = await self._decoded(sample)
        facts = _read(answer)
        if facts.duration > self._max_seconds:
            raise Refused("sample.too_long", seconds=round(facts.duration), limit=self._max_seconds)
        if facts.duration < SHORTEST:
            raise Refused("sample.too_short", seconds=math.floor(facts.duration * 10) / 10, limit=SHORTEST)
        if facts.rms < SILENT_RMS and facts.peak < SILENT_PEAK:
            raise Refused("sample.silent", rms=round(facts.rms))
        return facts

    async def _decoded(self, sample: bytes) -> bytes:
        """Return a worker's line; the worker is gone by then, whatever happens."""
        try:
            async with asyncio.timeout(self._timeout):
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-B", str(DECODER), str(self._max_seconds)),
                    stdin=PIPE,
                    stdout=PIPE,
                    stderr=PIPE,
                    env={},  # the bot's holds its secrets
                    start_new_session=True,
                )
                try:
                    return await _ask(process, sample)
                finally:
                    await _end(process)
        except (TimeoutError, ValueError) as error:  # too late, or too long a line
            _log.debug("a decoder gave no answer: %r", error)
            raise Refused("sample.unreadable") from error


async def _ask(process: Process, sample: bytes) -> bytes:
    """Hand a worker the sample, and return its line when it has closed its outputs."""
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - all three are pipes
    process.stdin.write(sample)
    with suppress(ConnectionError):  # it has seen enough, or is dead
        await process.stdin.drain()
    process.stdin.close()
    answer = await process.stdout.readline()  # of 64 KiB at most, else a ValueError
    if complaint := await process.stderr.read(_COMPLAINT):
        _log.debug("a decoder complained: %r", complaint[-400:])
    return answer


async def _end(process: Process) -> None:
    """Kill a worker with all that it started, and wait until nothing of it is left."""
    with suppress(ProcessLookupError):
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    await process.communicate()
    with suppress(ConnectionError):  # of a sample that it did not read whole
        if process.stdin:
            await process.stdin.wait_closed()


def _read(answer: bytes) -> SampleInfo:
    """Take a worker at its word only if it is one; `SampleUnreadable` if not."""
    try:
        match json.loads(answer):
            case {"facts": facts}:
                return _FACTS.validate_python(facts)
            case {"refusal": "sample.not_mp3", "actual": str(actual)}:
                raise Refused("sample.not_mp3", actual=actual)
            case {"refusal": str(key)} if key in _REFUSALS:
                raise Refused(key)
            case _:
                raise Refused("sample.unreadable")
    except (ValueError, RecursionError, KeyError) as error:  # not JSON, no facts, or an unknown refusal
        raise Refused("sample.unreadable") from error
