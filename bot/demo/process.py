"""The demo's bot: a process that can be killed at any moment, and is then started again."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bot.demo.changes import Changes

RESTART_SECONDS = 1.0  # from the end of a bot to the start of the next; long enough to see that it is gone

ROOT = Path(__file__).parents[2]


class BotProcess:
    """Runs a bot in `folder` during `running`. Its settings are in `environment`."""

    def __init__(
        self, discord_url: str, api: str, environment: Mapping[str, str], folder: Path, changes: Changes
    ) -> None:
        python = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
        path = os.pathsep.join(filter(None, (str(ROOT), python.get("PYTHONPATH"))))
        self._arguments = ("-m", "bot.demo.launcher", discord_url, api)
        self._environment = {**python, "PYTHONPATH": path, **environment}
        self._folder = folder
        self._changes = changes
        self._process: asyncio.subprocess.Process | None = None
        self._disk_full = False

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run the bot, again after each end, until the block ends."""
        supervisor = asyncio.create_task(self._run())
        try:
            yield
        finally:
            supervisor.cancel()
            await asyncio.wait([supervisor])

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def kill(self) -> None:
        """Kill the bot, also while it starts."""
        if self._process and self._process.returncode is None:
            self._process.kill()

    def set_disk(self, *, full: bool) -> None:
        """Fill the bot's disk, also for bots that start later, or free it."""
        self._disk_full = full
        if self._process and self._process.stdin:
            self._process.stdin.write(b"disk full\n" if full else b"disk free\n")

    async def _run(self) -> None:
        while True:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,  # Ctrl+C is for the demo, which ends the bot
            )
            self.set_disk(full=self._disk_full)
            try:
                await process.wait()
                self._changes.notify()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            await asyncio.sleep(RESTART_SECONDS)
