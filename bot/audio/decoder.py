"""Decodes one sample in a separate process: reads the file from stdin, writes one line of JSON to stdout.

`bot.audio.inspector` runs it as `python decoder.py <max_seconds> <cpu_seconds> <parent>`, with the ID of the bot's
process as `parent`. The line is `{"sample_info": {...}}` or `{"refusal": key}` with a catalog key. If the file isn't
an MP3, the line also has the name of its format as `actual`.
"""

import json
import math
import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

if __name__ != "bot.audio.decoder":  # run as a program, with -I, which keeps the project out of the path
    sys.path.insert(0, str(Path(__file__).parents[2]))
from bot.audio import formats, mpeg
from bot.audio.sandbox import confine

BROKEN = 0.01  # the largest share of the bytes before the last good frame that may fail to decode
FLOOR = -120.0  # the level of digital silence, in dBFS


@dataclass(slots=True)
class DecodeStats:
    """Sums over the decoded frames.

    `size` counts the bytes of good frames, `lost` those between them that failed to decode. `lengths` maps
    units per second to a sum in that unit: integers, so that 3 s don't add up to 2.999 s. `samples` counts
    the samples of all channels, `squares` is the sum of their squares, with 1 as full scale.
    """

    size: int = 0
    lost: int = 0
    lengths: Counter[int] = field(default_factory=Counter[int])
    sample_rate: int = 0
    channels: int = 0
    samples: int = 0
    squares: float = 0.0
    peak: float = 0.0

    @property
    def seconds(self) -> float:
        return sum(length / rate for rate, length in self.lengths.items())


class RefusalError(Exception):
    """The sample can't be cloned. `key` and `values` are those of its text in the catalog."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.result = {"refusal": key, **values}


def main() -> None:
    """Give up all rights, then analyze the file on stdin."""
    max_seconds, cpu_seconds, parent = sys.argv[1:]
    confine(int(parent), int(cpu_seconds))
    try:
        result: object = {"sample_info": analyze(sys.stdin.buffer.read(), float(max_seconds))}
    except RefusalError as refusal:
        result = refusal.result
    except MemoryError:  # says nothing about the file
        raise
    except Exception:  # noqa: BLE001 - a file may reach any error of PyAV
        traceback.print_exc()
        result = {"refusal": "sample.unreadable"}
    print(json.dumps(result, allow_nan=False))  # noqa: T201 - the one line of output


def analyze(sample: bytes, max_seconds: float) -> dict[str, object]:
    """Return the fields of `SampleInfo`. Raises `RefusalError` if the sample isn't an intact MP3.

    A sample of more than `max_seconds` is decoded only up to there, so only its duration is right.
    FFmpeg would decompress the content of tags, so it doesn't get them.
    """
    start = mpeg.skip(sample, 0, len(sample))
    if start > len(sample):
        raise RefusalError("sample.cut_off")
    if mpeg.is_free_format(sample, start):
        raise RefusalError("sample.free_format")
    try:
        if actual := formats.other_format(sample[start:]):
            raise RefusalError("sample.not_mp3", actual=actual)
        framing = mpeg.scan(sample)
        with formats.open_container(framing.audio) as container:
            stats = decode(container, max_seconds)
    except MemoryError:  # PyAV raises one that is an FFmpegError, too
        raise
    except (FFmpegError, formats.NoSoundError) as error:
        raise RefusalError("sample.not_audio") from error
    if not stats.samples:
        raise RefusalError("sample.not_audio")
    if stats.seconds <= max_seconds:
        if stats.lost > BROKEN * (stats.lost + stats.size):
            raise RefusalError("sample.broken")
        if framing.cut_off:
            raise RefusalError("sample.cut_off")
    return sample_info(stats, framing.missing)


def decode(container: InputContainer, max_seconds: float) -> DecodeStats:
    """Decode up to `max_seconds`. After that, only add up the durations in the frames' headers."""
    stats, bad = DecodeStats(), 0
    stream = container.streams.audio[0]
    for packet in container.demux(stream):
        if not packet.size:  # the last packet, which only flushes the decoder
            continue
        if stats.seconds > max_seconds:
            stats.lengths[packet.time_base.denominator] += packet.duration or 0
            continue
        try:
            decoded = stream.decode(packet)
        except FFmpegError:
            bad += packet.size
            continue
        stats.size += packet.size
        stats.lost += bad  # only now: bytes after the last good frame are a tag or padding
        bad = 0
        for frame in decoded:
            add_frame(stats, frame)
    return stats


def add_frame(stats: DecodeStats, frame: av.AudioFrame) -> None:
    """Add a frame's samples, planes of 32-bit floats, to the sums."""
    stats.lengths[frame.sample_rate] += frame.samples
    stats.sample_rate, stats.channels = frame.sample_rate, len(frame.planes)
    for plane in frame.planes:
        samples = memoryview(plane)[: 4 * frame.samples].cast("f").tolist()
        stats.samples += len(samples)
        stats.squares += math.hypot(*samples) ** 2  # the fastest sum of squares without numpy
        stats.peak = max(stats.peak, *map(abs, samples))


def sample_info(stats: DecodeStats, missing: float) -> dict[str, object]:
    """Return the fields of `bot.audio.sample_info.SampleInfo`."""
    return {
        "duration": stats.seconds,
        "codec": "MP3",
        "sample_rate": stats.sample_rate,
        "channels": stats.channels,
        "bit_rate": round(stats.size * 8 / stats.seconds),
        "peak": dbfs(stats.peak),
        "rms": dbfs(math.sqrt(stats.squares / stats.samples)),
        "missing": missing,
    }


def dbfs(level: float) -> float:
    """Convert a level, 1 at full scale, to dBFS."""
    return max(FLOOR, 20 * math.log10(level)) if level else FLOOR


if __name__ == "__main__":
    main()
