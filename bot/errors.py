"""The base classes of all expected errors.

A class of its own exists only where an `except`, a `match` or a test needs it. Everything else is one of
these with a key: `raise Refused("refused.title_taken", title=title)`.
"""

import logging
import secrets
from collections.abc import Generator
from contextlib import contextmanager

_log = logging.getLogger(__name__)


class ClonevoiceError(Exception):
    """An expected failure. `key` names its text in the catalog, and `values` fill it in."""

    key = ""

    def __init__(self, key: str = "", /, **values: object) -> None:
        self.key = key or self.key
        super().__init__(self.key)
        self.values = values

    def __str__(self) -> str:
        """Return the key and the values, for logs. People read the catalog's text."""
        return " ".join([self.key, *(f"{name}={value!r}" for name, value in self.values.items())])


class Refused(ClonevoiceError):
    """A request or a result that is refused, with the reason for the member."""


class Canceled(Refused):
    """What a member stopped before it was finished, which is no failure."""


class SettingsError(ClonevoiceError):
    """The bot can't start with its settings. The program exits with code 78.

    `others` are the faults that were found at the same time.
    """

    def __init__(self, key: str = "", /, *others: "SettingsError", **values: object) -> None:
        super().__init__(key, **values)
        self.others = others


class StoreError(ClonevoiceError):
    """The store can't do what it was asked to do."""


class FolderInUse(SettingsError):
    """Another process owns the data folder: `folder`."""

    key = "store.in_use"


class RecordUnreadable(StoreError):
    """A record can't be read: `file`, relative to the data folder. The file is left as it is."""

    key = "store.unreadable"


class RecordDamaged(RecordUnreadable):
    """A record's content is damaged, and was set aside: `file` and `aside`, relative to the data folder."""

    key = "store.damaged"


class RecordUnwritable(StoreError):
    """A record could not be written: `file`. What it held before is unchanged."""

    key = "store.unwritable"


@contextmanager
def tolerating_store_errors(trouble: str) -> Generator[None]:
    """Log a failure of the store, with `trouble` as what it leads to, and go on after the block."""
    try:
        yield
    except StoreError as error:
        _log.warning("%s: %s", trouble, error)


def expected_error(work: str, error: Exception) -> ClonevoiceError:
    """Log why something failed. Return an expected error as it is, or else one that tells people the log's ID."""
    if isinstance(error, ClonevoiceError):
        _log.info("%s failed: %s", work, error.key)
        return error
    error_id = secrets.token_hex(4)
    _log.error("%s failed unexpectedly, id %s", work, error_id, exc_info=error)
    return ClonevoiceError("error.unexpected", id=error_id)
