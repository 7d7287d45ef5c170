"""A message that shows live progress; within a stage, edits are throttled to one every two seconds."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import discord

from bot.client.messenger import DeliveryError, Messenger
from bot.clock import Clock
from bot.jobs.record import InteractionReply

_log = logging.getLogger(__name__)

EDIT_SECONDS = 2.0  # shortest time between two edits of a message within one stage
RETRY_SECONDS = 10.0  # from an edit that failed to the next attempt, unless there is a new stage before


@dataclass(frozen=True, slots=True)
class Frame:
    """A state of the message in `reply`; `render` is called only if the frame is shown."""

    reply: InteractionReply | None
    stage: str
    render: Callable[[], tuple[discord.Embed, discord.ui.View | None]]


class LiveMessage:
    """One message. Only the newest frame is shown, and tried again while its reply can be edited."""

    def __init__(self, messenger: Messenger, clock: Clock) -> None:
        self._messenger = messenger
        self._clock = clock
        self._newest: Frame | None = None
        self._stage: str | None = None
        self._edited_at = float("-inf")
        self._pending = False
        self._failed = False
        self._stopped = False
        self._pause: asyncio.Future[None] | None = None
        self._editing: asyncio.Task[None] | None = None
        self._sending = asyncio.Lock()

    def show(self, frame: Frame) -> None:
        """Edit the message in the background, as soon as the throttle allows."""
        self._newest, self._pending = frame, True
        if self._pause and (frame.stage != self._stage or self._failed):
            self._pause.cancel()  # a new stage is shown at once, and what failed is replaced
        self._failed = False
        if self._editing is None:
            self._editing = asyncio.create_task(self._edit_pending())

    async def edit(self, frame: Frame) -> None:
        """Edit the message now."""
        self._newest, self._pending, self._failed = frame, False, False
        self._stage, self._edited_at = frame.stage, self._clock.monotonic()
        if frame.reply:
            embed, view = frame.render()
            try:
                async with self._sending:
                    await self._messenger.edit(frame.reply, content=None, embed=embed, view=view)
            except DeliveryError as error:
                _log.info("a message could not be edited: %s", error)
                self._failed = not self._pending  # otherwise there is a newer frame

    async def stop(self) -> None:
        """Drop a pending frame, and wait for edits in flight."""
        self._pending, self._stopped = False, True
        if self._pause:
            self._pause.cancel()
        if self._editing:
            await asyncio.wait({self._editing})
        async with self._sending:
            pass

    async def _edit_pending(self) -> None:
        try:
            while self._pending and self._newest:
                rest = self._edited_at + (RETRY_SECONDS if self._failed else EDIT_SECONDS) - self._clock.monotonic()
                if rest <= 0 or self._newest.stage != self._stage:
                    await self.edit(self._newest)
                    self._pending |= self._failed and self._can_retry(self._newest)
                    continue
                self._pause = asyncio.ensure_future(self._clock.sleep(rest))
                await asyncio.wait({self._pause})
                self._pause = None
        finally:
            self._editing = None

    def _can_retry(self, frame: Frame) -> bool:
        return not self._stopped and frame.reply is not None and frame.reply.is_alive(self._clock.now())
