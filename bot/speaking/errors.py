"""Errors of speaking that something catches."""

from bot.mureka.errors import MurekaError


class VoiceLost(MurekaError):
    """The API no longer has the voice called `title`, which is recorded here."""

    key = "line.voice_lost"
