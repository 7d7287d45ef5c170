"""News for members, by direct message; to closed ones, with the next list of their voices."""

import logging

import discord

from bot.client.client import Clonevoice
from bot.client.messenger import DeliveryError, Messenger
from bot.errors import StoreError
from bot.i18n import translate_markdown
from bot.voices.models import Notice

_log = logging.getLogger(__name__)


class News:
    """Brings notices by direct message, in the language of the server that they are about."""

    def __init__(self, ways: Messenger) -> None:
        self._ways = ways

    async def send(self, notice: Notice) -> bool | None:
        """Send news: True once it is there, False if later may be better, None if it can't be."""
        server = await self._ways.server(notice.guild_id)
        try:
            await self._ways.dm(notice.user_id, content=_told(notice, server.name, server.locale))
        except DeliveryError as error:
            _log.info("news could not be sent: %s", error)
            return False if error.temporary else None
        return True


async def show_unread(interaction: discord.Interaction[Clonevoice]) -> None:
    """Tell a member, below an answer, what could not be told by direct message."""
    notices, locale = interaction.client.notices, str(interaction.locale)
    try:
        for notice in await notices.undelivered(interaction.user.id):
            guild = interaction.client.get_guild(notice.guild_id)
            told = _told(notice, guild.name if guild else "?", locale)
            await interaction.followup.send(told, ephemeral=True)
            await notices.mark_delivered(notice)
    except (StoreError, OSError, ValueError, discord.HTTPException) as error:  # the answer itself is there
        _log.warning("news could not be shown: %r", error)


def _told(notice: Notice, server: str, locale: str) -> str:
    return translate_markdown(locale, notice.key, server=server, **notice.values)
