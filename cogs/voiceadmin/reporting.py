"""Members report a voice or a clip to the server's moderators: a button, a select for the reason, perhaps a form."""

from typing import Any

import discord
from discord import ui

from bot.errors import ClonevoiceError, Refused
from bot.i18n import escape_markdown, translate, translate_markdown, unescape_markdown
from bot.moderation.models import EXCERPT, QuotedClip, ReportReason
from bot.text import cut, without_format
from cogs._ui.action import Select, action_select, chosen, select_options, view_of
from cogs._ui.form import Form
from cogs._ui.interaction import Interaction, answer_text, name_of, viewer_of
from cogs._ui.voice_card import NO_CLIP
from cogs.voiceadmin.decision_form import REASON_LENGTH, clean_reason


async def ask_reason(interaction: Interaction, owner_id: str, voice_id: str, speech_id: str) -> None:
    """Ask for the reason. Raises `Refused` if the member can't report this."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    locale, message = str(interaction.locale), interaction.message
    clip = _read_clip(message.embeds, speech_id, message.jump_url) if message else None
    reported = await interaction.client.services.reports.check(
        viewer_of(interaction), int(owner_id), int(voice_id), clip
    )
    reasons = {reason.value: translate(locale, f"report.reason.{reason}") for reason in ReportReason}
    select: Select = discord.ui.Select(options=select_options(reasons), placeholder=translate(locale, "report.choose"))
    quote = None
    if clip:  # repeated in the form of its message, so that `report` can read it from there
        title, text = str(escape_markdown(clip.title)), str(escape_markdown(cut(clip.text, EXCERPT)))
        quote = discord.Embed(title=title, url=clip.link, description=text).set_author(
            name=without_format(clip.author_name)
        )
    await interaction.edit_original_response(
        content=translate_markdown(locale, "report.ask", title=reported.title),
        embed=quote,
        view=view_of(action_select(select, "reason", owner_id, voice_id, speech_id)),
    )


async def report(interaction: Interaction, select: Select, owner_id: str, voice_id: str, speech_id: str) -> None:
    """File the report, or open the form that asks for the reason if no other one fits."""
    reason = chosen(select)
    if reason not in {*ReportReason}:
        raise Refused("refused.action_unknown")
    if reason == ReportReason.OTHER:
        await ReportForm(str(interaction.locale), owner_id, voice_id, speech_id).open(interaction)
        return
    await interaction.response.defer()
    await _report(interaction, ReportReason(reason), int(owner_id), int(voice_id), _quoted(interaction, speech_id))


class ReportForm(Form):
    """Asks for the reason of a report. The clip is read from the message with the select that opened it."""

    def __init__(self, locale: str, owner_id: str, voice_id: str, speech_id: str) -> None:
        super().__init__(locale, "report.form", "report", owner_id, voice_id, speech_id)
        self._owner_id, self._voice_id, self._speech_id = int(owner_id), int(voice_id), speech_id
        text = ui.TextInput[Any](max_length=REASON_LENGTH, style=discord.TextStyle.paragraph)
        self._text = self.add(text, "report.text")

    async def prepare(self, interaction: Interaction) -> None:
        clip = _quoted(interaction, self._speech_id)
        reports = interaction.client.services.reports
        await reports.check(viewer_of(interaction), self._owner_id, self._voice_id, clip)

    async def submit(self, interaction: Interaction) -> None:
        """File the report. After a mistake, the message keeps the clip, for the form that is opened from it again."""
        await interaction.response.defer()
        try:
            text, clip = clean_reason(self._text.value), _quoted(interaction, self._speech_id)
            await _report(interaction, ReportReason.OTHER, self._owner_id, self._voice_id, clip, text)
        except ClonevoiceError as error:
            sentence = translate_markdown(self._locale, error.key, **error.values)
            await interaction.edit_original_response(content=sentence, view=self.reopener(interaction))


async def _report(
    interaction: Interaction,
    reason: ReportReason,
    owner_id: int,
    voice_id: int,
    clip: QuotedClip | None,
    text: str = "",
) -> None:
    viewer, name = viewer_of(interaction), name_of(interaction.user)
    await interaction.client.services.reports.report(
        viewer, name, reason, owner_id=owner_id, voice_id=voice_id, quoted=clip, text=text
    )
    await answer_text(interaction, "report.thanks")


def _quoted(interaction: Interaction, speech_id: str) -> QuotedClip | None:
    """Read the clip from the message that `ask_reason` sent. Raises `Refused` if it is not there."""
    embeds = interaction.message.embeds if interaction.message else []
    if not embeds and speech_id != NO_CLIP:  # else this would become a report of the voice
        raise Refused("refused.action_unknown")
    return _read_clip(embeds, speech_id, (embeds[0].url or "") if embeds else "")


def _read_clip(embeds: list[discord.Embed], speech_id: str, link: str) -> QuotedClip | None:
    if not embeds or speech_id == NO_CLIP:
        return None
    embed = embeds[0]
    return QuotedClip(
        speech_id,
        unescape_markdown(embed.title or ""),
        unescape_markdown(embed.description or ""),
        embed.author.name or "",
        link,
    )
