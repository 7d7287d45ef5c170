"""Storage of voices, their clips and consents, and of deletions that the API has not confirmed."""

from collections.abc import Callable
from typing import Protocol

from bot.voices.models import Clip, Consent, PendingDeletion, Voice


class MembersRepository(Protocol):
    """Voices and their clips by owner, and consents by speaker. The source of truth for both."""

    async def voices(self, owner_id: int) -> tuple[Voice, ...]:
        """Return a member's voices, oldest first."""
        ...

    async def voice(self, owner_id: int, voice_id: int) -> Voice | None:
        """Return a member's voice. Returns None if there is none with this id."""
        ...

    async def put(self, voice: Voice) -> None:
        """Add a voice, or replace the one with the same id."""

    async def change(self, owner_id: int, voice_id: int, change: Callable[[Voice], Voice]) -> Voice | None:
        """Change a voice atomically. Returns None if there is none. An error in `change` changes nothing."""
        ...

    async def remove(self, owner_id: int, voice_id: int) -> None:
        """Remove a voice, if it exists, and its clips."""

    async def forget(self, owner_id: int) -> None:
        """Remove everything in a member's file."""

    async def cloned_in(self) -> dict[int, list[Voice]]:
        """Return all voices by the server they were cloned in. Skips unreadable files."""
        ...

    async def revoking(self) -> list[int]:
        """Return the speakers with a withdrawn consent on record. Skips unreadable files."""
        ...

    async def voice_ids(self) -> set[int]:
        """Return the ids of all voices. Skips unreadable files."""
        ...

    async def clips(self, owner_id: int, voice_id: int) -> tuple[Clip, ...]:
        """Return a voice's last 50 clips, newest first."""
        ...

    async def add_clip(self, owner_id: int, clip: Clip) -> None:
        """Add a clip to its voice, or replace the one with the same id. Does nothing without the voice."""

    async def clips_by(self, author_id: int) -> tuple[Clip, ...]:
        """Return an author's clips with any voice, newest first. Skips unreadable files."""
        ...

    async def anonymize(self, member_id: int) -> None:
        """Remove a member from others' files: as a clip's author, and consents for their clones."""

    async def consents(self, speaker_id: int) -> tuple[Consent, ...]:
        """Return a speaker's consents, oldest first."""
        ...

    async def put_consent(self, consent: Consent) -> None:
        """Add a consent to its speaker's file, or replace the one for the same clone."""

    async def change_consent(
        self, speaker_id: int, job_id: str, change: Callable[[Consent], Consent]
    ) -> Consent | None:
        """Change a consent atomically. Returns None if there is none."""
        ...

    async def remove_consent(self, speaker_id: int, job_id: str) -> None:
        """Remove a consent, if it exists."""


class PendingDeletionsRepository(Protocol):
    """Voices that are still to be deleted at the API."""

    async def pending_deletions(self) -> tuple[PendingDeletion, ...]:
        """Return the voices that are still to be deleted."""
        ...

    async def put_pending_deletion(self, deletion: PendingDeletion) -> None:
        """Add a deletion, or replace the one of the same voice."""

    async def remove_pending_deletion(self, voice_id: int) -> None:
        """Remove a deletion, if it exists."""
