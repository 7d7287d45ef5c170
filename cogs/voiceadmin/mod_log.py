"""A server's log channel: what moderators decide, told there as it happens."""

import asyncio
import logging
from collections import defaultdict

import discord

from bot.client.client import Clonevoice
from bot.i18n import ENGLISH, Markup, translate, translate_markdown
from bot.policy.models import AuditEntry, Ids, ModAction

_log = logging.getLogger(__name__)


class ModLog:
    """Writes to log channels; one that can't be written to loses nothing: the audit has it."""

    def __init__(self, bot: Clonevoice) -> None:
        self._bot = bot
        self._writing: set[asyncio.Task[None]] = set()
        self._order: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def tell(self, guild_id: int, entry: AuditEntry, channel_id: int | None) -> None:
        """Write one line, in the server's language, without keeping anybody waiting."""
        task = asyncio.create_task(self._write(guild_id, entry, channel_id))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, guild_id: int, entry: AuditEntry, channel_id: int | None) -> None:
        try:
            channel_id = channel_id or (await self._bot.moderation.policy(guild_id)).log_channel
            if channel_id is None:
                return
            guild = self._bot.get_guild(guild_id)
            locale = str(guild.preferred_locale) if guild else ENGLISH
            async with self._order[guild_id]:
                await self._bot.get_partial_messageable(channel_id).send(decided(entry, locale))
        except Exception as error:  # noqa: BLE001 - whatever it is, the decision stands and is on the trail
            _log.warning("the log channel of server %d can't be written to: %r", guild_id, error)


def decided(entry: AuditEntry, locale: str) -> str:
    """Say what was decided, in one line."""
    about_rule = entry.action is ModAction.POLICY
    ends = entry.action is ModAction.BLOCK and entry.now
    return translate_markdown(
        locale,
        "audit.block_until" if ends else f"audit.{entry.action}",
        until=int(entry.now) if ends else 0,
        owner=entry.member_name,
        at=int(entry.at),
        by=entry.by_name,
        subject=Markup(translate(locale, f"rule.name.{entry.subject}")) if about_rule else entry.subject,
        reason=entry.reason,
        was=_value(entry.subject, entry.was, locale),
        now=_value(entry.subject, entry.now, locale),
    )


def _value(rule: str, written: str, locale: str) -> Markup:
    """Say a rule's value as it was written into the audit."""
    if written in {"True", "False"}:
        return Markup(translate(locale, "panel.on" if written == "True" else "panel.off"))
    if written in {"", "0", "None"}:
        return Markup(translate(locale, "panel.none"))
    kind = {"clone_roles": "@&", "moderator_role": "@&", "clone_channels": "#", "log_channel": "#"}.get(rule)
    return Markup(format(Ids(map(int, written.split(", "))), kind) if kind else written)


def log_trouble(guild: discord.Guild | None, channel_id: int | None) -> str | None:
    """Return the key of the sentence that says why the log channel can't be used; None if it can."""
    if channel_id is None or guild is None:
        return None
    channel = guild.get_channel(channel_id)
    if channel is None:
        return "panel.log_gone"
    may = channel.permissions_for(guild.me)
    needed = (may.view_channel, may.send_messages, may.embed_links, may.attach_files)
    return None if all(needed) else "panel.log_closed"
