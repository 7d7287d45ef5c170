"""Typed access to the tables of a record."""
# TinyDB leaves the types of its documents open:
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from tinydb import TinyDB
from tinydb.table import Document

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Log(Generic[_T]):
    """The rows of a table, to which rows are only added."""

    table: str
    adapter: TypeAdapter[list[_T]]

    def parse(self, documents: Iterable[Mapping[str, Any]]) -> list[_T]:
        """Return the rows of these documents. Raises `ValueError` for one that isn't a row."""
        return self.adapter.validate_python([*documents])

    def all(self, db: TinyDB) -> tuple[_T, ...]:
        return tuple(self.parse(db.table(self.table).all()))

    def add(self, db: TinyDB, row: _T) -> None:
        db.table(self.table).insert(*self.adapter.dump_python([row], mode="json"))


@dataclass(frozen=True, slots=True)
class Rows(Log[_T]):
    """The rows of a table by their key, which `key` returns."""

    key: Callable[[_T], int]

    def put(self, db: TinyDB, row: _T) -> None:
        """Add a row, or replace the one with the same key."""
        [document] = self.adapter.dump_python([row], mode="json")
        db.table(self.table).upsert(Document(document, self.key(row)))

    def change(self, db: TinyDB, key: int, change: Callable[[_T], _T]) -> _T | None:
        """Replace the row with this key and return it. Returns None if there is none."""
        document = db.table(self.table).get(doc_id=key)
        if document is None:
            return None
        [row] = self.parse([document])
        changed = change(row)
        if changed != row:
            self.put(db, changed)
        return changed

    def replace(self, db: TinyDB, rows: Sequence[_T]) -> None:
        """Replace all rows."""
        table = db.table(self.table)
        table.truncate()
        table.insert_multiple(
            Document(document, self.key(row))
            for row, document in zip(rows, self.adapter.dump_python([*rows], mode="json"), strict=True)
        )

    def remove(self, db: TinyDB, key: int) -> None:
        if (table := db.table(self.table)).contains(doc_id=key):
            table.remove(doc_ids=[key])


@dataclass(frozen=True, slots=True)
class Items(Generic[_T]):
    """The items of a table with one document, in the list that is its only field."""

    table: str
    field: str
    adapter: TypeAdapter[list[_T]]

    def parse(self, documents: Iterable[Mapping[str, Any]]) -> list[_T]:
        """Return the items in these documents. Raises `ValueError` for one without a list of items."""
        return [item for document in documents for item in self.adapter.validate_python(document.get(self.field))]

    def all(self, db: TinyDB) -> list[_T]:
        return self.parse(db.table(self.table).all())

    def keep(self, db: TinyDB, wanted: Callable[[_T], bool]) -> None:
        """Remove the other items."""
        self.put(db, [item for item in self.all(db) if wanted(item)])

    def put(self, db: TinyDB, items: list[_T]) -> None:
        """Replace all items."""
        if items != self.all(db):
            document = {self.field: self.adapter.dump_python(items, mode="json")}
            db.table(self.table).upsert(Document(document, 1))


@dataclass(frozen=True, slots=True)
class Ids:
    """The document IDs of a table with empty documents."""

    table: str

    def all(self, db: TinyDB) -> tuple[int, ...]:
        return tuple(document.doc_id for document in db.table(self.table).all())

    def put(self, db: TinyDB, doc_id: int) -> None:
        db.table(self.table).upsert(Document({}, doc_id))

    def remove(self, db: TinyDB, doc_id: int) -> None:
        if (table := db.table(self.table)).contains(doc_id=doc_id):
            table.remove(doc_ids=[doc_id])
