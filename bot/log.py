"""Formats log records as text or JSON, with secrets masked and control characters escaped."""

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

_MASK = "[secret]"
_PATTERNS = (
    re.compile(r"(?i)(?<=bearer )[^\s'\"]+"),
    re.compile(r"(?i)(?<=\bbot )[\w-]{20,}\.[\w-]+\.[\w-]+"),
    re.compile(r"\buser:\d+-[\w-]+"),
    re.compile(r"(?<=/webhooks/)\d+/[\w-]+"),
    re.compile(r"(?<=/interactions/)\d+/[\w-]+"),
    re.compile(r"(?<=[?&](?:ex|is|hm)=)[\w-]+"),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def configure_logging(level: str, form: Literal["text", "json"], secrets: Iterable[str]) -> None:
    """Log to standard error. Masks the given secrets and everything that looks like a token."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter(form, secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


class MaskingFormatter(logging.Formatter):
    """Formats a record as one line, as `text` or `json`. In `text`, a traceback follows in indented lines."""

    def __init__(self, form: Literal["text", "json"], secrets: Iterable[str]) -> None:
        super().__init__()
        self._form = form
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = self._mask(record.getMessage())
        trace = self._mask(self.formatException(record.exc_info)) if record.exc_info else ""
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


def _escape(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
