"""The members whose data is being erased. While a member is among them, nothing new is stored about them."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from bot.errors import Refused, StoreError


class ErasuresRepository(Protocol):
    """The IDs of the members who are being erased. Adding or removing one twice is not an error."""

    async def pending_erasures(self) -> tuple[int, ...]: ...
    async def put_pending_erasure(self, member_id: int) -> None: ...
    async def remove_pending_erasure(self, member_id: int) -> None: ...


class PendingErasures:
    """The members who are being erased, in memory and in the store, so that an erasure survives a restart."""

    def __init__(self, repository: ErasuresRepository) -> None:
        self._repository = repository
        self._member_ids: set[int] = set()

    def __contains__(self, member_id: object) -> bool:
        """Return True if this member is being erased."""
        return member_id in self._member_ids

    def __iter__(self) -> Iterator[int]:
        """Iterate over a copy, so that members may be added or removed meanwhile."""
        return iter([*self._member_ids])

    async def load(self) -> None:
        """Read the erasures of an earlier run. Call it before any of the members' jobs is resumed."""
        with suppress(StoreError):  # the store has logged it
            self._member_ids.update(await self._repository.pending_erasures())

    def check(self, member_id: int) -> None:
        if member_id in self._member_ids:
            raise Refused("refused.being_forgotten")

    async def begin(self, member_id: int) -> None:
        """Mark a member as being erased, first in memory and then in the store.

        Raises `Refused` if they already are, and `StoreError` if the mark can't be stored. It is then undone.
        """
        self.check(member_id)
        self._member_ids.add(member_id)
        try:
            await self._repository.put_pending_erasure(member_id)
        except BaseException:
            self._member_ids.discard(member_id)
            raise

    async def finish(self, member_id: int) -> None:
        """Remove the mark, first in the store and then in memory, once everything has been erased."""
        await self._repository.remove_pending_erasure(member_id)
        self._member_ids.discard(member_id)
