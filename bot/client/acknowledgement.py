"""Acknowledges interactions, also if Discord's answer to that is lost."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import aiohttp
import discord
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

from bot.jobs.deferred import DeferredReply

UNKNOWN_INTERACTION, UNKNOWN_WEBHOOK, INVALID_TOKEN, ACKNOWLEDGED = 10062, 10015, 50027, 40060
"""https://discord.com/developers/docs/topics/opcodes-and-status-codes#json"""

GONE = (UNKNOWN_INTERACTION, UNKNOWN_WEBHOOK, INVALID_TOKEN)
"""What Discord says of an interaction that was not acknowledged in time, or whose token is too old."""


@asynccontextmanager
async def acknowledging(interaction: discord.Interaction[Any]) -> AsyncGenerator[None]:
    """Treat this interaction as acknowledged, in the body, once Discord says that it already is.

    If Discord's answer to an acknowledgement is lost (a 503, a reset connection), the acknowledgement is sent
    again, and refused with code 40060. If Discord sends an interaction twice, the second one still ends with
    this error.
    """
    previous = async_context.get()
    if isinstance(previous, _Adapter):
        yield
        return
    adapter = _Adapter(previous, interaction)
    async_context.set(cast("AsyncWebhookAdapter", adapter))
    try:
        yield
        if not adapter.sent_twice:  # else the first one may still be on its way to an answer
            interaction.client.services.deferred_replies.remove(interaction.id)
    finally:
        async_context.set(previous)


class _Adapter:
    """Sends what `adapter` sends, and repeats lost acknowledgements. All ways to acknowledge end here."""

    def __init__(self, adapter: AsyncWebhookAdapter, interaction: discord.Interaction[Any]) -> None:
        self._adapter = adapter
        self._interaction = interaction
        self._attempted: set[int] = set()
        self.sent_twice = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._adapter, name)

    async def create_interaction_response(self, number: int, token: str, **request: Any) -> object:  # noqa: ANN401 - discord.py's
        send = self._adapter.create_interaction_response
        sent: dict[str, Any] = request["params"].payload or {}  # empty if there are files
        if sent.get("type") == discord.InteractionResponseType.deferred_channel_message.value:
            await self._store(number, token)
        known = self._interaction.client.acknowledged
        repeated = number in self._attempted  # another answer: what was acknowledged is the first one
        self._attempted.add(number)
        try:
            try:
                answer = await send(number, token, **request)
            except (aiohttp.ClientError, OSError):  # discord.py repeats only after a 5xx
                answer = await send(number, token, **request)
        except discord.HTTPException as error:
            if error.code != ACKNOWLEDGED or number in known or repeated:
                self.sent_twice |= error.code == ACKNOWLEDGED and not repeated
                raise
            answer = await self._describe(number, token, **request)
        known.append(number)
        return answer

    async def _store(self, number: int, token: str) -> None:
        services = self._interaction.client.services
        reply = DeferredReply(number, token, str(self._interaction.locale), services.clock.now())
        await services.deferred_replies.add(reply)

    async def _describe(self, number: int, token: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - discord.py's
        """Return what the lost answer told."""
        answer: dict[str, Any] = {"id": number, "type": self._interaction.type.value}
        request.pop("params")
        with suppress(discord.HTTPException, aiohttp.ClientError, OSError):  # a form, for example, makes no message
            application = self._interaction.application_id
            message = await self._adapter.get_original_interaction_response(application, token, **request)
            answer["response_message_id"] = message["id"]
        return {"interaction": answer}
