"""Who spoke what with a voice, for its owner."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import discord

from bot.client.client import Clonevoice
from bot.i18n import translate, translate_markdown
from bot.voices.models import Clip
from cogs._ui.interaction import viewer_of
from cogs._ui.paginator import add_page_buttons, page_of

EXCERPT = 150
"""How many characters of a line a page shows; the file beside it has all of them."""


async def show_history(interaction: discord.Interaction[Clonevoice], voice_id: int, page: int) -> None:
    """Answer with a page of what was spoken, newest first, and with all of it as a file."""
    locale, library = str(interaction.locale), interaction.client.library
    viewer = viewer_of(interaction)
    voice = await library.get_own(viewer, voice_id)
    lines = await library.list_clips(viewer, voice_id)
    page, shown = page_of(lines, page)
    embed = discord.Embed(
        title=translate_markdown(locale, "history.title", title=voice.title),
        description="\n".join(
            translate_markdown(
                locale,
                "history.line",
                at=int(line.at),
                name=speaker_name(line, locale),
                text=_excerpt(line.text),
            )
            for line in shown
        )
        or translate(locale, "history.empty"),
        colour=discord.Colour.blurple(),
    )
    view = discord.ui.View(timeout=None)
    add_page_buttons(view, "history", page, len(lines), str(voice_id), locale)
    await interaction.edit_original_response(
        embed=embed, view=view, attachments=[_file(lines, locale)] if lines else []
    )


def speaker_name(line: Clip, locale: str) -> str:
    """Name who spoke a line."""
    return line.author_name or translate(locale, "history.forgotten")


def _excerpt(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


def _file(lines: Sequence[Clip], locale: str) -> discord.File:
    written = "\n\n".join(
        translate(
            locale,
            "history.written",
            at=datetime.fromtimestamp(line.at, UTC).strftime("%Y-%m-%d %H:%M UTC"),
            name=speaker_name(line, locale),
            text=line.text,
        )
        for line in lines
    )
    return discord.File(io.BytesIO(written.encode()), "spoken.txt")
