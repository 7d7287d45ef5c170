"""Runs the program in a process of its own, against a Discord and an API on this machine.

    python launcher.py DISCORD_URL API_URL [name=value ...]

A name is a constant (`bot.cloning.recovery:SEARCH_DELAYS`), usually a wait, or a setting (`clone_timeout`);
a value is JSON. The rest of the settings comes from the environment.
"""

import asyncio
import importlib
import json
import socket
import sys
from functools import partial
from typing import Any

import aiohttp
import discord.gateway
import discord.http
from yarl import URL

import bot.app
from bot.log import configure_logging
from bot.settings import Settings

SEND_BUFFER = 8192
"""Bytes that the system buffers between bot and API; loopback would buffer a whole sample."""


def main(discord_url: str, api: str, *changes: str) -> None:
    """Point the bot at its doubles and run it until SIGTERM or SIGKILL."""
    discord.http.Route.BASE = discord_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = URL(discord_url).origin()
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
    origin = URL(api).origin()
    bot.app.open_resources = partial(
        bot.app.open_resources,
        api=api,
        cdn=str(URL(discord_url).origin()),
        may_fetch=lambda url: url.origin() == origin,
        open_session=_session,
    )
    configure_logging(settings.log_level, settings.log_format, ())
    asyncio.run(bot.app.run(settings))


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=_narrow))


def _narrow(address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(address[0], address[1], address[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return made


if __name__ == "__main__":
    main(*sys.argv[1:])
