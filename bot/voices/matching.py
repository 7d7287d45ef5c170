"""Titles as people type them: typos forgiven."""

from collections.abc import Sequence
from functools import lru_cache
from heapq import nsmallest

from rapidfuzz import fuzz, process

from bot.voices.models import clean_text

ALIKE = 70.0
"""From which score (0 to 100) on a title is what somebody may have meant."""

_AT_ONCE = 500
"""How many titles are compared before other threads get their turn: a few milliseconds."""


def best(text: str, titles: Sequence[str], limit: int) -> list[int]:
    """Return the places of the titles that fit a text best, best first; equals keep their order."""
    wanted = _plain(text)
    found: list[tuple[float, int]] = []
    for start in range(0, len(titles), _AT_ONCE):
        some = [_plain(title) for title in titles[start : start + _AT_ONCE]]
        alike = process.extract(wanted, some, scorer=fuzz.WRatio, score_cutoff=ALIKE, limit=None)
        found += [(-score, start + place) for _, score, place in alike]
    return [place for _, place in nsmallest(limit, found)]


@lru_cache(maxsize=50_000)
def _plain(text: str) -> str:
    return clean_text(text).casefold()
