"""Inspects samples before they are sent: runs the decoder and checks its measurements."""

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
from bot.errors import Refused

_log = logging.getLogger(__name__)

MIN_SECONDS = 3.0  # the shortest sample that is accepted
RECOMMENDED = (10.0, 60.0)  # seconds, as recommended by https://useapi.net/docs/api-mureka-v1/post-mureka-speech-voice

SILENT_RMS = -50.0
"""dBFS. A sample is refused as silent below this RMS level and `SILENT_PEAK`. Quiet speech has about -35."""

SILENT_PEAK = -35.0  # dBFS. A short word in a long silence has a higher peak, so it is accepted.
DECODER = Path(__file__).with_name("decoder.py")  # the program that decodes a sample in a process of its own

_REFUSALS = {"sample.not_audio", "sample.broken", "sample.cut_off"}
_SAMPLE_INFO = TypeAdapter(SampleInfo)
_STDERR_LIMIT = 4096  # bytes of a decoder's standard error that are read


def within_recommended(info: SampleInfo) -> bool:
    """Return True if a sample has the recommended duration, rounded because encoders add some padding."""
    shortest, longest = RECOMMENDED
    return shortest <= round(info.duration) <= longest


class SampleInspector:
    """Inspects samples of up to `max_seconds`, `workers` at once. `timeout` is in seconds for each sample."""

    def __init__(self, max_seconds: float, *, workers: int = os.cpu_count() or 1, timeout: float = 20) -> None:
        self._max_seconds = max_seconds
        self._slots = asyncio.Semaphore(workers)
        self._timeout = timeout

    async def inspect(self, sample: bytes) -> SampleInfo:
        """Decode and measure a sample. Raises `Refused` if it can't be cloned."""
        if not sample:
            raise Refused("sample.empty")
        async with self._slots:
            line = await self._decode(sample)
        info = _parse(line)
        if info.duration > self._max_seconds:
            raise Refused("sample.too_long", seconds=round(info.duration), limit=self._max_seconds)
        if info.duration < MIN_SECONDS:
            raise Refused("sample.too_short", seconds=math.floor(info.duration * 10) / 10, limit=MIN_SECONDS)
        if info.rms < SILENT_RMS and info.peak < SILENT_PEAK:
            raise Refused("sample.silent", rms=round(info.rms))
        return info

    async def _decode(self, sample: bytes) -> bytes:
        """Run a decoder and return its line. The decoder has ended when this returns or raises."""
        try:
            async with asyncio.timeout(self._timeout):
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-B", str(DECODER), str(self._max_seconds)),
                    stdin=PIPE,
                    stdout=PIPE,
                    stderr=PIPE,
                    env={},  # the bot's environment contains secrets
                    start_new_session=True,
                )
                try:
                    return await _communicate(process, sample)
                finally:
                    await _kill(process)
        except (TimeoutError, ValueError) as error:  # ValueError: the line is too long
            _log.debug("no result from the decoder: %r", error)
            raise Refused("sample.unreadable") from error


async def _communicate(process: Process, sample: bytes) -> bytes:
    """Send a decoder the sample and return the line it prints."""
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - for the type checker
    process.stdin.write(sample)
    with suppress(ConnectionError):  # the decoder ended before it read everything
        await process.stdin.drain()
    process.stdin.close()
    line = await process.stdout.readline()  # ValueError if it has more than 64 KiB
    if message := await process.stderr.read(_STDERR_LIMIT):
        _log.debug("the decoder wrote to standard error: %r", message[-400:])
    return line


async def _kill(process: Process) -> None:
    """Kill a decoder with its child processes and wait for its end."""
    with suppress(ProcessLookupError):
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    await process.communicate()
    with suppress(ConnectionError):  # the decoder ended before it read everything
        if process.stdin:
            await process.stdin.wait_closed()


def _parse(line: bytes) -> SampleInfo:
    """Return the measurements. Raises `Refused` if the decoder refused the sample or the line is invalid."""
    try:
        match json.loads(line):
            case {"sample_info": info}:
                return _SAMPLE_INFO.validate_python(info)
            case {"refusal": "sample.not_mp3", "actual": str(actual)}:
                raise Refused("sample.not_mp3", actual=actual)
            case {"refusal": str(key)} if key in _REFUSALS:
                raise Refused(key)
            case _:
                raise Refused("sample.unreadable")
    except (ValueError, RecursionError) as error:
        raise Refused("sample.unreadable") from error
