"""Messages that follow clones: how often Discord is told, and what is left of them at the end."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import discord

from bot.errors import ClonevoiceError
from bot.i18n import say_markdown
from bot.voices.fetch import Previews
from bot.voices.jobs import Job
from bot.voices.models import Voice
from bot.voices.progress import Progress, Stage
from cogs._cards import voice_card
from cogs._offer import offer_view
from cogs._progress import draw

_log = logging.getLogger(__name__)

EDIT_SECONDS = 2.0
"""The least time between two edits of a card within one stage."""

_RED = discord.Colour(0xE74C3C)


class Cards:
    """The sink of the cloner: a card for each clone whose member is looking."""

    def __init__(self, previews: Previews, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._previews = previews
        self._monotonic = monotonic
        self._cards: dict[str, _Card] = {}

    async def open(self, job: Job, interaction: discord.Interaction[Any]) -> None:
        """Let the answer to an interaction be the card of a job from now on."""
        card = self._cards.get(job.id)
        if card is None:
            self._cards[job.id] = card = _Card(interaction, self._monotonic)
            await card.draw(job, Progress(job.stage))
        else:
            await card.move_to(interaction)

    def show(self, job: Job, progress: Progress) -> None:
        """Take note of progress."""
        if card := self._cards.get(job.id):
            card.show(job, progress)

    async def deliver(self, job: Job, outcome: Voice | ClonevoiceError) -> None:
        """Show the end of a job."""
        card = self._cards.pop(job.id, None)
        if card is None:
            _log.warning("the end of clone %s had no card to be shown on", job.id)
        elif isinstance(outcome, Voice):
            embed, files = await voice_card(
                outcome, job.locale, self._previews, owner=card.member, limit=card.file_limit
            )
            await card.finish(embed, files)
        else:
            await card.finish(_failure(job, outcome), [])


def _failure(job: Job, error: ClonevoiceError) -> discord.Embed:
    return discord.Embed(
        title=say_markdown(job.locale, "card.failed", title=job.title),
        description=say_markdown(job.locale, error.key, **error.values),
        colour=_RED,
    )


class _Card:
    """One message that follows one clone. Only the newest progress counts; a failed edit costs nothing."""

    def __init__(self, interaction: discord.Interaction[Any], monotonic: Callable[[], float]) -> None:
        self._interaction = interaction
        self._monotonic = monotonic
        self._newest: tuple[Job, Progress] | None = None
        self._stage: Stage | None = None
        self._drawn_at = float("-inf")
        self._unseen = False
        self._editing: asyncio.Task[None] | None = None

    @property
    def member(self) -> str:
        """The name that the member goes by in the server."""
        return self._interaction.user.display_name

    @property
    def file_limit(self) -> int:
        """The bytes of files that the message may carry."""
        return self._interaction.filesize_limit

    def show(self, job: Job, progress: Progress) -> None:
        """Take note of progress; the message is edited if that is due."""
        self._newest, self._unseen = (job, progress), True
        if self._editing is None and self._due():
            self._editing = asyncio.create_task(self._catch_up())

    async def draw(self, job: Job, progress: Progress) -> None:
        """Edit the message now."""
        self._newest, self._unseen = (job, progress), False
        self._stage, self._drawn_at = progress.stage, self._monotonic()
        await self._edit(content=None, embed=draw(job, progress), view=offer_view(job))

    async def move_to(self, interaction: discord.Interaction[Any]) -> None:
        """Go on in the answer to another interaction, whose token is fresh; the old message goes."""
        old, self._interaction = self._interaction, interaction
        if self._newest:
            await self.draw(*self._newest)
        try:
            await old.delete_original_response()
        except discord.HTTPException as error:
            _log.info("an old card could not be removed: %s", error)

    async def finish(self, embed: discord.Embed, files: list[discord.File]) -> None:
        """Make the last edit."""
        if self._editing:
            await asyncio.wait({self._editing})
        await self._edit(content=None, embed=embed, view=None, attachments=files)

    def _due(self) -> bool:
        if not self._unseen or self._newest is None:
            return False
        return self._newest[1].stage is not self._stage or self._monotonic() - self._drawn_at >= EDIT_SECONDS

    async def _catch_up(self) -> None:
        try:
            while self._due() and self._newest:
                await self.draw(*self._newest)
        finally:
            self._editing = None

    async def _edit(self, **message: Any) -> None:  # noqa: ANN401 - handed on as it is
        try:
            await self._interaction.edit_original_response(**message)
        except Exception as error:  # noqa: BLE001 - whatever becomes of a card, the clone goes on
            _log.warning("a card could not be edited: %s", error)
