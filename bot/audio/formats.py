"""Names the format of a file that isn't an MP3, whatever the file's name says."""

import io
import re

import av
import av.subtitles.codeccontext  # pyright: ignore[reportUnusedImport] - av would import it too late
import av.subtitles.stream  # pyright: ignore[reportUnusedImport] - the same
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

NAMES = {
    "3gp": "3GP",
    "aac": "AAC",
    "ac3": "AC-3",
    "aiff": "AIFF",
    "amr": "AMR",
    "ape": "Monkey's Audio",
    "asf": "ASF",
    "avi": "AVI",
    "caf": "CAF",
    "dts": "DTS",
    "eac3": "E-AC-3",
    "flac": "FLAC",
    "flv": "Flash video",
    "loas": "AAC",
    "m4a": "M4A",
    "matroska": "Matroska",
    "mov": "QuickTime",
    "mp3 mp1": "MPEG Layer I",
    "mp3 mp2": "MPEG Layer II",
    "mp4": "MP4",
    "mp4 aac": "M4A",
    "mp4 alac": "M4A",
    "mpc": "Musepack",
    "mpc8": "Musepack",
    "mpeg": "MPEG",
    "mpegts": "MPEG-TS",
    "ogg flac": "Ogg FLAC",
    "ogg opus": "Ogg Opus",
    "ogg speex": "Ogg Speex",
    "ogg vorbis": "Ogg Vorbis",
    "tta": "TTA",
    "w64": "Wave64",
    "wav": "WAV",
    "webm": "WebM",
    "video 3gp": "3GP video",
    "video asf": "WMV video",
    "video avi": "AVI video",
    "video flv": "Flash video",
    "video m4a": "MP4 video",
    "video matroska": "Matroska video",
    "video mov": "QuickTime video",
    "video mp4": "MP4 video",
    "video mpeg": "MPEG video",
    "video mpegts": "MPEG-TS video",
    "video webm": "WebM video",
}
"""Common names of FFmpeg's formats. Keys are a format, a format and a codec, or "video" and a format."""

CODECS = {"alac": "Apple Lossless", "flac": "FLAC", "mp3float": "MP3", "opus": "Opus", "vorbis": "Vorbis"}
"""Codecs that are named in formats in which they are unusual."""

BRANDS = {b"3g": "3gp", b"M4A": "m4a", b"M4B": "m4a", b"qt": "mov"}
"""How the brand of a file in the ISO base media format begins; all others are MP4: https://mp4ra.org/registered-types/brands"""

_ANY_CODEC = {"3gp", "asf", "avi", "caf", "flv", "matroska", "mov", "mp4", "mpeg", "mpegts", "nut", "swf"}
"""Formats that may have audio of any codec inside."""

SIGNATURES = (
    (rb"MThd|RIFF....RMID", "MIDI"),
    (rb"\x02?#!SILK", "SILK"),
    (rb"ADIF", "AAC"),
    (rb"....ftyp3g", "3GP"),
    (rb"....ftypM4[AB]", "M4A"),
    (rb"....ftypqt|....(?:moov|wide)", "QuickTime"),
    (rb"....ftyp", "MP4"),
    (rb"\x1aE\xdf\xa3.{0,60}webm", "WebM"),
    (rb"\x1aE\xdf\xa3", "Matroska"),
    (rb"(?:RIFF|RF64)....WAVE", "WAV"),
    (rb"RIFF....AVI ", "AVI"),
    (rb"FORM....AIF[FC]", "AIFF"),
    (rb"OggS", "Ogg"),
    (rb"fLaC", "FLAC"),
    (rb"caff", "CAF"),
    (rb"#!AMR", "AMR"),
    (rb"0&\xb2u\x8ef\xcf\x11", "WMA"),
)
"""What files begin with that FFmpeg can't open: those without sound of their own, unknown to it, or cut off."""


class NoSoundError(Exception):
    """A file has no audio."""


def other_format(audio: bytes) -> str | None:
    """Return the format's name, or None for MP3. Raises `NoSoundError` if it is none that is known."""
    try:
        with open_container(audio) as container:
            return _name(container, audio)
    except MemoryError:  # PyAV raises one that is an FFmpegError, too
        raise
    except FFmpegError as error:
        for signature, name in SIGNATURES:
            if re.match(signature, audio, re.DOTALL):
                return name
        raise NoSoundError from error


def open_container(audio: bytes) -> InputContainer:
    """Open a file with FFmpeg, which runs no decoder but that for MP3. Raises `FFmpegError`."""
    options = {"codec_whitelist": "mp3float"}
    return av.open(io.BytesIO(audio), "r", metadata_errors="ignore", container_options=options)


def _name(container: InputContainer, audio: bytes) -> str | None:
    if not container.streams.audio:
        raise NoSoundError
    form = _form(container, audio)
    codec = getattr(container.streams.audio[0].codec_context, "name", "")  # None if FFmpeg has no decoder
    if form == "mp3" and codec == "mp3float":
        return None
    plain = container.format.long_name.partition(" (")[0]
    if any(Disposition.attached_pic not in video.disposition for video in container.streams.video):
        return NAMES.get(f"video {form}") or f"{plain} video"
    if form == "asf" and codec.startswith("wma"):
        return "WMA"
    if known := NAMES.get(f"{form} {codec}"):
        return known
    name = NAMES.get(form, plain)
    unusual = CODECS.get(codec) if form in _ANY_CODEC else None
    return f"{name} with {unusual} inside" if unusual else name


def _form(container: InputContainer, audio: bytes) -> str:
    """Return FFmpeg's name of the format, or that of the format's variant."""
    form = container.format.name.partition(",")[0]
    if form == "mov" and audio[4:8] == b"ftyp":
        return next((name for brand, name in BRANDS.items() if audio.startswith(brand, 8)), "mp4")
    return "webm" if form == "matroska" and b"webm" in audio[:80] else form
