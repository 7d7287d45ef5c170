"""Texts are filled in as their language writes numbers, lists and plurals, and members' texts are escaped."""

import re
import string

import pytest

from bot.i18n import ENGLISH, Markup, escape_markdown, translate, translate_markdown
from support.languages import install

HOSTILE = (
    *("@everyone", "<@123>", "<t:0:R>", "**bold** __under__ ~~gone~~ ||spoiler||", "`code`", "# head", "> quote", "\\"),
    *("[text](https://example.com)", "https://example.com", "discord.gg/abc"),
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_of_a_member_is_escaped_in_markdown(hostile: str):
    bare = re.sub(r"\\([!-/:-@\[-`{-~])", "", str(escape_markdown(hostile)))
    assert not set(bare) & set(string.punctuation)
    assert re.sub(r"\\(.)", r"\1", str(escape_markdown(hostile))) == hostile


def test_unknown_locale_gets_english():
    assert translate("xx-YY", "button.cancel") == "Cancel"
    assert translate("../../etc", "button.cancel") == "Cancel"


def test_text_keeps_its_markdown_and_escapes_only_its_values():
    assert translate_markdown(ENGLISH, "card.title", title="*x*") == "Cloning “\\*x\\*”"


@pytest.mark.parametrize(
    ("days", "shown"), [(1, "1 day old"), (2, "2 days old"), (0, "0 days old"), (1500, "1,500 days")]
)
def test_number_chooses_the_plural(days: int, shown: str):
    assert shown in translate(ENGLISH, "rule.account_age", days=days, when=1_800_000_000)


RUSSIAN = {f"rule.voices_{category}": f"{{limit}} {category}" for category in ("one", "few", "many", "other")}


@pytest.mark.parametrize(
    ("limit", "shown"), [(1, "1 one"), (3, "3 few"), (5, "5 many"), (21, "21 one"), (1.5, "1,5 other")]
)
def test_plural_and_number_are_those_of_the_language(monkeypatch: pytest.MonkeyPatch, limit: float, shown: str):
    install(monkeypatch, "ru", RUSSIAN)
    assert translate("ru", "rule.voices", limit=limit) == shown


def test_number_in_english_stays_english_where_a_language_lacks_the_text(monkeypatch: pytest.MonkeyPatch):
    install(monkeypatch, "de", {"moderators.audit": "Verlauf ({rows})"})
    assert translate("de", "moderators.audit", rows=1234.5) == "Verlauf (1.234,5)"
    assert translate("de", "moderators.blocked", rows=1234.5) == "Blocked members (1,234.5)"


@pytest.mark.parametrize(
    ("roles", "shown"), [((1,), "<@&1>"), ((1, 2), "<@&1> and <@&2>"), ((1, 2, 3), "<@&1>, <@&2>, and <@&3>")]
)
def test_list_is_written_in_words(roles: tuple[int, ...], shown: str):
    assert translate_markdown(ENGLISH, "rule.role", roles=roles).endswith(f"clone voices here: {shown}.")


def test_ids_and_times_are_not_written_as_numbers():
    shown = translate_markdown(
        ENGLISH, "blocked.row_until", name="ada", member=10**18, at=10**9, until=10**9, reason=""
    )
    assert f"<@{10**18}>" in shown
    assert f"<t:{10**9}:d>" in shown


def test_value_is_never_read_as_a_placeholder():
    assert translate(ENGLISH, "card.title", title="{owner.__class__}") == "Cloning “{owner.__class__}”"
    assert translate_markdown(ENGLISH, "consent.quoted", wording=Markup("{title}")) == "{title}"
