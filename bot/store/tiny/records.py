"""The way to a record: read, changed and written in a thread, one at a time, and kept parsed in memory."""
# TinyDB leaves the types of its documents open:
# pyright: reportUnknownMemberType=false

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from pydantic import ConfigDict
from tinydb import TinyDB
from tinydb.table import Document, Table

from bot.store.tiny.storage import Folder, Memory

OPEN_FILES = 1024
"""How many parsed files stay in memory."""

HIDE_INPUT = ConfigDict(hide_input_in_errors=True)
"""How records are checked: members' texts never reach a log."""

_T = TypeVar("_T")


class _File:
    """An open record, and the lock that makes reading, changing and writing it one step."""

    def __init__(self, folder: Folder | Memory, name: str) -> None:
        self.database = TinyDB(storage=lambda: folder.storage(name))
        self.lock = asyncio.Lock()


class Records:
    """The records of a folder, by name."""

    def __init__(self, folder: Folder | Memory) -> None:
        self.folder = folder
        self._recent: OrderedDict[str, _File] = OrderedDict()
        self._files: WeakValueDictionary[str, _File] = WeakValueDictionary()
        self._running: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Wait for what is under way, then let go of the folder."""
        while self._running:
            await asyncio.wait(self._running)
        self.folder.close()

    async def run(self, name: str, work: Callable[[TinyDB], _T]) -> _T:
        """Run `work` on a record in a thread, alone; being cancelled ends the waiting, not the work."""
        file = self._file(name)

        async def alone() -> _T:
            async with file.lock:
                return await asyncio.to_thread(work, file.database)

        task = asyncio.create_task(alone())
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be waiting for it any more

    async def names(self, kind: str, pattern: str = "*.json") -> list[str]:
        """Name the records of a kind that fit a pattern."""
        return await asyncio.to_thread(self.folder.names, kind, pattern)

    async def remove(self, name: str) -> None:
        """Remove a record; one that is not there is no error, a damaged one is `RecordDamaged`."""

        def remove(db: TinyDB) -> None:
            forget(db)
            self.folder.remove(name)

        await self.run(name, remove)

    def _file(self, name: str) -> _File:
        """Open a record; one in use stays the same for all, however many others were opened meanwhile."""
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = _File(self.folder, name)
        self._recent[name] = file
        self._recent.move_to_end(name)
        while len(self._recent) > OPEN_FILES:
            self._recent.popitem(last=False)
        return file


def put(table: Table, doc_id: int, record: dict[str, Any]) -> None:
    """Insert or update; TinyDB's `upsert` writes the file twice for a new document."""
    if table.contains(doc_id=doc_id):
        table.update(record, doc_ids=[doc_id])
    else:
        table.insert(Document(record, doc_id))


def drop(table: Table, doc_id: int) -> None:
    """Remove a document, if it is there."""
    if table.contains(doc_id=doc_id):
        table.remove(doc_ids=[doc_id])


def forget(db: TinyDB) -> None:
    """Forget what was read of a record that is about to be removed; a damaged one is refused, not removed."""
    db.storage.read()
    db.storage.close()
