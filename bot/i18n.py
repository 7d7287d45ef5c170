"""The catalog: all texts that members and operators see, by key and Discord locale.

A placeholder is a name in braces. Numbers, durations and lists are written as the language of the text writes them.
Discord's markup stays around a placeholder: `<t:{when}:R>` is a time, and `<@&{roles}>` becomes a mention of each
role. A text that depends on its only number has a key for each CLDR plural category of its language, such as `key_one`
and `key_other`: https://cldr.unicode.org/index/cldr-spec/plural-rules
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import cast

from babel import Locale
from babel.lists import format_list
from babel.numbers import format_decimal
from babel.units import format_unit

from bot.text import shorten, without_format

ENGLISH = "en-US"  # The locale that has every key. The others fall back to it.

LOCALE = r"[A-Za-z0-9-]{2,9}"
"""What a locale of Discord looks like: https://discord.com/developers/docs/reference#locales"""

_FOLDER = Path(__file__).with_name("locales")
LOCALES = tuple(file.stem for file in _FOLDER.glob("*.json"))  # those that have a file
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
_CUT_OFF = re.compile(r"(?<!\\)((?:\\\\)*)(?:\\|<[^>]*)$")  # half of an escape, of a mention or of a time
_PLACEHOLDER = re.compile(r"(?P<opening><(?:t:|@&?|#))?\{(?P<name>\w+)\}(?P<closing>>)?")


@cache
def catalog(locale: str) -> Mapping[str, str]:
    """Return a locale's texts by key. Empty if the locale has no file. English has the operator's texts, too."""
    if locale not in LOCALES:
        return {}
    files = [_FOLDER / f"{locale}.json", _FOLDER / "operator" / f"{locale}.json"]
    return {key: text for file in files if file.exists() for key, text in json.loads(file.read_text("utf-8")).items()}


@cache
def _babel_locale(locale: str) -> Locale:
    return Locale.parse(locale, sep="-")


class Markup(str):
    """Text with intended Markdown, which `translate_markdown` does not escape."""

    __slots__ = ()


def translate(locale: str, key: str, /, **values: object) -> str:
    """Return a text for a place without Markdown, such as a terminal or a button, filled in with `values`.

    Values are texts, numbers, durations, or tuples of texts or IDs. Raises `KeyError` for
    an unknown key or a missing value.
    """
    values = {name: _each_text(value, without_format) for name, value in values.items()}
    language, text = _find(locale, key, values)
    if reason := catalog(language).get(f"report.reason.{values.get('reason_code')}"):
        values["reason"] = Markup(reason)
    return _PLACEHOLDER.sub(lambda found: _fill(found, values, _babel_locale(language)), text)


def _find(locale: str, key: str, values: Mapping[str, object]) -> tuple[str, str]:
    """Return a text, in the form that its number asks for, and its locale: English if this one lacks it."""
    for language in (locale, ENGLISH):
        texts = catalog(language)
        if text := texts.get(key):
            return language, text
        if other := texts.get(f"{key}_other"):
            names = [found["name"] for found in _PLACEHOLDER.finditer(other) if not found["opening"]]
            number = next(value for value in map(values.__getitem__, names) if isinstance(value, int | float))
            category = _babel_locale(language).plural_form(number)
            return language, texts.get(f"{key}_{category}", other)
    raise KeyError(key)


def _fill(found: re.Match[str], values: Mapping[str, object], locale: Locale) -> str:
    opening, value, closing = found["opening"] or "", values[found["name"]], found["closing"] or ""
    if isinstance(value, tuple):
        items = [f"{opening}{item}{closing}" for item in cast("tuple[object, ...]", value)]
        return format_list(items, locale=locale)
    if isinstance(value, timedelta):
        value = _duration(value, locale)
    if isinstance(value, int | float) and not opening:
        value = format_decimal(value, locale=locale)
    return f"{opening}{value}{closing}"


def _duration(duration: timedelta, locale: Locale) -> str:
    """Write whole minutes and seconds, as in "1 min, 5 sec"."""
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    counts = {"minute": minutes, "second": seconds}
    parts = [format_unit(count, unit, "short", locale=locale) for unit, count in counts.items() if count]
    return format_list(parts, "unit-short", locale) or format_unit(0, "second", "short", locale=locale)


def translations(key: str, *more: str, **values: object) -> set[str]:
    """Return a text in all `LOCALES`, and in `more` locales."""
    return {translate(locale, key, **values) for locale in (*LOCALES, *more)}


def language_of(locale: str, key: str) -> str:
    """Return the locale of the text that `translate` returns: another one if this locale lacks it."""
    return locale if key in catalog(locale) else ENGLISH


def translate_markdown(locale: str, key: str, /, **values: object) -> str:
    """Return a text for a Discord message. The values are escaped, so that they show as typed."""
    return translate(locale, key, **{name: escape_markdown(value) for name, value in values.items()})


def escape_markdown(value: object) -> object:
    """Escape all ASCII punctuation of a text, or of several, so that it contains no mention, link or Markdown.

    Discord, like CommonMark, supports backslash escapes for all ASCII punctuation:
    https://support.discord.com/hc/en-us/articles/210298617
    """
    return _each_text(value, lambda text: _MARKDOWN.sub(r"\\\1", without_format(text)))


def _each_text(value: object, change: Callable[[str], str]) -> object:
    """Change a text, or each of a tuple of texts. `Markup` and numbers are left alone."""
    if isinstance(value, tuple):
        return tuple(_each_text(item, change) for item in cast("tuple[object, ...]", value))
    return change(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def unescape_markdown(shown: str) -> str:
    """Return the text that `escape_markdown` escaped."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", shown)


def shorten_markdown(shown: str, longest: int) -> str:
    """Return at most `longest` UTF-16 code units of an escaped text, with an ellipsis if some are missing."""
    short = shorten(shown, longest)
    return short if short == shown else _CUT_OFF.sub(r"\1", short[:-1]) + "…"
