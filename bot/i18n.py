"""The catalog: all texts that members and operators see, by key and Discord locale."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bot.text import shorten, without_format

ENGLISH = "en-US"  # The locale that has every key. The others fall back to it.

LOCALE = r"[A-Za-z0-9-]{2,9}"
"""What a locale of Discord looks like: https://discord.com/developers/docs/reference#locales"""

_FOLDER = Path(__file__).with_name("locales")
LOCALES = tuple(file.stem for file in _FOLDER.glob("*.json"))  # those that have a file
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
_CUT_OFF = re.compile(r"(?<!\\)((?:\\\\)*)(?:\\|<[^>]*)$")  # half of an escape, of a mention or of a time


@cache
def catalog(locale: str) -> Mapping[str, str]:
    """Return a locale's texts by key. Empty if the locale has no file."""
    file = _FOLDER / f"{locale}.json"
    return json.loads(file.read_text("utf-8")) if locale in LOCALES else {}


class Markup(str):
    """Text with intended Markdown, which `translate_markdown` does not escape."""

    __slots__ = ()


def translate(locale: str, key: str, /, **values: object) -> str:
    """Return a text for a place without Markdown, such as a terminal or a button, filled in with `values`."""
    text = catalog(locale).get(key) or catalog(ENGLISH)[key]
    return text.format(**{name: _seen(value) for name, value in _with_reason(locale, values).items()})


def translations(key: str, *more: str, **values: object) -> set[str]:
    """Return a text in all `LOCALES`, and in `more` locales."""
    return {translate(locale, key, **values) for locale in (*LOCALES, *more)}


def _with_reason(locale: str, values: Mapping[str, object]) -> Mapping[str, object]:
    """Replace `reason` by the reason of the catalog that has the code `reason_code`, if there is one."""
    key = f"report.reason.{values.get('reason_code')}"
    text = catalog(locale).get(key) or catalog(ENGLISH).get(key)
    return {**values, "reason": Markup(text)} if text else values


def language_of(locale: str, key: str) -> str:
    """Return the locale of the text that `translate` returns: another one if this locale lacks it."""
    return locale if catalog(locale).get(key) else ENGLISH


def _seen(value: object) -> object:
    return without_format(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def translate_markdown(locale: str, key: str, /, **values: object) -> str:
    """Return a text for a Discord message. The values are escaped, so that they show as typed."""
    return translate(locale, key, **{name: escape_markdown(value) for name, value in values.items()})


def escape_markdown(value: object) -> object:
    """Escape all ASCII punctuation of a text, so that it contains no mention, link, invite or Markdown.

    Discord, like CommonMark, supports backslash escapes for all ASCII punctuation:
    https://support.discord.com/hc/en-us/articles/210298617
    """
    value = _seen(value)
    return _MARKDOWN.sub(r"\\\1", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def unescape_markdown(shown: str) -> str:
    """Return the text that `escape_markdown` escaped."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", shown)


def shorten_markdown(shown: str, longest: int) -> str:
    """Return at most `longest` UTF-16 code units of an escaped text, with an ellipsis if some are missing."""
    short = shorten(shown, longest)
    return short if short == shown else _CUT_OFF.sub(r"\1", short[:-1]) + "…"
