"""Members report a voice or a clip to the server's moderators: a button, then a select for the reason."""

import discord

from bot.errors import Refused
from bot.i18n import ENGLISH, escape_markdown, translate, translate_markdown, unescape_markdown
from bot.moderation.models import EXCERPT, QuotedClip, ReportReason
from bot.text import cut, without_format
from cogs._ui.action import Select, action_select, chosen, select_options, view_of
from cogs._ui.interaction import Interaction, answer_text, name_of, viewer_of

NO_CLIP = "-"  # replaces the ID of a clip in the custom ID of a report about a voice


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
    """File the report. The clip is read from the message that `ask_reason` sent."""
    await interaction.response.defer()
    embeds = interaction.message.embeds if interaction.message else []
    clip = _read_clip(embeds, speech_id, (embeds[0].url or "") if embeds else "")
    viewer, name, reason = viewer_of(interaction), name_of(interaction.user), chosen(select)
    if reason not in {*ReportReason}:
        raise Refused("refused.action_unknown")
    await interaction.client.services.reports.report(
        viewer, name, ReportReason(reason), owner_id=int(owner_id), voice_id=int(voice_id), quoted=clip
    )
    await answer_text(interaction, "report.thanks")


def _read_clip(embeds: list[discord.Embed], speech_id: str, link: str) -> QuotedClip | None:
    if not embeds or speech_id == NO_CLIP:
        return None
    embed = embeds[0]
    return QuotedClip(
        speech_id,
        unescape_markdown(embed.title or "").removeprefix(translate(ENGLISH, "line.title", title="")),
        unescape_markdown(embed.description or ""),
        embed.author.name or "",
        link,
    )
