"""Errors of cloning that something catches."""

from bot.mureka.errors import MurekaError


class VoiceNotFound(MurekaError):
    """After an unknown outcome, the voice did not appear in the list within `CLONE_TIMEOUT`."""

    key = "mureka.not_found"
