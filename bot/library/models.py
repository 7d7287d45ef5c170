"""Rows of a server's list of shared voices, the bot's absence from it, and suggestions for autocomplete."""

from dataclasses import dataclass

from bot.voices.models import Language


@dataclass(frozen=True, slots=True)
class SharedVoice:
    """A row of a server's list, which is only a cache of the owners' files. `used_at` is a Unix timestamp."""

    voice_id: int
    owner_id: int
    owner_name: str
    title: str
    language: Language
    used_at: float


@dataclass(frozen=True, slots=True)
class Absence:
    """Discord says that the bot is not in a server: the Unix timestamps of its first and last answer in a row."""

    since: float
    last: float


SUGGESTIONS = 25  # Discord's limit: https://discord.com/developers/docs/interactions/application-commands#autocomplete


@dataclass(frozen=True, slots=True)
class VoiceSuggestion:
    """A voice for autocomplete. `owner_name` is None for the member's own voices.

    `approved`: it is another member's clone of the member's voice, made with their consent.
    """

    voice_id: int
    title: str
    owner_name: str | None = None
    approved: bool = False
