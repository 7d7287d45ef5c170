"""Colors, lengths, bars and files, as members see them."""

import io
import re
from collections.abc import Sequence

import discord

from bot.i18n import Markup, shorten_markdown, translate

_FULLEST = 0.95  # largest share that the bar of an estimate shows while the work is not done
_BAR = 12


def bar(share: float) -> str:
    """Draw a share from 0 to 1."""
    full = int(max(0.0, min(share, 1.0)) * _BAR)
    return "▰" * full + "▱" * (_BAR - full)


GREEN = discord.Color(0x2ECC71)
GREY = discord.Color(0x95A5A6)
RED = discord.Color(0xE74C3C)
YELLOW = discord.Color(0xF1C40F)
BLURPLE = discord.Color.blurple()

TITLE_LENGTH, DESCRIPTION_LENGTH, FIELD_LENGTH = 256, 4096, 1024
"""Longest title, description and value of a field in an embed, in UTF-16 code units. The whole embed holds 6,000.

https://discord.com/developers/docs/resources/message#embed-object-embed-limits
"""


def length(seconds: float) -> Markup:
    """Write seconds as `1:05`."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return Markup(f"{minutes}:{rest:02}")


def estimate(elapsed: float, usual: float) -> dict[str, str]:
    """Write both durations, in seconds, and draw a bar of the share of the work that should be done."""
    share = min(elapsed / (usual or 1), _FULLEST)
    return {"elapsed": length(elapsed), "usual": length(usual), "bar": bar(share)}


def card(color: discord.Color, title: str, description: str | None = None, footer: str | None = None) -> discord.Embed:
    """Return an embed from texts that are escaped already, shortened to what Discord allows."""
    embed = discord.Embed(color=color, title=shorten_markdown(title, TITLE_LENGTH))
    embed.description = description and shorten_markdown(description, DESCRIPTION_LENGTH)
    return embed.set_footer(text=footer) if footer else embed


def add_field(embed: discord.Embed, locale: str, name: str, value: str, *, inline: bool = True) -> None:
    """Add a field. `name` is a key of the catalog, `value` is escaped already."""
    embed.add_field(name=translate(locale, name), value=shorten_markdown(value, FIELD_LENGTH), inline=inline)


def file_name(title: str) -> str:
    """Return a voice's title as the name of an MP3 file."""
    stem = re.sub(r"[^\w-]+", "-", title).strip("-")
    return f"{stem or 'voice'}.mp3"


def attachments(files: Sequence[tuple[str, bytes]]) -> list[discord.File]:
    """Return files, each a name and its content, for one message: a `discord.File` is sent only once."""
    return [discord.File(io.BytesIO(content), name) for name, content in files]
