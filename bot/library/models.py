"""Rows of a server's list of shared voices, and suggestions for autocomplete."""

from dataclasses import dataclass

from bot.voices.models import Language


@dataclass(frozen=True, slots=True)
class SharedVoice:
    """A row of a server's list of shared voices. The owner's file is the truth: a row alone shares nothing.

    `used_at` is in Unix seconds.
    """

    voice_id: int
    owner_id: int
    owner_name: str
    title: str
    language: Language
    used_at: float


SUGGESTIONS = 25
"""How many choices Discord shows: https://discord.com/developers/docs/interactions/application-commands#autocomplete"""


@dataclass(frozen=True, slots=True)
class VoiceSuggestion:
    """A voice to choose; `owner_name` is None for one's own. An `approved` one is of one's own voice."""

    voice_id: int
    title: str
    owner_name: str | None = None
    approved: bool = False
