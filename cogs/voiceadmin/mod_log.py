"""The moderation log: posts moderators' decisions to a server's log channel."""

import asyncio
import logging
from collections import defaultdict

import discord

from bot.client.client import Clonevoice
from bot.i18n import ENGLISH, Markup, translate, translate_markdown
from bot.policy.models import AuditEntry, ModAction
from bot.text import Ids

_log = logging.getLogger(__name__)


class ModLog:
    """Posts audit entries. Failures are logged and ignored: the audit itself has every entry."""

    def __init__(self, bot: Clonevoice) -> None:
        self._bot = bot
        self._tasks: set[asyncio.Task[None]] = set()
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def on_audit_entry(self, guild_id: int, entry: AuditEntry, log_channel: int | None) -> None:
        """Post an entry in the background, in the server's language.

        `log_channel` is the log channel before a change of it. If it is None, the current one is used.
        """
        task = asyncio.create_task(self._post(guild_id, entry, log_channel))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, guild_id: int, entry: AuditEntry, channel_id: int | None) -> None:
        try:
            channel_id = channel_id or (await self._bot.services.rules.policy(guild_id)).log_channel
            if channel_id is None:
                return
            guild = self._bot.get_guild(guild_id)
            locale = str(guild.preferred_locale) if guild else ENGLISH
            async with self._locks[guild_id]:
                await self._bot.get_partial_messageable(channel_id).send(entry_text(entry, locale))
        except Exception as error:  # noqa: BLE001 - a failed post must not affect the decision
            _log.warning("the log channel of server %d can't be written to: %r", guild_id, error)


def entry_text(entry: AuditEntry, locale: str) -> str:
    """Return an audit entry as one line."""
    is_rule = entry.action is ModAction.POLICY
    has_end = entry.action is ModAction.BLOCK and entry.now
    return translate_markdown(
        locale,
        "audit.block_until" if has_end else f"audit.{entry.action}",
        until=int(entry.now) if has_end else 0,
        owner=entry.member_name,
        at=int(entry.at),
        by=entry.by_name,
        subject=Markup(translate(locale, f"rule.name.{entry.subject}")) if is_rule else entry.subject,
        reason=entry.reason,
        was=_value(entry.subject, entry.was, locale),
        now=_value(entry.subject, entry.now, locale),
    )


def _value(rule: str, written: str, locale: str) -> Markup:
    """Translate the value of a rule from the form that the audit stores."""
    if written in {"True", "False"}:
        return Markup(translate(locale, "panel.on" if written == "True" else "panel.off"))
    if written in {"", "0", "None"}:
        return Markup(translate(locale, "panel.none"))
    kind = {"clone_roles": "@&", "moderator_role": "@&", "clone_channels": "#", "log_channel": "#"}.get(rule)
    return Markup(format(Ids(map(int, written.split(", "))), kind) if kind else written)


def log_trouble(guild: discord.Guild | None, channel_id: int | None) -> str | None:
    """Return the key of the sentence that says why the log channel can't be used, or None if it can."""
    if channel_id is None or guild is None:
        return None
    channel = guild.get_channel(channel_id)
    if channel is None:
        return "panel.log_gone"
    may = channel.permissions_for(guild.me)
    needed = (may.view_channel, may.send_messages, may.embed_links, may.attach_files)
    return None if all(needed) else "panel.log_closed"
