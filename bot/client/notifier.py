"""Tells members and the operator what no command of theirs is waiting for."""

import logging

from bot.client.messenger import DeliveryError, Messenger
from bot.i18n import ENGLISH, Markup, translate, translate_markdown
from bot.jobs.deferred import DeferredReply
from bot.mureka.errors import MurekaError
from bot.voices.models import Notice

_log = logging.getLogger(__name__)


class DiscordNotifier:
    """Sends notifications by DM in their server's language, and alerts to the application's owner or its team's."""

    def __init__(self, messenger: Messenger) -> None:
        self._messenger = messenger

    async def notify(self, notice: Notice) -> bool | None:
        server = await self._messenger.server(notice.guild_id)
        text = notice_text(notice, server.name, server.locale)
        try:
            await self._messenger.dm(notice.user_id, content=text)
        except DeliveryError as error:
            _log.info("a notification could not be sent by DM: %s", error)
            return False if error.temporary else None
        return True

    async def end(self, reply: DeferredReply) -> bool:
        text = translate_markdown(reply.locale, "error.restarted")
        try:
            await self._messenger.end_thinking(reply.token, content=text)
        except DeliveryError as error:  # for example, its token is too old
            _log.info("a reply of an earlier run can't be ended: %s", error)
            return not error.temporary
        return True

    async def account_failed(self, account: str | None, error: MurekaError) -> None:
        name = account or translate(ENGLISH, "operator.only_account")
        problem = Markup(translate(ENGLISH, f"doctor.{error.key}"))
        text = translate_markdown(ENGLISH, "operator.account", account=name, problem=problem)
        try:
            await self._messenger.tell_operator(content=text)
        except DeliveryError as failure:
            _log.warning("the operator could not be alerted: %s", failure)


def notice_text(notice: Notice, server: str, locale: str) -> str:
    """Return a notification's text."""
    return translate_markdown(locale, notice.key, server=server, **notice.values)
