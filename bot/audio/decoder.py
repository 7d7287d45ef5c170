"""Decodes one sample in a process of its own: the bytes on stdin, one line of JSON on stdout.

Run as `python decoder.py <longest sample in seconds>` by `bot.voices.sample`, never imported by the bot:
the limits hold for the whole process. The line is `{"facts": {...}}`, or `{"refusal": key}` with the
catalog key of an exception in `bot.errors` and, for something that is not MP3, its name as `actual`.
"""

import io
import json
import math
import re
import resource
import sys
from collections import Counter
from dataclasses import dataclass, field

import av
import av.subtitles.codeccontext  # pyright: ignore[reportUnusedImport] - av would import it too late
import av.subtitles.stream  # pyright: ignore[reportUnusedImport] - the same
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

LIMITS = {
    resource.RLIMIT_AS: 512 * 2**20,  # bytes of address space; Python and FFmpeg's libraries map 150 MB
    resource.RLIMIT_CPU: 15,  # seconds
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NOFILE: 0,  # FFmpeg opens what a playlist or an SDP file names: other files, sockets
}

BROKEN = 0.01
"""Share of the bytes, up to the last good frame, that may fail to decode."""

CUT_OFF = 0.02
"""Share of the frames counted in the header that may be missing."""

FLOOR = -120.0
"""The level of digital silence, in dBFS."""

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
"""What people call FFmpeg's formats, by format, format and codec, or "video" and format."""

_ID3V2 = re.compile(rb"ID3[\2-\4].(.)([\0-\x7f]{4})", re.DOTALL)
_COUNT = re.compile(rb"(?:(?:Xing|Info)\0{3}[\1\3\5\7\x09\x0b\x0d\x0f]|VBRI.{10})(.{4})", re.DOTALL)
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)


@dataclass(slots=True)
class DecodeStats:
    """What decoding added up: frames and bytes that are good, and bytes in between that are `lost`.

    `first` is where the first frame of audio starts, in bytes; `last` the last one. `lengths` holds
    whole numbers by how many of them make a second, so that 3 s don't add up to 2.999. `samples` counts
    those of all channels, `squares` is the sum of their squares, with 1 as full scale.
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
        """The duration."""
        return sum(length / rate for rate, length in self.lengths.items())


class RefusalError(Exception):
    """The sample can't be cloned: the catalog `key` of the reason, and the values of its sentence."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.answer = {"refusal": key, **values}


def main() -> None:
    """Limit this process, then judge what is on stdin."""
    set_limits()
    try:
        answer: object = {"facts": analyze(sys.stdin.buffer.read(), float(sys.argv[1]))}
    except RefusalError as refusal:
        answer = refusal.answer
    print(json.dumps(answer, allow_nan=False))  # noqa: T201 - the one line of output


def set_limits() -> None:
    """Lower the limits of this process for good."""
    for what, most in LIMITS.items():
        hard = resource.getrlimit(what)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (limit, limit))


def analyze(sample: bytes, longest: float) -> dict[str, object]:
    """Return a sample's facts, or raise `RefusalError`; over `longest` seconds only the duration counts."""
    start = audio_start(sample)
    if start > len(sample):
        raise RefusalError("sample.cut_off")
    audio = sample[start:]
    try:
        with av.open(
            io.BytesIO(audio),
            "r",
            metadata_errors="ignore",
            container_options={"codec_whitelist": "mp3float"},  # no other decoder sees the file
        ) as container:
            only_mp3(container)
            sound = decode(container, longest)
    except MemoryError:  # FFmpeg's is one, too
        raise
    except FFmpegError as error:
        raise RefusalError("sample.not_audio") from error
    if not sound.samples:
        raise RefusalError("sample.not_audio")
    if sound.seconds <= longest:
        if sound.lost > BROKEN * (sound.lost + sound.size):
            raise RefusalError("sample.broken")
        if cut_off(sound, audio[: sound.first]):
            raise RefusalError("sample.cut_off")
    return sample_info(sound)


def audio_start(sample: bytes) -> int:
    """Return where the ID3v2 tags end, in bytes; a tag that is cut off ends beyond the sample.

    FFmpeg inflates what a tag holds, so it never sees one. A header is 10 bytes with the size as four
    times 7 bits and, in bit 4 of the flags, a footer as long as itself: https://id3.org/id3v2.4.0-structure
    """
    start = 0
    while tag := _ID3V2.match(sample, start):
        a, b, c, d = tag[2]
        start = tag.end() + (a << 21 | b << 14 | c << 7 | d) + (10 if tag[1][0] & 0x10 else 0)
    return start


def only_mp3(container: InputContainer) -> None:
    """Refuse what is not MP3, and say what people call it."""
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


def decode(container: InputContainer, longest: float) -> DecodeStats:
    """Decode up to `longest` seconds; beyond them, add up how long the frames say they are."""
    sound, bad = DecodeStats(), 0
    stream = container.streams.audio[0]
    for packet in container.demux(stream):
        if not packet.size:  # the last one, which flushes decoders that lag behind
            continue
        if sound.seconds > longest:
            sound.lengths[packet.time_base.denominator] += packet.duration or 0
            continue
        try:
            decoded = stream.decode(packet)
        except FFmpegError:
            bad += packet.size
            continue
        sound.first = sound.first if sound.frames else packet.pos or 0
        sound.last = bytes(packet)
        sound.frames += 1
        sound.size += packet.size
        sound.lost += bad  # what follows the last good frame is a tag or padding
        bad = 0
        for frame in decoded:
            add_frame(sound, frame)
    return sound


def add_frame(sound: DecodeStats, frame: av.AudioFrame) -> None:
    """Add the samples of a frame, planes of 32-bit floats."""
    sound.lengths[frame.sample_rate] += frame.samples
    sound.sample_rate, sound.channels = frame.sample_rate, len(frame.planes)
    for plane in frame.planes:
        samples = memoryview(plane)[: 4 * frame.samples].cast("f").tolist()
        sound.samples += len(samples)
        sound.squares += math.hypot(*samples) ** 2  # the fastest sum of squares without numpy
        sound.peak = max(sound.peak, *map(abs, samples))


def cut_off(sound: DecodeStats, head: bytes) -> bool:
    """Whether frames are missing from those that `head` counts; without a count, whether the last is whole.

    The count is a Xing, Info or VBRI header's, which stands in a frame of its own before the audio and
    doesn't count that one: https://www.codeproject.com/Articles/8295/MPEG-Audio-Frame-Header
    """
    if count := _COUNT.search(head):
        return sound.frames < (1 - CUT_OFF) * int.from_bytes(count[1], "big")
    return len(sound.last) < frame_size(sound.last, sound.sample_rate)


def frame_size(frame: bytes, sample_rate: int) -> int:
    """Return how many bytes a Layer III frame has by its header (ISO 11172-3 and 13818-3, 2.4.2.3)."""
    first_version, padding = frame[1] & 0x08, frame[2] >> 1 & 1
    kbits = (_KBITS_1 if first_version else _KBITS_2)[frame[2] >> 4]
    return (144_000 if first_version else 72_000) * kbits // sample_rate + padding


def sample_info(sound: DecodeStats) -> dict[str, object]:
    """Return the fields of `bot.voices.models.Facts`."""
    return {
        "duration": sound.seconds,
        "codec": "MP3",
        "sample_rate": sound.sample_rate,
        "channels": sound.channels,
        "bit_rate": round(sound.size * 8 / sound.seconds),
        "peak": dbfs(sound.peak),
        "rms": dbfs(math.sqrt(sound.squares / sound.samples)),
    }


def dbfs(level: float) -> float:
    """Return a level, 1 at full scale, in dBFS."""
    return max(FLOOR, 20 * math.log10(level)) if level else FLOOR


if __name__ == "__main__":
    main()
