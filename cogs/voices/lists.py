"""Lists of voices: a member's own and those shared in a server."""

from typing import Any

from bot.i18n import Markup, translate, translate_markdown
from bot.voices.models import Language, Viewer, Voice
from cogs._ui.interaction import Interaction, defer, viewer_of
from cogs._ui.paginator import PAGE, entry_picker, list_message, page_of, verified_page
from cogs._ui.voice_card import voice_facts
from cogs.voices.replies import show_voice


async def open_voice(interaction: Interaction, chosen: str) -> None:
    """Answer with the card of a voice, or of a clone that waits for its speaker (`chosen` is a job ID)."""
    reply = await defer(interaction)
    if chosen.isdecimal():
        library = interaction.client.services.library
        await show_voice(interaction, await library.resolve(viewer_of(interaction), chosen))
    else:
        await interaction.client.services.cloner.move_card(chosen, interaction.user.id, reply)


async def show_own(interaction: Interaction, _: str, page: int) -> None:
    """Show a page of the member's voices."""
    await interaction.edit_original_response(**await own_page(interaction, page))


async def own_page(interaction: Interaction, page: int) -> dict[str, Any]:
    """Return a page of the member's voices as a message; the first one begins with pending requests."""
    locale, viewer = str(interaction.locale), viewer_of(interaction)
    voices = page_of(await interaction.client.services.library.list_own(viewer.id), page)
    unfinished = interaction.client.services.cloner.unfinished(viewer.id) if voices.index == 0 else []
    asked = [job for job in unfinished if job.awaits_consent][:PAGE]
    lines = [
        translate_markdown(
            locale,
            "list.asked",
            title=job.title,
            name=job.speaker.name if job.speaker else "",
            until=int(job.consent_deadline),
        )
        for job in asked
    ]
    lines += [
        translate_markdown(
            locale,
            "list.deleting" if voice.deleting else "list.own",
            title=voice.title,
            facts=_facts(voice, locale),
            at=int(voice.created_at),
            shared=Markup(translate(locale, _reach(voice, viewer))),
        )
        for voice in voices.rows
    ]
    entries = [(job.id, job.title, translate(locale, "list.waits")) for job in asked]
    entries += [(str(voice.id), voice.title, _facts(voice, locale)) for voice in voices.rows]
    title, empty = translate(locale, "list.title", voices=voices.total), translate(locale, "list.empty")
    picker = entry_picker(locale, "voice", entries)
    return list_message(locale, "own", voices, title=title, lines=lines, empty=empty, picker=picker)


async def show_community(interaction: Interaction, list_filter: str, page: int) -> None:
    """Show a page of the server's shared voices. The filter is `language:search`; both may be empty."""
    locale, guild_id = str(interaction.locale), interaction.guild_id or 0
    code, _, search = list_filter.partition(":")
    language = Language(code) if code in {*Language} else None
    community = interaction.client.services.library.shared_voices
    shared = await verified_page(
        lambda: community.search(guild_id, search, language), lambda rows: community.verify(guild_id, rows), page
    )
    lines = [
        translate_markdown(
            locale, "community.row", title=voice.title, owner=row.owner_name, facts=_facts(voice, locale)
        )
        for row, voice in shared.rows
    ]
    picker = entry_picker(locale, "voice", [(str(voice.id), voice.title, row.owner_name) for row, voice in shared.rows])
    title = translate(locale, "community.title", voices=shared.total)
    empty = translate(locale, await _why_empty(interaction, list_filter))
    message = list_message(
        locale, "community", shared, list_filter, title=title, lines=lines, empty=empty, picker=picker
    )
    if list_filter != ":":
        name = translate(locale, f"language.{language}" if language else "community.any")
        footer = translate(locale, "community.filter", search=search or "*", language=name)
        message["embed"].set_footer(text=footer)
    await interaction.edit_original_response(**message)


async def _why_empty(interaction: Interaction, list_filter: str) -> str:
    policy = await interaction.client.services.rules.policy(interaction.guild_id or 0)
    if not policy.sharing:
        return "rule.sharing_off"
    return "community.unfound" if list_filter != ":" else "community.empty"


def _reach(voice: Voice, viewer: Viewer) -> str:
    if viewer.guild_id in voice.shared_in:
        return "list.here"
    return "list.elsewhere" if voice.shared_in else "list.private"


def _facts(voice: Voice, locale: str) -> Markup:
    return Markup(" · ".join(voice_facts(voice, locale)))
