"""Log lines: one per record, without secrets."""

import json
import logging
from typing import Any

import pytest

from bot.log import MaskingFormatter

SECRET = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"


def record(message: str, *args: object, exc_info: Any = None) -> logging.LogRecord:
    return logging.LogRecord("bot.x", logging.WARNING, __file__, 1, message, args, exc_info)


def test_given_secret_is_masked_everywhere():
    line = MaskingFormatter("text", [SECRET]).format(record("login with %r failed", SECRET))
    assert SECRET not in line
    assert "login with '[secret]' failed" in line


def test_text_that_looks_like_a_secret_is_masked():
    text = (
        "Authorization: Bearer user:1234-abcdef and user:99-zz; "
        "PATCH https://discord.com/api/v10/webhooks/123/aW50ZXJhY3Rpb246dG9rZW4/messages/@original; "
        "POST /interactions/123/aW50ZXJhY3Rpb24/callback; "
        "https://cdn.discordapp.com/a.mp3?ex=656&is=655&hm=0123abc&"
    )
    line = MaskingFormatter("text", []).format(record("%s", text))
    for secret in ("1234-abcdef", "99-zz", "aW50ZXJhY3Rpb24", "0123abc"):
        assert secret not in line


def test_secret_in_a_traceback_is_masked():
    with pytest.raises(ValueError, match="bad") as raised:
        int(f"bad {SECRET}")
    trace = (raised.type, raised.value, raised.tb)
    line = MaskingFormatter("json", [SECRET]).format(record("oh", exc_info=trace))
    assert SECRET not in line
    assert "bad [secret]" in json.loads(line)["exception"]


def test_text_of_a_member_cannot_start_a_new_line():
    line = MaskingFormatter("text", []).format(record("title %s", "x\n2026 ERROR forged\x1b[2J\u202e"))
    assert "\n" not in line
    assert "\\n2026 ERROR forged\\x1b[2J\\u202e" in line


def test_json_line_is_one_object():
    line = MaskingFormatter("json", []).format(record("a\nb"))
    assert "\n" not in line
    assert json.loads(line) | {"time": ""} == {"time": "", "level": "WARNING", "logger": "bot.x", "message": "a\nb"}
