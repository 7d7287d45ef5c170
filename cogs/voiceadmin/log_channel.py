"""A server's log channel: shows cases there, and moderators' decisions."""

import asyncio
import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import discord

from bot.client.client import Clonevoice
from bot.client.membership import loaded_guild
from bot.client.messenger import Messenger, is_temporary
from bot.errors import Refused, StoreError
from bot.i18n import Markup, translate_markdown
from bot.moderation.models import Case
from bot.moderation.ports import ClipOutOfReach
from bot.policy.models import AuditEntry, ModAction
from bot.tasks import Locks
from bot.voices.models import Voice
from cogs._ui.formatting import BLURPLE, GREEN, GREY, RED, YELLOW
from cogs.voiceadmin.audit import entry_text
from cogs.voiceadmin.cases import case_message

_log = logging.getLogger(__name__)

_MESSAGE = re.compile(
    r"https://discord\.com/channels/(?P<guild_id>\d{1,20})/(?P<channel_id>\d{1,20})/(?P<message_id>\d{1,20})"
)


_COLORS = {
    ModAction.REMOVE: RED,
    ModAction.REMOVE_CLIP: RED,
    ModAction.BLOCK: YELLOW,
    ModAction.UNBLOCK: GREEN,
    ModAction.POLICY: BLURPLE,
}


class LogChannel:
    """Implements `CaseBoard` and `AuditListener`, in the server's language. Failures are logged and ignored.

    If a moderator deleted the message of a case, it is posted again while the case is open.
    """

    def __init__(self, bot: Clonevoice, messenger: Messenger) -> None:
        self._bot = bot
        self._messenger = messenger
        self._tasks: set[asyncio.Task[None]] = set()
        self._locks = Locks()

    def on_audit_entry(self, guild_id: int, entry: AuditEntry, log_channel: int | None) -> None:
        task = asyncio.create_task(self._post(guild_id, entry, log_channel))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, guild_id: int, entry: AuditEntry, channel_id: int | None) -> None:
        try:
            channel_id = channel_id or await self._channel_id(guild_id)
            if channel_id is None:
                return
            server = await self._messenger.server(guild_id)
            async with self._locks[guild_id]:
                embed = await self._entry(guild_id, entry, server.locale)
                await self._bot.get_partial_messageable(channel_id).send(embed=embed)
        except Exception as error:  # noqa: BLE001 - a failed post must not affect the decision
            _log.warning("the log channel of server %d can't be written to: %r", guild_id, error)

    async def _entry(self, guild_id: int, entry: AuditEntry, locale: str) -> discord.Embed:
        """Return an entry in the color of its kind, with a link to the report that was decided."""
        text = entry_text(entry, locale)
        with suppress(Refused, StoreError):
            case = await self._bot.services.cases.get(guild_id, entry.case_id)
            if case.message:
                link = Markup(f"https://discord.com/channels/{guild_id}/{case.message[0]}/{case.message[1]}")
                text += " · " + translate_markdown(locale, "audit.report", link=link)
        return discord.Embed(color=_COLORS.get(entry.action, GREY), description=text)

    async def show(self, guild_id: int, case: Case, voice: Voice | None) -> tuple[int, int] | None:
        """Post the case, or edit its message. Reporters are not named: the owner may read the channel."""
        try:
            server, channel_id = await self._messenger.server(guild_id), await self._channel_id(guild_id)
            guild = loaded_guild(self._bot, guild_id)
            may_post = case.open and channel_id is not None and log_trouble(guild, channel_id) is None
            if case.message is None and not may_post:
                return None
            limit = guild.filesize_limit if guild else 0
            message = await case_message(case, voice, guild_id, server.locale, self._bot.previews, limit)
            return await self._send(channel_id, case, message)
        except Exception:  # noqa: BLE001 - `Cases` tries again, and the list of reports has the case
            _log.warning("a case can't be shown in the log channel of server %d", guild_id, exc_info=True)
            return None

    async def _send(self, channel_id: int | None, case: Case, message: dict[str, Any]) -> tuple[int, int] | None:
        if case.message:
            with suppress(discord.NotFound):
                channel = self._bot.get_partial_messageable(case.message[0])
                await channel.get_partial_message(case.message[1]).edit(**message)
                return case.message
            if not case.open:
                return case.message
        if channel_id is None:
            return None
        files = message.pop("attachments")
        sent = await self._bot.get_partial_messageable(channel_id).send(files=files, **message)
        return channel_id, sent.id

    async def delete_clips(self, guild_id: int, links: Sequence[str]) -> None:
        try:
            messages = [await self._find_clip(guild_id, link) for link in links]
            for message in filter(None, messages):
                with suppress(discord.NotFound):
                    await message.delete()
        except ClipOutOfReach:
            raise
        except Exception as error:  # discord.py documents no base class for network errors
            _log.warning("a clip in server %d can't be deleted: %r", guild_id, error)
            final = isinstance(error, discord.DiscordException)
            if isinstance(error, discord.HTTPException):
                final = not is_temporary(error)
            raise (ClipOutOfReach() if final else Refused("refused.clip_later")) from error

    async def _find_clip(self, guild_id: int, link: str) -> discord.Message | None:
        """Return the bot's message that this URL names, or None if it no longer exists. Raises `ClipOutOfReach`."""
        if (found := _MESSAGE.fullmatch(link)) is None or int(found["guild_id"]) != guild_id:
            raise ClipOutOfReach
        try:
            channel = await self._bot.fetch_channel(int(found["channel_id"]))
            if not isinstance(channel, discord.abc.Messageable) or channel.guild.id != guild_id:
                raise ClipOutOfReach
            message = await channel.fetch_message(int(found["message_id"]))
        except discord.NotFound:
            return None
        if message.author != self._bot.user:
            raise ClipOutOfReach
        return message

    async def _channel_id(self, guild_id: int) -> int | None:
        return (await self._bot.services.rules.policy(guild_id)).log_channel


def log_trouble(guild: discord.Guild | None, channel_id: int | None) -> str | None:
    """Return the key of the sentence that says why the log channel can't be used, or None if it can.

    Without `guild`, which Discord has not sent then, it counts as usable.
    """
    if channel_id is None or guild is None:
        return None
    channel = guild.get_channel(channel_id)
    if channel is None:
        return "panel.log_gone"
    may = channel.permissions_for(guild.me)
    needed = (may.view_channel, may.send_messages, may.embed_links, may.attach_files)
    return None if all(needed) else "panel.log_closed"
