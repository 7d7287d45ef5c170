"""Cases as moderators see and decide them: the list of open ones, a case with its buttons."""

from typing import Any

import discord

from bot.downloads import Previews
from bot.errors import Refused
from bot.i18n import ENGLISH, translate, translate_markdown, translations
from bot.moderation.models import Case, Decision, ReportReason
from bot.policy.models import ModAction, UserRef
from bot.text import clean_text
from bot.voices.models import Voice
from cogs._ui.action import action_button
from cogs._ui.formatting import attachments, file_name
from cogs._ui.interaction import Interaction
from cogs._ui.paginator import entry_picker, list_message, page_of
from cogs._ui.voice_card import add_statement
from cogs.voiceadmin.case_card import case_card
from cogs.voiceadmin.decision_form import DecisionForm, also_removed
from cogs.voiceadmin.permissions import check_block, check_moderator, check_not_involved, may_decide, user_ref

AUTHORS = 5  # most authors of reported clips with a button: a row has room for five


async def handle_click(interaction: Interaction, action: str, case_id: str, member_id: str | None) -> None:
    """Dismiss the case at once, or open the form that asks for a reason.

    `silence` blocks `member_id`, the author of a reported clip; `block` blocks the voice's owner.
    """
    if action == "dismiss":
        await check_moderator(interaction)
        case = await _open_case(interaction, case_id)
        await check_not_involved(interaction, case.involved)
        await interaction.response.defer()
        await _decide(interaction, case_id, action, None)
    else:
        await CaseForm(str(interaction.locale), action, case_id, member_id).open(interaction)


class CaseForm(DecisionForm):
    """Decides a case."""

    def __init__(self, locale: str, action: str, case_id: str, member_id: str | None) -> None:
        member = (member_id,) if member_id else ()
        super().__init__(locale, "case", action, case_id, *member, blocks=action in {"block", "silence"})
        self._action, self._case_id, self._member_id = action, case_id, member_id

    async def prepare(self, interaction: Interaction) -> None:
        await check_moderator(interaction)
        case = await _open_case(interaction, self._case_id)
        member = await _check_decision(interaction, case, self._action, self._member_id)
        kind = "blocking" if member else "removing" if case.voice.cloned_here else "barring"
        name = member.name if member else case.voice.owner_name
        if self._action == ModAction.REMOVE_CLIP:
            kind, name = "clip", ", ".join({clip.author_name: None for clip in case.clips})
        reported = case.reports[-1].reason
        reason = "" if reported is ReportReason.OTHER else translate(self._locale, f"report.reason.{reported}")
        enforcement, guild_id = interaction.client.services.enforcement, interaction.guild_id or 0
        clones = await enforcement.same_sample(guild_id, case.voice) if kind == "removing" else []
        self.describe(kind, title=case.voice.title, name=name, reason=reason, clones=clones)

    async def decide(self, interaction: Interaction, reason: str, days: int | None) -> None:
        """Decide the case. A default reason that was kept is stored as a code, not in one language."""
        texts = {
            clean_text(text): each
            for each in ReportReason
            for text in translations(f"report.reason.{each}", self._locale)
        }
        code = texts.get(reason)
        if code is ReportReason.OTHER:
            raise Refused("refused.reason_blank")
        reason, reason_code = ("", str(code)) if code else (reason, "")
        await _decide(interaction, self._case_id, self._action, self._member_id, reason, days, reason_code)


async def _open_case(interaction: Interaction, case_id: str) -> Case:
    """Return a case that is open. Else update the card that was clicked, and raise `Refused`."""
    try:
        case = await interaction.client.services.cases.get(interaction.guild_id or 0, int(case_id))
    except Refused:
        await _update_card(interaction, None)
        raise
    if case.decision:
        await _update_card(interaction, case)
        raise Refused("refused.case_decided", name=case.decision.by.name)
    return case


async def _decide(
    interaction: Interaction,
    case_id: str,
    action: str,
    member_id: str | None,
    reason: str = "",
    days: int | None = None,
    reason_code: str = "",
) -> None:
    services, guild_id, locale = interaction.client.services, interaction.guild_id or 0, str(interaction.locale)
    case = await _open_case(interaction, case_id)
    member = await _check_decision(interaction, case, action, member_id)
    kind, now = ModAction.BLOCK if member else ModAction(action), services.clock.now()
    decision = Decision(kind, user_ref(interaction.user), now, reason, member, days, reason_code)
    clones = await services.enforcement.same_sample(guild_id, case.voice) if kind is ModAction.REMOVE else []
    decided = await services.cases.decide(guild_id, int(case_id), decision)
    text = translate_markdown(locale, f"case.done.{decided.outcome}", title=decided.voice.title)
    text += also_removed(clones, locale)
    await interaction.followup.send(text, ephemeral=True)
    if interaction.message and interaction.message.flags.ephemeral:  # `Cases` updates the one in the log channel
        await _update_card(interaction, decided)


async def _check_decision(interaction: Interaction, case: Case, action: str, member_id: str | None) -> UserRef | None:
    """Return the member that the action blocks, if any. Raises `Refused` if the moderator may not do this."""
    await check_not_involved(interaction, case.involved)
    match action:
        case "block":
            member = UserRef(case.voice.owner_id, case.voice.owner_name)
        case "silence":
            authors = [author for author in case.authors if str(author.id) == member_id]
            if not authors:
                raise Refused("refused.case_unknown")
            member = authors[0]
        case ModAction.REMOVE_CLIP if not case.clips:
            raise Refused("refused.case_unknown")
        case _:
            return None
    await check_block(interaction, member.id)
    return member


async def _update_card(interaction: Interaction, case: Case | None) -> None:
    """Show the decision on the card that was clicked. Without `case`, which is forgotten, only remove its buttons."""
    if interaction.message is None:
        return
    if not interaction.response.is_done():
        await interaction.response.defer()
    if case is None:
        await interaction.edit_original_response(view=None)
        return
    locale = interaction.locale if interaction.message.flags.ephemeral else interaction.guild_locale
    card = case_card(case, str(locale or ENGLISH), gone=False, named=False)
    await interaction.edit_original_response(content=None, embed=card, attachments=[], view=None)


async def open_case(interaction: Interaction, chosen: str) -> None:
    """Answer with a case. Its reporters are named unless the moderator is involved."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await check_moderator(interaction)
    cases, guild_id = interaction.client.services.cases, interaction.guild_id or 0
    case = await cases.get(guild_id, int(chosen) if chosen.isdecimal() else 0)
    message = await case_message(
        case,
        await cases.voice(case),
        guild_id,
        str(interaction.locale),
        interaction.client.previews,
        interaction.filesize_limit,
        named=interaction.user.id not in case.involved,
    )
    if case.open and not await may_decide(interaction, case.involved):
        message["view"] = None
        message["embed"].set_footer(text=translate(str(interaction.locale), "case.yours"))
    await interaction.edit_original_response(**message)


async def case_message(
    case: Case, voice: Voice | None, guild_id: int, locale: str, previews: Previews, limit: int, *, named: bool = False
) -> dict[str, Any]:
    """Return a case with its buttons. If the voice is shared here, attach a preview of up to `limit` bytes.

    For `named` see `case_card`.
    """
    files: list[discord.File] = []
    if voice and case.open and guild_id in voice.shared_in:
        preview = await previews.get(voice.preview_url, limit=limit)
        files = attachments([(file_name(voice.title), preview)]) if preview else []
    embed = case_card(case, locale, gone=voice is None, named=named)
    if voice and case.open:
        add_statement(embed, voice, locale)
    return {"embed": embed, "attachments": files, "view": case_buttons(case, locale)}


def case_buttons(case: Case, locale: str) -> discord.ui.View:
    """Return the buttons of a case; none if it has been decided."""
    view = discord.ui.View(timeout=None)
    if case.open:
        for action in ("remove", *(["remove_clip"] if case.clips else []), "dismiss", "block"):
            view.add_item(action_button(locale, f"button.case.{action}", "case", action, case.id))
        for author in case.authors[:AUTHORS]:
            target = ("case", "silence", case.id, author.id)
            view.add_item(action_button(locale, "button.case.silence", *target, name=author.name))
    return view


async def show_reports(interaction: Interaction, _: str, page: int) -> None:
    """Show a page of the open cases."""
    await check_moderator(interaction)
    locale = str(interaction.locale)
    cases = page_of(await interaction.client.services.cases.open(interaction.guild_id or 0), page)
    reasons = [translate(locale, f"report.reason.{case.reports[-1].reason}") for case in cases.rows]
    lines = [
        translate_markdown(
            locale,
            "reports.row",
            title=case.voice.title,
            name=case.voice.owner_name,
            reports=len(case.reports),
            at=int(case.reports[0].at),
            reason=reason,
        )
        for case, reason in zip(cases.rows, reasons, strict=True)
    ]
    entries = [(str(case.id), case.voice.title, reason) for case, reason in zip(cases.rows, reasons, strict=True)]
    picker = entry_picker(locale, "case", entries, "reports.open")
    title, empty = translate(locale, "moderators.reports", rows=cases.total), translate(locale, "reports.none")
    message = list_message(locale, "reports", cases, title=title, lines=lines, empty=empty, picker=picker)
    await interaction.edit_original_response(**message)
