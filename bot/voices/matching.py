"""Titles as people type them: typos forgiven."""

from collections.abc import Sequence

from rapidfuzz import fuzz, process

from bot.voices.models import clean_text

ALIKE = 70.0
"""From which score (0 to 100) on a title is what somebody may have meant."""


def best(text: str, titles: Sequence[str], limit: int) -> list[int]:
    """Return the places of the titles that fit a text best, best first; equals keep their order."""
    found = process.extract(
        _plain(text),
        list(map(_plain, titles)),
        scorer=fuzz.WRatio,
        score_cutoff=ALIKE,
        limit=limit,
    )
    return [place for _, _, place in found]


def _plain(text: str) -> str:
    return clean_text(text).casefold()
