"""Sends direct messages, with a mention in a channel in place of a message that can't be delivered."""

import logging
from collections.abc import Mapping
from typing import Any

from bot.client.messenger import DeliveryError, Messenger
from bot.i18n import Markup, translate_markdown

FILE_LIMIT = 10 * 2**20
"""Bytes of files in a direct message: https://discord.com/developers/docs/reference#uploading-files"""

_log = logging.getLogger(__name__)


async def dm_or_mention(
    messenger: Messenger,
    user_id: int,
    message: Mapping[str, Any],
    channel_id: int,
    key: str,
    locale: str,
    **more: Any,  # noqa: ANN401 - for discord.py
) -> bool:
    """Send a direct message. If the user's DMs are closed, mention the user with the text `key` and `more`.

    Returns False after a mention. Raises `DeliveryError` if the error is temporary or the mention failed, too.
    """
    try:
        await messenger.dm(user_id, **message)
    except DeliveryError as error:
        if error.temporary:
            raise
        _log.info("a DM to member %d failed: %s", user_id, error)
        text = translate_markdown(locale, key, mention=Markup(f"<@{user_id}>"))
        await messenger.ping(channel_id, user_id, text, **more)
        return False
    return True
