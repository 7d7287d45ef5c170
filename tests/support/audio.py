"""Audio files for the tests, made by FFmpeg's encoders."""

import io
import math
import random
from array import array
from functools import cache, partial

import av
import pytest
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from bot.audio.inspector import SampleInspector
from bot.errors import Refused

Options = tuple[tuple[str, str], ...]


@cache
def mp3(
    seconds: float = 12,
    *,
    sample_rate: int = 44_100,
    channels: int = 1,
    bit_rate: int = 64_000,
    level_dbfs: float = -12,
    vbr: bool = False,
    count: bool = True,
) -> bytes:
    """Return an MP3 with an ID3v2 tag of 45 bytes and an Info header that counts the frames.

    With `vbr` the header is called Xing, and LAME chooses the bit rate (-V 4: 472 is 4 of FFmpeg's lambdas).
    Without `count` it has only frames, and is a few hundredths of a second longer: nothing says which
    samples are the encoder's padding. Such files may be joined into one.
    """
    return encoded(
        "mp3",
        "libmp3lame",
        seconds,
        sample_rate=sample_rate,
        channels=channels,
        level_dbfs=level_dbfs,
        muxer=() if count else (("write_xing", "0"), ("id3v2_version", "0")),
        encoder=(("flags", "+qscale"), ("global_quality", "472")) if vbr else (("b", str(bit_rate)),),
    )


@cache
def encoded(
    container: str,
    codec: str,
    seconds: float = 4,
    *,
    sample_rate: int = 44_100,
    channels: int = 1,
    level_dbfs: float = -12,
    muxer: Options = (),
    encoder: Options = (),
) -> bytes:
    """Return `seconds` of the test voice in one of FFmpeg's formats, with options for muxer and encoder."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=dict(muxer)) as output:
        stream = _stream(output, codec, sample_rate, encoder)
        assert isinstance(stream, AudioStream)
        stream.layout = {1: "mono", 2: "stereo"}[channels]
        _write_voice(output, stream, round(seconds * sample_rate), level_dbfs)
    return file.getvalue()


wav = partial(encoded, "wav", "pcm_s16le")


@cache
def video(container: str, codec: str, audio_codec: str | None = None) -> bytes:
    """Return a second of blank video, with the test voice if `audio_codec` is given."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        pictures = _stream(output, codec, 25)
        assert isinstance(pictures, VideoStream)
        pictures.width = pictures.height = 64
        pictures.pix_fmt = "yuv420p"
        sound = _stream(output, audio_codec, 48_000) if audio_codec else None
        if isinstance(sound, AudioStream):
            sound.layout = "mono"  # before the first frame: later it crashes the encoder
        for number in range(25):
            picture = av.VideoFrame(64, 64, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes(plane.buffer_size))
            picture.pts = number
            output.mux(pictures.encode(picture))
        output.mux(pictures.encode(None))
        if isinstance(sound, AudioStream):
            _write_voice(output, sound, 48_000, -12)
    return file.getvalue()


def id3v2(body: bytes, *, version: int = 4, footer: bool = False) -> bytes:
    """Return an ID3v2 tag around its frames or padding (https://id3.org/id3v2.4.0-structure)."""
    head = bytes([version, 0, 0x10 if footer else 0]) + syncsafe(len(body))
    return b"ID3" + head + body + (b"3DI" + head if footer else b"")


def syncsafe(number: int) -> bytes:
    """Return ID3v2's form of a number: four bytes of 7 bits."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _stream(
    output: OutputContainer, codec: str, rate: int, options: Options = ()
) -> AudioStream | VideoStream | SubtitleStream:
    return output.add_stream(codec, rate, dict(options))  # pyright: ignore[reportUnknownMemberType] - **kwargs


def _write_voice(output: OutputContainer, stream: AudioStream, samples: int, level_dbfs: float) -> None:
    """Encode this number of samples of the test voice, a second at a time."""
    second = _voice(stream.rate, stream.layout.nb_channels, level_dbfs)
    for start in range(0, samples, stream.rate):
        length = min(stream.rate, samples - start)
        frame = av.AudioFrame("s16", stream.layout.name, length)
        frame.rate, frame.pts = stream.rate, start
        frame.planes[0].update(second[: frame.planes[0].buffer_size])
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


@cache
def _voice(rate: int, channels: int, level_dbfs: float) -> bytes:
    """Return a second of the test voice: three partials that swell four times, at an RMS of `level_dbfs`."""
    hum = [
        (0.6 - 0.4 * math.cos(math.tau * 4 * n / rate))
        * sum(math.sin(math.tau * 220 * partial * n / rate + partial) / partial for partial in (1, 2, 3))
        for n in range(rate)
    ]
    gain = 32_767 * 10 ** (level_dbfs / 20) / math.sqrt(math.fsum(x * x for x in hum) / rate)
    return array("h", (round(gain * x) for x in hum for _ in range(channels))).tobytes()


GOOD = ("good.mp3", mp3(seconds=12))


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311 - the same noise each time


async def refusal(sample: bytes, inspector: SampleInspector | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        await (inspector or SampleInspector(300)).inspect(sample)
    return caught.value
