"""Cleans and compares text that members typed."""

import unicodedata

_INVISIBLE_KEPT = {"\u200c", "\u200d"}  # joiners, which Persian words and family emoji need


def clean_text(text: str) -> str:
    """Normalize to NFC, collapse white space, and remove control, format and unassigned characters."""
    kept = (
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", text)
        if char.isspace() or char in _INVISIBLE_KEPT or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Cn"}
    )
    return " ".join("".join(kept).split())


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


class Ids(tuple[int, ...]):
    """Discord IDs that the catalog's texts format as mentions: `{roles:@&}`."""

    __slots__ = ()

    def __format__(self, kind: str) -> str:
        """Format each ID as a mention of this kind.

        https://discord.com/developers/docs/reference#message-formatting
        """
        return ", ".join(f"<{kind}{number}>" for number in self)
