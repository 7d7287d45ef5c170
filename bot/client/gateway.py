"""Events of Discord that can't be read: they are logged, where discord.py would end the program."""

import logging
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

from bot.bounds import MAX_ID, parse_id

_log = logging.getLogger(__name__)

Payload = dict[str, Any]


def keep_reading(parsers: dict[str, Callable[[Any], None]]) -> None:
    """Log the events at which one of discord.py's parsers fails, by their names, and go on."""
    for event, parse in parsers.items():
        parsers[event] = partial(_parse, event, parse)


def _parse(event: str, parse: Callable[[Any], None], data: object) -> None:
    try:
        if event == "INTERACTION_CREATE":
            _check(cast("Payload", data))
        parse(data)
    except Exception:
        if event == "READY":  # without it nothing works: the bot connects again
            raise
        _log.exception("Discord's event %s can't be read and is skipped", event)


def _check(interaction: Payload) -> None:
    """Raise an exception for IDs and numbers that are out of range; discord.py takes any that Python can read."""
    for found in filter(None, _ids(interaction)):
        parse_id(found)
    for number in _floats(interaction):
        if not math.isfinite(number):
            raise OverflowError("a number is not finite")
    attachments = list(_attachments(_part(interaction, "data", "resolved")))
    for name, kinds, holders in (
        ("locale", [str], [interaction]),
        ("attachment_size_limit", [int], [interaction]),
        ("size", [int], attachments),
        ("url", [str], attachments),
        ("filename", [str], attachments),
        ("content_type", [str, type(None)], attachments),
        ("title", [str, type(None)], attachments),
    ):
        if not all(type(holder.get(name, kinds[0]())) in kinds for holder in holders):
            raise TypeError(f"the {name} is no {kinds[0].__name__}")
    if not all(0 <= attachment["size"] <= MAX_ID for attachment in attachments):
        raise OverflowError("a size is out of range")


def _ids(interaction: Payload) -> Iterator[object]:
    """Yield the IDs that this bot uses. Those of buttons and inputs are numbers of another kind."""
    yield from (interaction.get(name) for name in ("id", "application_id", "guild_id", "channel_id"))
    for path in (["channel"], ["guild"], ["message"], ["user"], ["member", "user"]):
        yield _part(interaction, *path).get("id")
    resolved = _part(interaction, "data", "resolved")
    for found in resolved.values():
        yield from found
    yield from (attachment["id"] for attachment in _attachments(resolved))


def _attachments(resolved: Payload) -> Iterator[Payload]:
    """Yield the files that members attached to commands, to messages, and to the messages forwarded in these."""
    yield from _part(resolved, "attachments").values()
    for message in _part(resolved, "messages").values():
        for each in (message, *(snapshot["message"] for snapshot in message.get("message_snapshots") or ())):
            yield from each["attachments"]


def _part(payload: Payload, *path: str) -> Payload:
    for name in path:
        payload = payload.get(name) or {}
    return payload


def _floats(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for item in cast("Payload", value).values():
            yield from _floats(item)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _floats(item)
