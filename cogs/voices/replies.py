"""Answers: a voice's card, and undelivered notifications."""

import logging

import discord

from bot.client.membership import loaded_guild
from bot.client.notifier import notice_text
from bot.errors import StoreError
from bot.i18n import translate_markdown
from bot.voices.models import Voice
from cogs._ui.formatting import add_field, attachments
from cogs._ui.interaction import Interaction, name_of, viewer_of
from cogs._ui.voice_card import card_buttons, voice_card
from cogs.voices.history import author_name, clip_count

_log = logging.getLogger(__name__)


async def show_voice(interaction: Interaction, voice: Voice) -> None:
    """Show a voice's card. After a click, the clicked message becomes the card."""
    viewer, locale = viewer_of(interaction), str(interaction.locale)
    library = interaction.client.services.library
    mine = viewer.id == voice.owner_id
    clips = await library.list_clips(viewer, voice.id) if mine else ()
    embed, files = await voice_card(
        voice,
        viewer,
        locale,
        interaction.client.previews,
        owner=name_of(interaction.user) if mine else voice.owner_name,
        limit=interaction.filesize_limit,
    )
    if clips:
        last, name, count = clips[0], author_name(clips[0], locale), clip_count(voice, clips)
        text = translate_markdown(locale, "voice.spoken_last", lines=count, name=name, at=int(last.at))
        add_field(embed, locale, "voice.spoken", text, inline=False)
    await interaction.edit_original_response(
        content=None,
        embed=embed,
        attachments=attachments(files),
        view=card_buttons(voice, viewer, locale, has_clips=bool(clips)),
    )


async def show_undelivered(interaction: Interaction) -> None:
    """Send the member's undelivered notifications as follow-ups. Errors are logged and ignored."""
    notices, locale = interaction.client.services.notifications, str(interaction.locale)
    try:
        for notice in await notices.undelivered(interaction.user.id):
            guild = loaded_guild(interaction.client, notice.guild_id)
            text = notice_text(notice, guild.name if guild else "?", locale)
            await interaction.followup.send(text, ephemeral=True)
            await notices.mark_delivered(notice)
    except (StoreError, OSError, ValueError, discord.HTTPException) as error:
        _log.warning("undelivered notifications could not be shown: %r", error)
