"""Runs the bot as in production, against a Discord and an API on this machine.

    python -m bot.demo.launcher DISCORD_URL API_URL

The settings come from the environment. Standard input has one command a line: `disk full` and `disk free`. When it
ends, with the process that started this one, the bot ends at once.
"""

import asyncio
import errno
import os
import socket
import sys
import threading
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import discord.gateway
import discord.http
from yarl import URL

from bot.app import open_resources, run
from bot.log import configure_logging
from bot.mureka import accounts
from bot.services import Resources
from bot.settings import Settings

SEND_BUFFER = 8192
"""Bytes that the system buffers between bot and API; loopback would buffer a whole sample."""

CHECK_SECONDS = 5.0  # between two checks of an expired session; the simulated one soon works again


def resources_at(discord_url: str, api: str, settings: Settings) -> AbstractAsyncContextManager[Resources]:
    """Return the resources of a bot for which these addresses are Discord's and the API's."""
    discord.http.Route.BASE = discord_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = URL(discord_url).origin()
    origin = URL(api).origin()
    return open_resources(
        settings,
        api=api,
        cdn=str(URL(discord_url).origin()),
        may_fetch=lambda url: url.origin() == origin,
        open_session=lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=_narrow)),
    )


def _narrow(address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(address[0], address[1], address[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return made


class Disk:
    """Can be full: then no file of a folder can be opened for writing, as if there were no space for it."""

    def __init__(self, folder: Path) -> None:
        self._full = False
        self._folder = str(folder.absolute())
        sys.addaudithook(self._check)

    def obey(self) -> None:
        """Read commands until there are no more, and end the process."""
        for line in sys.stdin:
            self._full = line.strip() == "disk full"
        os._exit(0)

    def _check(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._full and event == "open":
            path, _, flags = arguments
            if flags & (os.O_WRONLY | os.O_RDWR) and str(path).startswith(self._folder):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def main(discord_url: str, api: str) -> None:
    """Run the bot until SIGTERM, SIGKILL or the end of standard input."""
    accounts.CHECK_SECONDS = CHECK_SECONDS
    settings = Settings.load()
    configure_logging(settings.log_level, settings.log_format, ())
    threading.Thread(target=Disk(settings.data_dir).obey, daemon=True).start()
    asyncio.run(run(resources_at(discord_url, api, settings)))


if __name__ == "__main__":
    main(*sys.argv[1:])
