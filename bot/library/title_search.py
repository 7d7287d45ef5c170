"""Searches titles by the beginning of the text, by its words, and with typing errors."""

import asyncio
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from heapq import nsmallest
from typing import Protocol, TypeVar

from rapidfuzz import fuzz, process

from bot.text import clean_text

MIN_SCORE = 70.0  # the lowest similarity, from 0 to 100, of a title that is found

BEGINS, WORD_BEGINS, CONTAINS = 103.0, 102.0, 101.0
"""The scores of titles that contain the text. They are higher than those of similar titles."""

_CHUNK_SIZE = 500  # the number of titles compared at a time: a few milliseconds, after which other threads can run


class _Titled(Protocol):
    @property
    def title(self) -> str: ...


_T = TypeVar("_T", bound=_Titled)


async def search_titles(text: str, items: Sequence[_T], limit: int) -> list[_T]:
    """Return up to `limit` items, those that match best first. Without text, return the first items."""
    if not text.strip():
        return [*items[:limit]]
    titles = [item.title for item in items]
    return [items[index] for index in await asyncio.to_thread(best_matches, text, titles, limit)]


def best_matches(text: str, titles: Sequence[str], limit: int) -> list[int]:
    """Return the indexes of the titles that match best, best first. Equal matches keep their order."""
    wanted = _fold(text)
    found: list[tuple[float, int]] = []
    for start in range(0, len(titles), _CHUNK_SIZE):
        chunk = [_fold(title) for title in titles[start : start + _CHUNK_SIZE]]
        similar = process.extract(wanted, chunk, scorer=fuzz.WRatio, score_cutoff=MIN_SCORE, limit=None)
        scores = {index: score for _, score, index in similar}
        for index, title in enumerate(chunk):
            if score := _contains_score(wanted, title):
                scores[index] = score
        found += [(-score, start + index) for index, score in scores.items()]
    return [index for _, index in nsmallest(limit, found)]


def _contains_score(wanted: str, title: str) -> float | None:
    if wanted not in title:
        return None
    if title.startswith(wanted):
        return BEGINS
    return WORD_BEGINS if f" {wanted}" in title else CONTAINS


@lru_cache(maxsize=50_000)
def _fold(text: str) -> str:
    """Return the text without case and accents."""
    decomposed = unicodedata.normalize("NFKD", clean_text(text).casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
