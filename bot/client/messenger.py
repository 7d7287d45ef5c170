"""Sends messages: edits an interaction's answer, or sends a DM, a mention or a note to the operator."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import discord

from bot.client.membership import loaded_guild
from bot.i18n import ENGLISH
from bot.jobs.record import InteractionReply


class DeliveryError(Exception):
    """A message was not delivered. If `temporary`, it is worth trying again later."""

    def __init__(self, reason: object, *, temporary: bool) -> None:
        super().__init__(str(reason) or repr(reason))
        self.temporary = temporary


@dataclass(frozen=True, slots=True)
class Server:
    """A server's name and preferred language."""

    name: str
    locale: str


class Messenger:
    """Sends messages. All methods but `server` raise `DeliveryError` and nothing else.

    `message` has keyword arguments of discord.py's methods. An interaction's answer is edited by its token alone.
    """

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def server(self, guild_id: int) -> Server:
        """Return a server's name and language, "?" and English if Discord has not sent it."""
        await self._client.wait_until_ready()  # Discord has sent the servers then
        guild = loaded_guild(self._client, guild_id)
        return Server(guild.name, str(guild.preferred_locale)) if guild else Server("?", ENGLISH)

    async def edit(self, reply: InteractionReply, **message: Any) -> None:  # noqa: ANN401 - for discord.py
        async with _delivery_errors():
            await self._webhook(reply.token).edit_message(reply.message_id, **message)

    async def end_thinking(self, token: str, **message: Any) -> None:  # noqa: ANN401 - for discord.py
        """Edit an interaction's deferred reply, unless it has been edited or deleted before."""
        original = cast("int", "@original")
        async with _delivery_errors():
            webhook = self._webhook(token)
            with suppress(discord.NotFound):
                if (await webhook.fetch_message(original)).flags.loading:
                    await webhook.edit_message(original, **message)

    async def follow_up(self, reply: InteractionReply, **message: Any) -> None:  # noqa: ANN401 - for discord.py
        """Send a public message as a follow-up. It mentions no members."""
        async with _delivery_errors():
            await self._webhook(reply.token).send(allowed_mentions=discord.AllowedMentions.none(), wait=True, **message)

    async def dm(self, user_id: int, **message: Any) -> None:  # noqa: ANN401 - for discord.py
        async with _delivery_errors():
            channel = await self._client.create_dm(discord.Object(user_id))
            await channel.send(**message)

    async def ping(self, channel_id: int, user_id: int, content: str, **message: Any) -> None:  # noqa: ANN401 - for discord.py
        """Send a message to a channel. It notifies only this member."""
        async with _delivery_errors():
            await self._client.get_partial_messageable(channel_id).send(
                content, allowed_mentions=discord.AllowedMentions(users=[discord.Object(user_id)]), **message
            )

    async def tell_operator(self, **message: Any) -> None:  # noqa: ANN401 - for discord.py
        """Send a direct message to the application's owner, or to its team's."""
        async with _delivery_errors():
            application = await self._client.application_info()
            owner = application.team.owner if application.team else application.owner
        await self.dm((owner or application.owner).id, **message)

    def _webhook(self, token: str) -> discord.Webhook:
        return discord.Webhook.partial(self._client.application_id or 0, token, client=self._client)


@asynccontextmanager
async def _delivery_errors() -> AsyncGenerator[None]:
    """Raise `DeliveryError` for any error.

    Server errors, rate limits and network errors are temporary. Other statuses are final: a dead token (401,
    code 50027), a deleted message (404), closed DMs (403).
    """
    try:
        yield
    except discord.HTTPException as error:
        raise DeliveryError(error, temporary=is_temporary(error)) from error
    except Exception as error:  # network errors: discord.py documents no base class for them
        raise DeliveryError(error, temporary=True) from error


def is_temporary(error: discord.HTTPException) -> bool:
    """Return True for a server error or a rate limit, after which the same request is worth trying again."""
    return error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.status == HTTPStatus.TOO_MANY_REQUESTS
