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

WORKERS = min(4, os.cpu_count() or 1)

_REFUSALS = {"sample.not_audio", "sample.free_format", "sample.broken", "sample.cut_off", "sample.unreadable"}
_SAMPLE_INFO = TypeAdapter(SampleInfo)
_STDERR_LIMIT = 4096  # bytes of a decoder's standard error that are read


def within_recommended(info: SampleInfo) -> bool:
    """Return True if a sample has the recommended duration, rounded because encoders add some padding."""
    shortest, longest = RECOMMENDED
    return shortest <= round(info.duration) <= longest


class SampleInspector:
    """Inspects samples of up to `max_seconds`, `workers` at once: by default one a processor, at most four.

    A decoder may work for 15 s and a tenth of `max_seconds`: 15 times as long as a processor of 2020 needs.
    It is killed after `timeout` seconds, by default twice as many.
    """

    def __init__(self, max_seconds: float, *, workers: int = WORKERS, timeout: float | None = None) -> None:
        self._max_seconds = max_seconds
        self._slots = asyncio.Semaphore(workers)
        self._cpu_seconds = 15 + math.ceil(max_seconds / 10)
        self._timeout = timeout or 2 * self._cpu_seconds

    async def inspect(self, sample: bytes) -> SampleInfo:
        """Decode and measure a sample. Raises `Refused` if it can't be cloned, or can't be checked now."""
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
                process = await self._start()
                try:
                    return await _communicate(process, sample)
                finally:
                    await _kill(process)
        except TimeoutError as error:
            raise Refused("sample.too_slow") from error
        except ValueError as error:  # the line is too long
            _log.debug("no result from the decoder: %r", error)
            raise Refused("sample.unreadable") from error

    async def _start(self) -> Process:
        """Start a decoder. Raises `Refused` if there is no memory, descriptor or process for it."""
        arguments = (str(DECODER), str(self._max_seconds), str(self._cpu_seconds), str(os.getpid()))
        try:
            # In this thread, not in another one: the decoder ends with the thread that started it
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-B", *arguments),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd="/",
                env={},  # the bot's environment contains secrets
                start_new_session=True,
            )
        except (OSError, RuntimeError, MemoryError) as error:  # RuntimeError: no thread to wait for its end
            _log.error("no sample can be checked, because the decoder can't be started: %r", error)
            raise Refused("sample.unchecked") from error


async def _communicate(process: Process, sample: bytes) -> bytes:
    """Send a decoder the sample and return the line it prints. Raises `Refused` if it ends without one."""
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - for the type checker
    process.stdin.write(sample)
    with suppress(ConnectionError):  # the decoder ended before it read everything
        await process.stdin.drain()
    process.stdin.close()
    line = await process.stdout.readline()  # ValueError if it has more than 64 KiB
    message = await process.stderr.read(_STDERR_LIMIT)
    if message:
        _log.debug("the decoder wrote to standard error: %r", message[-400:])
    if line:
        return line
    code = await process.wait()
    if code == -signal.SIGXCPU:
        raise Refused("sample.too_slow")
    if code > 0 or code == -signal.SIGKILL:  # it could not import its modules, or had no memory
        _log.error("a sample can't be checked, because the decoder ended with %d: %r", code, message[-200:])
        raise Refused("sample.unchecked")
    raise Refused("sample.unreadable")


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
