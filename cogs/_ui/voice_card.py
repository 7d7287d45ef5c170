"""The card of a voice and its buttons, wherever it appears."""

from datetime import timedelta
from pathlib import PurePosixPath

import discord
from yarl import URL

from bot.client.actions import ActionItem
from bot.downloads import Previews
from bot.i18n import escape_markdown, translate, translate_markdown
from bot.voices.models import Viewer, Voice
from cogs._ui.action import action_button, action_buttons
from cogs._ui.formatting import FIELD_LENGTH, GREEN, GREY, add_field, card, file_name

COVER_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif"}  # that Discord shows as a picture


async def voice_card(
    voice: Voice,
    viewer: Viewer,
    locale: str,
    previews: Previews,
    *,
    owner: str,
    limit: int,
    playable: bool = True,
    new: bool = False,
) -> tuple[discord.Embed, list[tuple[str, bytes]]]:
    """Return a voice's embed and its files, each a name and its content, of at most `limit` bytes in all.

    The preview is a file if it fits, or else a link. If `playable` is false, the voice is private: only what a
    moderator may see is shown. `owner` is a name: clients that have not loaded the member show a mention in an
    embed as a number. `new` says that the voice has just been made.
    """
    files: list[tuple[str, bytes]] = []
    title = translate_markdown(locale, "voice.ready" if new else "voice.title", title=voice.title)
    by = translate_markdown(locale, "voice.by", owner=owner or str(voice.owner_id), at=int(voice.created_at))
    lines = [by]
    if playable:
        reach = [_shared_where(voice, viewer, locale)] if viewer.id == voice.owner_id and not voice.deleting else []
        about = "" if voice.has_default_description else str(escape_markdown(voice.description))
        lines = [*filter(None, [about]), " · ".join([*voice_facts(voice, locale), *reach]), by]
    embed = card(GREY if voice.deleting else GREEN, title, "\n".join(lines))
    if voice.deleting:
        embed.set_footer(text=translate(locale, "voice.deleting"))
    if not playable:
        return embed, files
    preview = await previews.get(voice.preview_url, limit=limit)
    cover = await previews.get(voice.cover_url, limit=limit - len(preview or b""))
    if cover and voice.cover_url:
        named = PurePosixPath(URL(voice.cover_url).path).suffix.lower()
        suffix = named if named in COVER_SUFFIXES else ".png"
        files.append((f"cover{suffix}", cover))
        embed.set_thumbnail(url=f"attachment://cover{suffix}")
    if preview:
        files.append((file_name(voice.title), preview))
    elif url := link(voice.preview_url, locale, previews):
        add_field(embed, locale, "voice.preview", url, inline=False)
    if voice.speaker:
        add_field(embed, locale, "voice.speaker", str(escape_markdown(voice.speaker.name)))
    return embed, files


def voice_facts(voice: Voice, locale: str) -> list[str]:
    """Return a voice's language and, if it is known, the length of its sample."""
    language = translate(locale, f"language.{voice.language}")
    if voice.duration is None:
        return [language]
    return [language, translate(locale, "voice.made_from", length=timedelta(seconds=voice.duration))]


def add_statement(embed: discord.Embed, voice: Voice, locale: str) -> None:
    """Add the owner's statement about their rights, and whether the speaker approved."""
    if voice.statement:
        key = "voice.declared_approved" if voice.speaker else "voice.declared_alone"
        text = translate_markdown(locale, key, wording=voice.statement.wording, at=int(voice.statement.at))
        add_field(embed, locale, "voice.declared", text, inline=False)


def link(url: str | None, locale: str, previews: Previews) -> str | None:
    """Return a Markdown link to a file of the API, or None if it may not be shown or is too long."""
    if not url or not previews.may_show(url):
        return None
    written = f"[{translate(locale, 'voice.preview_link')}]({str(URL(url)).replace(')', '%29')})"
    return written if len(written) <= FIELD_LENGTH else None


def _shared_where(voice: Voice, viewer: Viewer, locale: str) -> str:
    here = viewer.guild_id in voice.shared_in
    elsewhere = len(voice.shared_in) - here
    key = {(False, False): "nowhere", (True, False): "here", (False, True): "elsewhere"}
    return translate(locale, f"shared.{key.get((here, elsewhere > 0), 'here_and')}", servers=elsewhere)


def card_buttons(voice: Voice, viewer: Viewer, locale: str, *, has_clips: bool = False) -> discord.ui.View | None:
    """Return the buttons below a voice's card. Without a server (`guild_id` 0) some are left out."""
    if voice.deleting:
        return None
    here, mine = bool(viewer.guild_id), viewer.id == voice.owner_id
    shared = here and viewer.guild_id in voice.shared_in
    actions = ["speak"] if shared or (here and mine) else []
    if mine:
        if here:
            actions.append("unshare" if shared else "share")
        actions += ["rename", "delete"] + ["history"] * has_clips
    view = action_buttons(locale, "voice", actions, voice.id)
    if shared and not mine:
        view.add_item(report_button(voice, locale))
    if voice.speaker and voice.speaker.id == viewer.id:
        view.add_item(action_button(locale, "button.revoke", "consent", "revoke", voice.job_id))
    return view


NO_CLIP = "-"  # replaces the ID of a clip in the custom ID of a report about a voice


def report_button(voice: Voice, locale: str, speech_id: str = NO_CLIP) -> ActionItem:
    """Return a button that reports a voice, or the clip `speech_id` that was spoken with it."""
    return action_button(locale, "button.report", "report", voice.owner_id, voice.id, speech_id)
