"""Errors of cloning that something catches."""

from bot.errors import Refused
from bot.mureka.errors import MurekaError


class VoiceNotFound(MurekaError):
    """After an unknown outcome, the voice was not found in the API's list."""

    key = "mureka.not_found"


class AlreadyCloning(Refused):
    """The member has a running clone."""

    key = "refused.already_cloning"


class RequestClosed(Refused):
    """A consent request that was answered, canceled or has expired."""

    key = "refused.request_closed"


class OfferLapsed(Refused):
    """The clone of a button has ended or was removed."""

    key = "refused.offer_lapsed"
