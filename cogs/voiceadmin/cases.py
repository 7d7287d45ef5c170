"""Cases as moderators decide them: the buttons, and the list of those that are open."""

import io
import re
from typing import Any, Self

import discord

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.errors import Refused
from bot.i18n import translate, translate_markdown
from bot.moderation.models import Case, Decision
from bot.policy.models import ModAction, UserRef
from bot.voices.models import Voice
from cogs._ui.formatting import file_name
from cogs._ui.paginator import LISTS, PICKS, add_page_buttons, add_picker, page_of
from cogs._ui.voice_card import add_declared
from cogs.voiceadmin.case_card import case_card
from cogs.voiceadmin.decision_form import VerdictForm
from cogs.voiceadmin.permissions import (
    check_block,
    check_moderator,
    check_not_concerned,
    may_decide,
    moderator,
)

SPEAKERS = 5
"""How many of those who spoke have a button: as many as fit into a row."""

_LOOKS = {"remove": discord.ButtonStyle.danger}


class CaseButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"case:(?P<wish>remove|dismiss|block|silence):(?P<case_id>\d{1,15})(?::(?P<member_id>\d{1,20}))?",
):
    """What a moderator decides. Who clicks is checked again: the message may be seen by others.

    `silence` blocks `member`, who spoke with the voice.
    """

    def __init__(self, wish: str, case_id: int, locale: str, member: UserRef | None = None) -> None:
        name = member.name if member else ""
        of = f":{member.id}" if member else ""
        super().__init__(
            discord.ui.Button(
                style=_LOOKS.get(wish, discord.ButtonStyle.secondary),
                label=translate(locale, f"button.case.{wish}", name=name),
                custom_id=f"case:{wish}:{case_id}{of}",
            )
        )
        self._wish = wish
        self._case_id = case_id
        self._member_id = member.id if member else 0

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the button from its custom id."""
        del item
        member = UserRef(int(match["member_id"]), "") if match["member_id"] else None
        return cls(match["wish"], int(match["case_id"]), str(interaction.locale), member)

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Dismiss at once; ask why, before anything that can't be undone."""
        async with replying_on_error(interaction):
            await check_moderator(interaction)
            case = await interaction.client.cases.find(interaction.guild_id or 0, self._case_id)
            if case.decision:
                await _redraw(interaction, case)
                raise Refused("refused.case_decided", name=case.decision.by.name)
            member = self._checked(interaction, case)
            if self._wish == "dismiss":
                await interaction.response.defer()
                await self._decide(interaction, "", None)
            else:
                form = self._form(case, member, str(interaction.locale))
                await interaction.response.send_modal(form)

    def _checked(self, interaction: discord.Interaction[Clonevoice], case: Case) -> UserRef | None:
        """Return whom it is to block, if anybody; `Refused` for whom this moderator may not decide about."""
        check_not_concerned(interaction, case.involved)
        match self._wish:
            case "block":
                member = UserRef(case.voice.owner_id, case.voice.owner_name)
            case "silence":
                found = [speaker for speaker in case.authors if speaker.id == self._member_id]
                if not found:
                    raise Refused("refused.case_unknown")
                member = found[0]
            case _:
                return None
        check_block(interaction, member.id)
        return member

    def _form(self, case: Case, member: UserRef | None, locale: str) -> VerdictForm:
        kind = "blocking" if member else "removing" if case.voice.cloned_here else "barring"
        name = member.name if member else case.voice.owner_name
        return VerdictForm(
            kind,
            locale,
            self._decide,
            about=translate_markdown(locale, f"verdict.about.{kind}", title=case.voice.title, name=name),
            reader=name,
            reason=translate(locale, f"report.reason.{case.reports[-1].reason}"),
            days=member is not None,
        )

    async def _decide(
        self, interaction: discord.Interaction[Clonevoice], reason: str, days: int | None
    ) -> None:
        cases, guild_id = interaction.client.cases, interaction.guild_id or 0
        member = self._checked(interaction, await cases.find_open(guild_id, self._case_id))
        verdict = Decision(
            ModAction.BLOCK if member else ModAction(self._wish),
            moderator(interaction.user),
            interaction.client.cloner.clock.now(),
            reason,
            member,
            days,
        )
        case = await cases.decide(guild_id, self._case_id, verdict)
        locale = str(interaction.locale)
        text = translate_markdown(locale, f"case.done.{case.outcome}", title=case.voice.title)
        await interaction.followup.send(text, ephemeral=True)
        await _redraw(interaction, case)


async def _redraw(interaction: discord.Interaction[Clonevoice], case: Case) -> None:
    """Show a moderator's own card of a case as it stands; the log channel's is seen to."""
    if interaction.message and interaction.message.flags.ephemeral:
        if not interaction.response.is_done():
            await interaction.response.defer()
        card = case_card(case, str(interaction.locale), gone=False, named=False)
        await interaction.edit_original_response(embed=card, attachments=[], view=None)


async def open_case(interaction: discord.Interaction[Clonevoice], chosen: str) -> None:
    """Open a case from the list."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await check_moderator(interaction)
    cases, guild_id = interaction.client.cases, interaction.guild_id or 0
    case = await cases.find(guild_id, int(chosen) if chosen.isdecimal() else 0)
    message = await case_message(
        interaction.client,
        case,
        await cases.voice(case),
        guild_id,
        str(interaction.locale),
        interaction.filesize_limit,
        named=interaction.user.id not in case.involved,
    )
    if case.open and not may_decide(interaction, case.involved):
        message["view"] = None
        message["embed"].set_footer(text=translate(str(interaction.locale), "case.yours"))
    await interaction.edit_original_response(**message)


async def case_message(
    bot: Clonevoice,
    case: Case,
    voice: Voice | None,
    guild_id: int,
    locale: str,
    limit: int,
    *,
    named: bool = False,
) -> dict[str, Any]:
    """Write a case with its buttons, and with its voice to listen to if that is shared here.

    `limit` is how many bytes of files there is room for; `named` as for `case_card`.
    """
    files: list[discord.File] = []
    if voice and case.open and guild_id in voice.shared_in:
        preview = await bot.previews.get(voice.preview_url, limit=limit)
        files = [discord.File(io.BytesIO(preview), file_name(voice.title))] if preview else []
    view = discord.ui.View(timeout=None)
    if case.open:
        for wish in ("remove", "dismiss", "block"):
            view.add_item(CaseButton(wish, case.id, locale))
        for speaker in case.authors[:SPEAKERS]:
            view.add_item(CaseButton("silence", case.id, locale, speaker))
    embed = case_card(case, locale, gone=voice is None, named=named)
    if voice and case.open:
        add_declared(embed, voice, locale)
    return {"embed": embed, "attachments": files, "view": view}


async def show_reports(interaction: discord.Interaction[Clonevoice], of: str, page: int) -> None:
    """Answer with a page of the cases that are open."""
    del of
    await check_moderator(interaction)
    locale = str(interaction.locale)
    cases = await interaction.client.cases.open(interaction.guild_id or 0)
    page, shown = page_of(cases, page)
    lines = [
        translate_markdown(
            locale,
            "reports.row",
            title=case.voice.title,
            name=case.voice.owner_name,
            reports=len(case.reports),
            at=int(case.reports[0].at),
            reason=translate(locale, f"report.reason.{case.reports[-1].reason}"),
        )
        for case in shown
    ]
    embed = discord.Embed(
        title=translate(locale, "moderators.reports", rows=len(cases)),
        description="\n".join(lines) or translate(locale, "reports.none"),
        colour=discord.Colour.blurple(),
    )
    view = discord.ui.View(timeout=None)
    options = [
        (str(case.id), case.voice.title, translate(locale, f"report.reason.{case.reports[-1].reason}"))
        for case in shown
    ]
    add_picker(view, "case", options, translate(locale, "reports.open"))
    add_page_buttons(view, "reports", page, len(cases), "", locale)
    await interaction.edit_original_response(embed=embed, view=view)


LISTS["reports"] = show_reports
PICKS["case"] = open_case
