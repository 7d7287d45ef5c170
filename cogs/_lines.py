"""Lines that are being spoken: their progress for their member, the result for everybody there."""

import io
import logging
from typing import Any

import discord
from yarl import URL

from bot.errors import ClonevoiceError, VoiceLost
from bot.i18n import Verbatim, say, say_markdown
from bot.voices.clock import Clock
from bot.voices.fetch import Previews
from bot.voices.jobs import Reply
from bot.voices.speech import Speech, SpeechStage, Spoken
from cogs._cards import GREEN, file_name, length
from cogs._library import VoiceButton
from cogs._live import FILE_LIMIT
from cogs._message import LiveMessage, Look
from cogs._progress import FULLEST, bar
from cogs._ways import Unreachable, Ways

_log = logging.getLogger(__name__)

QUOTED = 1500
"""How many characters of a text its message shows."""

_RED = discord.Colour(0xE74C3C)
_BLURPLE = discord.Colour.blurple()


class Lines:
    """The sink of what is spoken."""

    def __init__(self, ways: Ways, previews: Previews, clock: Clock) -> None:
        self._ways = ways
        self._previews = previews
        self._clock = clock
        self._messages: dict[str, LiveMessage] = {}

    def show(self, speech: Speech, elapsed: float, usual: float) -> None:
        """Take note of how long a line has been under way."""
        if speech.id not in self._messages:
            self._messages[speech.id] = LiveMessage(self._ways, self._clock)
        look = Look(speech.reply, speech.stage, lambda: (_progress(speech, elapsed, usual), None))
        self._messages[speech.id].show(look)

    async def deliver(self, speech: Speech, outcome: Spoken | ClonevoiceError) -> bool:
        """Publish a line, or tell its member why there is none; by DM if it is too late for either."""
        if message := self._messages.pop(speech.id, None):
            await message.quiet()
        reply = speech.reply if speech.reply and speech.reply.alive(self._clock.now()) else None
        try:
            if isinstance(outcome, ClonevoiceError):
                await self._tell(speech, reply, _failed(speech, outcome))
            else:
                await self._publish(speech, reply, outcome)
        except Unreachable as error:
            _log.info("the end of line %s could not be shown: %s", speech.id, error)
            return not error.passing
        return True

    async def _publish(self, speech: Speech, reply: Reply | None, spoken: Spoken) -> None:
        limit = reply.file_limit if reply else FILE_LIMIT
        message = await self._spoken(speech, spoken, limit)
        if reply is None:
            note = say_markdown(speech.locale, "line.late", title=spoken.voice.title)
            await self._ways.dm(speech.speaker_id, content=note, **message)
            return
        # First the answer, then what follows it: before that, Discord would take this for the answer.
        posting = discord.Embed(
            title=say_markdown(speech.locale, "line.posting", title=spoken.voice.title), colour=_BLURPLE
        )
        await self._ways.edit(reply, embed=posting, view=None)
        await self._ways.follow_up(reply, **message)
        done = discord.Embed(
            title=say_markdown(speech.locale, "line.done", title=spoken.voice.title), colour=GREEN
        )
        try:
            await self._ways.edit(reply, embed=done, view=None)
        except Unreachable as error:  # what counts is public
            _log.info("the card of line %s could not be ended: %s", speech.id, error)

    async def _tell(self, speech: Speech, reply: Reply | None, message: dict[str, Any]) -> None:
        text = discord.File(io.BytesIO(speech.text.encode()), "text.txt")
        if reply:
            await self._ways.edit(reply, content=None, attachments=[text], **message)
        else:
            message = {name: value for name, value in message.items() if value is not None}
            await self._ways.dm(speech.speaker_id, files=[text], **message)

    async def _spoken(self, speech: Speech, spoken: Spoken, limit: int) -> dict[str, Any]:
        """Write the public message: who had what said, with which voice, and that nobody said it."""
        locale, title = speech.locale, spoken.voice.title
        audio = await self._previews.get(spoken.audio_url, limit=limit)
        embed = discord.Embed(
            title=say_markdown(locale, "line.title", title=title),
            description=say_markdown(locale, "line.text", text=_quoted(speech.text)),
            colour=_BLURPLE,
        )
        embed.set_author(name=say(locale, "line.by", name=speech.speaker_name))
        embed.set_footer(text=say(locale, "line.synthetic", title=title))
        if audio is None:
            link = self._previews.may_show(spoken.audio_url)
            embed.add_field(
                name=say(locale, "line.audio"),
                value=f"[{say(locale, 'voice.preview_link')}]({URL(spoken.audio_url)})"
                if link
                else say(locale, "line.no_audio"),
            )
            return {"embed": embed}
        return {"embed": embed, "files": [discord.File(io.BytesIO(audio), file_name(title))]}


def _progress(speech: Speech, elapsed: float, usual: float) -> discord.Embed:
    locale, sent = speech.locale, speech.stage is not SpeechStage.ACCEPTED
    present = "line.speaking" if elapsed <= usual else "line.speaking_late"
    embed = discord.Embed(
        title=say_markdown(locale, "line.card", title=speech.title),
        description=say_markdown(
            locale,
            present,
            elapsed=length(elapsed),
            usual=length(usual),
            bar=Verbatim(bar(min(elapsed / (usual or 1), FULLEST))),
        ),
        colour=_BLURPLE,
    )
    return embed.set_footer(text=say(locale, "line.sent" if sent else "card.unsent"))


def _failed(speech: Speech, error: ClonevoiceError) -> dict[str, Any]:
    locale = speech.locale
    key = f"line.{error.key}" if error.key.startswith("mureka.") else error.key
    embed = discord.Embed(
        title=say_markdown(locale, "line.failed", title=speech.title),
        description=say_markdown(locale, key, **error.values),
        colour=_RED,
    )
    if error.key != VoiceLost.key or speech.owner_id != speech.speaker_id:
        return {"embed": embed, "view": None}
    view = discord.ui.View(timeout=None)
    view.add_item(VoiceButton("lost", speech.voice_id, locale))
    return {"embed": embed, "view": view}


def _quoted(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
