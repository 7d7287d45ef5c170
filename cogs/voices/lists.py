"""Lists of voices, a member's own and a server's shared ones, with a select that opens a card."""

from typing import Any

import discord

from bot.client.client import Clonevoice
from bot.i18n import Markup, translate, translate_markdown
from bot.voices.models import Language, Viewer, Voice
from cogs._ui.formatting import length
from cogs._ui.interaction import deferred, viewer_of
from cogs._ui.paginator import LISTS, PAGE, PICKS, add_page_buttons, add_picker, page_of
from cogs.voices.actions import show_voice
from cogs.voices.history import show_history

_BLURPLE = discord.Colour.blurple()


async def open_voice(interaction: discord.Interaction[Clonevoice], chosen: str) -> None:
    """Open a voice's card, or go on there with the card of a clone that waits for its speaker."""
    reply = await deferred(interaction)
    if chosen.isdecimal():
        voice = await interaction.client.library.resolve(viewer_of(interaction), chosen)
        await show_voice(interaction, voice)
    else:
        await interaction.client.cloner.show_job(chosen, interaction.user.id, reply)


async def show_own(interaction: discord.Interaction[Clonevoice], of: str, page: int) -> None:
    """Answer with a page of a member's own voices."""
    del of
    message = await own_page(interaction, page)
    await interaction.edit_original_response(**message)


async def own_page(interaction: discord.Interaction[Clonevoice], page: int) -> dict[str, Any]:
    """Write a page of a member's own voices."""
    locale, viewer = str(interaction.locale), viewer_of(interaction)
    voices = await interaction.client.library.list_own(viewer.id)
    page, shown = page_of(voices, page)
    asked = interaction.client.cloner.asked(viewer.id)[:PAGE] if page == 0 else []
    rows = [
        translate_markdown(
            locale,
            "list.asked",
            title=job.title,
            name=job.speaker.name if job.speaker else "",
            until=int(job.consent_deadline),
        )
        for job in asked
    ]
    rows += [
        translate_markdown(
            locale,
            "list.deleting" if voice.deleting else "list.own",
            title=voice.title,
            facts=_facts(voice, locale),
            at=int(voice.created_at),
            shared=Markup(translate(locale, _reach(voice, viewer))),
        )
        for voice in shown
    ]
    embed = discord.Embed(
        title=translate(locale, "list.title", voices=len(voices)),
        description="\n".join(rows) or translate(locale, "list.empty"),
        colour=_BLURPLE,
    )
    options = [(job.id, job.title, translate(locale, "list.waits")) for job in asked]
    options += [(str(voice.id), voice.title, _facts(voice, locale)) for voice in shown]
    view = discord.ui.View(timeout=None)
    add_picker(view, "voice", options, translate(locale, "list.open"))
    add_page_buttons(view, "own", page, len(voices), "", locale)
    return {"embed": embed, "view": view}


async def show_community(interaction: discord.Interaction[Clonevoice], of: str, page: int) -> None:
    """Answer with a page of what is shared here; `of` is `language:search`, both of which may be empty."""
    locale, viewer = str(interaction.locale), viewer_of(interaction)
    language, _, search = of.partition(":")
    community = interaction.client.library.shared_voices
    wanted = Language(language) if language in {*Language} else None
    rows = await community.search(viewer.guild_id, search, wanted)
    held = await community.verify(viewer.guild_id, page_of(rows, page)[1])
    if len(held) < len(page_of(rows, page)[1]):  # what did not hold is off the list now
        rows = await community.search(viewer.guild_id, search, wanted)
        held = await community.verify(viewer.guild_id, page_of(rows, page)[1])
    page, _ = page_of(rows, page)
    lines = [
        translate_markdown(
            locale,
            "community.row",
            title=voice.title,
            owner=row.owner_name,
            facts=_facts(voice, locale),
        )
        for row, voice in held
    ]
    embed = discord.Embed(
        title=translate(locale, "community.title", voices=len(rows)),
        description="\n".join(lines) or translate(locale, await _why_empty(interaction, of)),
        colour=_BLURPLE,
    )
    if of != ":":
        wanted_name = (
            translate(locale, f"language.{wanted}") if wanted else translate(locale, "community.any")
        )
        embed.set_footer(
            text=translate(locale, "community.filter", search=search or "*", language=wanted_name)
        )
    view = discord.ui.View(timeout=None)
    options = [(str(voice.id), voice.title, row.owner_name) for row, voice in held]
    add_picker(view, "voice", options, translate(locale, "list.open"))
    add_page_buttons(view, "community", page, len(rows), of, locale)
    await interaction.edit_original_response(embed=embed, view=view)


async def _why_empty(interaction: discord.Interaction[Clonevoice], of: str) -> str:
    policy = await interaction.client.moderation.policy(interaction.guild_id or 0)
    if not policy.sharing:
        return "rule.sharing_off"
    return "community.unfound" if of != ":" else "community.empty"


def _reach(voice: Voice, viewer: Viewer) -> str:
    if viewer.guild_id in voice.shared_in:
        return "list.here"
    return "list.elsewhere" if voice.shared_in else "list.private"


def _facts(voice: Voice, locale: str) -> Markup:
    language = translate(locale, f"language.{voice.language}")
    return Markup(language if voice.duration is None else f"{language}, {length(voice.duration)}")


async def _history(interaction: discord.Interaction[Clonevoice], of: str, page: int) -> None:
    await show_history(interaction, int(of) if of.isdecimal() else 0, page)


LISTS.update({"own": show_own, "community": show_community, "history": _history})
PICKS["voice"] = open_voice
