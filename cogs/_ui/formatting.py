"""Colors, lengths, bars and files, as members see them."""

import io
import re
from collections.abc import Sequence

import discord

from bot.i18n import Markup, translate

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

FIELD_LENGTH = 1024
"""Longest value of an embed field, in characters.

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


def shorten(text: str, longest: int) -> str:
    """Return at most `longest` characters of a text, with an ellipsis if some are missing."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def card(color: discord.Color, title: str, description: str | None = None, footer: str | None = None) -> discord.Embed:
    """Return an embed from texts that are escaped already."""
    embed = discord.Embed(color=color, title=title, description=description)
    return embed.set_footer(text=footer) if footer else embed


def add_field(embed: discord.Embed, locale: str, name: str, value: str, *, inline: bool = True) -> None:
    """Add a field. `name` is a key of the catalog."""
    embed.add_field(name=translate(locale, name), value=value, inline=inline)


def file_name(title: str) -> str:
    """Return a voice's title as the name of an MP3 file."""
    stem = re.sub(r"[^\w-]+", "-", title).strip("-")
    return f"{stem or 'voice'}.mp3"


def attachments(files: Sequence[tuple[str, bytes]]) -> list[discord.File]:
    """Return files, each a name and its content, for one message: a `discord.File` is sent only once."""
    return [discord.File(io.BytesIO(content), name) for name, content in files]
