"""The command option for a voice, and its autocompletion."""

from discord import app_commands
from discord.app_commands import Choice

from bot.i18n import translate
from bot.library.models import VoiceSuggestion
from bot.text import shorten, without_format
from cogs._ui.action import OPTION_LENGTH
from cogs._ui.interaction import Interaction, viewer_of

VoiceOption = app_commands.Range[str, 1, 100]  # a voice: the ID from a choice, or a title as typed


async def any_voice(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Suggest the member's voices and those shared in the server."""
    return await _suggest(interaction, typed, own=False)


async def seen_voice(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Like `any_voice`, and the voices that others cloned from the member with their consent."""
    return await _suggest(interaction, typed, own=False, approved=True)


async def own_voice(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Suggest the member's voices."""
    return await _suggest(interaction, typed, own=True)


async def _suggest(interaction: Interaction, typed: str, *, own: bool, approved: bool = False) -> list[Choice[str]]:
    library, locale = interaction.client.services.library, str(interaction.locale)
    found = await library.suggest(viewer_of(interaction), typed, own=own, approved=approved)
    return [Choice(name=shorten(_name(voice, locale), OPTION_LENGTH), value=str(voice.voice_id)) for voice in found]


def _name(voice: VoiceSuggestion, locale: str) -> str:
    if voice.owner_name is None:
        return without_format(voice.title)
    key = "choice.approved" if voice.approved else "choice.shared"
    return translate(locale, key, title=voice.title, owner=voice.owner_name)
