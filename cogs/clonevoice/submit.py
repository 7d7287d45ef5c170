"""How a clone is ordered, by command or by form."""

from typing import Any

import discord
from discord import ui

from bot.client.client import Clonevoice
from bot.client.membership import member_snapshot
from bot.client.tree import replying_on_error
from bot.cloning.errors import AlreadyCloning
from bot.cloning.job import CloneRequest
from bot.errors import Refused
from bot.i18n import translate
from bot.voices.models import DESCRIPTION_LENGTH, TITLE_LENGTH, Language, Rights, Speaker
from cogs._ui.interaction import FORM_SECONDS, deferred


async def clone(
    interaction: discord.Interaction[Clonevoice],
    sample: discord.Attachment,
    *,
    title: str,
    rights: Rights,
    description: str | None,
    language: Language,
    doubtful: bool = False,
    speaker: discord.abc.User | None = None,
) -> None:
    """Take an order; the answer is the clone's card, or that of the one already under way."""
    reply = await deferred(interaction)
    named = _speaker(interaction, rights, speaker) if speaker else None
    order = CloneRequest(
        sample_url=sample.url,
        sample_size=sample.size,
        owner_id=interaction.user.id,
        owner_name=interaction.user.display_name,
        guild_id=interaction.guild_id or 0,
        channel_id=interaction.channel_id or 0,
        title=title,
        description=description,
        rights=rights,
        wording=translate(str(interaction.locale), f"rights.{rights}"),
        language=language,
        locale=str(interaction.locale),
        reply=reply,
        needs_confirmation=doubtful,
        speaker=named,
    )
    cloner = interaction.client.cloner
    if await cloner.show_anew(order.owner_id, order.reply):
        return
    who = member_snapshot(interaction.user, interaction.created_at)
    waiting = cloner.waiting_in(order.guild_id)
    await interaction.client.moderation.check_clone(
        order.guild_id, who, order.channel_id, waiting, rights=rights, speaker=named
    )
    try:
        job = await cloner.accept(order)
    except AlreadyCloning:
        if not await cloner.show_anew(order.owner_id, order.reply):
            raise
        return
    cloner.begin(job)


def _speaker(interaction: discord.Interaction[Any], rights: Rights, user: discord.abc.User) -> Speaker:
    """Return who is to be asked; `Refused` for whom nobody can ask, or need not."""
    if rights is Rights.OWN:
        raise Refused("refused.speaker_not_needed")
    if user.id == interaction.user.id:
        raise Refused("refused.speaker_is_you")
    if user.bot:
        raise Refused("refused.speaker_is_bot")
    if not isinstance(user, discord.Member):
        raise Refused("refused.speaker_not_here")
    return Speaker(user.id, user.display_name)


def spoken_by(interaction: discord.Interaction[Any]) -> Language:
    """Guess the language of a sample: the member's own in Discord, else the server's."""
    guild = interaction.guild_locale
    return Language.of_locales(str(interaction.locale), str(guild) if guild else None)


class CloneForm(ui.Modal):
    """Asks what the command's options ask, of a sample that is in a message by `author_id`."""

    def __init__(
        self, sample: discord.Attachment, locale: str, language: Language, *, author_id: int
    ) -> None:
        super().__init__(title=translate(locale, "clonevoice.form"), timeout=FORM_SECONDS)
        self._sample = sample
        self._author_id = author_id
        self._title: ui.TextInput[Any] = ui.TextInput(max_length=TITLE_LENGTH)
        self._description: ui.TextInput[Any] = ui.TextInput(
            max_length=DESCRIPTION_LENGTH, required=False, style=discord.TextStyle.paragraph
        )
        self._language: ui.Select[Any] = ui.Select(
            options=[
                discord.SelectOption(
                    label=translate(locale, f"language.{one}"), value=one.value, default=one is language
                )
                for one in Language
            ]
        )
        self._rights: ui.Select[Any] = ui.Select(
            options=[
                discord.SelectOption(label=translate(locale, f"rights.{one}"), value=one.value)
                for one in Rights
            ]
        )
        self._speaker: ui.UserSelect[Any] = ui.UserSelect(required=False)
        for name, component in (
            ("title", self._title),
            ("rights", self._rights),
            ("speaker", self._speaker),
            ("language", self._language),
            ("description", self._description),
        ):
            self.add_item(ui.Label(text=translate(locale, f"form.{name}"), component=component))

    async def on_submit(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Clone; one's own voice in somebody else's message is asked about once more."""
        async with replying_on_error(interaction):
            rights = Rights(self._rights.values[0])
            await clone(
                interaction,
                self._sample,
                title=self._title.value,
                rights=rights,
                description=self._description.value or None,
                language=Language(self._language.values[0]),
                doubtful=rights is Rights.OWN and self._author_id != interaction.user.id,
                speaker=self._speaker.values[0] if self._speaker.values else None,
            )
