"""Log lines: one per record, without secrets."""

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import discord
import pytest

from bot.errors import Refused
from bot.log import MaskingFormatter, configure_logging, log_unhandled
from support.clocks import until
from support.moderators import Court
from support.rounds import full_round

SECRET = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"


def record(message: str, *args: object, exc_info: Any = None) -> logging.LogRecord:
    return logging.LogRecord("bot.x", logging.WARNING, __file__, 1, message, args, exc_info)


def failed(error: Exception) -> Any:
    """Return an exception as logging gets it after it was raised."""
    with pytest.raises(type(error)) as raised:
        raise error
    return raised.type, raised.value, raised.tb


def test_given_secret_is_masked_everywhere():
    line = MaskingFormatter("text", [SECRET]).format(record("login with %r failed", SECRET))
    assert SECRET not in line
    assert "login with '[secret]' failed" in line


def test_text_that_looks_like_a_secret_is_masked():
    text = (
        "Authorization: Bearer user:1234-abcdef and user:99-zz; "
        "PATCH https://discord.com/api/v10/webhooks/123/aW50ZXJhY3Rpb246dG9rZW4.x=y:z/messages/@original; "
        "POST /interactions/123/aW50ZXJhY3Rpb24/callback; "
        "https://cdn.discordapp.com/a.mp3?ex=656&is=655&hm=0123abc&"
    )
    line = MaskingFormatter("text", []).format(record("%s", text))
    for secret in ("1234-abcdef", "99-zz", "aW50ZXJhY3Rpb24", "x=y", "0123abc"):
        assert secret not in line


def test_secret_in_a_traceback_is_masked():
    error = failed(OSError(f"bad {SECRET}"))
    line = MaskingFormatter("json", [SECRET]).format(record("oh", exc_info=error))
    assert SECRET not in line
    assert json.loads(line)["exception"].endswith("\nOSError: bad [secret]")


def test_page_that_an_error_quotes_is_not_logged():
    page = "502 Bad Gateway (error code: 0): <!DOCTYPE html><html><body>Ray ID: 8f3c</body></html>"
    line = MaskingFormatter("json", []).format(record("failed: %s", page, exc_info=failed(OSError(page))))
    shown = json.loads(line)
    assert shown["message"] == "failed: 502 Bad Gateway (error code: 0): [a page]"
    assert shown["exception"].endswith("OSError: 502 Bad Gateway (error code: 0): [a page]")


def _bare(error: Exception) -> Exception:
    return error


def _cause(error: Exception) -> Exception:
    outer = RuntimeError("outer")
    outer.__cause__ = error
    return outer


def _group(error: Exception) -> Exception:
    return ExceptionGroup[Exception]("many", [error])


@pytest.mark.parametrize("wrap", [_bare, _cause, _group])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("invalid literal for int() with base 10: 'my secret'"),
        KeyError("my secret"),
        UnicodeEncodeError("utf-8", "my secret", 0, 1, "surrogates not allowed"),
        Refused("refused.title_taken", title="my secret"),
        discord.app_commands.CheckFailure("my secret is no number"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_value_that_an_exception_quotes_is_not_logged(error: Exception, wrap: Callable[[Exception], Exception]):
    line = MaskingFormatter("json", []).format(record("oh", exc_info=failed(wrap(error))))
    assert type(error).__name__ in line
    assert "secret" not in line


class _Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_record_that_cannot_be_formatted_is_one_line_all_the_same(capsys: pytest.CaptureFixture[str]):
    formatter = MaskingFormatter("text", [])
    assert formatter.format(record("%d left", "secret")).endswith("%d left (TypeError in its values)")
    assert formatter.format(record("oh", exc_info=failed(_Broken()))).endswith("_Broken")
    looped = RuntimeError("looped")
    looped.__cause__ = ValueError()
    looped.__cause__.__cause__ = looped
    assert formatter.format(record("oh", exc_info=failed(looped))).endswith("RuntimeError: looped")
    assert capsys.readouterr().err == ""


def test_text_of_a_member_cannot_start_a_new_line():
    line = MaskingFormatter("text", []).format(
        record("title %s", "x\n2026 ERROR forged\x1b[2J\u202e\u061c\u2066\ud800")
    )
    assert "\n" not in line
    assert "\\n2026 ERROR forged\\x1b[2J\\u202e\\u061c\\u2066\\ud800" in line


def test_json_line_is_one_object():
    line = MaskingFormatter("json", []).format(record("a\nb"))
    assert "\n" not in line
    assert json.loads(line) | {"time": ""} == {"time": "", "level": "WARNING", "logger": "bot.x", "message": "a\nb"}


PROGRAM = """
import logging, threading
from bot.log import configure_logging
configure_logging("DEBUG", "json", ["s3cret"])
logging.getLogger("bot.x").debug("own")
for library in ("discord.http", "discord.gateway", "discord.webhook.async_", "aiohttp.client", "asyncio"):
    logging.getLogger(library).debug("foreign")
class Dropped:
    def __del__(self):
        raise RuntimeError("dropped with s3cret")
Dropped()
def fail():
    raise RuntimeError("thread with s3cret")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
raise RuntimeError("end with s3cret")
"""


def test_error_that_nothing_catches_is_one_masked_record_and_libraries_log_nothing_at_debug():
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["message"] for line in lines] == [
        "own",
        "an error could not be raised",
        "a thread ended unexpectedly",
        "the program ended unexpectedly",
    ]
    ends = [line["exception"].splitlines()[-1] for line in lines[1:]]
    assert ends == [f"RuntimeError: {what} with [secret]" for what in ("dropped", "thread", "end")]
    assert (ended.returncode, ended.stdout) == (1, "")


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Return what is written to standard error; restore afterwards what `configure_logging` changes."""
    root, written = logging.getLogger(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    for holder, hook in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(holder, hook, getattr(holder, hook))
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    levels = {logger: logger.level for logger in (root, logging.getLogger("bot"), logging.getLogger("cogs"))}
    configure_logging("DEBUG", "json", ())
    yield written
    logging.captureWarnings(capture=False)
    for logger, level in levels.items():
        logger.setLevel(level)


@pytest.mark.world(keep_alive=False)
async def test_full_round_of_commands_logs_no_typed_text_and_no_token_at_debug(court: Court, stderr: io.StringIO):
    await full_round(court, "Kirschkern")
    lines = [json.loads(line)["message"] for line in stderr.getvalue().splitlines()]
    assert any("answered 400" in line for line in lines)
    for secret in ("irschkern", "simcord_interaction", "user:1234"):
        assert secret not in stderr.getvalue()


@pytest.fixture
async def loop() -> AsyncGenerator[asyncio.AbstractEventLoop]:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_unhandled)
    yield loop
    loop.set_exception_handler(None)


async def test_failed_task_or_callback_is_one_record_without_its_values(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
):
    typed = "my secret"

    async def fail() -> None:
        raise ValueError(typed)

    task = asyncio.create_task(fail(), name="typing")
    await asyncio.wait({task})
    del task
    loop.call_soon(int, typed)
    await until(lambda: len(caplog.records) == 2)
    formatter = MaskingFormatter("text", [])
    lost, callback = (formatter.format(one) for one in caplog.records)
    assert "typing: Task exception was never retrieved" in lost
    assert "the event loop: Exception in callback int" in callback
    assert "secret" not in lost + callback
