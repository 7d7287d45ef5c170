"""A speaker's say in a clone of their voice: the question, the sample, and the way back."""

import io
import re
from typing import Any, Self

import discord

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.cloning.errors import RequestClosed
from bot.cloning.job import CloneJob
from bot.i18n import translate, translate_markdown
from bot.voices.models import Consent
from cogs._ui.formatting import GREEN, file_name, length
from cogs._ui.interaction import viewer_of

_YELLOW = discord.Colour(0xF1C40F)
_LOOKS = {
    "approve": discord.ButtonStyle.success,
    "sure": discord.ButtonStyle.danger,
    "open": discord.ButtonStyle.primary,
}


class ConsentButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"consent:(?P<wish>open|approve|refuse|revoke|sure|stay):(?P<job_id>[\w-]+)",
):
    """What a speaker may do about a clone. Who clicks is checked again: a button proves nothing."""

    def __init__(self, wish: str, job_id: str, locale: str) -> None:
        super().__init__(
            discord.ui.Button(
                style=_LOOKS.get(wish, discord.ButtonStyle.secondary),
                label=translate(locale, f"button.{wish}"),
                custom_id=f"consent:{wish}:{job_id}",
            )
        )
        self._wish = wish
        self._job_id = job_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the button from its custom id."""
        del item
        return cls(match["wish"], match["job_id"], str(interaction.locale))

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Do what the speaker wishes."""
        async with replying_on_error(interaction):
            if self._wish == "open":
                await interaction.response.defer(ephemeral=True, thinking=True)
                await show_request(interaction, self._job_id)
                return
            await interaction.response.defer()
            try:
                await self._do(interaction)
            except RequestClosed:
                await interaction.edit_original_response(view=None)  # what it offered is over
                raise

    async def _do(self, interaction: discord.Interaction[Clonevoice]) -> None:
        match self._wish:
            case "approve":
                await _approve(interaction, self._job_id)
            case "refuse":
                await _refuse(interaction, self._job_id)
            case "sure":
                await _revoke(interaction, self._job_id)
            case _:
                await show_request(interaction, self._job_id, doubt=self._wish == "revoke")


def consent_buttons(job_id: str, locale: str, *wishes: str) -> discord.ui.View:
    """Return buttons for a speaker."""
    view = discord.ui.View(timeout=None)
    for wish in wishes:
        view.add_item(ConsentButton(wish, job_id, locale))
    return view


def question(job: CloneJob, locale: str, server: str) -> discord.Embed:
    """Ask a speaker: who wants what, where, and what approving it means, word for word."""
    embed = discord.Embed(
        title=translate(locale, "consent.title"),
        description=translate_markdown(
            locale,
            "consent.about",
            owner=job.owner_name,
            title=job.title,
            server=server,
            until=int(job.consent_deadline),
        ),
        colour=_YELLOW,
    )
    embed.add_field(name=translate(locale, "consent.words"), value=_wording(job, locale), inline=False)
    embed.add_field(
        name=translate(locale, "voice.language"), value=translate(locale, f"language.{job.language}")
    )
    if job.sample_info:
        embed.add_field(name=translate(locale, "voice.length"), value=length(job.sample_info.duration))
    return embed


async def show_request(
    interaction: discord.Interaction[Clonevoice], job_id: str, *, doubt: bool = False
) -> None:
    """Answer a speaker with where things stand: the question and its sample, or their approval.

    `doubt`: they want to take it back, and are asked once more.
    """
    locale, consents = str(interaction.locale), interaction.client.consents
    speaker = interaction.user.id
    if consent := await consents.get(speaker, job_id):
        await interaction.edit_original_response(
            content=None,
            embed=_approval(consent, locale, doubt=doubt),
            attachments=[],
            view=consent_buttons(job_id, locale, *(("sure", "stay") if doubt else ("revoke",))),
        )
        return
    job = consents.request(speaker, job_id)
    sample = await consents.sample(speaker, job_id)
    guild = interaction.client.get_guild(job.guild_id)
    embed = question(job, locale, guild.name if guild else "?")
    fits = len(sample) <= interaction.filesize_limit
    if not fits:
        embed.set_footer(text=translate(locale, "consent.too_large"))
    await interaction.edit_original_response(
        embed=embed,
        attachments=[discord.File(io.BytesIO(sample), file_name(job.title))] if fits else [],
        view=consent_buttons(job_id, locale, "approve", "refuse"),
    )


async def _approve(interaction: discord.Interaction[Clonevoice], job_id: str) -> None:
    locale, consents, viewer = str(interaction.locale), interaction.client.consents, viewer_of(interaction)
    of = await consents.get(viewer.id, job_id) or consents.request(viewer.id, job_id)
    wording = translate(locale, "consent.wording", **_names(of))
    await consents.approve(viewer, job_id, wording=wording, channel_id=interaction.channel_id or 0)
    await show_request(interaction, job_id)


async def _refuse(interaction: discord.Interaction[Clonevoice], job_id: str) -> None:
    job = interaction.client.consents.request(interaction.user.id, job_id)
    await interaction.client.consents.decline(interaction.user.id, job_id)
    text = translate_markdown(str(interaction.locale), "consent.refused", **_names(job))
    await interaction.edit_original_response(content=text, embed=None, attachments=[], view=None)


async def _revoke(interaction: discord.Interaction[Clonevoice], job_id: str) -> None:
    consent = await interaction.client.consents.withdraw(interaction.user.id, job_id)
    text = translate_markdown(str(interaction.locale), "consent.revoked", **_names(consent))
    await interaction.edit_original_response(content=text, embed=None, attachments=[], view=None)


def _approval(consent: Consent, locale: str, *, doubt: bool) -> discord.Embed:
    embed = discord.Embed(
        title=translate_markdown(locale, "consent.given", title=consent.title),
        description=translate_markdown(
            locale,
            "consent.doubt" if doubt else "consent.stands",
            **_names(consent),
            at=int(consent.statement.at),
        ),
        colour=_YELLOW if doubt else GREEN,
    )
    words = translate_markdown(locale, "consent.quoted", wording=consent.statement.wording)
    embed.add_field(name=translate(locale, "consent.words"), value=words, inline=False)
    return embed


def _wording(job: CloneJob, locale: str) -> str:
    return translate_markdown(locale, "consent.wording", **_names(job))


def _names(of: CloneJob | Consent) -> dict[str, str]:
    return {"owner": of.owner_name, "title": of.title}
