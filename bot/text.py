"""Cleans and compares text that members typed, and names."""

import unicodedata

_JOINERS = "\u200c\u200d"
_EMOJI = range(0x1F000, 0x1FC00)


def without_format(text: str) -> str:
    """Remove characters that can't be seen: control, format and unassigned ones, and lone surrogates.

    They reverse the direction of what follows, or make a copy of a name that looks the same. Kept are line
    breaks and tabs; joiners and variation selectors where a script or an emoji needs them (Persian words,
    Indic conjuncts, families, keycaps, variants of ideographs); and unassigned emoji, which may be newer
    than Python's tables.
    """
    if text.isascii() and text.isprintable():
        return text
    neighbors = zip(text, ("", *text), (*text[1:], ""), strict=False)
    return "".join(char for char, before, after in neighbors if _is_kept(char, before, after))


def _is_kept(char: str, before: str, after: str) -> bool:
    if char in _JOINERS:
        return _is_joined(before) or _is_joined(after) or (after != "" and unicodedata.category(after) == "So")
    if _is_selector(char):
        return before != "" and unicodedata.category(before) in {"Lo", "Nd", "Pd", "Po", "Sc", "Sm", "So"}
    if char in "\n\r\t":
        return True
    category = unicodedata.category(char)
    return category not in {"Cc", "Cf", "Cs", "Zl", "Zp"} and (category != "Cn" or ord(char) in _EMOJI)


def _is_joined(char: str) -> bool:
    """Return True for Arabic letters, and for the sign that joins two Indic consonants (a virama)."""
    virama = 9  # https://www.unicode.org/reports/tr44/#Canonical_Combining_Class_Values
    return char != "" and (unicodedata.bidirectional(char) == "AL" or unicodedata.combining(char) == virama)


def _is_selector(char: str) -> bool:
    """Return True for variation selectors; behind a letter they hide text, for example the bytes of a message."""
    return (
        "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or char in "\u034f\u180b\u180c\u180d\u180f"
    )


def clean_text(text: str) -> str:
    """Normalize to NFC, collapse white space, and remove what can't be seen."""
    spaced = "".join(" " if char.isspace() else char for char in text)
    return " ".join(unicodedata.normalize("NFC", without_format(spaced)).split())


_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # classified as letters and a symbol, but invisible


def is_blank(text: str) -> bool:
    """Return True if the text has no visible character."""
    return all(char in _FILLERS or unicodedata.category(char)[0] in "CZM" for char in text)


def same_title(one: str, other: str) -> bool:
    """Return True if the titles are equal after cleaning and case folding."""
    return clean_text(one).casefold() == clean_text(other).casefold()


def clean_lines(text: str) -> str:
    """Clean each line of a text. Line breaks are kept because the API speaks them as pauses."""
    return "\n".join(map(clean_text, text.splitlines())).strip()


def is_speakable(text: str) -> bool:
    """Return True if the text has a letter or a digit."""
    return any(unicodedata.category(char)[0] in "LN" for char in text)


def width(text: str) -> int:
    """Return a text's length as Discord counts it: in UTF-16 code units, so most emoji count twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, longest: int) -> str:
    """Return a text's beginning, of at most `longest` UTF-16 code units. Only a flag can be cut in two."""
    size = whole = 0
    for index, char in enumerate(text):
        if index and not _belongs_to(text[index - 1], char):
            whole = index
        size += width(char)
        if size > longest:
            return text[:whole] or text[:index]
    return text


def shorten(text: str, longest: int) -> str:
    """Return at most `longest` UTF-16 code units of a text, with an ellipsis if some are missing."""
    return text if width(text) <= longest else f"{cut(text, longest - 1)}…"


def _belongs_to(before: str, char: str) -> bool:
    """Return True if a text must not be cut between both: they are one letter or one emoji."""
    skin_tone = "\U0001f3fb" <= char <= "\U0001f3ff"
    return char == "\u200d" or before == "\u200d" or unicodedata.category(char)[0] == "M" or skin_tone
