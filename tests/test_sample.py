"""Samples are decoded in a worker process with limits and without secrets."""

import asyncio
import gc
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.audio.inspector import DECODER, SampleInspector
from support.audio import id3v2, mp3, noise, refusal, syncsafe, wav
from support.clocks import PATIENCE, until

MEGABYTE = 2**20
SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 14\n"


async def test_worker_returns_the_facts_of_an_mp3_or_the_fitting_refusal():
    assert (await SampleInspector(300).inspect(mp3(12))).duration == pytest.approx(12, rel=0.01)
    assert (await refusal(wav(4))).key == "sample.not_mp3"
    assert (await refusal(mp3(60)[:8192])).key == "sample.cut_off"
    assert (await refusal(noise(MEGABYTE))).key == "sample.not_audio"
    assert (await refusal(SDP)).key == "sample.not_audio", "a file that names a socket opens none"


async def test_hours_of_audio_are_not_decoded():
    minute = mp3(60, sample_rate=8000, bit_rate=8000, count=False)
    inspector, costs = SampleInspector(5), [sum(os.times()[2:4])]  # CPU seconds of finished processes
    for sample, seconds in ((minute, 60), (minute * 120, 7200)):
        refused = await refusal(sample, inspector)
        assert refused.key == "sample.too_long"
        assert refused.values["seconds"] == pytest.approx(seconds, rel=0.01)
        costs.append(sum(os.times()[2:4]))
    assert costs[2] - costs[1] < 10 * (costs[1] - costs[0])


@pytest.fixture
def decode_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Return a function that replaces the decoder by another program."""
    program = tmp_path / "decoder.py"
    monkeypatch.setattr("bot.audio.inspector.DECODER", program)
    return program.write_text


def answering(expression: str) -> str:
    """Return a line that prints the value of an expression as the format of a refused sample."""
    return f"import json; print(json.dumps({{'refusal': 'sample.not_mp3', 'actual': str({expression})}}))\n"


def tag_bomb() -> bytes:
    """Return an ID3v2 tag of 230 kB with one compressed frame of 240 MB of zeros."""
    packer = zlib.compressobj(9)
    zeros = packer.compress(bytes(16 * MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = ((240 * MEGABYTE % 65_521) << 16 | 1).to_bytes(4, "big")
    text = syncsafe(240 * MEGABYTE) + zeros + zeros[2:] * 14 + b"\3\0" + checksum
    return id3v2(b"TXXX" + syncsafe(len(text)) + b"\0\x09" + text)


def picture_bomb() -> bytes:
    """Return a PNG of 100 kB with 10,000 by 10,000 black pixels."""
    side = (10_000).to_bytes(4, "big")
    chunks = [(b"IHDR", side + side + b"\x08\0\0\0\0"), (b"IDAT", zlib.compress(bytes(10_001 * 10_000)))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in [*chunks, (b"IEND", b"")]
    )


@pytest.mark.parametrize("make", [lambda: id3v2(b"") + tag_bomb() + mp3(), picture_bomb])
async def test_decompression_bomb_takes_no_memory(decode_with: Callable[[str], int], make: Callable[[], bytes]):
    decode_with(
        "import runpy, sys\n"
        "status = open('/proc/self/status')\n"
        f"decoder = runpy.run_path({str(DECODER)!r})\n"
        "try: decoder['analyze'](sys.stdin.buffer.read(), 300)\n"
        "except decoder['RefusalError']: pass\n"
        + answering("[line.split()[1] for line in status if 'VmHWM' in line][0]")
    )
    peak = (await refusal(make())).values["actual"]
    assert int(str(peak)) < 60 * 1024  # kB, of which Python and FFmpeg take 37,000


async def test_out_of_memory_is_not_a_verdict_on_the_sample(decode_with: Callable[[str], int]):
    decode_with(
        "import json, resource, runpy, sys\n"
        f"decoder, sample = runpy.run_path({str(DECODER)!r}), sys.stdin.buffer.read()\n"
        "mapped = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (mapped, resource.RLIM_INFINITY))\n"
        "try: decoder['analyze'](sample, 300)\n"
        "except Exception as error: outcome = type(error).__name__\n"
        "resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        + answering("outcome")
    )
    assert (await refusal(noise(3 * MEGABYTE))).values == {"actual": "MemoryError"}


@pytest.mark.parametrize(
    ("program", "size"),
    [
        ("print('nonsense')", 1),
        ("print('[' * 3000)", 1),
        ("print('[]')", 1),
        ("print('{\"facts\": {}}')", 1),
        ('print(\'{"refusal": "sample.unheard_of"}\')', 1),
        ("print('x' * 10_000_000)", 1),
        ("import sys; sys.stderr.write('x' * 10_000)", 1),
        ("pass", 5 * MEGABYTE),
        ("raise MemoryError", 1),
        ("import os; os.kill(os.getpid(), 11)", 1),
    ],
)
async def test_invalid_output_of_a_worker_makes_the_sample_unreadable(
    decode_with: Callable[[str], int], program: str, size: int
):
    decode_with(program)
    assert (await refusal(bytes(size))).key == "sample.unreadable"
    gc.collect()  # an open pipe would warn now


async def test_worker_gets_no_environment_variables(decode_with: Callable[[str], int], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USEAPI_TOKEN", "user:1234-secret")
    decode_with(answering("open('/proc/self/environ').read()"))
    assert (await refusal(b"x")).values == {"actual": ""}


@pytest.mark.parametrize(
    ("deed", "outcome"),
    [
        ("bytearray(600 * 2**20)", "MemoryError"),
        ("open('/dev/null')", "OSError"),
        ("resource.getrlimit(resource.RLIMIT_CPU)", "(15, 15)"),
        ("resource.getrlimit(resource.RLIMIT_FSIZE)", "(0, 0)"),
        ("resource.getrlimit(resource.RLIMIT_CORE)", "(0, 0)"),
    ],
)
async def test_worker_has_limits(decode_with: Callable[[str], int], deed: str, outcome: str):
    decode_with(
        f"import json, resource, runpy; runpy.run_path({str(DECODER)!r})['set_limits']()\n"
        f"try: outcome = {deed}\n"
        "except Exception as error: outcome = type(error).__name__\n" + answering("outcome")
    )
    assert (await refusal(b"x")).values == {"actual": outcome}


def sleeping(folder: Path) -> str:
    """Return a program that forks, writes a file for each of its two processes, and sleeps; remove older files."""
    for file in folder.glob("*.pid"):
        file.unlink()
    return f"import os, time; os.fork(); open({str(folder)!r} + f'/{{os.getpid()}}.pid', 'w'); time.sleep(60)"


def sleepers(folder: Path) -> list[int]:
    return [int(file.stem) for file in folder.glob("*.pid")]


def running(process: int) -> bool:
    """Return True if a process runs or is an unreaped child of this one."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "State:\tZ" not in status or f"PPid:\t{os.getpid()}\n" in status


async def test_slow_worker_is_killed(decode_with: Callable[[str], int], tmp_path: Path):
    timeout = 0.25
    async with asyncio.timeout(PATIENCE):
        while len(sleepers(tmp_path)) < 2:  # on a busy machine, it may be killed before it has forked
            decode_with(sleeping(tmp_path))
            timeout *= 2
            refused = await refusal(bytes(MEGABYTE), SampleInspector(300, timeout=timeout))
            assert refused.key == "sample.unreadable"
    await until(lambda: not any(map(running, sleepers(tmp_path))))
    gc.collect()  # an open pipe would warn now


async def test_canceled_inspection_kills_the_worker(decode_with: Callable[[str], int], tmp_path: Path):
    decode_with(sleeping(tmp_path))
    inspector = SampleInspector(300, workers=1)
    inspection = asyncio.create_task(inspector.inspect(bytes(MEGABYTE)))
    await until(lambda: len(sleepers(tmp_path)) == 2)
    inspection.cancel()
    with pytest.raises(asyncio.CancelledError):
        await inspection
    await until(lambda: not any(map(running, sleepers(tmp_path))))
    gc.collect()
    decode_with(answering("'the next one'"))
    assert (await refusal(b"x", inspector)).values == {"actual": "the next one"}


async def test_number_of_workers_is_limited(decode_with: Callable[[str], int], tmp_path: Path):
    decode_with(
        f"import os, pathlib, time; mine = pathlib.Path({str(tmp_path)!r}, f'{{os.getpid()}}.pid')\n"
        "mine.touch(); time.sleep(0.2); workers = len(list(mine.parent.glob('*.pid'))); mine.unlink()\n"
        + answering("workers")
    )
    inspector = SampleInspector(300, workers=2)
    refusals = await asyncio.gather(*(refusal(b"x", inspector) for _ in range(6)))
    assert max(str(refused.values["actual"]) for refused in refusals) == "2"
