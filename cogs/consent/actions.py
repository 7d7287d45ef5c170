"""The buttons of a speaker: listen to the sample, approve, decline, withdraw."""

import discord

from bot.client.membership import loaded_guild
from bot.cloning.errors import RequestClosed
from bot.cloning.job import CloneJob
from bot.i18n import translate, translate_markdown
from bot.voices.models import WORDING_VERSION, Consent
from cogs._ui.action import action_buttons
from cogs._ui.formatting import GREEN, YELLOW, add_field, attachments, card, file_name
from cogs._ui.interaction import Interaction, answer_text, viewer_of
from cogs.consent.question import answer_buttons, question, shown_wording


async def handle_click(
    interaction: Interaction, action: str, job_id: str, locale: str | None, version: str | None
) -> None:
    """Do what the button says. `Consents` checks who clicked: anyone may send any custom ID.

    `locale` and `version` are those of the wording in the message. If it is not the present one, the request is
    shown again, so that a speaker approves nothing else.
    """
    wording = shown_wording(interaction.message) if version == str(WORDING_VERSION) else ""
    if action == "open" or (action == "approve" and not wording):
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _show_request(interaction, job_id, note=None if action == "open" else "consent.renewed")
        return
    await interaction.response.defer()
    consents, speaker = interaction.client.services.consents, interaction.user.id
    try:
        match action:
            case "approve":
                channel_id, viewer = interaction.channel_id or 0, viewer_of(interaction)
                await consents.approve(viewer, job_id, wording=wording, locale=locale or "", channel_id=channel_id)
                await _show_request(interaction, job_id)
            case "refuse":
                request = consents.request(speaker, job_id)
                await consents.decline(speaker, job_id)
                await answer_text(interaction, "consent.refused", **_names(request))
            case "sure":
                consent = await consents.withdraw(speaker, job_id)
                await answer_text(interaction, "consent.revoked", **_names(consent))
            case _:
                await _show_request(interaction, job_id, confirming=action == "revoke")
    except RequestClosed:
        await interaction.edit_original_response(view=None)
        raise


async def _show_request(
    interaction: Interaction, job_id: str, *, confirming: bool = False, note: str | None = None
) -> None:
    """Show the speaker their approval, or else the request with its sample, and with the text `note` above it.

    If `confirming`, ask whether they really want to withdraw the approval.
    """
    locale, consents = str(interaction.locale), interaction.client.services.consents
    speaker = interaction.user.id
    if consent := await consents.get(speaker, job_id):
        await interaction.edit_original_response(
            content=None,
            embed=_approval(consent, locale, confirming=confirming),
            attachments=[],
            view=action_buttons(locale, "consent", ("sure", "stay") if confirming else ("revoke",), job_id),
        )
        return
    job = consents.request(speaker, job_id)
    sample = await consents.sample(speaker, job_id)
    guild = loaded_guild(interaction.client, job.guild_id)
    embed = question(job, locale, guild.name if guild else "?")
    fits = len(sample) <= interaction.filesize_limit
    if not fits:
        embed.set_footer(text=translate(locale, "consent.too_large", owner=job.owner_name))
    await interaction.edit_original_response(
        content=translate_markdown(locale, note) if note else None,
        embed=embed,
        attachments=attachments([(file_name(job.title), sample)] if fits else []),
        view=answer_buttons(locale, job_id),
    )


def _approval(consent: Consent, locale: str, *, confirming: bool) -> discord.Embed:
    key = "consent.doubt" if confirming else "consent.stands"
    title = translate_markdown(locale, "consent.given", title=consent.title)
    about = translate_markdown(locale, key, **_names(consent), at=int(consent.statement.at))
    embed = card(YELLOW if confirming else GREEN, title, about)
    wording = translate_markdown(locale, "consent.quoted", wording=consent.statement.wording)
    add_field(embed, locale, "consent.words", wording, inline=False)
    return embed


def _names(request: CloneJob | Consent) -> dict[str, str]:
    return {"owner": request.owner_name, "title": request.title}
