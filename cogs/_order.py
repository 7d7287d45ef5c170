"""How a clone is ordered, by command or by form."""

from typing import Any

import discord
from discord import ui

from bot.client import Clonevoice
from bot.errors import AlreadyCloning
from bot.i18n import say
from bot.tree import answering
from bot.voices.jobs import Order
from bot.voices.models import DESCRIPTION_LENGTH, TITLE_LENGTH, Language, Rights
from bot.voices.policy import Applicant
from cogs._interaction import FORM_SECONDS, deferred


async def clone(
    interaction: discord.Interaction[Clonevoice],
    sample: discord.Attachment,
    *,
    title: str,
    rights: Rights,
    description: str | None,
    language: Language,
    doubtful: bool = False,
) -> None:
    """Take an order; the answer is the clone's card, or that of the one already under way."""
    reply = await deferred(interaction)
    order = Order(
        sample_url=sample.url,
        sample_size=sample.size,
        owner_id=interaction.user.id,
        owner_name=interaction.user.display_name,
        guild_id=interaction.guild_id or 0,
        channel_id=interaction.channel_id or 0,
        title=title,
        description=description,
        rights=rights,
        language=language,
        locale=str(interaction.locale),
        reply=reply,
        doubtful=doubtful,
    )
    cloner = interaction.client.cloner
    if await cloner.show_anew(order.owner_id, order.reply):
        return
    who, waiting = applicant(interaction), cloner.waiting_in(order.guild_id)
    await interaction.client.moderation.admit(order.guild_id, who, order.channel_id, waiting)
    try:
        job = await cloner.accept(order)
    except AlreadyCloning:
        if not await cloner.show_anew(order.owner_id, order.reply):
            raise
        return
    cloner.begin(job)


def applicant(interaction: discord.Interaction[Any]) -> Applicant:
    """Return what the rules ask of a member; who is no member has been here for no time."""
    user, now = interaction.user, interaction.created_at.timestamp()
    member = user if isinstance(user, discord.Member) else None
    return Applicant(
        user.id,
        frozenset(role.id for role in member.roles) if member else frozenset(),
        account_since=user.created_at.timestamp(),
        member_since=member.joined_at.timestamp() if member and member.joined_at else now,
    )


def spoken_by(interaction: discord.Interaction[Any]) -> Language:
    """Guess the language of a sample: the member's own in Discord, else the server's."""
    guild = interaction.guild_locale
    return Language.of_locales(str(interaction.locale), str(guild) if guild else None)


class CloneForm(ui.Modal):
    """Asks what the command's options ask, of a sample that is in a message by `author_id`."""

    def __init__(
        self, sample: discord.Attachment, locale: str, language: Language, *, author_id: int
    ) -> None:
        super().__init__(title=say(locale, "clonevoice.form"), timeout=FORM_SECONDS)
        self._sample = sample
        self._author_id = author_id
        self._title: ui.TextInput[Any] = ui.TextInput(max_length=TITLE_LENGTH)
        self._description: ui.TextInput[Any] = ui.TextInput(
            max_length=DESCRIPTION_LENGTH, required=False, style=discord.TextStyle.paragraph
        )
        self._language: ui.Select[Any] = ui.Select(
            options=[
                discord.SelectOption(
                    label=say(locale, f"language.{one}"), value=one.value, default=one is language
                )
                for one in Language
            ]
        )
        self._rights: ui.Select[Any] = ui.Select(
            options=[
                discord.SelectOption(label=say(locale, f"rights.{one}"), value=one.value) for one in Rights
            ]
        )
        for name, component in (
            ("title", self._title),
            ("rights", self._rights),
            ("language", self._language),
            ("description", self._description),
        ):
            self.add_item(ui.Label(text=say(locale, f"form.{name}"), component=component))

    async def on_submit(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Clone; one's own voice in somebody else's message is asked about once more."""
        async with answering(interaction):
            rights = Rights(self._rights.values[0])
            await clone(
                interaction,
                self._sample,
                title=self._title.value,
                rights=rights,
                description=self._description.value or None,
                language=Language(self._language.values[0]),
                doubtful=rights is Rights.OWN and self._author_id != interaction.user.id,
            )
