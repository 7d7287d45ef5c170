"""A sample is judged by decoding it, in a process that can do no harm."""

import asyncio
import gc
import math
import os
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from audio import encoded, id3v2, mp3, syncsafe, video, wav
from bot.audio.inspector import DECODER, SampleInspector, within_recommended
from bot.audio.sample_info import SampleInfo
from bot.errors import (
    Refused,
)

MEGABYTE = 2**20
ID3V1 = b"TAG" + b"Caf\xe9 in Latin-1".ljust(125, b"\0")
LYRICS3 = b"LYRICSBEGININD0000300LYR00012Some lyrics 000042LYRICS200"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"
SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 14\n"


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311 - the same noise each time


def apev2(body: bytes) -> bytes:
    size = (len(body) + 32).to_bytes(4, "little")
    return body + b"APETAGEX\xd0\7\0\0" + size + b"\1\0\0\0" + bytes(12)


def at_a_frame(sample: bytes) -> bytes:
    """Cut the last 3 % off, and what that leaves of a frame."""
    return sample[: sample.rindex(b"\xff\xfb", 0, len(sample) * 97 // 100)]


def overwritten(sample: bytes, filler: bytes) -> bytes:
    middle = len(sample) // 2
    return sample[:middle] + filler + sample[middle + len(filler) :]


def with_cover(flac: bytes) -> bytes:
    """Put a picture behind the first block of metadata (RFC 9639, 8.8)."""
    body = b"\0\0\0\3\0\0\0\x09image/png" + bytes(20) + len(PNG).to_bytes(4, "big") + PNG
    return flac[:42] + b"\6" + len(body).to_bytes(3, "big") + body + flac[42:]


async def refusal(sample: bytes, inspector: SampleInspector | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        await (inspector or SampleInspector(300)).inspect(sample)
    return caught.value


@pytest.mark.parametrize(
    ("seconds", "sample_rate", "channels", "bit_rate", "level_dbfs"),
    [(12, 44_100, 1, 64_000, -12), (4.5, 48_000, 2, 128_000, -20), (7, 22_050, 1, 32_000, -35)],
)
async def test_the_facts_are_those_of_the_recording(
    seconds: float, sample_rate: int, channels: int, bit_rate: int, level_dbfs: float
) -> None:
    sample = mp3(
        seconds, sample_rate=sample_rate, channels=channels, bit_rate=bit_rate, level_dbfs=level_dbfs
    )
    facts = await SampleInspector(300).inspect(sample)
    assert facts.duration == pytest.approx(seconds, rel=0.01)
    assert (facts.codec, facts.sample_rate, facts.channels) == ("MP3", sample_rate, channels)
    assert facts.bit_rate == pytest.approx(bit_rate, rel=0.02)
    assert facts.rms == pytest.approx(level_dbfs, abs=1)
    assert facts.peak == pytest.approx(level_dbfs + 8, abs=1)  # the crest factor of the test voice


async def test_a_header_that_lies_about_the_duration_changes_nothing() -> None:
    loud_then_lean = mp3(4, bit_rate=320_000, count=False) + mp3(20, bit_rate=32_000, count=False)
    facts = await SampleInspector(300).inspect(loud_then_lean)  # by its first frame it lasts 7 s
    assert facts.duration == pytest.approx(24, rel=0.01)
    assert facts.bit_rate == pytest.approx(80_000, rel=0.02)


@pytest.mark.parametrize(
    "make",
    [
        lambda: mp3(vbr=True),
        lambda: mp3() + ID3V1,
        lambda: mp3(count=False),
        lambda: mp3(count=False) + ID3V1,
        lambda: mp3(count=False) + apev2(noise(100_000)) + LYRICS3 + ID3V1,
        lambda: mp3(count=False) + bytes(30_000),
        lambda: id3v2(noise(1000)) + mp3(),
        lambda: id3v2(b"", footer=True) + id3v2(noise(200_000), version=3) + mp3(),
        lambda: mp3() + mp3(),
    ],
)
async def test_tags_and_padding_are_no_breakage(make: Callable[[], bytes]) -> None:
    facts = await SampleInspector(300).inspect(make())
    assert facts.duration % 12 == pytest.approx(0.04, abs=0.05)


async def test_an_empty_file_is_called_empty() -> None:
    assert (await refusal(b"")).key == "sample.empty"


@pytest.mark.parametrize(
    "make",
    [
        lambda: noise(MEGABYTE),
        lambda: bytes(25 * MEGABYTE),
        lambda: b"\xff" * (25 * MEGABYTE),
        lambda: b"ID3 is what a tag starts with.\n" * 100,
        lambda: b"<!DOCTYPE html><html><body>Not found</body></html>" * 50,
        lambda: b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 50,
        lambda: id3v2(bytes(2000)),
        lambda: PNG,
        lambda: video("mp4", "libx264"),
    ],
)
async def test_what_has_no_sound_is_not_audio(make: Callable[[], bytes]) -> None:
    assert (await refusal(make())).key == "sample.not_audio"


@pytest.mark.parametrize(
    ("actual", "make"),
    [
        ("WAV", lambda: wav(4)),
        ("WAV", lambda: encoded("wav", "libmp3lame")),
        ("AIFF", lambda: encoded("aiff", "pcm_s16be")),
        ("FLAC", lambda: encoded("flac", "flac")),
        ("FLAC", lambda: id3v2(bytes(100)) + encoded("flac", "flac")),
        ("FLAC", lambda: with_cover(encoded("flac", "flac"))),
        ("Ogg Opus", lambda: encoded("ogg", "libopus", sample_rate=48_000)),
        ("Ogg Vorbis", lambda: encoded("ogg", "libvorbis")),
        ("M4A", lambda: encoded("ipod", "aac")),
        ("AAC", lambda: encoded("adts", "aac")),
        ("WMA", lambda: encoded("asf", "wmav2", encoder=(("b", "64000"),))),
        ("WebM", lambda: encoded("webm", "libopus", sample_rate=48_000)),
        ("MPEG Layer I", lambda: (b"\xff\xff\x14\xc0" + bytes(28)) * 400),
        ("MPEG Layer II", lambda: encoded("mp2", "mp2")),
        ("Sun AU", lambda: encoded("au", "pcm_s16be")),
        ("MP4 video", lambda: video("mp4", "libx264", "aac")),
        ("MP4 video", lambda: video("mp4", "mpeg4", "libmp3lame")),
    ],
)
async def test_what_is_not_mp3_is_called_by_its_name(actual: str, make: Callable[[], bytes]) -> None:
    refused = await refusal(make())
    assert refused.key == "sample.not_mp3"
    assert refused.values == {"actual": actual}


@pytest.mark.parametrize(
    "make",
    [
        lambda: mp3(60)[:8192],
        lambda: at_a_frame(mp3()),
        lambda: at_a_frame(mp3(vbr=True)),
        lambda: mp3(count=False)[:-100],
        lambda: mp3()[:20],
        lambda: id3v2(bytes(5000))[:3000],
    ],
)
async def test_a_file_that_ends_too_early_is_cut_off(make: Callable[[], bytes]) -> None:
    assert (await refusal(make())).key == "sample.cut_off"


async def test_a_vbri_header_counts_frames_too() -> None:
    header = mp3(count=False)[:4] + bytes(32) + b"VBRI\0\1" + bytes(8) + (460).to_bytes(4, "big") + bytes(8)
    counted = header.ljust(208, b"\0") + mp3(count=False)
    assert (await SampleInspector(300).inspect(counted)).duration == pytest.approx(12, rel=0.01)
    assert (await refusal(at_a_frame(counted))).key == "sample.cut_off"


@pytest.mark.parametrize("filler", [noise(3000), bytes(3000)], ids=["noise", "zeros"])
@pytest.mark.parametrize("count", [True, False])
async def test_a_hole_in_the_middle_is_a_breakage(*, filler: bytes, count: bool) -> None:
    assert (await refusal(overwritten(mp3(count=count), filler))).key == "sample.broken"


async def test_a_few_bad_bytes_are_forgiven() -> None:
    facts = await SampleInspector(300).inspect(overwritten(mp3(), noise(300)))
    assert facts.duration == pytest.approx(12, rel=0.01)


async def test_under_three_seconds_is_too_short() -> None:
    refused = await refusal(mp3(2.98))
    assert refused.key == "sample.too_short"
    assert refused.values == {"seconds": 2.9, "limit": 3}
    assert (await SampleInspector(300).inspect(mp3(3))).duration == pytest.approx(3)


async def test_over_the_hard_limit_is_too_long_by_its_true_length() -> None:
    refused = await refusal(mp3(60), SampleInspector(50))
    assert refused.key == "sample.too_long"
    assert refused.values == {"seconds": 60, "limit": 50}
    assert (await SampleInspector(60.1).inspect(mp3(60))).duration == pytest.approx(60)


async def test_hours_of_audio_are_not_decoded() -> None:
    minute = mp3(60, sample_rate=8000, bit_rate=8000, count=False)
    inspector, costs = SampleInspector(5), [sum(os.times()[2:4])]  # seconds spent by processes that are over
    for sample, seconds in ((minute, 60), (minute * 120, 7200)):
        refused = await refusal(sample, inspector)
        assert refused.key == "sample.too_long"
        assert refused.values["seconds"] == pytest.approx(seconds, rel=0.01)
        costs.append(sum(os.times()[2:4]))
    assert costs[2] - costs[1] < 10 * (costs[1] - costs[0])


@pytest.mark.parametrize(("level_dbfs", "rms"), [(-math.inf, -120), (-60, -60)])
async def test_next_to_nothing_is_silent(level_dbfs: float, rms: int) -> None:
    refused = await refusal(mp3(level_dbfs=level_dbfs))
    assert refused.key == "sample.silent"
    assert refused.values["rms"] == pytest.approx(rms, abs=1)


async def test_quiet_speech_and_a_word_in_a_long_silence_are_no_silence() -> None:
    inspector = SampleInspector(300)
    assert (await inspector.inspect(mp3(level_dbfs=-46))).rms == pytest.approx(-46, abs=1)
    word_then_silence = mp3(1, level_dbfs=-35, count=False) + mp3(40, level_dbfs=-math.inf, count=False)
    assert (await inspector.inspect(word_then_silence)).rms < -50


@pytest.mark.parametrize(
    ("duration", "recommended"), [(9.4, False), (9.97, True), (30, True), (60.05, True), (60.6, False)]
)
def test_ten_to_sixty_seconds_are_recommended(duration: float, *, recommended: bool) -> None:
    facts = SampleInfo(
        duration=duration, codec="MP3", sample_rate=44_100, channels=1, bit_rate=64_000, peak=-4, rms=-12
    )
    assert within_recommended(facts) is recommended


@pytest.fixture
def decode_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Return a function that puts another program in the decoder's place."""
    program = tmp_path / "decoder.py"
    monkeypatch.setattr("bot.voices.sample.DECODER", program)
    return program.write_text


def answering(expression: str) -> str:
    """Return a line that answers with the value of an expression, as the name of something not MP3."""
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
async def test_a_bomb_does_not_go_off(decode_with: Callable[[str], int], make: Callable[[], bytes]) -> None:
    decode_with(
        "import runpy, sys\n"
        "status = open('/proc/self/status')\n"
        f"decoder = runpy.run_path({str(DECODER)!r})\n"
        "try: decoder['judge'](sys.stdin.buffer.read(), 300)\n"
        "except decoder['RefusalError']: pass\n"
        + answering("[line.split()[1] for line in status if 'VmHWM' in line][0]")
    )
    peak = (await refusal(make())).values["actual"]
    assert int(str(peak)) < 60 * 1024  # kB, of which Python and FFmpeg take 37,000


async def test_running_out_of_memory_is_no_verdict(decode_with: Callable[[str], int]) -> None:
    decode_with(
        "import json, resource, runpy, sys\n"
        f"decoder, sample = runpy.run_path({str(DECODER)!r}), sys.stdin.buffer.read()\n"
        "mapped = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (mapped, resource.RLIM_INFINITY))\n"
        "try: decoder['judge'](sample, 300)\n"
        "except Exception as error: outcome = type(error).__name__\n"
        "resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        + answering("outcome")
    )
    assert (await refusal(noise(3 * MEGABYTE))).values == {"actual": "MemoryError"}


async def test_a_file_that_names_a_socket_opens_none() -> None:
    assert (await refusal(SDP)).key == "sample.not_audio"


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
async def test_a_worker_that_makes_no_sense_makes_the_sample_unreadable(
    decode_with: Callable[[str], int], program: str, size: int
) -> None:
    decode_with(program)
    async with asyncio.timeout(10):
        assert (await refusal(bytes(size))).key == "sample.unreadable"
    gc.collect()  # a pipe left open would complain now


async def test_a_worker_sees_nothing_of_the_bots_environment(
    decode_with: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
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
async def test_a_worker_is_limited(decode_with: Callable[[str], int], deed: str, outcome: str) -> None:
    decode_with(
        f"import json, resource, runpy; runpy.run_path({str(DECODER)!r})['confine']()\n"
        f"try: outcome = {deed}\n"
        "except Exception as error: outcome = type(error).__name__\n" + answering("outcome")
    )
    assert (await refusal(b"x")).values == {"actual": outcome}


def sleeping(folder: Path) -> str:
    """Return a program that forks, leaves a file named after each of its two processes, and sleeps."""
    return f"import os, time; os.fork(); open({str(folder)!r} + f'/{{os.getpid()}}.pid', 'w'); time.sleep(60)"


def sleepers(folder: Path) -> list[int]:
    return [int(file.stem) for file in folder.glob("*.pid")]


def running(process: int) -> bool:
    """Tell whether a process runs, or is a child of ours that nobody has reaped."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "State:\tZ" not in status or f"PPid:\t{os.getpid()}\n" in status


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - other processes have no events
            await asyncio.sleep(0.01)


async def test_a_worker_that_takes_too_long_is_killed(
    decode_with: Callable[[str], int], tmp_path: Path
) -> None:
    decode_with(sleeping(tmp_path))
    async with asyncio.timeout(10):
        assert (await refusal(bytes(MEGABYTE), SampleInspector(300, timeout=0.5))).key == "sample.unreadable"
    await until(lambda: not any(map(running, sleepers(tmp_path))))
    gc.collect()


async def test_whoever_stops_waiting_stops_the_worker(
    decode_with: Callable[[str], int], tmp_path: Path
) -> None:
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


async def test_no_more_workers_run_at_once_than_allowed(
    decode_with: Callable[[str], int], tmp_path: Path
) -> None:
    decode_with(
        f"import os, pathlib, time; mine = pathlib.Path({str(tmp_path)!r}, f'{{os.getpid()}}.pid')\n"
        "mine.touch(); time.sleep(0.2); workers = len(list(mine.parent.glob('*.pid'))); mine.unlink()\n"
        + answering("workers")
    )
    inspector = SampleInspector(300, workers=2)
    refusals = await asyncio.gather(*(refusal(b"x", inspector) for _ in range(6)))
    assert max(str(refused.values["actual"]) for refused in refusals) == "2"
