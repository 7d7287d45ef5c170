"""Cases as moderators decide them: the buttons, and the list of those that are open."""

import io
import re
from collections.abc import Sequence
from typing import Any, Self

import discord

from bot.client import Clonevoice
from bot.errors import CaseUnknown
from bot.i18n import say, say_markdown
from bot.tree import answering
from bot.voices.models import Voice
from bot.voices.policy import Decision, Moderator
from bot.voices.reports import Case, Verdict
from cogs._cards import file_name
from cogs._case_card import case_card
from cogs._moderators import check_block, check_moderator, check_not_oneself, moderator
from cogs._pages import LISTS, page_of, turning
from cogs._verdicts import VerdictForm

_LOOKS = {"remove": discord.ButtonStyle.danger}


class CaseButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"case:(?P<wish>remove|dismiss|block|silence):(?P<case_id>\d{1,15})",
):
    """What a moderator decides. Who clicks is checked again: the message may be seen by others."""

    def __init__(self, wish: str, case_id: int, locale: str) -> None:
        super().__init__(
            discord.ui.Button(
                style=_LOOKS.get(wish, discord.ButtonStyle.secondary),
                label=say(locale, f"button.case.{wish}"),
                custom_id=f"case:{wish}:{case_id}",
            )
        )
        self._wish = wish
        self._case_id = case_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the button from its custom id."""
        del item
        return cls(match["wish"], int(match["case_id"]), str(interaction.locale))

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Dismiss at once; ask why, before anything that can't be undone."""
        async with answering(interaction):
            await check_moderator(interaction)
            case = await interaction.client.cases.find_open(interaction.guild_id or 0, self._case_id)
            check_not_oneself(interaction, case.target.owner_id)
            if self._wish == "dismiss":
                await interaction.response.defer()
                await self._decide(interaction, "", None)
                return
            if member := _to_block(self._wish, case):
                check_block(interaction, member.id)
            await interaction.response.send_modal(self._form(case, member, str(interaction.locale)))

    def _form(self, case: Case, member: Moderator | None, locale: str) -> VerdictForm:
        kind = {"block": "blocking", "silence": "blocking"}.get(self._wish)
        kind = kind or ("removing" if case.target.cloned_here else "barring")
        name = member.name if member else case.target.owner_name
        return VerdictForm(
            kind,
            locale,
            self._decide,
            about=say_markdown(locale, f"verdict.about.{kind}", title=case.target.title, name=name),
            reason=say(locale, f"report.reason.{case.reports[-1].reason}"),
            days=member is not None,
        )

    async def _decide(
        self, interaction: discord.Interaction[Clonevoice], reason: str, days: int | None
    ) -> None:
        cases, guild_id = interaction.client.cases, interaction.guild_id or 0
        member = _to_block(self._wish, await cases.find_open(guild_id, self._case_id))
        verdict = Verdict(
            Decision.BLOCK if member else Decision(self._wish),
            moderator(interaction.user),
            interaction.client.cloner.clock.now(),
            reason,
            member,
            days,
        )
        case = await cases.decide(guild_id, self._case_id, verdict)
        locale = str(interaction.locale)
        text = say_markdown(locale, f"case.done.{case.outcome}", title=case.target.title)
        await interaction.followup.send(text, ephemeral=True)
        await interaction.edit_original_response(
            **await case_message(interaction.client, case, None, 0, locale, 0)
        )


def _to_block(wish: str, case: Case) -> Moderator | None:
    """Return whom a wish blocks: the voice's owner, or who spoke with it."""
    if wish == "silence":
        if case.line is None or not case.line.speaker_id:
            raise CaseUnknown
        return Moderator(case.line.speaker_id, case.line.speaker_name)
    return Moderator(case.target.owner_id, case.target.owner_name) if wish == "block" else None


class CaseSelect(discord.ui.DynamicItem[discord.ui.Select[Any]], template=r"pick:case"):
    """Opens a case on the list."""

    def __init__(self, select: discord.ui.Select[Any]) -> None:
        select.custom_id = "pick:case"
        super().__init__(select)

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Take the select as it is in the message."""
        del interaction, match
        assert isinstance(item, discord.ui.Select)  # noqa: S101 - the custom id is a select's
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- as above
        """Open the case, below the list."""
        async with answering(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            await check_moderator(interaction)
            cases, chosen = interaction.client.cases, self.item.values[0]
            case = await cases.find(interaction.guild_id or 0, int(chosen) if chosen.isdecimal() else 0)
            message = await case_message(
                interaction.client,
                case,
                await cases.voice(case),
                interaction.guild_id or 0,
                str(interaction.locale),
                interaction.filesize_limit,
                named=interaction.user.id != case.target.owner_id,
            )
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
    wishes = ["remove", "dismiss", "block"] if case.open else []
    if case.open and case.line and case.line.speaker_id not in {0, case.target.owner_id}:
        wishes.append("silence")
    for wish in wishes:
        view.add_item(CaseButton(wish, case.id, locale))
    embed = case_card(case, locale, gone=voice is None, named=named)
    return {"embed": embed, "attachments": files, "view": view}


async def show_reports(interaction: discord.Interaction[Clonevoice], of: str, page: int) -> None:
    """Answer with a page of the cases that are open."""
    del of
    await check_moderator(interaction)
    locale = str(interaction.locale)
    cases = await interaction.client.cases.open(interaction.guild_id or 0)
    page, shown = page_of(cases, page)
    lines = [
        say_markdown(
            locale,
            "reports.row",
            title=case.target.title,
            name=case.target.owner_name,
            reports=len(case.reports),
            at=int(case.reports[0].at),
            reason=say(locale, f"report.reason.{case.reports[-1].reason}"),
        )
        for case in shown
    ]
    embed = discord.Embed(
        title=say(locale, "moderators.reports", rows=len(cases)),
        description="\n".join(lines) or say(locale, "reports.none"),
        colour=discord.Colour.blurple(),
    )
    view = discord.ui.View(timeout=None)
    if shown:
        view.add_item(CaseSelect(_select(shown, locale)))
    turning(view, "reports", page, len(cases), "", locale)
    await interaction.edit_original_response(embed=embed, view=view)


def _select(cases: Sequence[Case], locale: str) -> discord.ui.Select[Any]:
    options = [
        discord.SelectOption(
            label=case.target.title,
            value=str(case.id),
            description=say(locale, f"report.reason.{case.reports[-1].reason}")[:100],
        )
        for case in cases
    ]
    return discord.ui.Select(options=options, placeholder=say(locale, "reports.open"))


LISTS["reports"] = show_reports
