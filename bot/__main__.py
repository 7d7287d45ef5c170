"""The `clonevoice` program: run, demo, doctor."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from importlib.metadata import version
from importlib.util import find_spec
from io import TextIOWrapper

from bot.app import open_resources, run
from bot.audio.sandbox import protect_memory
from bot.doctor import examine
from bot.errors import ClonevoiceError, FolderInUse, SettingsError
from bot.i18n import ENGLISH, translate
from bot.log import configure_logging
from bot.settings import Settings, misspelled

_log = logging.getLogger(__name__)


def main() -> None:
    """Run the command line's command. Exits with 78 (`EX_CONFIG`) if the settings or the data folder prevent it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # each line at once, also into a pipe, in any encoding
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    parser = argparse.ArgumentParser(prog="clonevoice", description=translate(ENGLISH, "program.about"))
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('clonevoice-bot')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command in ("run", "demo", "doctor"):
        added = commands.add_parser(command, help=translate(ENGLISH, f"program.{command}"))
        if command == "demo":
            added.add_argument("--port", type=int, help=translate(ENGLISH, "program.port"))
    try:
        sys.exit(_start(parser.parse_args()))
    except ClonevoiceError as error:
        _tell(error, *(error.others if isinstance(error, SettingsError) else ()))
        sys.exit(os.EX_CONFIG if isinstance(error, SettingsError | FolderInUse) else 1)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(0)
    except BrokenPipeError:
        if not _discard_unread_output():
            raise
        sys.exit(128 + signal.SIGPIPE)  # as a shell reports programs that this signal ends
    finally:
        _discard_unread_output()  # of `--help`, too


def _discard_unread_output() -> bool:
    """Return True if no one reads standard output anymore, for example after `| head`. The rest is discarded.

    https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    try:
        if sys.stdout:  # None if it was closed from the start
            sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return True
    return False


def _start(arguments: argparse.Namespace) -> int:
    command: str = arguments.command
    protect_memory()  # before it contains secrets
    if command == "demo":
        if find_spec("simcord") is None:
            raise ClonevoiceError("error.demo_not_installed")
        from bot.demo.demo import serve  # noqa: PLC0415 - the demo's libraries need not be installed

        asyncio.run(serve(arguments.port))
        return 0
    hints = [SettingsError("settings.misspelled", name=name, variable=known) for name, known in misspelled().items()]
    try:
        settings = Settings.load()
    except SettingsError as error:
        raise SettingsError(error.key, *error.others, *hints, **error.values) from None
    configure_logging(
        "CRITICAL" if command == "doctor" else settings.log_level,  # the doctor prints a table instead
        settings.log_format,
        (settings.discord_token.get_secret_value(), settings.useapi_token.get_secret_value()),
    )
    if command == "doctor":
        _tell(*hints)
        return asyncio.run(examine(settings))
    for hint in hints:
        _log.warning("%s", translate(ENGLISH, hint.key, **hint.values))
    asyncio.run(run(open_resources(settings)))
    return 0


def _tell(*errors: ClonevoiceError) -> None:
    for error in errors:
        print(translate(ENGLISH, error.key, **error.values), file=sys.stderr)  # noqa: T201 - the operator's terminal


if __name__ == "__main__":
    main()
