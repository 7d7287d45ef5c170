"""The clips that were spoken with a voice, for its owner."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.i18n import translate, translate_markdown
from bot.text import shorten
from bot.voices.models import Clip, Voice
from cogs._ui.formatting import attachments
from cogs._ui.interaction import Interaction, viewer_of
from cogs._ui.paginator import list_message, page_of

EXCERPT = 150  # most characters of a clip's text on a page; the attached file has all of it


async def show_history(interaction: Interaction, list_filter: str, page: int) -> None:
    """Show a page of the kept clips, newest first, and attach all of these as a file. The filter is a voice's ID."""
    locale, library = str(interaction.locale), interaction.client.services.library
    viewer, voice_id = viewer_of(interaction), int(list_filter) if list_filter.isdecimal() else 0
    voice = await library.get_own(viewer, voice_id)
    clips = await library.list_clips(viewer, voice_id)
    shown = page_of(clips, page)
    texts = [(clip, shorten(" ".join(clip.text.split()), EXCERPT)) for clip in shown.rows]
    lines = [
        translate_markdown(locale, "history.line", at=int(clip.at), name=author_name(clip, locale), text=text)
        for clip, text in texts
    ]
    key = "history.title_last" if clip_count(voice, clips) > len(clips) else "history.title"
    title = translate_markdown(locale, key, title=voice.title, lines=len(clips))
    empty = translate(locale, "history.empty")
    message = list_message(locale, "history", shown, list_filter, title=title, lines=lines, empty=empty)
    files = attachments([("spoken.txt", _all_clips(clips, locale).encode())] if clips else [])
    await interaction.edit_original_response(attachments=files, **message)


def clip_count(voice: Voice, clips: Sequence[Clip]) -> int:
    """Return how many clips were made with a voice, of which `clips` are kept."""
    return max(voice.clip_count, len(clips))


def author_name(clip: Clip, locale: str) -> str:
    """Return the name of a clip's author, or a placeholder if their data was erased."""
    return clip.author_name or translate(locale, "history.forgotten")


def _all_clips(clips: Sequence[Clip], locale: str) -> str:
    times = [datetime.fromtimestamp(clip.at, UTC).strftime("%Y-%m-%d %H:%M UTC") for clip in clips]
    return "\n\n".join(
        translate(locale, "history.written", at=at, name=author_name(clip, locale), text=clip.text)
        for at, clip in zip(times, clips, strict=True)
    )
