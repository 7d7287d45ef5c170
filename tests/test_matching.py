"""Titles as people type them find the voices that they mean."""

import pytest

from bot.library.title_search import best_matches
from bot.text import clean_lines, is_speakable

TITLES = ("Storyteller", "Ada Lovelace", "Größe", "ストーリー", "News at nine")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("storyteler", "Storyteller"),
        ("STORY", "Storyteller"),
        ("lovelace", "Ada Lovelace"),
        ("adda lovlace", "Ada Lovelace"),
        ("größe", "Größe"),
        ("GROSSE", "Größe"),
        ("ストーリ", "ストーリー"),
        ("nine news", "News at nine"),
        ("  news   at ", "News at nine"),
        ("s", "Storyteller"),
        ("n", "News at nine"),
        ("lo", "Ada Lovelace"),
        ("gro", "Größe"),
    ],
)
def test_a_typo_is_forgiven(typed: str, meant: str):
    assert TITLES[best_matches(typed, TITLES, 5)[0]] == meant


def test_what_is_like_nothing_finds_nothing():
    assert best_matches("qqqqq", TITLES, 5) == []


def test_equals_keep_their_order_and_the_limit_holds():
    assert best_matches("voice", ["Voice"] * 30, 25) == list(range(25))


@pytest.mark.parametrize(
    ("text", "speakable"),
    [("a", True), ("7", True), ("声", True), ("🎉", False), (" \n", False), ("…?!", False), ("", False)],
)
def test_there_must_be_something_to_say(text: str, speakable: bool):  # noqa: FBT001 - a case
    assert is_speakable(text) is speakable


def test_a_text_keeps_its_line_breaks_and_loses_what_can_t_be_seen():
    assert clean_lines(" a\u202e  b \r\n\n c\x00 ") == "a b\n\nc"
