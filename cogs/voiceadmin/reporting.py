"""A member's way to report a voice, or what was spoken with it, to the server's moderators."""

import re
from typing import Any, Self

import discord

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.i18n import ENGLISH, escape_markdown, translate, translate_markdown, unescape_markdown
from bot.moderation.models import EXCERPT, QuotedClip, ReportReason
from cogs._ui.interaction import viewer_of

NO_SPEECH = "-"
"""Stands where the id of a spoken line would, for a report about a voice itself."""


class ReportButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"report:(?P<owner_id>\d{1,20}):(?P<voice_id>\d{1,20}):(?P<speech_id>[0-9a-f]{16}|-)",
):
    """Asks why; on the card of a shared voice, and below every spoken line."""

    def __init__(self, owner_id: int, voice_id: int, locale: str, speech_id: str = NO_SPEECH) -> None:
        super().__init__(
            discord.ui.Button(
                label=translate(locale, "button.report"),
                custom_id=f"report:{owner_id}:{voice_id}:{speech_id}",
            )
        )
        self._owner_id = owner_id
        self._voice_id = voice_id
        self._speech_id = speech_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the button from its custom id."""
        del item
        owner_id, voice_id = int(match["owner_id"]), int(match["voice_id"])
        return cls(owner_id, voice_id, str(interaction.locale), match["speech_id"])

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Ask for the reason, unless there is nothing to report."""
        async with replying_on_error(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            locale, heard = str(interaction.locale), self._heard(interaction)
            target = await interaction.client.cases.check(
                viewer_of(interaction), self._owner_id, self._voice_id, heard
            )
            view = discord.ui.View(timeout=None)
            options = [
                discord.SelectOption(label=translate(locale, f"report.reason.{reason}"), value=reason)
                for reason in ReportReason
            ]
            select = discord.ui.Select[Any](options=options, placeholder=translate(locale, "report.choose"))
            view.add_item(ReasonSelect(f"{self._owner_id}:{self._voice_id}:{self._speech_id}", select))
            await interaction.edit_original_response(
                content=translate_markdown(locale, "report.ask", title=target.title),
                embed=_quoted(heard) if heard else None,
                view=view,
            )

    def _heard(self, interaction: discord.Interaction[Clonevoice]) -> QuotedClip | None:
        """Return the spoken line in the message below which this button stands, if it does."""
        message = interaction.message
        if message is None or not message.embeds or self._speech_id == NO_SPEECH:
            return None
        return _heard(message.embeds[0], self._speech_id, message.jump_url)


def _heard(embed: discord.Embed, speech_id: str, link: str) -> QuotedClip:
    return QuotedClip(
        speech_id,
        unescape_markdown(embed.title or "").removeprefix(translate(ENGLISH, "line.title", title="")),
        unescape_markdown(embed.description or ""),
        embed.author.name or "",
        link,
    )


def _quoted(heard: QuotedClip) -> discord.Embed:
    """Repeat a spoken line, so that whoever reports it sees what, and it is at hand when they choose."""
    embed = discord.Embed(
        title=str(escape_markdown(heard.title)),
        url=heard.link,
        description=str(escape_markdown(heard.text[:EXCERPT])),
    )
    return embed.set_author(name=heard.author_name)


class ReasonSelect(
    discord.ui.DynamicItem[discord.ui.Select[Any]],
    template=r"reason:(?P<of>\d{1,20}:\d{1,20}:(?:[0-9a-f]{16}|-))",
):
    """Reports, for the reason that is chosen."""

    def __init__(self, of: str, select: discord.ui.Select[Any]) -> None:
        select.custom_id = f"reason:{of}"
        super().__init__(select)
        self._of = of

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Take the select as it is in the message."""
        del interaction
        assert isinstance(item, discord.ui.Select)  # noqa: S101 - the custom id is a select's
        return cls(match["of"], item)

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- as above
        """Report."""
        async with replying_on_error(interaction):
            await interaction.response.defer()
            owner_id, voice_id, speech_id = self._of.split(":")
            embeds = interaction.message.embeds if interaction.message else []
            heard = [_heard(embed, speech_id, embed.url or "") for embed in embeds]
            await interaction.client.cases.report(
                viewer_of(interaction),
                interaction.user.display_name,
                ReportReason(self.item.values[0]),
                owner_id=int(owner_id),
                voice_id=int(voice_id),
                heard=heard[0] if heard and speech_id != NO_SPEECH else None,
            )
            thanks = translate(str(interaction.locale), "report.thanks")
            await interaction.edit_original_response(content=thanks, embed=None, view=None)
