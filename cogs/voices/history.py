"""Who spoke what with a voice, for its owner."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import discord

from bot.client.client import Clonevoice
from bot.i18n import say, say_markdown
from bot.voices.models import SpokenLine
from cogs._ui.interaction import viewer_of
from cogs._ui.paginator import page_of, turning

EXCERPT = 150
"""How many characters of a line a page shows; the file beside it has all of them."""


async def show_history(interaction: discord.Interaction[Clonevoice], voice_id: int, page: int) -> None:
    """Answer with a page of what was spoken, newest first, and with all of it as a file."""
    locale, library = str(interaction.locale), interaction.client.library
    viewer = viewer_of(interaction)
    voice = await library.owned(viewer, voice_id)
    lines = await library.lines(viewer, voice_id)
    page, shown = page_of(lines, page)
    embed = discord.Embed(
        title=say_markdown(locale, "history.title", title=voice.title),
        description="\n".join(
            say_markdown(
                locale,
                "history.line",
                at=int(line.at),
                name=speaker_name(line, locale),
                text=_excerpt(line.text),
            )
            for line in shown
        )
        or say(locale, "history.empty"),
        colour=discord.Colour.blurple(),
    )
    view = discord.ui.View(timeout=None)
    turning(view, "history", page, len(lines), str(voice_id), locale)
    await interaction.edit_original_response(
        embed=embed, view=view, attachments=[_file(lines, locale)] if lines else []
    )


def speaker_name(line: SpokenLine, locale: str) -> str:
    """Name who spoke a line."""
    return line.speaker_name or say(locale, "history.forgotten")


def _excerpt(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


def _file(lines: Sequence[SpokenLine], locale: str) -> discord.File:
    written = "\n\n".join(
        say(
            locale,
            "history.written",
            at=datetime.fromtimestamp(line.at, UTC).strftime("%Y-%m-%d %H:%M UTC"),
            name=speaker_name(line, locale),
            text=line.text,
        )
        for line in lines
    )
    return discord.File(io.BytesIO(written.encode()), "spoken.txt")
