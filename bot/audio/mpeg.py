"""The framing of an MP3: its frames, the tags and padding around them, and the counts in its headers.

Tools join files by appending one to the other, with the tags of each, and cut them without correcting the
header that counts the frames. Players skip the tags and ignore the count.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

CUT_OFF = 0.02  # the largest share of the frames counted in a header that may be missing

_KBITS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def _frames() -> Iterator[tuple[bytes, tuple[int, float]]]:
    """Yield what can be in a layer III header's first three bytes, with the frame's bytes and seconds.

    The formats are those of ISO 11172-3 and 13818-3 (2.4.2.3), and the unofficial MPEG 2.5 at quarter rates.
    """
    for version, kbits, divisor, samples in (
        (0xFA, _KBITS_1, 1, 1152),
        (0xF2, _KBITS_2, 2, 576),
        (0xE2, _KBITS_2, 4, 576),
    ):
        for index, kilobits in enumerate(kbits, 1):
            for rate, hertz in enumerate((44_100, 48_000, 32_000)):
                for rest in range(8):  # the bits for no checksum, padding and private use
                    header = bytes((0xFF, version | rest >> 2, index << 4 | rate << 2 | rest & 3))
                    size = samples * 125 * kilobits * divisor // hertz + (rest >> 1 & 1)
                    yield header, (size, samples * divisor / hertz)


_FRAMES = dict(_frames())
_ZEROS = re.compile(rb"\0*")
_ID3V2 = re.compile(rb"ID3[\2-\4].(.)([\0-\x7f]{4})", re.DOTALL)
_ID3V2_FRAME = re.compile(rb"ID3[\2-\4].{6}[A-Z][A-Z0-9]{2}", re.DOTALL)
_APE = re.compile(rb"APETAGEX.{4}(.{4}).{4}(.{4}).{8}", re.DOTALL)
_APE_BYTES, _APE_HAS_HEADER, _APE_IS_HEADER = 32, 1 << 31, 1 << 29
_LYRICS3_END = re.compile(rb"LYRICS(?:200|END|BEGIN)")
_ID3V1_BYTES, _ID3V1_EXTENDED_BYTES = 128, 227
_COUNT = re.compile(rb"(?:(?:Xing|Info)\0{3}[\1\3\5\7\x09\x0b\x0d\x0f]|VBRI.{10})(.{4})", re.DOTALL)
_COUNT_OFFSET = 38  # the furthest from its frame's start
_FREE_FORMAT = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\0-\x0b]")
_FREE_FORMAT_BYTES = 4096  # more than a frame of any bit rate that a decoder has to support
_CANDIDATE = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xeb]|ID3[\2-\4]|APETAGEX|LYRICSBEGIN|TAG")


@dataclass(slots=True)
class Framing:
    """`audio` is the file without tags and padding. What is neither of them nor a frame is in it, too.

    `cut_off`: the last frame, or a tag in front of further frames, is incomplete. `missing` is the duration in
    seconds of the frames that a header counts but that are not there.
    """

    audio: bytes
    cut_off: bool
    missing: float


def scan(sample: bytes) -> Framing:
    """Go through an MP3 frame by frame."""
    starts, pieces, end = list[int](), list[bytes](), _end(sample)
    begin = position = skip(sample, 0, end)
    while position < end:
        if frame := _FRAMES.get(sample[position : position + 3]):
            starts.append(position)
            position += frame[0]
            continue
        tag, position = position, skip(sample, position, end)
        if tag == position:
            tag, position = _resume(sample, begin, max(begin, starts[-1] + 1 if starts else 0), end)
        if tag < position:
            pieces.append(sample[begin:tag])
            begin = position
            while starts and starts[-1] >= tag:  # bytes of a picture in the tag may look like frames
                starts.pop()
    pieces.append(sample[begin:end])
    cut_off = position > end or _has_stump(sample, starts, end)
    return Framing(b"".join(pieces), cut_off, _missing(sample, starts))


def skip(sample: bytes, position: int, end: int) -> int:
    """Return the offset after the tags and the padding at `position`. That of an incomplete tag is beyond `end`."""
    while position < end:
        after = _tag_end(sample, position, end)
        if after == position:
            match = _ZEROS.match(sample, position, end)
            after = match.end() if match else position
            padding = after == end or sample[after : after + 3] in _FRAMES or _tag_end(sample, after, end) > after
            if after == position or not padding:
                break
        position = after
    return position


def is_free_format(sample: bytes, start: int) -> bool:
    """Return True if there are frames at equal distances near `start` that don't say their bit rate."""
    for match in _FREE_FORMAT.finditer(sample, start, start + _FREE_FORMAT_BYTES):
        first, kind = match.start(), re.escape(match[0][:2]) + b"[%c%c]" % (match[0][2] & 0xFC, match[0][2] | 2)
        for second in re.finditer(kind, sample[first : first + _FREE_FORMAT_BYTES]):
            third = first + 2 * second.start()
            if second.start() and re.search(kind, sample[third - 1 : third + 4]):
                return True
    return False


def _tag_end(sample: bytes, start: int, end: int) -> int:
    """Return the offset after the tag at `start`, or `start` if there is none.

    The header of an ID3v2 tag ends with the size, four times 7 bits. Bit 4 of its flags announces a footer of
    10 bytes: https://id3.org/id3v2.4.0-structure. The other tags have no audio behind them that they could hide.
    """
    if tag := _ID3V2.match(sample, start, end):
        a, b, c, d = tag[2]
        return tag.end() + (a << 21 | b << 14 | c << 7 | d) + (10 if tag[1][0] & 0x10 else 0)
    if tag := _APE.match(sample, start, end):
        size, is_header = _ape(tag)
        return min(start + _APE_BYTES + (size if is_header else 0), end)
    if sample.startswith(b"TAG+", start, end):
        return min(start + _ID3V1_EXTENDED_BYTES, end)
    if sample.startswith(b"TAG", start, end):
        return min(start + _ID3V1_BYTES, end)
    if sample.startswith(b"LYRICSBEGIN", start, end):
        tag = _LYRICS3_END.search(sample, start + 1, end)
        return tag.end() if tag and not tag[0].endswith(b"BEGIN") else start
    return start


def _ape(tag: re.Match[bytes]) -> tuple[int, bool]:
    """Return the bytes of an APE tag after its header, and whether this is the header, not the footer."""
    return int.from_bytes(tag[1], "little"), bool(int.from_bytes(tag[2], "little") & _APE_IS_HEADER)


def _end(sample: bytes) -> int:
    """Return the offset of the tags at the end, which are found from behind, in case the last frame is incomplete."""
    end = len(sample)
    while (start := _last_tag(sample, end)) < end:
        end = start
    return end


def _last_tag(sample: bytes, end: int) -> int:
    """Return the offset of the tag that ends at `end`, or `end` if there is none."""
    start = end - _ID3V1_BYTES
    if start >= 0 and sample.startswith(b"TAG", start):
        extended = start - _ID3V1_EXTENDED_BYTES
        return extended if extended >= 0 and sample.startswith(b"TAG+", extended) else start
    if tag := _APE.fullmatch(sample, max(0, end - _APE_BYTES), end):
        size, has_header = _ape(tag)[0], int.from_bytes(tag[2], "little") & _APE_HAS_HEADER
        start = end - size - (_APE_BYTES if has_header else 0)
        return start if 0 <= start < end else end
    if sample.endswith((b"LYRICS200", b"LYRICSEND"), 0, end):
        start = sample.rfind(b"LYRICSBEGIN", 0, end)
        return start if start >= 0 else end
    return end


def _resume(sample: bytes, begin: int, low: int, end: int) -> tuple[int, int]:
    """Look from `low` for the next frame or tag. Return a tag's start and end, or a frame's start twice.

    A tag without a header is found by its footer, and starts at `begin` or later.
    """
    for match in _CANDIDATE.finditer(sample, low, end):
        start, mark = match.start(), match[0]
        if mark[0] == 0xFF:  # noqa: PLR2004 - the first byte of a frame
            frame = _FRAMES.get(mark)
            if frame and _is_followed(sample, mark, start + frame[0], end):
                return start, start
            continue
        after = skip(sample, start, end)
        if tag := _APE.match(sample, start, end):
            size, is_header = _ape(tag)
            footer_of = start if is_header else start + _APE_BYTES - size
            return (footer_of if begin <= footer_of < start else start), after
        certain = mark == b"LYRICSBEGIN" or _ID3V2_FRAME.match(sample, start, end)
        if after > start and (certain or after == end or sample[after : after + 3] in _FRAMES):
            return start, after
    return end, end


def _is_followed(sample: bytes, header: bytes, position: int, end: int) -> bool:
    """Return True if after a frame there is the end, a tag, or a frame of the same version and sample rate."""
    after = sample[position : position + 3]
    if after in _FRAMES:
        return after[1] | 1 == header[1] | 1 and after[2] & 0x0C == header[2] & 0x0C
    return position == end or skip(sample, position, end) > position


def _has_stump(sample: bytes, starts: list[int], end: int) -> bool:
    """Return True if the last frame is followed by less than a frame's header."""
    if not starts:
        return False
    last = sample[starts[-1] : starts[-1] + 3]
    stump = sample[starts[-1] + _FRAMES[last][0] : end]
    return 0 < len(stump) < len(last) and last.startswith(stump)


def _missing(sample: bytes, starts: list[int]) -> float:
    """Return how many seconds the frames last that a header counts but that don't follow it.

    The count is in a Xing, Info or VBRI header and doesn't include the header's own frame:
    https://www.codeproject.com/Articles/8295/MPEG-Audio-Frame-Header. Joined files have several headers.
    """
    missing = 0.0
    for mark in (b"Xing", b"Info", b"VBRI"):
        place = -1
        while (place := sample.find(mark, place + 1)) >= 0:
            after = bisect_right(starts, place)
            count = _COUNT.match(sample, place)
            if count and after and place - starts[after - 1] <= _COUNT_OFFSET:
                counted = int.from_bytes(count[1], "big")
                lacking = counted - (len(starts) - after)
                if lacking > CUT_OFF * counted:
                    first = starts[after - 1]
                    missing = max(missing, lacking * _FRAMES[sample[first : first + 3]][1])
    return missing
