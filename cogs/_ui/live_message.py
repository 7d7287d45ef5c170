"""A message that follows something under way: how often Discord is told."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import discord

from bot.client.messenger import DeliveryError, Messenger
from bot.clock import Clock
from bot.jobs.record import InteractionReply

_log = logging.getLogger(__name__)

EDIT_SECONDS = 2.0
"""The least time between two edits of a message within one stage."""


@dataclass(frozen=True, slots=True)
class Frame:
    """How a message is to look: in which `reply`, at which `stage`, and what `draw` makes of it."""

    reply: InteractionReply | None
    stage: str
    draw: Callable[[], tuple[discord.Embed, discord.ui.View | None]]


class LiveMessage:
    """One message. Only its newest look counts; a failed edit costs nothing."""

    def __init__(self, ways: Messenger, clock: Clock) -> None:
        self._ways = ways
        self._clock = clock
        self._newest: Frame | None = None
        self._stage: str | None = None
        self._drawn_at = float("-inf")
        self._unseen = False
        self._pausing: asyncio.Future[None] | None = None
        self._editing: asyncio.Task[None] | None = None

    def show(self, look: Frame) -> None:
        """Take note of a look; the message is edited as soon as that is due."""
        self._newest, self._unseen = look, True
        if self._pausing and look.stage != self._stage:
            self._pausing.cancel()  # a new stage shows at once
        if self._editing is None:
            self._editing = asyncio.create_task(self._catch_up())

    async def draw(self, look: Frame) -> None:
        """Edit the message now."""
        self._newest, self._unseen = look, False
        self._stage, self._drawn_at = look.stage, self._clock.monotonic()
        if look.reply:
            embed, view = look.draw()
            try:
                await self._ways.edit(look.reply, content=None, embed=embed, view=view)
            except DeliveryError as error:
                _log.info("a message could not be edited: %s", error)

    async def stop(self) -> None:
        """Let nothing of what is left unseen show any more."""
        self._unseen = False
        if self._pausing:
            self._pausing.cancel()
        if self._editing:
            await asyncio.wait({self._editing})

    async def _catch_up(self) -> None:
        try:
            while self._unseen and self._newest:
                rest = self._drawn_at + EDIT_SECONDS - self._clock.monotonic()
                if rest <= 0 or self._newest.stage != self._stage:
                    await self.draw(self._newest)
                    continue
                self._pausing = asyncio.ensure_future(self._clock.sleep(rest))
                await asyncio.wait({self._pausing})
                self._pausing = None
        finally:
            self._editing = None
