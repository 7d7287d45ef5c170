"""The values of rules in words, the same on the panel and in the moderation log."""

from typing import cast

from bot.i18n import translate

MENTIONS = {"clone_roles": "@&", "clone_channels": "#", "moderator_role": "@&", "log_channel": "#"}
"""The rules about roles or channels, each with the prefix of a mention."""

_EMPTY = {
    "clone_roles": "panel.everybody",
    "clone_channels": "panel.everywhere",
    "moderator_role": "panel.none",
    "log_channel": "panel.none",
}


def rule_value(locale: str, rule: str, value: object, *more: str) -> str:
    """Return a rule's value: a switch, a number or IDs. `more` texts follow the mentions of these IDs."""
    if isinstance(value, bool):
        return translate(locale, "panel.on" if value else "panel.off")
    if rule not in MENTIONS:
        return str(value) if value else translate(locale, "panel.no_limit")
    ids = cast("tuple[int, ...]", value if isinstance(value, tuple) else (value,) if value else ())
    shown = [*(f"<{MENTIONS[rule]}{number}>" for number in ids), *more]
    return ", ".join(shown) or translate(locale, _EMPTY[rule])


def read_value(rule: str, written: str) -> object:
    """Return a value from the form that the moderation log stores."""
    if written in {"True", "False"}:
        return written == "True"
    if rule in MENTIONS:
        return tuple(int(each) for each in written.split(", ") if each.isdecimal())
    return int(written) if written.isdecimal() else 0
