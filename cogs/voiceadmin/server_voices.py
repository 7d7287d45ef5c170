"""All voices of a server, for its moderators: a list with filters, cards, and the removal of a voice."""

from discord.app_commands import Choice

from bot.i18n import Markup, translate, translate_markdown
from bot.library.models import SUGGESTIONS
from bot.moderation.models import ReportedVoice
from bot.moderation.server_voices import VoiceFilter
from bot.text import shorten
from bot.voices.models import Voice
from cogs._ui.action import OPTION_LENGTH, action_button, view_of
from cogs._ui.formatting import add_field, attachments
from cogs._ui.interaction import Interaction, viewer_of
from cogs._ui.paginator import entry_picker, list_message, verified_page
from cogs._ui.voice_card import add_statement, voice_card
from cogs.voiceadmin.decision_form import DecisionForm, also_removed, clean_reason
from cogs.voiceadmin.permissions import check_moderator, check_not_involved, is_moderator, user_ref


async def open_voice(interaction: Interaction, chosen: str) -> None:
    """Answer with a voice's card; with its preview only if the voice is shared in the server."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await check_moderator(interaction)
    locale, guild_id = str(interaction.locale), interaction.guild_id or 0
    voice = await interaction.client.services.server_voices.resolve(guild_id, chosen)
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
    add_statement(embed, voice, locale)
    add_field(embed, locale, "voice.shared", translate(locale, _state(voice, guild_id)))
    if not shared:
        embed.set_footer(text=translate(locale, "roster.private"))
    view = view_of(action_button(locale, "button.case.remove", "takedown", voice.id))
    await interaction.edit_original_response(embed=embed, attachments=attachments(files), view=view)


async def suggest_voice(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Suggest the voices of this server to a moderator."""
    if not await is_moderator(interaction):
        return []
    voices = await interaction.client.services.server_voices.suggest(interaction.guild_id or 0, typed, SUGGESTIONS)
    locale = str(interaction.locale)
    names = [translate(locale, "choice.roster", title=voice.title, owner=voice.owner_name) for voice in voices]
    return [
        Choice(name=shorten(name, OPTION_LENGTH), value=str(voice.id))
        for name, voice in zip(names, voices, strict=True)
    ]


async def ask_to_remove(interaction: Interaction, voice: str, reason: str = "") -> None:
    """Open the form that removes a voice (an ID or a title) and says what that means; `reason` is filled in."""
    await check_moderator(interaction)
    found = await interaction.client.services.server_voices.resolve(interaction.guild_id or 0, voice)
    reason = clean_reason(reason) if reason else ""
    await RemovalForm(str(interaction.locale), str(found.id), reason).open(interaction)


class RemovalForm(DecisionForm):
    """Removes a voice from this server."""

    def __init__(self, locale: str, voice: str, reason: str = "") -> None:
        super().__init__(locale, "takedown", voice)
        self._voice_id = voice
        self._default = reason

    async def prepare(self, interaction: Interaction) -> None:
        await check_moderator(interaction)
        voice = await self._voice(interaction)
        reported = ReportedVoice.from_voice(voice, interaction.guild_id or 0)
        kind = "removing" if reported.cloned_here else "barring"
        clones = await interaction.client.services.enforcement.same_sample(interaction.guild_id or 0, reported)
        self.describe(kind, title=voice.title, name=voice.owner_name, reason=self._default, clones=clones)

    async def decide(self, interaction: Interaction, reason: str, days: int | None) -> None:
        del days
        voice, by, guild_id = await self._voice(interaction), user_ref(interaction.user), interaction.guild_id or 0
        services = interaction.client.services
        clones = await services.enforcement.same_sample(guild_id, ReportedVoice.from_voice(voice, guild_id))
        deleted = await services.cases.remove(guild_id, by, voice, reason)
        key = "verdict.done.removing" if deleted else "verdict.done.barring"
        text = translate_markdown(self._locale, key, title=voice.title) + also_removed(clones, self._locale)
        await interaction.edit_original_response(content=text, embed=None, attachments=[], view=None)

    async def _voice(self, interaction: Interaction) -> Voice:
        voice = await interaction.client.services.server_voices.resolve(interaction.guild_id or 0, self._voice_id)
        await check_not_involved(interaction, {voice.owner_id})
        return voice


async def show_server_voices(interaction: Interaction, list_filter: str, page: int) -> None:
    """Show a page of the server's voices. The filter is `owner ID:VoiceFilter`; both may be empty."""
    await check_moderator(interaction)
    locale, guild_id = str(interaction.locale), interaction.guild_id or 0
    server_voices = interaction.client.services.server_voices
    owner, _, state = list_filter.partition(":")
    owner_id = int(owner) if owner.isdecimal() else None
    voice_filter = VoiceFilter(state) if state in {*VoiceFilter} else VoiceFilter.ALL
    voices = await verified_page(
        lambda: server_voices.list_voices(guild_id, owner_id=owner_id, voice_filter=voice_filter),
        lambda entries: server_voices.verify(guild_id, entries),
        page,
    )
    lines = [
        translate_markdown(
            locale,
            "roster.row",
            title=voice.title,
            name=voice.owner_name,
            at=int(voice.created_at),
            state=Markup(translate(locale, _state(voice, guild_id))),
        )
        for voice in voices.rows
    ]
    picker = entry_picker(locale, "roster", [(str(voice.id), voice.title, voice.owner_name) for voice in voices.rows])
    title = translate(locale, "moderators.voices", rows=voices.total)
    empty = translate(locale, "moderators.none.voices")
    message = list_message(locale, "roster", voices, list_filter, title=title, lines=lines, empty=empty, picker=picker)
    await interaction.edit_original_response(**message)


def _state(voice: Voice, guild_id: int) -> str:
    if guild_id not in voice.shared_in:
        return "roster.state.private"
    return "roster.state.shared" if voice.guild_id == guild_id else "roster.state.from_elsewhere"
