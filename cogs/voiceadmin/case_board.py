"""Shows cases in a server's log channel."""

import logging
from typing import Any

import discord

from bot.client.client import Clonevoice
from bot.client.messenger import Messenger
from bot.moderation.models import Case
from bot.voices.models import Voice
from cogs.voiceadmin.cases import case_message
from cogs.voiceadmin.mod_log import log_trouble

_log = logging.getLogger(__name__)


class LogChannelCaseBoard:
    """Posts and edits cases. A message that a moderator deleted is posted again while its case is open."""

    def __init__(self, bot: Clonevoice, messenger: Messenger) -> None:
        self._bot = bot
        self._messenger = messenger

    async def show(self, guild_id: int, case: Case, voice: Voice | None) -> tuple[int, int] | None:
        """Post the case, or edit its message. Reporters are not named: the owner may read the channel.

        Returns the IDs of the channel and the message, or None if the case can't be shown.
        """
        try:
            server = await self._messenger.server(guild_id)
            if case.message is None and (not case.open or not await self._can_post(guild_id)):
                return None
            guild = self._bot.get_guild(guild_id)
            limit = guild.filesize_limit if guild else 0
            message = await case_message(case, voice, guild_id, server.locale, self._bot.previews, limit)
            return await self._send(guild_id, case, message)
        except Exception:  # noqa: BLE001 - `Cases` tries again, and the list of reports has the case
            _log.warning("a case can't be shown in the log channel of server %d", guild_id, exc_info=True)
            return None

    async def _can_post(self, guild_id: int) -> bool:
        channel_id = (await self._bot.services.rules.policy(guild_id)).log_channel
        return channel_id is not None and log_trouble(self._bot.get_guild(guild_id), channel_id) is None

    async def _send(self, guild_id: int, case: Case, message: dict[str, Any]) -> tuple[int, int] | None:
        if case.message:
            channel = self._bot.get_partial_messageable(case.message[0])
            try:
                await channel.get_partial_message(case.message[1]).edit(**message)
            except discord.NotFound:
                if not case.open:
                    return case.message
            else:
                return case.message
        channel_id = (await self._bot.services.rules.policy(guild_id)).log_channel
        if channel_id is None:
            return None
        files = message.pop("attachments")
        sent = await self._bot.get_partial_messageable(channel_id).send(files=files, **message)
        return channel_id, sent.id
