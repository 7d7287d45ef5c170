"""Runs the program in a process of its own, against a Discord and an API on this machine.

    python launcher.py DISCORD_URL API_URL [name=value ...]

A name is a constant (`bot.cloning.recovery:SEARCH_DELAYS`), usually a wait, or a setting (`clone_timeout`);
a value is JSON. The rest of the settings comes from the environment.
"""

import asyncio
import importlib
import json
import sys

from bot.app import run
from bot.demo.launcher import resources_at
from bot.log import configure_logging
from bot.settings import Settings


def main(discord_url: str, api: str, *changes: str) -> None:
    """Point the bot at its doubles and run it until SIGTERM or SIGKILL."""
    settings = Settings.load()
    for change in changes:
        name, _, value = change.partition("=")
        module, _, constant = name.rpartition(":")
        if module:
            imported = importlib.import_module(module)
            assert hasattr(imported, constant), name
            setattr(imported, constant, json.loads(value))
        else:  # not checked, so that a wait may be shorter than an operator could make it
            settings = settings.model_copy(update={name: json.loads(value)})
    configure_logging(settings.log_level, settings.log_format, ())
    asyncio.run(run(resources_at(discord_url, api, settings)))


if __name__ == "__main__":
    main(*sys.argv[1:])
