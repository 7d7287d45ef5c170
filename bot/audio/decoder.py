"""Decodes one sample in a separate process: reads the file from stdin, writes one line of JSON to stdout.

`bot.audio.inspector` runs it as `python decoder.py <max_seconds> <cpu_seconds> <parent>`, with the ID of the bot's
process as `parent`. The line is `{"sample_info": {...}}` or `{"refusal": key}` with a catalog key. If the file isn't
an MP3, the line also has the name of its format as `actual`.
"""

import io
import json
import math
import re
import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import av
import av.subtitles.codeccontext  # pyright: ignore[reportUnusedImport] - av would import it too late
import av.subtitles.stream  # pyright: ignore[reportUnusedImport] - the same
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

if __name__ != "bot.audio.decoder":  # run as a program, with -I, which keeps the project out of the path
    sys.path.insert(0, str(Path(__file__).parents[2]))
from bot.audio.sandbox import confine

BROKEN = 0.01  # the largest share of the bytes before the last good frame that may fail to decode
CUT_OFF = 0.02  # the largest share of the frames counted in the header that may be missing
FLOOR = -120.0  # the level of digital silence, in dBFS

NAMES = {
    "aac": "AAC",
    "aiff": "AIFF",
    "asf": "WMA",
    "flac": "FLAC",
    "mov": "M4A",
    "mp3 mp1": "MPEG Layer I",
    "mp3 mp2": "MPEG Layer II",
    "matroska opus": "WebM",
    "ogg opus": "Ogg Opus",
    "ogg vorbis": "Ogg Vorbis",
    "video asf": "WMV video",
    "video avi": "AVI video",
    "video matroska": "WebM or Matroska video",
    "video mov": "MP4 video",
    "wav": "WAV",
}
"""Common names of FFmpeg's formats. Keys are a format, a format and a codec, or "video" and a format."""

_ID3V2 = re.compile(rb"ID3[\2-\4].(.)([\0-\x7f]{4})", re.DOTALL)
_COUNT = re.compile(rb"(?:(?:Xing|Info)\0{3}[\1\3\5\7\x09\x0b\x0d\x0f]|VBRI.{10})(.{4})", re.DOTALL)
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)


@dataclass(slots=True)
class DecodeStats:
    """Sums over the decoded frames.

    `first` is the offset of the first good frame in bytes, `last` the bytes of the last one. `frames` and
    `size` (bytes) count good frames, `lost` the bytes between them that failed to decode. `lengths` maps
    units per second to a sum in that unit: integers, so that 3 s don't add up to 2.999 s. `samples` counts
    the samples of all channels, `squares` is the sum of their squares, with 1 as full scale.
    """

    first: int = 0
    last: bytes = b""
    frames: int = 0
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
    """
    start = audio_start(sample)
    if start > len(sample):
        raise RefusalError("sample.cut_off")
    audio = sample[start:]
    try:
        with av.open(
            io.BytesIO(audio),
            "r",
            metadata_errors="ignore",
            container_options={"codec_whitelist": "mp3float"},  # no other decoder is run
        ) as container:
            check_format(container)
            stats = decode(container, max_seconds)
    except MemoryError:  # PyAV raises one that is an FFmpegError, too
        raise
    except FFmpegError as error:
        raise RefusalError("sample.not_audio") from error
    if not stats.samples:
        raise RefusalError("sample.not_audio")
    if stats.seconds <= max_seconds:
        if stats.lost > BROKEN * (stats.lost + stats.size):
            raise RefusalError("sample.broken")
        if is_cut_off(stats, audio[: stats.first]):
            raise RefusalError("sample.cut_off")
    return sample_info(stats)


def audio_start(sample: bytes) -> int:
    """Return the offset in bytes after the ID3v2 tags. The end of a cut-off tag is beyond the sample's.

    FFmpeg would decompress the content of tags, so it doesn't get them. A header ends with the size, four
    times 7 bits. Bit 4 of its flags announces a footer of 10 bytes: https://id3.org/id3v2.4.0-structure
    """
    start = 0
    while tag := _ID3V2.match(sample, start):
        a, b, c, d = tag[2]
        start = tag.end() + (a << 21 | b << 14 | c << 7 | d) + (10 if tag[1][0] & 0x10 else 0)
    return start


def check_format(container: InputContainer) -> None:
    """Raise `RefusalError` with the name of the format if the file isn't an MP3."""
    if not container.streams.audio:
        raise RefusalError("sample.not_audio")
    form = container.format.name.partition(",")[0]
    codec = getattr(container.streams.audio[0].codec_context, "name", "")  # None if FFmpeg has no decoder
    if form == "mp3" and codec == "mp3float":
        return
    name = NAMES.get(f"{form} {codec}") or NAMES.get(form) or container.format.long_name
    if any(Disposition.attached_pic not in video.disposition for video in container.streams.video):
        name = NAMES.get(f"video {form}") or f"{container.format.long_name} video"
    raise RefusalError("sample.not_mp3", actual=name)


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
        stats.first = stats.first if stats.frames else packet.pos or 0
        stats.last = bytes(packet)
        stats.frames += 1
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


def is_cut_off(stats: DecodeStats, head: bytes) -> bool:
    """Return True if frames are missing: by the count in `head`, the bytes before the audio, or by the last.

    The count is in a Xing, Info or VBRI header and doesn't include the header's own frame:
    https://www.codeproject.com/Articles/8295/MPEG-Audio-Frame-Header
    """
    if count := _COUNT.search(head):
        return stats.frames < (1 - CUT_OFF) * int.from_bytes(count[1], "big")
    return len(stats.last) < frame_size(stats.last, stats.sample_rate)


def frame_size(frame: bytes, sample_rate: int) -> int:
    """Return the size in bytes of a Layer III frame by its header (ISO 11172-3 and 13818-3, 2.4.2.3)."""
    first_version, padding = frame[1] & 0x08, frame[2] >> 1 & 1
    kbits = (_KBITS_1 if first_version else _KBITS_2)[frame[2] >> 4]
    return (144_000 if first_version else 72_000) * kbits // sample_rate + padding


def sample_info(stats: DecodeStats) -> dict[str, object]:
    """Return the fields of `bot.audio.sample_info.SampleInfo`."""
    return {
        "duration": stats.seconds,
        "codec": "MP3",
        "sample_rate": stats.sample_rate,
        "channels": stats.channels,
        "bit_rate": round(stats.size * 8 / stats.seconds),
        "peak": dbfs(stats.peak),
        "rms": dbfs(math.sqrt(stats.squares / stats.samples)),
    }


def dbfs(level: float) -> float:
    """Convert a level, 1 at full scale, to dBFS."""
    return max(FLOOR, 20 * math.log10(level)) if level else FLOOR


if __name__ == "__main__":
    main()
