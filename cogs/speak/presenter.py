"""Shows clips: their progress to the author, the result to the channel."""

import logging
from collections import defaultdict
from typing import Any

import discord

from bot.client.messenger import DeliveryError, Messenger
from bot.clock import Clock
from bot.downloads import Previews
from bot.errors import Canceled, ClonevoiceError
from bot.i18n import escape_markdown, translate, translate_markdown
from bot.jobs.record import InteractionReply
from bot.speaking.errors import VoiceLost
from bot.speaking.job import SpeechJob, SpeechResult, SpeechStage
from bot.text import shorten, without_format
from cogs._ui.action import action_buttons, view_of
from cogs._ui.direct_message import FILE_LIMIT, dm_or_mention
from cogs._ui.formatting import BLURPLE, GREEN, GREY, RED, add_field, attachments, card, estimate, file_name
from cogs._ui.live_message import Frame, LiveMessage
from cogs._ui.voice_card import link, report_button

_log = logging.getLogger(__name__)

QUOTED = 1500  # most characters of a text in its public message


class DiscordSpeechPresenter:
    """Shows a card for each unfinished clip, and posts the results."""

    def __init__(self, messenger: Messenger, previews: Previews, clock: Clock) -> None:
        self._messenger = messenger
        self._previews = previews
        self._clock = clock
        self._cards = defaultdict[str, LiveMessage](lambda: LiveMessage(messenger, clock))

    def show(self, speech: SpeechJob, elapsed: float, usual: float) -> None:
        """Show the seconds since the start, in the background, next to the usual duration."""
        frame = Frame(speech.reply, speech.stage, lambda: (_progress(speech, elapsed, usual), None))
        self._cards[speech.id].show(frame)

    async def deliver(self, speech: SpeechJob, outcome: SpeechResult | ClonevoiceError) -> bool:
        """Post the clip, or show its author the error. If that is not possible, send it by DM.

        If DMs are closed, mention the author in the channel. Returns False to retry later.
        """
        if live := self._cards.pop(speech.id, None):
            await live.stop()
        reply = speech.reply if speech.reply and speech.reply.is_alive(self._clock.now()) else None
        try:
            if reply and await self._reply(reply, speech, outcome):
                return True
            direct = await self._send_privately(speech, outcome)
            if reply:
                await self._finish(reply, _sent_privately(speech, outcome, direct=direct))
        except DeliveryError as error:
            _log.info("the result of clip %s could not be shown: %s", speech.id, error)
            return not error.temporary
        return True

    async def _reply(self, reply: InteractionReply, speech: SpeechJob, outcome: SpeechResult | ClonevoiceError) -> bool:
        """Post the clip or the error in the channel. Return False if that is permanently impossible."""
        try:
            if isinstance(outcome, ClonevoiceError):
                message = _failed(speech, outcome)
                await self._messenger.edit(reply, content=None, attachments=_text(speech), **message)
                return True
            spoken = await self._clip(speech, outcome, reply.file_limit)
            # Edit the answer first: Discord takes the first follow-up of a deferred command for its answer.
            posting = _status(speech, "line.posting", outcome, BLURPLE)
            await self._messenger.edit(reply, embed=posting, view=None)
            await self._messenger.follow_up(reply, **spoken)
        except DeliveryError as error:
            if error.temporary:
                raise
            _log.info("clip %s can't be posted where the command was sent: %s", speech.id, error)
            return False
        await self._finish(reply, _status(speech, "line.done", outcome, GREEN))
        return True

    async def _finish(self, reply: InteractionReply, embed: discord.Embed) -> None:
        try:
            await self._messenger.edit(reply, embed=embed, view=None)
        except DeliveryError as error:  # the card alone is affected
            _log.info("the last edit of a clip's card failed: %s", error)

    async def _send_privately(self, speech: SpeechJob, outcome: SpeechResult | ClonevoiceError) -> bool:
        """Send a DM. Return False if the author could only be mentioned."""
        if isinstance(outcome, ClonevoiceError):
            message = {"files": _text(speech), "embed": _failed(speech, outcome)["embed"]}
        else:
            message = await self._clip(speech, outcome, FILE_LIMIT)
            del message["view"]  # members report clips that were posted in a channel
            message["content"] = translate_markdown(speech.locale, "line.late", title=outcome.voice.title)
        author, channel = speech.author_id, speech.channel_id
        return await dm_or_mention(self._messenger, author, message, channel, "line.elsewhere", speech.locale)

    async def _clip(self, speech: SpeechJob, spoken: SpeechResult, limit: int) -> dict[str, Any]:
        """Return the public message: the author, the voice, and that the audio is synthetic."""
        locale, title = speech.locale, spoken.voice.title
        audio = await self._previews.get(spoken.audio_url, limit=limit)
        shown, text = str(escape_markdown(title)), str(escape_markdown(shorten(speech.text, QUOTED)))
        embed = card(BLURPLE, shown, text, translate(locale, "line.synthetic", title=title))
        embed.set_author(name=without_format(speech.author_name))
        view = view_of(report_button(spoken.voice, locale, speech.id))
        if audio is None:
            url = link(spoken.audio_url, locale, self._previews)
            add_field(embed, locale, "line.audio", url or translate(locale, "line.no_audio"))
            return {"embed": embed, "view": view}
        return {"embed": embed, "view": view, "files": attachments([(file_name(title), audio)])}


def _progress(speech: SpeechJob, elapsed: float, usual: float) -> discord.Embed:
    locale, sent = speech.locale, speech.stage is not SpeechStage.ACCEPTED
    key = "line.speaking" if elapsed <= usual else "line.speaking_late"
    title, footer = translate_markdown(locale, "line.card", title=speech.title), "line.sent" if sent else "card.unsent"
    return card(BLURPLE, title, translate_markdown(locale, key, **estimate(elapsed, usual)), translate(locale, footer))


def _failed(speech: SpeechJob, error: ClonevoiceError) -> dict[str, Any]:
    locale, view = speech.locale, None
    key = f"line.{error.key}" if error.key.startswith("mureka.") else error.key
    canceled = isinstance(error, Canceled)
    title = translate_markdown(locale, "line.canceled" if canceled else "line.failed", title=speech.title)
    embed = card(RED if error.key == VoiceLost.key else GREY, title, translate_markdown(locale, key, **error.values))
    if error.key == VoiceLost.key and speech.owner_id == speech.author_id:
        view = action_buttons(locale, "voice", ("lost",), speech.voice_id)
    return {"embed": embed, "view": view}


def _sent_privately(speech: SpeechJob, outcome: SpeechResult | ClonevoiceError, *, direct: bool) -> discord.Embed:
    if isinstance(outcome, ClonevoiceError):
        return _failed(speech, outcome)["embed"]
    return _status(speech, "line.by_dm" if direct else "line.nowhere", outcome, GREEN if direct else RED)


def _status(speech: SpeechJob, key: str, spoken: SpeechResult, color: discord.Color) -> discord.Embed:
    return discord.Embed(title=translate_markdown(speech.locale, key, title=spoken.voice.title), color=color)


def _text(speech: SpeechJob) -> list[discord.File]:
    return attachments([("text.txt", speech.text.encode())])
