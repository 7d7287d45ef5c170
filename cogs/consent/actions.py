"""The buttons of a speaker: listen to the sample, approve, decline, withdraw."""

import discord

from bot.client.membership import loaded_guild
from bot.cloning.errors import RequestClosed
from bot.cloning.job import CloneJob
from bot.i18n import translate, translate_markdown
from bot.voices.models import Consent
from cogs._ui.action import action_buttons
from cogs._ui.formatting import GREEN, YELLOW, add_field, attachments, card, file_name
from cogs._ui.interaction import Interaction, answer_text, viewer_of
from cogs.consent.question import question


async def handle_click(interaction: Interaction, action: str, job_id: str) -> None:
    """Do what the button says. `Consents` checks who clicked: anyone may send any custom ID."""
    if action == "open":
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _show_request(interaction, job_id)
        return
    await interaction.response.defer()
    consents, speaker = interaction.client.services.consents, interaction.user.id
    try:
        match action:
            case "approve":
                await _approve(interaction, job_id)
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


async def _show_request(interaction: Interaction, job_id: str, *, confirming: bool = False) -> None:
    """Show the speaker their approval, or else the request with its sample.

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
        embed.set_footer(text=translate(locale, "consent.too_large"))
    await interaction.edit_original_response(
        embed=embed,
        attachments=attachments([(file_name(job.title), sample)] if fits else []),
        view=action_buttons(locale, "consent", ("approve", "refuse"), job_id),
    )


async def _approve(interaction: Interaction, job_id: str) -> None:
    locale, consents, viewer = (str(interaction.locale), interaction.client.services.consents, viewer_of(interaction))
    request = await consents.get(viewer.id, job_id) or consents.request(viewer.id, job_id)
    wording = translate(locale, "consent.wording", **_names(request))
    await consents.approve(viewer, job_id, wording=wording, channel_id=interaction.channel_id or 0)
    await _show_request(interaction, job_id)


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
