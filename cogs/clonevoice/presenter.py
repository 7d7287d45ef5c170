"""Shows clones to their members: cards with live progress, and the results."""

import logging
from collections import defaultdict
from contextlib import suppress
from typing import Any

import discord

from bot.client.messenger import DeliveryError, Messenger
from bot.clock import Clock
from bot.cloning.job import CloneJob, Progress, Stage
from bot.downloads import Previews
from bot.errors import Canceled, ClonevoiceError
from bot.i18n import Markup, translate_markdown
from bot.jobs.record import InteractionReply
from bot.voices.models import Viewer, Voice
from cogs._ui.direct_message import FILE_LIMIT, dm_or_mention
from cogs._ui.formatting import GREY, YELLOW, attachments, card
from cogs._ui.live_message import Frame, LiveMessage
from cogs._ui.voice_card import card_buttons, voice_card
from cogs.clonevoice.actions import job_buttons
from cogs.clonevoice.progress_card import draw

_log = logging.getLogger(__name__)

LATE_SECONDS = 5 * 60.0
"""Seconds after which the result is sent by DM too: the member may no longer be watching the card."""


class DiscordClonePresenter:
    """Shows a card for each unfinished clone."""

    def __init__(self, messenger: Messenger, previews: Previews, clock: Clock) -> None:
        self._messenger = messenger
        self._previews = previews
        self._clock = clock
        self._cards = defaultdict[tuple[str, int], LiveMessage](lambda: LiveMessage(messenger, clock))
        self._newest: dict[str, Progress] = {}

    def show(self, job: CloneJob, progress: Progress) -> None:
        """Show progress on the card, in the background."""
        self._newest[job.id] = progress
        self._card(job.id, job.reply).show(_frame(job, progress))

    async def redraw(self, job: CloneJob) -> None:
        """Show the newest progress on the card now."""
        if not job.finished:  # `deliver` shows the result
            await self._card(job.id, job.reply).edit(_frame(job, self._newest.get(job.id) or Progress(job.stage)))

    async def retire(self, job: CloneJob, old: InteractionReply) -> None:
        """Replace an old card, and its buttons, by a link to the job's card."""
        live, link = self._card(job.id, old), Markup(job.reply.link if job.reply else "")
        await live.stop()
        await live.edit(Frame(old, "moved", lambda: (_moved(job, link), None)))
        self._cards.pop((job.id, old.message_id), None)

    async def deliver(self, job: CloneJob, outcome: Voice | ClonevoiceError) -> bool:
        """Show the result on the card. If it is late or the card is gone, send it by DM too.

        If DMs are closed, mention the member in the channel. Returns False to retry later.
        """
        self._newest.pop(job.id, None)
        for live in [self._cards.pop(key) for key in [*self._cards] if key[0] == job.id]:
            await live.stop()
        shown = False
        if job.reply and job.reply.is_alive(self._clock.now()):
            try:
                message = await self._result(job, outcome, job.guild_id, job.reply.file_limit)
                await self._messenger.edit(job.reply, attachments=message.pop("files"), **message)
                shown = True
            except DeliveryError as error:
                _log.info("the result of clone %s could not be shown on its card: %s", job.id, error)
                if error.temporary:
                    return False
        if shown and self._clock.now() - job.accepted_at < LATE_SECONDS:
            return True
        return await self._announce(job, outcome, shown=shown) or shown

    def _card(self, job_id: str, reply: InteractionReply | None) -> LiveMessage:
        return self._cards[job_id, reply.message_id if reply else 0]

    async def _announce(self, job: CloneJob, outcome: Voice | ClonevoiceError, *, shown: bool) -> bool:
        message = await self._result(job, outcome, 0, FILE_LIMIT)
        messenger = self._messenger
        try:
            sent = await dm_or_mention(messenger, job.owner_id, message, job.channel_id, "card.elsewhere", job.locale)
        except DeliveryError as error:
            _log.info("the member of clone %s could not be reached: %s", job.id, error)
            return not error.temporary
        if sent and shown and job.reply and job.can_retry:  # "Try again" is in the DM from now on
            with suppress(DeliveryError):
                await messenger.edit(job.reply, view=None)
        return True

    async def _result(
        self, job: CloneJob, outcome: Voice | ClonevoiceError, guild_id: int, limit: int
    ) -> dict[str, Any]:
        locale = job.locale
        if isinstance(outcome, Voice):
            viewer, owner = Viewer(job.owner_id, guild_id), job.owner_name
            embed, files = await voice_card(outcome, viewer, locale, self._previews, owner=owner, limit=limit, new=True)
            view = card_buttons(outcome, viewer, locale)
        else:
            canceled = job.stage is Stage.CANCELLED or isinstance(outcome, Canceled)
            title = translate_markdown(locale, "card.canceled" if canceled else "card.failed", title=job.title)
            text = translate_markdown(locale, outcome.key, **outcome.values)
            embed, files = card(YELLOW if job.can_retry else GREY, title, text), []
            view = job_buttons(job)
        return {"content": None, "embed": embed, "view": view, "files": attachments(files)}


def _moved(job: CloneJob, link: Markup) -> discord.Embed:
    title = translate_markdown(job.locale, "card.title", title=job.title)
    return card(GREY, title, translate_markdown(job.locale, "card.moved", link=link))


def _frame(job: CloneJob, progress: Progress) -> Frame:
    return Frame(job.reply, progress.stage, lambda: (draw(job, progress), job_buttons(job)))
