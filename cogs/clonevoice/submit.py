"""Starts a clone, from the command or from the form."""

from typing import Any

import discord
from discord import ui

from bot.client.membership import member_snapshot
from bot.cloning.errors import AlreadyCloning
from bot.cloning.job import CloneJob, Stage
from bot.errors import Refused
from bot.i18n import language_of, translate
from bot.jobs.record import InteractionReply
from bot.voices.models import DESCRIPTION_LENGTH, TITLE_LENGTH, WORDING_VERSION, Language, Rights, Speaker, Statement
from cogs._ui.action import select_options
from cogs._ui.form import Form
from cogs._ui.interaction import Interaction, defer, name_of


async def clone(
    interaction: Interaction,
    sample: discord.Attachment,
    *,
    title: str,
    rights: Rights,
    description: str | None,
    language: Language,
    needs_confirmation: bool = False,
    speaker: discord.abc.User | None = None,
    shown_in: str,
) -> None:
    """Start a clone and show its card, or the card of the member's clone that is already running.

    `shown_in` is the locale in which the member read what they declare about their rights.
    """
    reply = await defer(interaction)
    user, statement = interaction.user, _statement(interaction, rights, shown_in)
    job = CloneJob(
        id=CloneJob.new_id(user.id),
        owner_id=user.id,
        owner_name=name_of(user),
        guild_id=statement.guild_id,
        channel_id=statement.channel_id,
        title=title,
        description=description or "",
        rights=rights,
        language=language,
        locale=str(interaction.locale),
        sample_url=sample.url,
        needs_confirmation=needs_confirmation,
        statement=statement,
        speaker=_speaker(interaction, rights, speaker) if speaker else None,
        times={Stage.RECEIVED: statement.at},
        reply=reply,
    )
    if not await interaction.client.services.cloner.move_running_card(user.id, reply):
        await _submit(interaction, job, reply, sample.size)


async def _submit(interaction: Interaction, job: CloneJob, reply: InteractionReply, sample_size: int) -> None:
    services, cloner = interaction.client.services, interaction.client.services.cloner
    member = member_snapshot(interaction.user, interaction.created_at)
    await services.rules.check_clone(job, cloner.owners_in(job.guild_id), member=member)
    try:
        await cloner.submit(job, sample_size=sample_size)
    except AlreadyCloning:  # another command was faster
        if not await cloner.move_running_card(job.owner_id, reply):
            raise


def _statement(interaction: Interaction, rights: Rights, shown_in: str) -> Statement:
    """Return the statement about the rights that the member made by choosing an option."""
    return Statement(
        interaction.user.id,
        translate(shown_in, f"rights.{rights}"),
        WORDING_VERSION,
        interaction.client.services.clock.now(),
        interaction.guild_id or 0,
        interaction.channel_id or 0,
        language_of(shown_in, f"rights.{rights}"),
    )


def _speaker(interaction: discord.Interaction[Any], rights: Rights, user: discord.abc.User) -> Speaker:
    """Return the speaker to ask. Raises `Refused` if this user can't or need not be asked."""
    if rights is Rights.OWN:
        raise Refused("refused.speaker_not_needed")
    if user.id == interaction.user.id:
        raise Refused("refused.speaker_is_you")
    if user.bot:
        raise Refused("refused.speaker_is_bot")
    if not isinstance(user, discord.Member):
        raise Refused("refused.speaker_not_here")
    return Speaker(user.id, name_of(user))


def sample_language(interaction: discord.Interaction[Any]) -> Language:
    """Guess a sample's language: the member's in Discord if it is supported, else the server's."""
    guild = interaction.guild_locale
    return Language.of_locales(str(interaction.locale), str(guild) if guild else None)


class CloneForm(Form):
    """Asks for the options of `/clonevoice`; the sample is in `Forms.samples`.

    When it is submitted, `shown_in` and `version` are those of the statements that it showed.
    """

    def __init__(
        self, locale: str, message_id: str, sample_id: str, shown_in: str | None = None, version: str | None = None
    ) -> None:
        super().__init__(locale, "clonevoice.form", "cloning", message_id, sample_id, locale, WORDING_VERSION)
        self._message_id, self._sample_id = message_id, sample_id
        self._shown_in = shown_in if version == str(WORDING_VERSION) else None
        languages = select_options({each: translate(locale, f"language.{each}") for each in Language})
        rights = select_options({each: translate(locale, f"rights.{each}") for each in Rights})
        style, longest = discord.TextStyle.paragraph, DESCRIPTION_LENGTH
        self._title = self.add(ui.TextInput[Any](max_length=TITLE_LENGTH), "form.title")
        self._rights = self.add(ui.Select[Any](options=rights), "form.rights")
        self._speaker = self.add(ui.UserSelect[Any](required=False), "form.speaker")
        self._language = self.add(ui.Select[Any](options=languages), "form.language")
        self._description = self.add(
            ui.TextInput[Any](max_length=longest, required=False, style=style), "form.description"
        )

    async def prepare(self, interaction: Interaction) -> None:
        self._sample(interaction)
        for option in self._language.options:
            option.default = option.value == sample_language(interaction)

    def _sample(self, interaction: Interaction) -> tuple[discord.Attachment, int | None]:
        """Return the sample, and who posted it. Raises `Refused`."""
        samples = interaction.client.forms.samples.get((interaction.user.id, self._message_id)) or {}
        if known := samples.get(self._sample_id):
            return known
        raise Refused("refused.sample_forgotten")

    async def submit(self, interaction: Interaction) -> None:
        """Start the clone. A member must confirm that a sample which they did not post has their own voice."""
        rights, (sample, author_id) = Rights(self._rights.values[0]), self._sample(interaction)
        if self._shown_in is None:
            raise Refused("refused.form_unknown")
        await clone(
            interaction,
            sample,
            title=self._title.value,
            rights=rights,
            description=self._description.value or None,
            language=Language(self._language.values[0]),
            needs_confirmation=rights is Rights.OWN and author_id != interaction.user.id,
            speaker=self._speaker.values[0] if self._speaker.values else None,
            shown_in=self._shown_in,
        )
