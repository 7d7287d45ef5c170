"""Cleaning and comparing text that people typed."""

import unicodedata

_INVISIBLE_KEPT = {"\u200c", "\u200d"}  # joiners: Persian words and family emoji fall apart without them


def clean_text(text: str) -> str:
    """Compose (NFC), fold white space, and drop control, bidirectional and unassigned characters."""
    kept = (
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", text)
        if char.isspace()
        or char in _INVISIBLE_KEPT
        or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Cn"}
    )
    return " ".join("".join(kept).split())


_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and a symbol by name, blank by look


def is_blank(text: str) -> bool:
    """Whether a text has nothing to see."""
    return all(char in _FILLERS or unicodedata.category(char)[0] in "CZM" for char in text)


def same_title(one: str, other: str) -> bool:
    """Whether two titles are one to a reader: alike after cleaning and case folding."""
    return clean_text(one).casefold() == clean_text(other).casefold()


def clean_lines(text: str) -> str:
    """Clean a text line by line: its line breaks are pauses."""
    return "\n".join(map(clean_text, text.splitlines())).strip()


def is_speakable(text: str) -> bool:
    """Whether there is a letter or a digit to say."""
    return any(unicodedata.category(char)[0] in "LN" for char in text)
