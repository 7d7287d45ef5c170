"""Texts as members type them, and languages as Discord names them."""

import pytest

from bot.text import clean_text, is_blank, same_title
from bot.voices.models import Language


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
def test_the_first_locale_that_can_be_cloned_decides(locales: list[str | None], language: str):
    assert Language.of_locales(*locales) == language


def test_control_and_bidirectional_characters_do_not_survive():
    assert clean_text("a\u202eb\u2066c\x00d\x1be\u200ff") == "abcdef"


def test_white_space_of_all_kinds_folds_to_one_space():
    assert clean_text("\t a\u00a0\u3000b\n\nc ") == "a b c"


def test_letters_are_composed_and_emoji_stay_whole():
    assert clean_text("e\u0301") == "\u00e9"
    assert clean_text("👩\u200d👩\u200d👧") == "👩\u200d👩\u200d👧"


@pytest.mark.parametrize("text", ["", "  ", "\u200d", "\u3000", "\u200b", "\u3164", "\u2800"])
def test_a_text_without_anything_to_see_is_blank(text: str):
    assert is_blank(clean_text(text))


def test_titles_that_read_alike_are_one():
    assert same_title("Straße", " STRASSE")
    assert not same_title("Ada", "Ada 2")
