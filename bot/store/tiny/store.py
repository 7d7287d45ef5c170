"""The embedded store: small TinyDB files, so that a write does not grow with the community."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.errors import SettingsError
from bot.store.protocol import Store
from bot.store.tiny.jobs import TinyJobs, TinySpeeches
from bot.store.tiny.members import TinyMembers
from bot.store.tiny.pending import TinyPending
from bot.store.tiny.records import Records
from bot.store.tiny.servers import TinyServers
from bot.store.tiny.storage import Folder


class TinyStore(Store):
    """The store on TinyDB."""

    def __init__(self, records: Records) -> None:
        super().__init__(
            members=TinyMembers(records),
            servers=TinyServers(records),
            jobs=TinyJobs(records),
            speeches=TinySpeeches(records),
            pending=TinyPending(records),
        )
        self._records = records


@asynccontextmanager
async def open_store(folder: Path) -> AsyncGenerator[TinyStore]:
    """Open the store in a folder, which is created if necessary.

    Raises `FolderInUse` if another process owns the folder, and `SettingsError` if it can't be used.
    """
    try:
        records = Records(await asyncio.to_thread(Folder, folder))
    except OSError as error:
        raise SettingsError("settings.folder", folder=str(folder), reason=error.strerror) from error
    try:
        yield TinyStore(records)
    finally:
        await records.close()
