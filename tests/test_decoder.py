"""What the decoder returns for a file: the facts of an MP3, or a refusal."""

import json
import math
from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.audio import mpeg
from bot.audio.decoder import RefusalError, analyze
from bot.audio.inspector import SampleInspector, within_recommended
from bot.audio.sample_info import SampleInfo
from support.audio import encoded, id3v2, mp3, noise, refusal, video, wav

MEGABYTE = 2**20
ID3V1 = b"TAG" + b"Caf\xe9 in Latin-1".ljust(125, b"\0")
LYRICS3 = b"LYRICSBEGININD0000300LYR00012Some lyrics 000042LYRICS200"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"


def apev2(body: bytes) -> bytes:
    size = (len(body) + 32).to_bytes(4, "little")
    return body + b"APETAGEX\xd0\7\0\0" + size + b"\1\0\0\0" + bytes(12)


def cover(size: int) -> bytes:
    """Return a tag with a picture of bytes that look like frames, as in ID3v2.3."""
    picture = b"\0image/jpeg\0\3\0" + (b"\xff\xfb\x90\xc4" + noise(413)) * (size // 417)
    return id3v2(b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture, version=3)


def apev2_with_header(body: bytes) -> bytes:
    footer = apev2(body)[-32:]
    head, tail = footer[:20], footer[24:]
    return head + b"\0\0\0\xa0" + tail + body + head + b"\0\0\0\x80" + tail


def free_format() -> bytes:
    """Return an MP3 whose frames, all of one size, don't say their bit rate."""
    sample = bytearray(mp3(12, sample_rate=48_000, count=False))
    size = 144 * 64_000 // 48_000
    for start in range(2, len(sample), size):
        sample[start] &= 0x0F
    return bytes(sample)


TAGS = {
    "ID3v2 with a cover": cover(20_000),
    "ID3v2 with padding": id3v2(b"TIT2\0\0\0\5\0\0\0Song" + bytes(4000)),
    "ID3v2 with a footer": id3v2(b"TIT2\0\0\0\5\0\0\0Song", footer=True),
    "ID3v1": ID3V1,
    "extended ID3v1": b"TAG+" + bytes(223) + ID3V1,
    "APEv2": apev2_with_header(noise(15_000)),
    "APEv2 without a header": apev2(noise(15_000)),
    "Lyrics3": b"LYRICSBEGINSome lyricsLYRICSEND" + ID3V1,
    "Lyrics3v2": LYRICS3 + ID3V1,
    "padding": bytes(3000),
}


MARKS = [b"LYRICSBEGIN", b"TAG", b"ID3\3", b"APETAGEX" + bytes(24), b"\xff\xfb\x90", b"Info\0\0\0\1\xff\xff\xff\xff"]
"""How tags, frames and headers begin that then don't go on."""


def at_a_frame(sample: bytes) -> bytes:
    """Cut off the last 3 % and the incomplete frame before them."""
    return sample[: sample.rindex(b"\xff\xfb", 0, len(sample) * 97 // 100)]


def overwritten(sample: bytes, filler: bytes) -> bytes:
    middle = len(sample) // 2
    return sample[:middle] + filler + sample[middle + len(filler) :]


def with_cover(flac: bytes) -> bytes:
    """Insert a picture after the first block of metadata (RFC 9639, 8.8)."""
    body = b"\0\0\0\3\0\0\0\x09image/png" + bytes(20) + len(PNG).to_bytes(4, "big") + PNG
    return flac[:42] + b"\6" + len(body).to_bytes(3, "big") + body + flac[42:]


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode in this process; test_sample proves that the worker process does the same."""

    async def decoded(inspector: SampleInspector, sample: bytes) -> bytes:
        try:
            answer: object = {"sample_info": analyze(sample, inspector._max_seconds)}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as the worker gets it
        except RefusalError as refused:
            answer = refused.result
        return json.dumps(answer).encode()

    monkeypatch.setattr(SampleInspector, "_decode", decoded)


@pytest.mark.parametrize(
    ("seconds", "sample_rate", "channels", "bit_rate", "level_dbfs"),
    [(12, 44_100, 1, 64_000, -12), (4.5, 48_000, 2, 128_000, -20), (7, 22_050, 1, 32_000, -35)],
)
async def test_facts_are_those_of_the_recording(
    seconds: float, sample_rate: int, channels: int, bit_rate: int, level_dbfs: float
):
    sample = mp3(seconds, sample_rate=sample_rate, channels=channels, bit_rate=bit_rate, level_dbfs=level_dbfs)
    facts = await SampleInspector(300).inspect(sample)
    assert facts.duration == pytest.approx(seconds, rel=0.01)
    assert (facts.codec, facts.sample_rate, facts.channels) == ("MP3", sample_rate, channels)
    assert facts.bit_rate == pytest.approx(bit_rate, rel=0.02)
    assert facts.rms == pytest.approx(level_dbfs, abs=1)
    assert facts.peak == pytest.approx(level_dbfs + 8, abs=1)  # the crest factor of the test voice


async def test_wrong_duration_in_a_header_is_ignored():
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
        lambda: apev2_with_header(noise(5000)) + mp3(),
    ],
)
async def test_tags_and_padding_are_not_damage(make: Callable[[], bytes]):
    facts = await SampleInspector(300).inspect(make())
    assert facts.duration % 12 == pytest.approx(0.04, abs=0.05)


@pytest.mark.parametrize("tags", list(permutations(TAGS, 2)), ids=" and ".join)
async def test_joined_files_may_have_tags_between_their_parts(tags: tuple[str, str]):
    one, other = (TAGS[tag] for tag in tags)
    lean, rich = mp3(3, bit_rate=32_000, count=False), mp3(3, channels=2, sample_rate=48_000, count=False)
    joined = one + lean + one + other + rich + other + mp3(3) + one
    facts = await SampleInspector(300).inspect(joined)
    assert (facts.duration, facts.missing) == (pytest.approx(9, abs=0.2), 0)


async def test_part_that_is_incomplete_costs_only_its_last_frame():
    joined = mp3(12, count=False)[:-100] + cover(20_000) + mp3(12, count=False)
    assert (await SampleInspector(300).inspect(joined)).duration == pytest.approx(24, abs=0.2)


@pytest.mark.parametrize("broken", [noise(3000), bytes(3000)], ids=["noise", "zeros"])
async def test_damage_in_a_joined_file_is_refused(broken: bytes):
    assert (await refusal(cover(20_000) + overwritten(mp3(), broken) + cover(20_000) + mp3())).key == "sample.broken"


@pytest.mark.parametrize(
    ("make", "missing"),
    [
        (lambda: at_a_frame(mp3()), 0.4),
        (lambda: at_a_frame(mp3(vbr=True)), 0.4),
        (lambda: at_a_frame(mp3()) + ID3V1, 0.4),
        (lambda: mp3() + cover(5000) + at_a_frame(mp3()), 0.4),
        (lambda: mp3()[44:461] + mp3(6, count=False), 6),
        (lambda: mp3() + mp3(), 0),
        (lambda: mp3(6) + mp3(12, count=False), 0),
    ],
)
async def test_what_a_stale_header_counts_too_much_is_missing(make: Callable[[], bytes], missing: float):
    assert (await SampleInspector(300).inspect(make())).missing == pytest.approx(missing, abs=0.1)


@pytest.mark.parametrize("tag", [b"", cover(5000), ID3V1])
async def test_free_format_is_refused_by_its_name(tag: bytes):
    assert (await refusal(tag + free_format())).key == "sample.free_format"


def test_repeated_marks_of_tags_and_frames_end_no_scan_early():
    for mark in MARKS:
        assert len(mpeg.scan(b"x" + mark * 20_000).audio) <= 20_000 * len(mark) + 1


@given(st.lists(st.tuples(st.sampled_from([*TAGS.values(), *MARKS]), st.integers(0, 12_000)), max_size=8))
@settings(max_examples=60, deadline=None)
def test_scan_of_any_mixture_ends(mixture: list[tuple[bytes, int]]):
    sample = mp3(count=False)
    mixed = b"".join(mark + sample[start : start + 2000] for mark, start in mixture)
    assert len(mpeg.scan(mixed).audio) <= len(mixed)


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
async def test_file_without_audio_is_refused(make: Callable[[], bytes]):
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
        ("AMR", lambda: b"#!AMR\n" + (b"\x3c" + bytes(31)) * 200),
        ("CAF", lambda: encoded("caf", "pcm_s16be")),
        ("MIDI", lambda: b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4\0\xff/\0"),
        ("Ogg FLAC", lambda: encoded("ogg", "flac")),
        ("Ogg Speex", lambda: encoded("ogg", "libspeex", sample_rate=16_000)),
        ("WebM", lambda: encoded("webm", "libvorbis")),
        ("Matroska with MP3 inside", lambda: encoded("matroska", "libmp3lame")),
        ("M4A", lambda: encoded("mp4", "aac")),
        ("M4A", lambda: encoded("ipod", "alac")),
        ("M4A", lambda: encoded("ipod", "aac")[:2000]),  # FFmpeg can't open it without its end
        ("MP4 with MP3 inside", lambda: encoded("mp4", "libmp3lame")),
        ("MP4 with Opus inside", lambda: encoded("mp4", "libopus", sample_rate=48_000)),
        ("3GP", lambda: encoded("3gp", "aac")),
        ("3GP", lambda: encoded("3g2", "aac")),
        ("QuickTime", lambda: encoded("mov", "aac")),
        ("MPEG with MP3 inside", lambda: encoded("mpeg", "libmp3lame")),
        ("MPEG video", lambda: video("mpeg", "mpeg1video", "mp2")),
        ("3GP video", lambda: video("3gp", "mpeg4", "aac")),
        ("QuickTime video", lambda: video("mov", "libx264", "aac")),
        ("WebM video", lambda: video("webm", "libvpx", "libopus")),
        ("Matroska video", lambda: video("matroska", "libx264", "aac")),
        ("MP4 video", lambda: video("mp4", "libx264", "aac")),
        ("MP4 video", lambda: video("mp4", "mpeg4", "libmp3lame")),
    ],
)
async def test_other_format_is_refused_by_its_name(actual: str, make: Callable[[], bytes]):
    refused = await refusal(make())
    assert refused.key == "sample.not_mp3"
    assert refused.values == {"actual": actual}


@pytest.mark.parametrize(
    "make",
    [
        lambda: mp3(60)[:8192],
        lambda: mp3()[:-100],
        lambda: mp3(vbr=True)[:-100] + ID3V1,
        lambda: mp3(count=False)[:-100],
        lambda: mp3(count=False)[:-100] + apev2(noise(5000)) + LYRICS3 + ID3V1,
        lambda: mp3(count=False) + b"\xff\xfb",
        lambda: mp3(count=False) + cover(20_000)[:9000],
        lambda: mp3()[:20],
        lambda: id3v2(bytes(5000))[:3000],
    ],
)
async def test_truncated_file_is_refused(make: Callable[[], bytes]):
    assert (await refusal(make())).key == "sample.cut_off"


async def test_frame_count_of_a_vbri_header_is_checked():
    header = mp3(count=False)[:4] + bytes(32) + b"VBRI\0\1" + bytes(8) + (460).to_bytes(4, "big") + bytes(8)
    counted = header.ljust(208, b"\0") + mp3(count=False)
    assert (await SampleInspector(300).inspect(counted)).duration == pytest.approx(12, rel=0.01)
    assert (await SampleInspector(300).inspect(at_a_frame(counted))).missing == pytest.approx(0.4, abs=0.1)


@pytest.mark.parametrize("count", [True, False])
async def test_damage_in_the_middle_is_refused_and_few_bad_bytes_are_tolerated(*, count: bool):
    for filler in (noise(3000), bytes(3000)):
        assert (await refusal(overwritten(mp3(count=count), filler))).key == "sample.broken"
    facts = await SampleInspector(300).inspect(overwritten(mp3(count=count), noise(300)))
    assert facts.duration == pytest.approx(12, rel=0.01)


@pytest.mark.parametrize(
    ("sample", "longest", "key", "values"),
    [
        (b"", 300, "sample.empty", {}),
        (mp3(2.98), 300, "sample.too_short", {"seconds": 2.9, "limit": 3}),
        (mp3(60), 50, "sample.too_long", {"seconds": 60, "limit": 50}),
    ],
    ids=["empty", "too short", "too long"],
)
async def test_length_out_of_bounds_is_refused(sample: bytes, longest: float, key: str, values: dict[str, object]):
    refused = await refusal(sample, SampleInspector(longest))
    assert (refused.key, refused.values) == (key, values)


@pytest.mark.parametrize(("seconds", "longest"), [(3, 300), (60, 60.1)])
async def test_decoded_length_decides_what_is_too_long(seconds: float, longest: float):
    assert (await SampleInspector(longest).inspect(mp3(seconds))).duration == pytest.approx(seconds)


@pytest.mark.parametrize(("level_dbfs", "rms"), [(-math.inf, -120), (-60, -60)])
async def test_near_silence_is_refused(level_dbfs: float, rms: int):
    refused = await refusal(mp3(level_dbfs=level_dbfs))
    assert refused.key == "sample.silent"
    assert refused.values["rms"] == pytest.approx(rms, abs=1)


async def test_quiet_speech_and_a_word_in_long_silence_pass():
    inspector = SampleInspector(300)
    assert (await inspector.inspect(mp3(level_dbfs=-46))).rms == pytest.approx(-46, abs=1)
    word_then_silence = mp3(1, level_dbfs=-35, count=False) + mp3(40, level_dbfs=-math.inf, count=False)
    assert (await inspector.inspect(word_then_silence)).rms < -50


@pytest.mark.parametrize(
    ("duration", "recommended"), [(9.4, False), (9.97, True), (30, True), (60.05, True), (60.6, False)]
)
def test_ten_to_sixty_seconds_are_recommended(duration: float, *, recommended: bool):
    assert within_recommended(SampleInfo(duration, "MP3", 44_100, 1, 64_000, -4, -12)) is recommended
