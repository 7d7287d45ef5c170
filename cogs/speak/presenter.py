"""Lines that are being spoken: their progress for their member, the result for everybody there."""

import io
import logging
from typing import Any

import discord

from bot.client.messenger import DeliveryError, Messenger
from bot.clock import Clock
from bot.downloads import Previews
from bot.errors import ClonevoiceError
from bot.i18n import Markup, escape_markdown, translate, translate_markdown
from bot.jobs.record import InteractionReply
from bot.speaking.errors import VoiceLost
from bot.speaking.job import SpeechJob, SpeechResult, SpeechStage
from cogs._ui.formatting import FULLEST, GREEN, bar, file_name, length
from cogs._ui.interaction import FILE_LIMIT
from cogs._ui.live_message import Frame, LiveMessage
from cogs._ui.voice_card import link
from cogs.voiceadmin.reporting import ReportButton

_log = logging.getLogger(__name__)

QUOTED = 1500
"""How many characters of a text its message shows."""

_RED = discord.Colour(0xE74C3C)
_BLURPLE = discord.Colour.blurple()


class DiscordSpeechPresenter:
    """The sink of what is spoken."""

    def __init__(self, ways: Messenger, previews: Previews, clock: Clock) -> None:
        self._ways = ways
        self._previews = previews
        self._clock = clock
        self._messages: dict[str, LiveMessage] = {}

    def show(self, speech: SpeechJob, elapsed: float, usual: float) -> None:
        """Take note of how long a line has been under way."""
        if speech.id not in self._messages:
            self._messages[speech.id] = LiveMessage(self._ways, self._clock)
        look = Frame(speech.reply, speech.stage, lambda: (_progress(speech, elapsed, usual), None))
        self._messages[speech.id].show(look)

    async def deliver(self, speech: SpeechJob, outcome: SpeechResult | ClonevoiceError) -> bool:
        """Publish a line, or tell its member why there is none; if not there, by DM; if not by DM, say so."""
        if message := self._messages.pop(speech.id, None):
            await message.stop()
        reply = speech.reply if speech.reply and speech.reply.is_alive(self._clock.now()) else None
        try:
            if reply and await self._there(reply, speech, outcome):
                return True
            if not await self._by_dm(speech, outcome):
                mention = Markup(f"<@{speech.author_id}>")
                text = translate_markdown(speech.locale, "line.elsewhere", mention=mention)
                await self._ways.ping(speech.channel_id, speech.author_id, text)
        except DeliveryError as error:
            _log.info("the end of line %s could not be shown: %s", speech.id, error)
            return not error.temporary
        return True

    async def _there(
        self, reply: InteractionReply, speech: SpeechJob, outcome: SpeechResult | ClonevoiceError
    ) -> bool:
        """Publish or tell it where it was asked for; False if that is refused for good."""
        try:
            if isinstance(outcome, ClonevoiceError):
                message = _failed(speech, outcome)
                await self._ways.edit(reply, content=None, attachments=[_text(speech)], **message)
                return True
            spoken = await self._spoken(speech, outcome, reply.file_limit)
            # First the answer, then what follows it: before that, Discord would take this for the answer.
            await self._ways.edit(reply, embed=_said(speech, "line.posting", outcome, _BLURPLE), view=None)
            await self._ways.follow_up(reply, **spoken)
        except DeliveryError as error:
            if error.temporary:
                raise
            _log.info("line %s can't be posted where it was asked for: %s", speech.id, error)
            await self._finish(reply, _failed_to_post(speech, outcome))
            return False
        await self._finish(reply, _said(speech, "line.done", outcome, GREEN))
        return True

    async def _finish(self, reply: InteractionReply, embed: discord.Embed) -> None:
        try:
            await self._ways.edit(reply, embed=embed, view=None)
        except DeliveryError as error:  # what counts is elsewhere
            _log.info("the card of a line could not be ended: %s", error)

    async def _by_dm(self, speech: SpeechJob, outcome: SpeechResult | ClonevoiceError) -> bool:
        """Send it by DM; False if DMs are closed."""
        if isinstance(outcome, ClonevoiceError):
            message = {"files": [_text(speech)], "embed": _failed(speech, outcome)["embed"]}
        else:
            message = await self._spoken(speech, outcome, FILE_LIMIT)
            del message["view"]  # it is reported where others hear it
            message["content"] = translate_markdown(speech.locale, "line.late", title=outcome.voice.title)
        try:
            await self._ways.dm(speech.author_id, **message)
        except DeliveryError as error:
            if error.temporary:
                raise
            return False
        return True

    async def _spoken(self, speech: SpeechJob, spoken: SpeechResult, limit: int) -> dict[str, Any]:
        """Write the public message: who had what said, with which voice, and that nobody said it."""
        locale, title = speech.locale, spoken.voice.title
        audio = await self._previews.get(spoken.audio_url, limit=limit)
        embed = discord.Embed(
            title=translate_markdown(locale, "line.title", title=title),
            description=str(escape_markdown(_quoted(speech.text))),
            colour=_BLURPLE,
        )
        embed.set_author(name=speech.author_name)
        embed.set_footer(text=translate(locale, "line.synthetic", title=title))
        view = discord.ui.View(timeout=None)
        view.add_item(ReportButton(spoken.voice.owner_id, spoken.voice.id, locale, speech.id))
        if audio is None:
            url = link(spoken.audio_url, locale, self._previews)
            embed.add_field(
                name=translate(locale, "line.audio"), value=url or translate(locale, "line.no_audio")
            )
            return {"embed": embed, "view": view}
        return {"embed": embed, "view": view, "files": [discord.File(io.BytesIO(audio), file_name(title))]}


def _progress(speech: SpeechJob, elapsed: float, usual: float) -> discord.Embed:
    locale, sent = speech.locale, speech.stage is not SpeechStage.ACCEPTED
    present = "line.speaking" if elapsed <= usual else "line.speaking_late"
    embed = discord.Embed(
        title=translate_markdown(locale, "line.card", title=speech.title),
        description=translate_markdown(
            locale,
            present,
            elapsed=length(elapsed),
            usual=length(usual),
            bar=Markup(bar(min(elapsed / (usual or 1), FULLEST))),
        ),
        colour=_BLURPLE,
    )
    return embed.set_footer(text=translate(locale, "line.sent" if sent else "card.unsent"))


def _failed(speech: SpeechJob, error: ClonevoiceError) -> dict[str, Any]:
    locale = speech.locale
    key = f"line.{error.key}" if error.key.startswith("mureka.") else error.key
    embed = discord.Embed(
        title=translate_markdown(locale, "line.failed", title=speech.title),
        description=translate_markdown(locale, key, **error.values),
        colour=_RED,
    )
    if error.key != VoiceLost.key or speech.owner_id != speech.author_id:
        return {"embed": embed, "view": None}
    view = discord.ui.View(timeout=None)
    from cogs.voices.actions import VoiceButton  # noqa: PLC0415 - until the groups are apart

    view.add_item(VoiceButton("lost", speech.voice_id, locale))
    return {"embed": embed, "view": view}


def _said(speech: SpeechJob, key: str, spoken: SpeechResult, colour: discord.Colour) -> discord.Embed:
    return discord.Embed(
        title=translate_markdown(speech.locale, key, title=spoken.voice.title), colour=colour
    )


def _failed_to_post(speech: SpeechJob, outcome: SpeechResult | ClonevoiceError) -> discord.Embed:
    if isinstance(outcome, ClonevoiceError):
        return _failed(speech, outcome)["embed"]
    return _said(speech, "line.by_dm", outcome, GREEN)


def _text(speech: SpeechJob) -> discord.File:
    return discord.File(io.BytesIO(speech.text.encode()), "text.txt")


def _quoted(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
