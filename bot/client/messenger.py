"""The ways to a member: the answer to an interaction, a direct message, a mention in a channel."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import discord

from bot.i18n import ENGLISH
from bot.jobs.record import InteractionReply


class DeliveryError(Exception):
    """A message did not get through; `passing` if it may later."""

    def __init__(self, reason: object, *, passing: bool) -> None:
        super().__init__(str(reason) or repr(reason))
        self.temporary = passing


@dataclass(frozen=True, slots=True)
class Server:
    """What a server is called, and the language that it prefers."""

    name: str
    locale: str


class Messenger(Protocol):
    """Sends messages; every method raises `Unreachable` and nothing else."""

    async def server(self, guild_id: int) -> Server:
        """Return what is known of a server, once Discord has told of it."""
        ...

    async def edit(self, reply: InteractionReply, **message: Any) -> None:  # noqa: ANN401 - what discord.py takes
        """Edit the message there."""
        ...

    async def remove(self, reply: InteractionReply) -> None:
        """Delete the message there."""
        ...

    async def follow_up(self, reply: InteractionReply, **message: Any) -> None:  # noqa: ANN401 - what discord.py takes
        """Send a public message after the one there."""
        ...

    async def dm(self, user_id: int, **message: Any) -> None:  # noqa: ANN401 - what discord.py takes
        """Send a direct message."""
        ...

    async def ping(self, channel_id: int, user_id: int, content: str, **message: Any) -> None:  # noqa: ANN401 - what discord.py takes
        """Send a message that pings one member and nobody else."""
        ...

    async def tell_operator(self, **message: Any) -> None:  # noqa: ANN401 - what discord.py takes
        """Send a direct message to the application's owner, or its team's."""
        ...


class DiscordMessenger:
    """The ways that Discord has. An interaction's answer is edited with nothing but its token."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def server(self, guild_id: int) -> Server:
        """Return what is known of a server, once Discord has told of it."""
        await self._client.wait_until_ready()
        guild = self._client.get_guild(guild_id)
        return Server(guild.name, str(guild.preferred_locale)) if guild else Server("?", ENGLISH)

    async def edit(self, reply: InteractionReply, **message: Any) -> None:  # noqa: ANN401 - handed on as it is
        """Edit the message there."""
        async with _reaching():
            await self._webhook(reply).edit_message(reply.message_id, **message)

    async def remove(self, reply: InteractionReply) -> None:
        """Delete the message there."""
        async with _reaching():
            await self._webhook(reply).delete_message(reply.message_id)

    async def follow_up(self, reply: InteractionReply, **message: Any) -> None:  # noqa: ANN401 - handed on as it is
        """Send a public message after the one there; it pings nobody."""
        async with _reaching():
            nobody = discord.AllowedMentions.none()
            await self._webhook(reply).send(allowed_mentions=nobody, wait=True, **message)

    async def dm(self, user_id: int, **message: Any) -> None:  # noqa: ANN401 - handed on as it is
        """Send a direct message."""
        async with _reaching():
            channel = await self._client.create_dm(discord.Object(user_id))
            await channel.send(**message)

    async def ping(self, channel_id: int, user_id: int, content: str, **message: Any) -> None:  # noqa: ANN401 - handed on as it is
        """Send a message that pings one member and nobody else."""
        async with _reaching():
            await self._client.get_partial_messageable(channel_id).send(
                content, allowed_mentions=discord.AllowedMentions(users=[discord.Object(user_id)]), **message
            )

    async def tell_operator(self, **message: Any) -> None:  # noqa: ANN401 - handed on as it is
        """Send a direct message to the application's owner, or its team's."""
        async with _reaching():
            application = await self._client.application_info()
            owner = application.team.owner if application.team else application.owner
        await self.dm((owner or application.owner).id, **message)

    def _webhook(self, reply: InteractionReply) -> discord.Webhook:
        return discord.Webhook.partial(self._client.application_id or 0, reply.token, client=self._client)


@asynccontextmanager
async def _reaching() -> AsyncGenerator[None]:
    """Turn whatever keeps a message from its reader into `Unreachable`.

    A refusal is final: a dead token (401, code 50027), a message that is gone (404), closed DMs (403). A
    rate limit, a fault of Discord's or of the line passes.
    """
    try:
        yield
    except discord.HTTPException as error:
        passing = (
            error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.status == HTTPStatus.TOO_MANY_REQUESTS
        )
        raise DeliveryError(error, passing=passing) from error
    except Exception as error:  # the line: aiohttp's errors have no base that discord.py promises
        raise DeliveryError(error, passing=True) from error
