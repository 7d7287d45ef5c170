"""A messenger that records what it is given to send."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import discord

from bot.client.messenger import DeliveryError, Messenger, Server
from bot.cloning.job import Stage
from bot.i18n import ENGLISH
from bot.jobs.record import InteractionReply
from support.builders import JOB
from support.clocks import ManualClock

FRESH = InteractionReply("fresh", 6, 1_800_000_000.0, 1000, "https://discord.com/channels/2/3/6")
MINE_REPLY = InteractionReply("mine", 5, FRESH.since, 1000, "https://discord.com/channels/2/3/5")
MINE = replace(JOB, times={Stage.RECEIVED: FRESH.since}, reply=MINE_REPLY, title="Diary")


@dataclass(frozen=True)
class Sent:
    """A message that was sent at clock seconds `at`; `to` is a reply, or the ID of a channel or a user."""

    way: str
    at: float
    to: InteractionReply | int
    message: dict[str, Any]

    @property
    def text(self) -> str:
        embed: discord.Embed = self.message.get("embed") or discord.Embed()
        parts = (self.message.get("content"), embed.title, embed.description, embed.footer.text)
        return "\n".join(filter(None, parts))


@dataclass
class Recorder(Messenger):
    """Records what is sent by each method; a method raises its `trouble`; all wait while `jam` is held."""

    clock: ManualClock
    sent: list[Sent] = field(default_factory=list[Sent])
    trouble: dict[str, DeliveryError] = field(default_factory=dict[str, DeliveryError])
    jam: asyncio.Lock = field(default_factory=asyncio.Lock)
    begun: int = 0

    async def _send(self, way: str, to: InteractionReply | int, **message: Any) -> None:
        self.begun += 1
        async with self.jam:
            pass
        self.sent.append(Sent(way, self.clock.now(), to, message))
        if error := self.trouble.get(way):
            raise error

    async def edit(self, reply: InteractionReply, **message: Any) -> None:
        await self._send("edit", reply, **message)

    async def follow_up(self, reply: InteractionReply, **message: Any) -> None:
        await self._send("follow_up", reply, **message)

    async def dm(self, user_id: int, **message: Any) -> None:
        await self._send("dm", user_id, **message)

    async def ping(self, channel_id: int, user_id: int, content: str, **message: Any) -> None:
        await self._send("mention", channel_id, user_id=user_id, content=content, **message)

    async def server(self, guild_id: int) -> Server:
        return Server(f"server {guild_id}", ENGLISH)

    async def tell_operator(self, **message: Any) -> None:
        await self._send("tell_operator", 0, **message)
