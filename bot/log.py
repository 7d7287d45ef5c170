"""Formats log records as text or JSON, with secrets masked and control characters escaped."""

import asyncio
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from discord.app_commands import AppCommandError

from bot.bounds import without_page
from bot.errors import ClonevoiceError

_log = logging.getLogger(__name__)

_MASK = "[secret]"
_PATTERNS = (
    re.compile(r"(?i)(?<=bearer )[^\s'\"]+"),
    re.compile(r"(?i)(?<=\bbot )[\w-]{20,}\.[\w-]+\.[\w-]+"),
    re.compile(r"\buser:\d+-[\w-]+"),
    re.compile(r"(?<=/webhooks/)\d+/[^\s/?#'\"]+"),
    re.compile(r"(?<=/interactions/)\d+/[^\s/?#'\"]+"),
    re.compile(r"(?<=[?&](?:ex|is|hm)=)[\w-]+"),
)
_OWN = ("bot", "cogs")
_QUOTING = (ValueError, LookupError, AppCommandError)
"""Exceptions whose messages quote values: a member's text, or a token that stands in a wrong place."""


def configure_logging(level: str, form: Literal["text", "json"], secrets: Iterable[str]) -> None:
    """Log to standard error. Masks the given secrets and everything that looks like a token.

    `DEBUG` holds for this program's own loggers: at that level, discord.py logs whole events, with the
    tokens of interactions and what members typed.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter(form, secrets))
    logging.basicConfig(level="INFO" if level == "DEBUG" else level, handlers=[handler], force=True)
    for name in _OWN:
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda _kind, error, _trace: _log.critical("the program ended unexpectedly", exc_info=error)
    threading.excepthook = lambda failed: _log.error("a thread ended unexpectedly", exc_info=failed.exc_value)
    sys.unraisablehook = lambda failed: _log.error("an error could not be raised", exc_info=failed.exc_value)


def log_unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error of a task or callback that nothing handles, without the arguments, which asyncio quotes."""
    del loop
    task = context.get("task") or context.get("future")
    name = task.get_name() if isinstance(task, asyncio.Task) else "the event loop"
    message: str = context["message"].partition("(")[0]
    _log.error("%s: %s", name, message, exc_info=context.get("exception"))


class MaskingFormatter(logging.Formatter):
    """Formats a record as one line, as `text` or `json`. In `text`, a traceback follows in indented lines."""

    def __init__(self, form: Literal["text", "json"], secrets: Iterable[str]) -> None:
        super().__init__()
        self._form = form
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = self._mask(_message(record))
        error = record.exc_info[1] if record.exc_info else None
        trace = self._mask("\n".join(_trace(error, set()))) if error else ""
        if self._form == "json":
            line = {"time": when, "level": record.levelname, "logger": record.name, "message": message}
            return json.dumps(line | ({"exception": trace} if trace else {}))
        first = f"{when} {record.levelname:<7} {record.name}: {_escape(message)}"
        return "\n".join([first, *("    " + _escape(line) for line in trace.splitlines())])

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(_MASK, text)
        return text


def _message(record: logging.LogRecord) -> str:
    try:
        return without_page(record.getMessage())
    except Exception as error:  # noqa: BLE001 - logging would print the unmasked values to standard error
        return f"{record.msg} ({type(error).__name__} in its values)"


def _trace(error: BaseException, seen: set[int]) -> Iterator[str]:
    """Yield the lines of an exception and of those that led to it. Messages that may quote values are left out."""
    seen.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    inner: tuple[BaseException, ...] = getattr(error, "exceptions", ())  # a group's
    for other in (earlier, *inner):
        if other is not None and id(other) not in seen:
            yield from _trace(other, seen)
    for entry in traceback.format_tb(error.__traceback__):
        yield from entry.splitlines()
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    message = error.key if isinstance(error, ClonevoiceError) else "" if isinstance(error, _QUOTING) else _text(error)
    yield f"{name}: {message}" if message else name


def _text(error: BaseException) -> str:
    try:
        return without_page(str(error))
    except Exception:  # noqa: BLE001 - an exception that can't be shown still gets its record
        return ""


def _escape(text: str) -> str:
    """Escape what a terminal would not print: control and format characters."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
