"""Colors, lengths, bars and file names, as members see them."""

import re

import discord

from bot.i18n import Markup

FULLEST = 0.95
"""Where the bar of an estimate stops: the end shows only once it has come."""

_BAR = 12


def bar(share: float) -> str:
    """Draw a share from 0 to 1."""
    full = int(max(0.0, min(share, 1.0)) * _BAR)
    return "▰" * full + "▱" * (_BAR - full)


GREEN = discord.Colour(0x2ECC71)

GREY = discord.Colour(0x95A5A6)

FIELD_LENGTH = 1024
"""What a field holds: https://discord.com/developers/docs/resources/message#embed-object-embed-limits"""


def length(seconds: float) -> Markup:
    """Write seconds as `1:05`."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return Markup(f"{minutes}:{rest:02}")


def file_name(title: str) -> str:
    """Name an audio file after a voice."""
    stem = re.sub(r"[^\w-]+", "-", title).strip("-")
    return f"{stem or 'voice'}.mp3"
