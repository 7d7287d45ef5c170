"""Asks a speaker to approve a clone of their voice."""

import logging

import discord

from bot.client.messenger import DeliveryError, Messenger
from bot.cloning.job import CloneJob
from bot.errors import Refused
from bot.i18n import language_of, translate, translate_markdown, unescape_markdown
from bot.voices.models import WORDING_VERSION
from cogs._ui.action import action_button, action_buttons, view_of
from cogs._ui.direct_message import dm_or_mention
from cogs._ui.formatting import YELLOW, add_field, card, length

_log = logging.getLogger(__name__)


class ConsentQuestion:
    """Sends consent requests to speakers."""

    def __init__(self, messenger: Messenger) -> None:
        self._messenger = messenger

    async def ask(self, job: CloneJob) -> bool:
        """Ask the speaker by DM. If DMs are closed, mention them in the channel without details.

        Returns False to retry later. Raises `Refused` if the speaker can't be reached.
        """
        assert job.speaker is not None  # noqa: S101 - only jobs with a speaker get here
        server = await self._messenger.server(job.guild_id)
        embed = question(job, server.locale, server.name)
        embed.set_footer(text=translate(server.locale, "consent.listen"))
        opener = action_buttons(server.locale, "consent", ("open",), job.id)
        message = {"embed": embed, "view": answer_buttons(server.locale, job.id, "open")}
        try:
            await dm_or_mention(
                self._messenger, job.speaker.id, message, job.channel_id, "consent.mention", server.locale, view=opener
            )
        except DeliveryError as error:
            _log.info("the speaker of clone %s could not be asked: %s", job.id, error)
            if error.temporary:
                return False
            raise Refused("refused.speaker_unreachable", name=job.speaker.name) from error
        return True


def question(job: CloneJob, locale: str, server: str) -> discord.Embed:
    """Return the request: its owner and server, and the exact wording that an approval agrees to."""
    values = {"owner": job.owner_name, "title": job.title, "server": server, "until": int(job.consent_deadline)}
    about = translate_markdown(locale, "consent.about", **values)
    embed = card(YELLOW, translate(locale, "consent.title"), about)
    wording = translate_markdown(locale, "consent.wording", owner=job.owner_name, title=job.title)
    add_field(embed, locale, "consent.words", wording, inline=False)
    add_field(embed, locale, "voice.language", translate(locale, f"language.{job.language}"))
    if job.sample_info:
        add_field(embed, locale, "voice.length", length(job.sample_info.duration))
    return embed


def answer_buttons(locale: str, job_id: str, *more: str) -> discord.ui.View:
    """Return the buttons of a request, `more` of them first. *Approve* names the locale and version of its wording."""
    before = [action_button(locale, f"button.{action}", "consent", action, job_id) for action in more]
    shown = (language_of(locale, "consent.wording"), WORDING_VERSION)
    approve = action_button(locale, "button.approve", "consent", "approve", job_id, *shown)
    return view_of(*before, approve, action_button(locale, "button.refuse", "consent", "refuse", job_id))


def shown_wording(message: discord.Message | None) -> str:
    """Return the wording in a request's message, its only wide field, without escapes; empty if it has none."""
    fields = [field for embed in (message.embeds if message else []) for field in embed.fields]
    return next((unescape_markdown(field.value or "") for field in fields if not field.inline), "")
