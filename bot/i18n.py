"""Every sentence that a person reads, by key and Discord locale."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ENGLISH = "en-US"
"""The locale that has every key; the others fall back to it."""

_FOLDER = Path(__file__).with_name("locales")
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")


@cache
def catalog(locale: str) -> Mapping[str, str]:
    """Return a locale's sentences by key; empty for a locale without a file."""
    file = _FOLDER / f"{locale}.json"
    return (
        json.loads(file.read_text("utf-8")) if re.fullmatch(r"[A-Za-z-]+", locale) and file.exists() else {}
    )


class Markup(str):
    """A text of the bot's own making, which `say_markdown` shows as it is."""

    __slots__ = ()


def translate(locale: str, key: str, /, **values: object) -> str:
    """Fill in a sentence for a place that shows plain text: a terminal, a button, an option."""
    sentence = catalog(locale).get(key) or catalog(ENGLISH)[key]
    return sentence.format(**values)


def translate_markdown(locale: str, key: str, /, **values: object) -> str:
    """Fill in a sentence for a Discord message; text among the values shows as typed, and does nothing."""
    return translate(locale, key, **{name: escape_markdown(value) for name, value in values.items()})


def escape_markdown(value: object) -> object:
    """Put a backslash before all ASCII punctuation of a text: no ping, link, invite or Markdown survives it.

    Discord, like CommonMark, takes a backslash before any ASCII punctuation away and the punctuation
    for itself: https://support.discord.com/hc/en-us/articles/210298617
    """
    return (
        _MARKDOWN.sub(r"\\\1", value) if isinstance(value, str) and not isinstance(value, Markup) else value
    )


def unescape_markdown(shown: str) -> str:
    """Take the backslashes of `inert` off again."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", shown)
