"""The card of a recorded voice in answer to somebody, and its buttons, which work after a restart too."""

import io
import re
from typing import Any, Self

import discord

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.i18n import translate, translate_markdown
from bot.voices.models import Viewer, Voice
from cogs._ui.interaction import viewer_of
from cogs._ui.voice_card import voice_card
from cogs.consent.actions import ConsentButton
from cogs.speak.form import TextForm
from cogs.voiceadmin.reporting import ReportButton
from cogs.voices.history import show_history, speaker_name
from cogs.voices.rename_form import RenameForm

_LOOKS = {
    "speak": discord.ButtonStyle.primary,
    "gone": discord.ButtonStyle.danger,
}


class VoiceButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"voice:(?P<wish>speak|share|unshare|rename|delete|gone|keep|history|lost):(?P<voice_id>\d{1,20})",
):
    """What somebody may do with a voice. Who clicks is checked again: a button proves nothing."""

    def __init__(self, wish: str, voice_id: int, locale: str) -> None:
        super().__init__(
            discord.ui.Button(
                style=_LOOKS.get(wish, discord.ButtonStyle.secondary),
                label=translate(locale, f"button.{wish}"),
                custom_id=f"voice:{wish}:{voice_id}",
            )
        )
        self._wish = wish
        self._voice_id = voice_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the button from its custom id."""
        del item
        return cls(match["wish"], int(match["voice_id"]), str(interaction.locale))

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Do what the member wishes."""
        async with replying_on_error(interaction):
            viewer, library = viewer_of(interaction), interaction.client.library
            match self._wish:
                case "speak":
                    voice = await library.get_usable(viewer, self._voice_id)
                    interaction.client.speaking.check(viewer.id)
                    await interaction.response.send_modal(TextForm(voice, str(interaction.locale)))
                case "rename":
                    voice = await library.get_own(viewer, self._voice_id)
                    await interaction.response.send_modal(
                        RenameForm(voice, str(interaction.locale), show_voice)
                    )
                case "history":
                    await interaction.response.defer(ephemeral=True, thinking=True)
                    await show_history(interaction, self._voice_id, 0)
                case _:
                    await interaction.response.defer()
                    await self._change(interaction, viewer)

    async def _change(self, interaction: discord.Interaction[Clonevoice], viewer: Viewer) -> None:
        library = interaction.client.library
        match self._wish:
            case "share":
                name = interaction.user.display_name
                voice = await library.share(viewer, self._voice_id, owner_name=name)
                await show_voice(interaction, voice)
            case "unshare":
                await show_voice(interaction, await library.unshare(viewer, self._voice_id))
            case "gone":
                await delete(interaction, self._voice_id)
            case "keep":
                await show_voice(interaction, await library.get_own(viewer, self._voice_id))
            case _:  # to delete it, or to forget one that the API has lost, which is the same
                await ask_to_delete(interaction, await library.get_own(viewer, self._voice_id))


def voice_buttons(
    voice: Voice, viewer: Viewer, locale: str, *, spoken: bool = False
) -> discord.ui.View | None:
    """Return what somebody may do with a voice; in direct messages nothing that is a server's."""
    if voice.deleting:
        return None
    here, mine = bool(viewer.guild_id), viewer.id == voice.owner_id
    shared = here and viewer.guild_id in voice.shared_in
    wishes = ["speak"] if shared or (here and mine) else []
    if mine:
        if here:
            wishes.append("unshare" if shared else "share")
        wishes += ["rename", "delete"] + ["history"] * spoken
    view = _row(voice, wishes, locale)
    if shared and not mine:
        view.add_item(ReportButton(voice.owner_id, voice.id, locale))
    if voice.speaker and voice.speaker.id == viewer.id:
        view.add_item(ConsentButton("revoke", voice.job_id, locale))
    return view


async def show_voice(interaction: discord.Interaction[Clonevoice], voice: Voice) -> None:
    """Answer with the card of a voice; a click's card changes in place."""
    viewer, locale = viewer_of(interaction), str(interaction.locale)
    library = interaction.client.library
    lines = await library.list_clips(viewer, voice.id) if viewer.id == voice.owner_id else ()
    embed, files = await voice_card(
        voice,
        viewer,
        locale,
        interaction.client.previews,
        owner=interaction.user.display_name if viewer.id == voice.owner_id else voice.owner_name,
        limit=interaction.filesize_limit,
    )
    if lines:
        last = translate_markdown(
            locale,
            "voice.spoken_last",
            lines=len(lines),
            name=speaker_name(lines[0], locale),
            at=int(lines[0].at),
        )
        embed.add_field(name=translate(locale, "voice.spoken"), value=last, inline=False)
    await interaction.edit_original_response(
        content=None,
        embed=embed,
        attachments=[discord.File(io.BytesIO(content), name) for name, content in files],
        view=voice_buttons(voice, viewer, locale, spoken=bool(lines)),
    )


async def ask_to_delete(interaction: discord.Interaction[Clonevoice], voice: Voice) -> None:
    """Answer with the question whether a voice is really to be deleted."""
    locale = str(interaction.locale)
    await interaction.edit_original_response(
        content=translate_markdown(locale, "delete.ask", title=voice.title),
        embed=None,
        attachments=[],
        view=_row(voice, ["gone", "keep"], locale),
    )


async def delete(interaction: discord.Interaction[Clonevoice], voice_id: int) -> None:
    """Delete a voice, and say whether it is gone at the API too."""
    library, viewer = interaction.client.library, viewer_of(interaction)
    voice = await library.get_own(viewer, voice_id)
    gone = await library.delete(viewer, voice_id)
    await interaction.edit_original_response(
        content=translate_markdown(
            str(interaction.locale), "delete.done" if gone else "delete.owed", title=voice.title
        ),
        embed=None,
        attachments=[],
        view=None,
    )


def _row(voice: Voice, wishes: list[str], locale: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for wish in wishes:
        view.add_item(VoiceButton(wish, voice.id, locale))
    return view
