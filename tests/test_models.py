"""Texts as members type them, voices found by their titles, and languages by Discord locale."""

import pytest

from bot.i18n import ENGLISH, escape_markdown, translate
from bot.library.title_search import best_matches
from bot.text import clean_lines, clean_text, is_blank, is_speakable, same_title, without_format
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
        ("e\u200b\u0301", "\u00e9"),
    ],
    ids=["control and bidirectional characters", "white space", "combining letters", "apart"],
)
def test_text_is_normalized(typed: str, cleaned: str):
    assert clean_text(typed) == cleaned


FORMAT = [
    *"\u00ad\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2064",
    *"\u2066\u2067\u2068\u2069\u206a\u206f\ufeff\ufff9\ufffb\U000e0001\U000e0041\U000e007f\U0001d173",
    *"\x00\x07\x1b\x7f\x9f\ud800\udfff\ufffe\U000e0fff\u034f\u200c\u200d\ufe0e\ufe0f\U000e0100\U000e01ef",
]
"""Control, format and unassigned characters, and others that can't be seen between Latin letters."""


@pytest.mark.parametrize("char", FORMAT, ids=lambda char: f"{ord(char):x}")
def test_character_that_can_not_be_seen_is_removed_wherever_it_stands(char: str):
    for text in (f"A{char}da", f"{char}Ada", f"Ada{char}", f"{char * 3}A{char * 3}da"):
        assert without_format(text) == "Ada"
        assert same_title(text, "Ada")
    assert translate(ENGLISH, "choice.shared", title=f"A{char}da", owner="x") == translate(
        ENGLISH, "choice.shared", title="Ada", owner="x"
    )
    assert escape_markdown(f"A{char}d_a") == "Ad\\_a"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "👩\u200d👩\u200d👧",
            "👩🏽\u200d🚀",
            "❤\ufe0f\u200d🔥",
            "🏳\ufe0f\u200d🌈",
            "👩\u200d⚕\ufe0f",
            "1\ufe0f⃣",
            "#\ufe0f⃣",
        ),
        "می\u200cروم",  # Persian: two words written as one
        "क्\u200dष क्\u200cष",  # Devanagari: half and whole forms
        "র\u200d্য",  # Bengali
        "葛\U000e0100飾区",  # the variant of an ideograph that a place writes
        "ᠮᠠ\u180bᠨ",
        "\U0001fae9 new",  # an emoji of Unicode 16
        "Zoë O'Brien-Łukasz 声 ½ €",
        "two\nlines\tand a tab",
    ],
)
def test_character_that_a_script_or_an_emoji_needs_is_kept(text: str):
    assert without_format(text) == text


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
