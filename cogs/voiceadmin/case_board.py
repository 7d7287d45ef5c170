"""Cases in a server's log channel: posted, kept as they stand, posted again if somebody deleted them."""

import logging
from typing import Any

import discord

from bot.client.client import Clonevoice
from bot.client.messenger import DiscordMessenger
from bot.moderation.models import Case
from bot.voices.models import Voice
from cogs.voiceadmin.cases import case_message
from cogs.voiceadmin.mod_log import log_trouble

_log = logging.getLogger(__name__)


class LogChannelCaseBoard:
    """Shows cases in log channels; one that can't be written to leaves them on the list of reports."""

    def __init__(self, bot: Clonevoice) -> None:
        self._bot = bot
        self._ways = DiscordMessenger(bot)

    async def show(self, guild_id: int, case: Case, voice: Voice | None) -> tuple[int, int] | None:
        """Show a case in the log channel, anew or where it is; where that is now, None if it can't be.

        Who reported is not said there: the voice's owner may be among its readers.
        """
        try:
            server = await self._ways.server(guild_id)
            if case.message is None and (not case.open or not await self._may_post(guild_id)):
                return None
            guild = self._bot.get_guild(guild_id)
            message = await case_message(
                self._bot, case, voice, guild_id, server.locale, guild.filesize_limit if guild else 0
            )
            return await self._sent(guild_id, case, message)
        except Exception:  # noqa: BLE001 - the case is on the list of reports, and this is tried again
            _log.warning("a case of server %d can't be shown in its log channel", guild_id, exc_info=True)
            return None

    async def _may_post(self, guild_id: int) -> bool:
        channel_id = (await self._bot.moderation.policy(guild_id)).log_channel
        return channel_id is not None and log_trouble(self._bot.get_guild(guild_id), channel_id) is None

    async def _sent(self, guild_id: int, case: Case, message: dict[str, Any]) -> tuple[int, int] | None:
        if case.message:
            channel = self._bot.get_partial_messageable(case.message[0])
            try:
                await channel.get_partial_message(case.message[1]).edit(**message)
            except discord.NotFound:  # somebody deleted it
                if not case.open:
                    return case.message
            else:
                return case.message
        channel_id = (await self._bot.moderation.policy(guild_id)).log_channel
        if channel_id is None:
            return None
        files = message.pop("attachments")
        sent = await self._bot.get_partial_messageable(channel_id).send(files=files, **message)
        return channel_id, sent.id
