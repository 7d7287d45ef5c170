"""Access to records: one operation at a time on each, in a thread. Parsed records stay in memory."""
# TinyDB leaves the types of its documents open:
# pyright: reportUnknownMemberType=false

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from tinydb import TinyDB

from bot.errors import RecordDamaged
from bot.store.tiny.reader import SET_ASIDE
from bot.store.tiny.storage import Folder

OPEN_FILES = 1024  # how many parsed files stay in memory

_T = TypeVar("_T")


class _File:
    """An open record, and the lock that makes operations on it atomic."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._storage = folder.storage(name)
        self._database = TinyDB(storage=lambda: self._storage)
        self.lock = asyncio.Lock()

    def run(self, work: Callable[[TinyDB], _T]) -> _T:
        with self._storage.transaction():
            return work(self._database)


class Records:
    """The records of a folder, by name."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._recent: OrderedDict[str, _File] = OrderedDict()
        self._files: WeakValueDictionary[str, _File] = WeakValueDictionary()
        self._running: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Wait for running operations, then close the folder."""
        while self._running:
            await asyncio.wait(self._running)
        self.folder.close()

    async def run(self, name: str, work: Callable[[TinyDB], _T]) -> _T:
        """Run `work` on a record in a thread. Canceling the caller does not stop it.

        All changes are written together at its end, or none if it raises.
        """
        file = self._file(name)

        async def alone() -> _T:
            async with file.lock:
                return await asyncio.to_thread(file.run, work)

        task = asyncio.create_task(alone())
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved: its caller may have been canceled

    async def names(self, kind: str) -> list[str]:
        """Return the names of the records of a kind. Raises `RecordUnreadable` if they can't be listed."""
        return await asyncio.to_thread(self.folder.names, kind)

    async def quarantined(self, *kinds: str) -> list[str]:
        """Return the names of the files of these kinds that were set aside. Raises as `names`."""
        return [name for kind in kinds for name in await asyncio.to_thread(self.folder.quarantined, kind)]

    async def check_quarantine(self, *kinds: str, prefix: str = "") -> None:
        """Raise `RecordDamaged` if a file of these kinds, whose name has this prefix, was set aside."""
        for aside in await self.quarantined(*kinds):
            if aside.startswith(prefix):
                raise RecordDamaged(file=aside.partition(SET_ASIDE[0])[0], aside=aside)

    async def remove(self, name: str, *others: str) -> None:
        """Remove a record, if it exists, then other files. Raises `RecordUnreadable` instead if it can't be read."""

        def remove(db: TinyDB) -> None:
            db.storage.read()
            db.storage.close()
            for file in (name, *others):
                self.folder.remove(file)

        await self.run(name, remove)

    def _file(self, name: str) -> _File:
        """Open a record. All users of a record share one `_File` for as long as any of them has it."""
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = _File(self.folder, name)
        self._recent[name] = file
        self._recent.move_to_end(name)
        while len(self._recent) > OPEN_FILES:
            self._recent.popitem(last=False)
        return file


class Repository:
    """The base of what is stored in records."""

    def __init__(self, records: Records) -> None:
        self._records = records
