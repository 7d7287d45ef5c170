"""All voices of a server, for its moderators: a list with filters, and what they can do about each."""

import io
import re
from typing import Any, Self

import discord
from discord.app_commands import Choice

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.i18n import Markup, translate, translate_markdown
from bot.library.models import SUGGESTIONS
from bot.moderation.server_voices import VoiceFilter
from bot.voices.models import Voice
from cogs._ui.interaction import viewer_of
from cogs._ui.paginator import LISTS, PICKS, add_page_buttons, add_picker, page_of
from cogs._ui.voice_card import add_declared, voice_card
from cogs.voiceadmin.decision_form import VerdictForm
from cogs.voiceadmin.permissions import check_moderator, check_not_concerned, is_moderator, moderator


class RemoveButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"takedown:(?P<voice_id>\d{1,20})"
):
    """Asks a moderator why a voice is to go, and removes it."""

    def __init__(self, voice_id: int, locale: str) -> None:
        super().__init__(
            discord.ui.Button(
                style=discord.ButtonStyle.danger,
                label=translate(locale, "button.case.remove"),
                custom_id=f"takedown:{voice_id}",
            )
        )
        self._voice_id = voice_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the button from its custom id."""
        del item
        return cls(int(match["voice_id"]), str(interaction.locale))

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Ask."""
        async with replying_on_error(interaction):
            await check_moderator(interaction)
            await ask_to_remove(interaction, str(self._voice_id))


async def open_voice(interaction: discord.Interaction[Clonevoice], chosen: str) -> None:
    """Open a voice's card as moderators see it."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await check_moderator(interaction)
    await _show_card(interaction, await interaction.client.roster.resolve(interaction.guild_id or 0, chosen))


async def suggest_voice(interaction: discord.Interaction[Clonevoice], typed: str) -> list[Choice[str]]:
    """Offer a moderator the voices of this server."""
    if not await is_moderator(interaction):
        return []
    voices = await interaction.client.roster.suggest(interaction.guild_id or 0, typed, SUGGESTIONS)
    locale = str(interaction.locale)
    return [
        Choice(
            name=translate(locale, "choice.roster", title=voice.title, owner=voice.owner_name)[:100],
            value=str(voice.id),
        )
        for voice in voices
    ]


async def ask_to_remove(interaction: discord.Interaction[Clonevoice], text: str, reason: str = "") -> None:
    """Answer with the form that removes a voice, which says what that means; the reason can be changed."""
    guild_id, locale = interaction.guild_id or 0, str(interaction.locale)
    voice = await interaction.client.roster.resolve(guild_id, text)
    check_not_concerned(interaction, {voice.owner_id})
    kind = "removing" if voice.guild_id == guild_id else "barring"

    async def remove(interaction: discord.Interaction[Clonevoice], reason: str, _: int | None) -> None:
        found = await interaction.client.roster.resolve(guild_id, str(voice.id))
        destroyed = await interaction.client.cases.remove(
            guild_id, moderator(interaction.user), found, reason
        )
        key = "verdict.done.removing" if destroyed else "verdict.done.barring"
        done = translate_markdown(str(interaction.locale), key, title=found.title)
        await interaction.edit_original_response(content=done, embed=None, attachments=[], view=None)

    about = translate_markdown(locale, f"verdict.about.{kind}", title=voice.title, name=voice.owner_name)
    await interaction.response.send_modal(
        VerdictForm(kind, locale, remove, about=about, reader=voice.owner_name, reason=reason)
    )


async def show_roster(interaction: discord.Interaction[Clonevoice], of: str, page: int) -> None:
    """Answer with a page of a server's voices; `of` is `owner id:whereabouts`, both may be empty."""
    await check_moderator(interaction)
    locale, guild_id, roster = str(interaction.locale), interaction.guild_id or 0, interaction.client.roster
    owner, _, where = of.partition(":")
    filters: dict[str, Any] = {
        "owner_id": int(owner) if owner.isdecimal() else None,
        "whereabouts": VoiceFilter(where) if where in {*VoiceFilter} else VoiceFilter.ALL,
    }
    entries = await roster.list_voices(guild_id, **filters)
    voices = await roster.verify(guild_id, page_of(entries, page)[1])
    if len(voices) < len(page_of(entries, page)[1]):  # what is gone is off the list now
        entries = await roster.list_voices(guild_id, **filters)
        voices = await roster.verify(guild_id, page_of(entries, page)[1])
    page, _ = page_of(entries, page)
    lines = [
        translate_markdown(
            locale,
            "roster.row",
            title=voice.title,
            name=voice.owner_name,
            at=int(voice.created_at),
            state=Markup(translate(locale, _state(voice, guild_id))),
        )
        for voice in voices
    ]
    embed = discord.Embed(
        title=translate(locale, "moderators.voices", rows=len(entries)),
        description="\n".join(lines) or translate(locale, "moderators.none.voices"),
        colour=discord.Colour.blurple(),
    )
    view = discord.ui.View(timeout=None)
    options = [(str(voice.id), voice.title, voice.owner_name) for voice in voices]
    add_picker(view, "roster", options, translate(locale, "list.open"))
    add_page_buttons(view, "roster", page, len(entries), of, locale)
    await interaction.edit_original_response(embed=embed, view=view)


async def _show_card(interaction: discord.Interaction[Clonevoice], voice: Voice) -> None:
    """Answer with a voice's card: with its preview only if the server shares it."""
    locale, guild_id = str(interaction.locale), interaction.guild_id or 0
    shared = guild_id in voice.shared_in
    embed, files = await voice_card(
        voice,
        viewer_of(interaction),
        locale,
        interaction.client.previews,
        owner=voice.owner_name,
        limit=interaction.filesize_limit,
        playable=shared,
    )
    add_declared(embed, voice, locale)
    embed.add_field(name=translate(locale, "voice.shared"), value=translate(locale, _state(voice, guild_id)))
    if not shared:
        embed.set_footer(text=translate(locale, "roster.private"))
    view = discord.ui.View(timeout=None)
    view.add_item(RemoveButton(voice.id, locale))
    await interaction.edit_original_response(
        embed=embed,
        attachments=[discord.File(io.BytesIO(content), name) for name, content in files],
        view=view,
    )


def _state(voice: Voice, guild_id: int) -> str:
    if guild_id not in voice.shared_in:
        return "roster.state.private"
    return "roster.state.shared" if voice.guild_id == guild_id else "roster.state.from_elsewhere"


LISTS["roster"] = show_roster
PICKS["roster"] = open_voice
