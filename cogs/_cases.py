"""Cases as moderators see them: in the log channel, on the list of reports, and how they decide them."""

import io
import logging
import re
from collections.abc import Sequence
from typing import Any, Self

import discord

from bot.client import Clonevoice
from bot.i18n import Verbatim, inert, say, say_markdown
from bot.tree import answering
from bot.voices.models import Voice
from bot.voices.policy import Decision
from bot.voices.reports import Case, Report
from cogs._cards import GREY, file_name
from cogs._moderators import check_block, check_moderator, check_not_oneself, moderator
from cogs._pages import LISTS, page_of, turning
from cogs._verdicts import VerdictForm
from cogs._ways import DiscordWays

_log = logging.getLogger(__name__)

SHOWN = 5
"""How many reports of a case are shown, the newest ones."""

EXCERPT = 300
"""How many characters of a spoken line a case shows; behind the link there is more."""

_RED = discord.Colour(0xE74C3C)
_LOOKS = {"remove": discord.ButtonStyle.danger}


class CaseButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"case:(?P<wish>remove|dismiss|block):(?P<case_id>\d{1,15})",
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
            locale = str(interaction.locale)
            case = await interaction.client.cases.find_open(interaction.guild_id or 0, self._case_id)
            check_not_oneself(interaction, case.target.owner_id)
            if self._wish == "dismiss":
                await interaction.response.defer()
                await self._decide(interaction, "", None)
                return
            if self._wish == "block":
                check_block(interaction, case.target.owner_id)
            kind = "removing" if case.target.cloned_here else "barring"
            kind = "blocking" if self._wish == "block" else kind
            names = {"title": case.target.title, "name": case.target.owner_name}
            form = VerdictForm(
                kind,
                locale,
                self._decide,
                about=say_markdown(locale, f"verdict.about.{kind}", **names),
                reason=say(locale, f"report.reason.{case.reports[-1].reason}"),
                days=self._wish == "block",
            )
            await interaction.response.send_modal(form)

    async def _decide(
        self, interaction: discord.Interaction[Clonevoice], reason: str, days: int | None
    ) -> None:
        case = await interaction.client.cases.decide(
            interaction.guild_id or 0,
            self._case_id,
            moderator(interaction.user),
            Decision(self._wish),
            reason,
            days,
        )
        locale = str(interaction.locale)
        text = say_markdown(locale, f"case.done.{self._wish}", title=case.target.title)
        await interaction.followup.send(text, ephemeral=True)
        await interaction.edit_original_response(**await _drawn(interaction.client, case, None, 0, locale, 0))


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
            message = await _drawn(
                interaction.client,
                case,
                await cases.voice(case),
                interaction.guild_id or 0,
                str(interaction.locale),
                interaction.filesize_limit,
            )
            await interaction.edit_original_response(**message)


class CaseDesk:
    """Shows cases in log channels; one that can't be written to leaves them on the list of reports."""

    def __init__(self, bot: Clonevoice) -> None:
        self._bot = bot
        self._ways = DiscordWays(bot)

    async def post(self, guild_id: int, case: Case, voice: Voice | None) -> tuple[int, int] | None:
        """Show a case in the log channel, anew or where it is; where that is now, None if it can't be."""
        guild = self._bot.get_guild(guild_id)
        limit = guild.filesize_limit if guild else 0
        message = await _drawn(self._bot, case, voice, guild_id, self._ways.server(guild_id).locale, limit)
        try:
            if case.message:
                channel = self._bot.get_partial_messageable(case.message[0])
                await channel.get_partial_message(case.message[1]).edit(**message)
                return case.message
            channel_id = (await self._bot.moderation.policy(guild_id)).log_channel
            if channel_id is None or not case.open:
                return None
            files = message.pop("attachments")
            sent = await self._bot.get_partial_messageable(channel_id).send(files=files, **message)
        except discord.HTTPException as error:
            _log.warning("a case of server %d can't be shown in its log channel: %s", guild_id, error)
            return case.message
        return channel_id, sent.id


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


async def _drawn(
    bot: Clonevoice, case: Case, voice: Voice | None, guild_id: int, locale: str, limit: int
) -> dict[str, Any]:
    """Write a case: the voice with its preview if it is shared here, its owner, who says what of it."""
    target = case.target
    embed = discord.Embed(
        title=say_markdown(locale, "case.title" if case.open else "case.over", title=target.title),
        description=_standing(case, locale),
        colour=_RED if case.open else GREY,
    )
    embed.add_field(
        name=say(locale, "voice.owner"), value=f"{inert(target.owner_name)} (<@{target.owner_id}>)"
    )
    where = "case.cloned_here" if target.cloned_here else "case.cloned_elsewhere"
    embed.add_field(name=say(locale, "case.where"), value=say(locale, where))
    if voice is None and case.open:
        embed.add_field(name=say(locale, "case.gone"), value=say(locale, "case.gone_since"))
    for report in case.reports[-SHOWN:]:
        embed.add_field(
            name=say(locale, f"report.reason.{report.reason}"), value=_reported(report, locale), inline=False
        )
    files: list[discord.File] = []
    if voice and case.open and guild_id in voice.shared_in:
        preview = await bot.previews.get(voice.preview_url, limit=limit)
        files = [discord.File(io.BytesIO(preview), file_name(voice.title))] if preview else []
    view = discord.ui.View(timeout=None)
    if case.open:
        for wish in ("remove", "dismiss", "block"):
            view.add_item(CaseButton(wish, case.id, locale))
    return {"embed": embed, "attachments": files, "view": view}


def _standing(case: Case, locale: str) -> str:
    if case.verdict is None:
        return say(locale, "case.open", reports=len(case.reports))
    return say_markdown(
        locale,
        f"case.decided.{case.verdict.decision}",
        by=case.verdict.by.name,
        at=int(case.verdict.at),
        reason=case.verdict.reason,
    )


def _reported(report: Report, locale: str) -> str:
    name = report.reporter_name or say(locale, "history.forgotten")
    told = say_markdown(locale, "case.report", name=name, at=int(report.at))
    if report.said:
        said = report.said if len(report.said) <= EXCERPT else f"{report.said[:EXCERPT]}…"
        speaker = report.said_by or say(locale, "history.forgotten")
        told += "\n" + say_markdown(locale, "case.said", name=speaker, text=said, link=Verbatim(report.link))
    return told


LISTS["reports"] = show_reports
