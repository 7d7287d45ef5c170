"""Titles as people type them: beginnings first, then typos forgiven."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from heapq import nsmallest

from rapidfuzz import fuzz, process

from bot.text import clean_text

MIN_SCORE = 70.0
"""From which score (0 to 100) on a title is what somebody may have meant."""

BEGINS, WORD_BEGINS, CONTAINS = 103.0, 102.0, 101.0
"""The scores of titles that hold what was typed, above all that are merely like it."""

_AT_ONCE = 500
"""How many titles are compared before other threads get their turn: a few milliseconds."""


def best_matches(text: str, titles: Sequence[str], limit: int) -> list[int]:
    """Return the places of the titles that fit a text best, best first; equals keep their order."""
    wanted = _plain(text)
    found: list[tuple[float, int]] = []
    for start in range(0, len(titles), _AT_ONCE):
        some = [_plain(title) for title in titles[start : start + _AT_ONCE]]
        alike = process.extract(wanted, some, scorer=fuzz.WRatio, score_cutoff=MIN_SCORE, limit=None)
        scores = {place: score for _, score, place in alike}
        scores |= {place: held for place, title in enumerate(some) if (held := _held(wanted, title))}
        found += [(-score, start + place) for place, score in scores.items()]
    return [place for _, place in nsmallest(limit, found)]


def _held(wanted: str, title: str) -> float | None:
    if wanted not in title:
        return None
    if title.startswith(wanted):
        return BEGINS
    return WORD_BEGINS if f" {wanted}" in title else CONTAINS


@lru_cache(maxsize=50_000)
def _plain(text: str) -> str:
    """Fold case and leave accents out."""
    decomposed = unicodedata.normalize("NFKD", clean_text(text).casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
