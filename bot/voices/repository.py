"""Storage of voices, their clips and consents, and of deletions that the API has not confirmed."""

from collections.abc import Callable
from typing import Protocol

from bot.voices.models import Clip, Consent, ConsentRequest, PendingDeletion, Voice


class MembersRepository(Protocol):
    """Voices and their clips by owner, and consents by speaker. The source of truth for both.

    `put` and `add_…` replace the record with the same ID. `change…` is atomic and returns None if there is no
    such record; if `change` raises, nothing is changed. `remove…` does nothing if there is no such record.
    Methods without the member's ID skip unreadable files, except `anonymize`.
    """

    async def voices(self, owner_id: int) -> tuple[Voice, ...]:
        """Return a member's voices, oldest first."""
        ...

    async def voice(self, owner_id: int, voice_id: int) -> Voice | None: ...
    async def put(self, voice: Voice) -> None: ...
    async def change(self, owner_id: int, voice_id: int, change: Callable[[Voice], Voice]) -> Voice | None: ...

    async def remove(self, owner_id: int, voice_id: int) -> None:
        """Remove a voice and its clips."""

    async def forget(self, owner_id: int) -> None:
        """Remove everything in a member's file."""

    async def cloned_in(self) -> dict[int, list[Voice]]:
        """Return all voices by the server they were cloned in."""
        ...

    async def speakers_with_revoked_consents(self) -> list[int]:
        """Return the speakers with a withdrawn consent on record."""
        ...

    async def voice_ids(self) -> set[int]: ...

    async def clips(self, owner_id: int, voice_id: int) -> tuple[Clip, ...]:
        """Return a voice's last 50 clips, newest first."""
        ...

    async def add_clip(self, owner_id: int, clip: Clip) -> None:
        """Add a clip to its voice, and count it unless it is there already. Does nothing without the voice."""

    async def clips_by(self, author_id: int) -> tuple[Clip, ...]:
        """Return an author's clips with any voice, newest first."""
        ...

    async def anonymize(self, member_id: int) -> None:
        """Remove a member from others' files: as author, as speaker of deleted voices, in consents and requests.

        Raises as `check`, after the readable files are done.
        """

    async def check(self, member_id: int) -> None:
        """Raise `StoreError` while a member's file can't be read: any may name this member."""

    async def consents(self, speaker_id: int) -> tuple[Consent, ...]:
        """Return a speaker's consents, oldest first."""
        ...

    async def put_consent(self, consent: Consent) -> None: ...
    async def change_consent(
        self, speaker_id: int, job_id: str, change: Callable[[Consent], Consent]
    ) -> Consent | None: ...
    async def remove_consent(self, speaker_id: int, job_id: str) -> None: ...

    async def requests(self, speaker_id: int) -> tuple[ConsentRequest, ...]:
        """Return the recent consent requests to a speaker, oldest first."""
        ...

    async def put_request(self, request: ConsentRequest, since: float) -> None:
        """Store the request of a clone. Removes the speaker's from before `since` (Unix timestamp)."""

    async def remove_request(self, speaker_id: int, job_id: str) -> None: ...


class PendingDeletionsRepository(Protocol):
    """Voices that are still to be deleted at the API. `put…` replaces the deletion of the same voice."""

    async def pending_deletions(self) -> tuple[PendingDeletion, ...]: ...
    async def put_pending_deletion(self, deletion: PendingDeletion) -> None: ...
    async def remove_pending_deletion(self, voice_id: int) -> None: ...
