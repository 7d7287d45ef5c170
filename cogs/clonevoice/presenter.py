"""The cards of clones under way, and how their ends reach their members."""

import io
import logging
from dataclasses import dataclass
from typing import Any

import discord

from bot.client.messenger import DeliveryError, Messenger
from bot.clock import Clock
from bot.cloning.job import CloneJob
from bot.cloning.stage import Progress
from bot.downloads import Previews
from bot.errors import ClonevoiceError, Refused
from bot.i18n import ENGLISH, Markup, translate, translate_markdown
from bot.mureka.errors import MurekaError
from bot.voices.models import Viewer, Voice
from cogs._ui.interaction import FILE_LIMIT
from cogs._ui.live_message import Frame, LiveMessage
from cogs._ui.voice_card import voice_card
from cogs.clonevoice.actions import buttons_of
from cogs.clonevoice.progress_card import draw
from cogs.consent.actions import consent_buttons, question
from cogs.voices.actions import voice_buttons

_log = logging.getLogger(__name__)

LATE_SECONDS = 5 * 60.0
"""A clone that took longer is announced by DM too: its member may no longer be looking."""


_RED = discord.Colour(0xE74C3C)


class DiscordClonePresenter:
    """The cloner's sink: a card for each clone under way."""

    def __init__(self, ways: Messenger, previews: Previews, clock: Clock) -> None:
        self._ways = ways
        self._previews = previews
        self._clock = clock
        self._cards: dict[str, LiveMessage] = {}
        self._newest: dict[str, Progress] = {}

    def show(self, job: CloneJob, progress: Progress) -> None:
        """Take note of progress."""
        self._newest[job.id] = progress
        self._card(job).show(_look(job, progress))

    async def move(self, job: CloneJob, before: CloneJob) -> None:
        """Draw a card in the message where it is now, and remove the one where it was before."""
        if job.finished:  # its end comes there by itself
            return
        await self._card(job).draw(_look(job, self._newest.get(job.id) or Progress(job.stage)))
        if before.reply:
            try:
                await self._ways.remove(before.reply)
            except DeliveryError as error:
                _log.info("an old card could not be removed: %s", error)

    async def deliver(self, job: CloneJob, outcome: Voice | ClonevoiceError) -> bool:
        """Show the end of a job: on its card, by DM if it is late, by a mention if DMs are closed."""
        self._newest.pop(job.id, None)
        if card := self._cards.pop(job.id, None):
            await card.stop()
        seen = False
        if job.reply and job.reply.is_alive(self._clock.now()):
            message = await self._last_card(job, outcome, job.guild_id, job.reply.file_limit)
            try:
                files = message.files()
                await self._ways.edit(job.reply, view=message.view, attachments=files, **message.text)
                seen = True
            except DeliveryError as error:
                _log.info("the last card of clone %s could not be shown: %s", job.id, error)
                if error.temporary:
                    return False
        if seen and self._clock.now() - job.accepted_at < LATE_SECONDS:
            return True
        return await self._announce(job, await self._last_card(job, outcome, 0, FILE_LIMIT)) or seen

    async def ask(self, job: CloneJob) -> bool:
        """Ask a job's speaker by DM; if DMs are closed, a mention says only that there is a question."""
        assert job.speaker is not None  # noqa: S101 - else nobody is asked
        server = await self._ways.server(job.guild_id)
        view = consent_buttons(job.id, server.locale, "open", "approve", "refuse")
        try:
            embed = question(job, server.locale, server.name)
            embed.set_footer(text=translate(server.locale, "consent.listen"))
            await self._ways.dm(job.speaker.id, embed=embed, view=view)
        except DeliveryError as error:
            _log.info("the speaker of clone %s could not be asked by DM: %s", job.id, error)
            if error.temporary:
                return False
        else:
            return True
        mention = Markup(f"<@{job.speaker.id}>")
        text = translate_markdown(server.locale, "consent.mention", mention=mention)
        view = consent_buttons(job.id, server.locale, "open")
        try:
            await self._ways.ping(job.channel_id, job.speaker.id, text, view=view)
        except DeliveryError as error:
            _log.info("the speaker of clone %s could not be asked in the channel: %s", job.id, error)
            if error.temporary:
                return False
            raise Refused("refused.speaker_unreachable", name=job.speaker.name) from error
        return True

    async def alarm(self, account: str | None, why: MurekaError) -> None:
        """Tell the operator by DM."""
        name = account or translate(ENGLISH, "operator.only_account")
        problem = Markup(translate(ENGLISH, f"doctor.{why.key}"))
        text = translate_markdown(ENGLISH, "operator.account", account=name, problem=problem)
        try:
            await self._ways.tell_operator(content=text)
        except DeliveryError as error:
            _log.warning("the operator could not be told by DM: %s", error)

    def _card(self, job: CloneJob) -> LiveMessage:
        if job.id not in self._cards:
            self._cards[job.id] = LiveMessage(self._ways, self._clock)
        return self._cards[job.id]

    async def _announce(self, job: CloneJob, message: "_LastCard") -> bool:
        try:
            if message.view:
                await self._ways.dm(job.owner_id, view=message.view, files=message.files(), **message.text)
            else:
                await self._ways.dm(job.owner_id, files=message.files(), **message.text)
        except DeliveryError as error:
            _log.info("the member of clone %s could not be told by DM: %s", job.id, error)
            if error.temporary:
                return False
        else:
            return True
        mention = Markup(f"<@{job.owner_id}>")
        try:
            await self._ways.ping(
                job.channel_id,
                job.owner_id,
                translate_markdown(job.locale, "card.elsewhere", mention=mention),
            )
        except DeliveryError as error:
            _log.info("the member of clone %s could not be told in the channel: %s", job.id, error)
            return not error.temporary
        return True

    async def _last_card(
        self, job: CloneJob, outcome: Voice | ClonevoiceError, guild_id: int, limit: int
    ) -> "_LastCard":
        if isinstance(outcome, Voice):
            viewer = Viewer(job.owner_id, guild_id)
            embed, files = await voice_card(
                outcome, viewer, job.locale, self._previews, owner=job.owner_name, limit=limit
            )
            return _LastCard(embed, files, voice_buttons(outcome, viewer, job.locale))
        embed = discord.Embed(
            title=translate_markdown(job.locale, "card.failed", title=job.title),
            description=translate_markdown(job.locale, outcome.key, **outcome.values),
            colour=_RED,
        )
        return _LastCard(embed, [], buttons_of(job))


def _look(job: CloneJob, progress: Progress) -> Frame:
    return Frame(job.reply, progress.stage, lambda: (draw(job, progress), buttons_of(job)))


@dataclass(frozen=True, slots=True)
class _LastCard:
    embed: discord.Embed
    contents: list[tuple[str, bytes]]
    view: discord.ui.View | None

    @property
    def text(self) -> dict[str, Any]:
        return {"embed": self.embed, "content": None}

    def files(self) -> list[discord.File]:
        return [discord.File(io.BytesIO(content), name) for name, content in self.contents]
