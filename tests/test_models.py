"""Texts as members type them, voices found by their titles, and languages by Discord locale."""

import pytest

from bot.library.title_search import best_matches
from bot.text import clean_lines, clean_text, is_blank, is_speakable, same_title
from bot.voices.models import Language

TITLES = ("Storyteller", "Ada Lovelace", "Größe", "ストーリー", "News at nine")


@pytest.mark.parametrize(
    ("locales", "language"),
    [
        (["pt-BR"], "pt"),
        (["zh-CN"], "zh-Hans"),
        (["zh-TW"], "zh-Hant"),
        (["es-419"], "es"),
        (["en-GB"], "en"),
        (["ja"], "ja"),
        (["pl", "de"], "de"),
        (["pl", None], "en"),
        ([None], "en"),
    ],
)
def test_first_locale_that_can_be_cloned_is_used(locales: list[str | None], language: str):
    assert Language.of_locales(*locales) == language


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("a\u202eb\u2066c\x00d\x1be\u200ff", "abcdef"),
        ("\t a\u00a0\u3000b\n\nc ", "a b c"),
        ("e\u0301", "\u00e9"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
    ],
    ids=["control and bidirectional characters", "white space", "combining letters", "emoji"],
)
def test_text_is_normalized(typed: str, cleaned: str):
    assert clean_text(typed) == cleaned


@pytest.mark.parametrize("text", ["", "  ", "\u200d", "\u3000", "\u200b", "\u3164", "\u2800"])
def test_text_without_visible_characters_is_blank(text: str):
    assert is_blank(clean_text(text))


def test_titles_that_look_the_same_are_the_same():
    assert same_title("Straße", " STRASSE")
    assert not same_title("Ada", "Ada 2")


@pytest.mark.parametrize(
    ("meant", "typed"),
    [
        ("Storyteller", ("storyteler", "STORY", "s")),
        ("Ada Lovelace", ("lovelace", "adda lovlace", "lo")),
        ("Größe", ("größe", "GROSSE", "gro")),
        ("ストーリー", ("ストーリ",)),
        ("News at nine", ("nine news", "  news   at ", "n")),
    ],
)
def test_typo_still_finds_its_title(meant: str, typed: tuple[str, ...]):
    assert [TITLES[best_matches(one, TITLES, 5)[0]] for one in typed] == [meant] * len(typed)


def test_unlike_text_finds_nothing():
    assert best_matches("qqqqq", TITLES, 5) == []


def test_equal_matches_keep_their_order_up_to_the_limit():
    assert best_matches("voice", ["Voice"] * 30, 25) == list(range(25))


@pytest.mark.parametrize(
    ("text", "speakable"), [*((one, True) for one in "a7声"), *((one, False) for one in ("🎉", " \n", "…?!", ""))]
)
def test_text_without_letters_or_digits_cannot_be_spoken(text: str, speakable: bool):  # noqa: FBT001 - a case
    assert is_speakable(text) is speakable


def test_text_keeps_line_breaks_and_loses_invisible_characters():
    assert clean_lines(" a\u202e  b \r\n\n c\x00 ") == "a b\n\nc"
