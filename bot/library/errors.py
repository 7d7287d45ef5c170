"""Errors of the library that are caught."""

from bot.errors import Refused


class VoiceUnknown(Refused):
    """No such voice, or the member may not know that it exists. The two must be indistinguishable."""

    key = "refused.voice_unknown"


class BeingDeleted(Refused):
    """The voice called `title` is being deleted."""

    key = "refused.being_deleted"
