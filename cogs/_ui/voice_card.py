"""What a voice looks like, wherever it appears."""

from pathlib import PurePosixPath

import discord
from yarl import URL

from bot.downloads import Previews
from bot.i18n import escape_markdown, translate, translate_markdown
from bot.voices.models import Viewer, Voice
from cogs._ui.formatting import FIELD_LENGTH, GREEN, GREY, file_name, length


async def voice_card(
    voice: Voice,
    viewer: Viewer,
    locale: str,
    previews: Previews,
    *,
    owner: str,
    limit: int,
    playable: bool = True,
) -> tuple[discord.Embed, list[tuple[str, bytes]]]:
    """Draw a voice, with the files that go with it by name: `limit` bytes of them at most.

    Its preview comes as a playable file if it fits, or else as a link. One that is not `playable` is
    private, and shows what a moderator may know.
    `owner` is a name: a mention in an embed stays a number for readers whose client does not know the member.
    """
    preview = cover = None
    if playable:
        preview = await previews.get(voice.preview_url, limit=limit)
        cover = await previews.get(voice.cover_url, limit=limit - len(preview or b""))
    embed = discord.Embed(
        title=translate_markdown(locale, "voice.title", title=voice.title),
        description=str(escape_markdown(voice.description)) if playable else None,
        colour=GREY if voice.deleting else GREEN,
    )
    if playable:
        embed.add_field(
            name=translate(locale, "voice.language"), value=translate(locale, f"language.{voice.language}")
        )
    if playable and voice.duration is not None:
        embed.add_field(name=translate(locale, "voice.length"), value=length(voice.duration))
    embed.add_field(name=translate(locale, "voice.when"), value=f"<t:{int(voice.created_at)}:f>")
    embed.add_field(
        name=translate(locale, "voice.owner"), value=str(escape_markdown(owner or f"{voice.owner_id}"))
    )
    if playable and voice.speaker:
        embed.add_field(
            name=translate(locale, "voice.speaker"), value=str(escape_markdown(voice.speaker.name))
        )
    if voice.deleting:
        embed.set_footer(text=translate(locale, "voice.deleting"))
    elif viewer.id == voice.owner_id:
        embed.add_field(name=translate(locale, "voice.shared"), value=shared_where(voice, viewer, locale))
    files: list[tuple[str, bytes]] = []
    if cover and voice.cover_url:
        suffix = PurePosixPath(URL(voice.cover_url).path).suffix or ".png"
        files.append((f"cover{suffix}", cover))
        embed.set_thumbnail(url=f"attachment://cover{suffix}")
    if preview:
        files.append((file_name(voice.title), preview))
    elif playable and (url := link(voice.preview_url, locale, previews)):
        embed.add_field(name=translate(locale, "voice.preview"), value=url, inline=False)
    return embed, files


def add_declared(embed: discord.Embed, voice: Voice, locale: str) -> None:
    """Add what a voice's owner declared about whose it is, and whether its speaker approved it."""
    if voice.statement:
        key = "voice.declared_approved" if voice.speaker else "voice.declared_alone"
        told = translate_markdown(locale, key, wording=voice.statement.wording, at=int(voice.statement.at))
        embed.add_field(name=translate(locale, "voice.declared"), value=told, inline=False)


def link(url: str | None, locale: str, previews: Previews) -> str | None:
    """Write a link to a file of the API's, if that may be done and fits into a field."""
    if not url or not previews.may_show(url):
        return None
    written = f"[{translate(locale, 'voice.preview_link')}]({str(URL(url)).replace(')', '%29')})"
    return written if len(written) <= FIELD_LENGTH else None


def shared_where(voice: Voice, viewer: Viewer, locale: str) -> str:
    """Say to its owner where a voice is shared."""
    here = viewer.guild_id in voice.shared_in
    elsewhere = len(voice.shared_in) - here
    key = {(False, False): "nowhere", (True, False): "here", (False, True): "elsewhere"}
    return translate(locale, f"shared.{key.get((here, elsewhere > 0), 'here_and')}", servers=elsewhere)
