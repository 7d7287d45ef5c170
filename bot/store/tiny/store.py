"""The embedded store: small TinyDB files, so that no write grows with the community."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.errors import SettingsError
from bot.store.tiny.jobs import TinyJobs, TinySpeeches
from bot.store.tiny.members import TinyMembers
from bot.store.tiny.pending import TinyPending
from bot.store.tiny.records import Records
from bot.store.tiny.servers import TinyServers
from bot.store.tiny.storage import FOLDERS, Folder, Memory


class TinyStore:
    """`bot.voices.store.Store` on TinyDB.

    A file that is JSON but does not hold what it should raises a `ValueError` and stays as it is.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self.members = TinyMembers(records)
        self.servers = TinyServers(records)
        self.jobs = TinyJobs(records)
        self.speeches = TinySpeeches(records)
        self.pending = TinyPending(records)

    async def set_aside(self) -> list[str]:
        """Name the files that were damaged and set aside."""
        return [name for kind in (".", *FOLDERS) for name in await self._records.names(kind, "*.damaged*")]


@asynccontextmanager
async def open_store(folder: Path | None) -> AsyncGenerator[TinyStore]:
    """Hold the store in a folder, made if need be, or in memory (None).

    `FolderInUse` if another process has the folder, `FolderUnusable` if it can't be made or written to.
    """
    try:
        records = Records(Memory() if folder is None else await asyncio.to_thread(Folder, folder))
    except OSError as error:
        raise SettingsError("settings.folder", folder=str(folder), reason=error.strerror) from error
    try:
        yield TinyStore(records)
    finally:
        await records.close()
