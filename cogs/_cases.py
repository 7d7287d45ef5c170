"""Cases as moderators see them: in the log channel, on the list of reports, and how they decide them."""

import io
import logging
import re
from collections.abc import Sequence
from typing import Any, Self

import discord

from bot.client import Clonevoice
from bot.errors import CaseUnknown
from bot.i18n import Verbatim, inert, say, say_markdown
from bot.tree import answering
from bot.voices.models import Voice
from bot.voices.policy import Decision, Moderator
from bot.voices.reports import Case, Report, Verdict
from cogs._cards import GREY, file_name
from cogs._moderators import check_block, check_moderator, check_not_oneself, moderator
from cogs._modlog import log_trouble
from cogs._pages import LISTS, page_of, turning
from cogs._verdicts import VerdictForm
from cogs._ways import DiscordWays

_log = logging.getLogger(__name__)

SHOWN = 5
"""How many reports of a case are shown, the newest ones."""

_RED = discord.Colour(0xE74C3C)
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
        await interaction.edit_original_response(**await _drawn(interaction.client, case, None, 0, locale, 0))


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
            message = await _drawn(
                interaction.client,
                case,
                await cases.voice(case),
                interaction.guild_id or 0,
                str(interaction.locale),
                interaction.filesize_limit,
                named=interaction.user.id != case.target.owner_id,
            )
            await interaction.edit_original_response(**message)


class CaseDesk:
    """Shows cases in log channels; one that can't be written to leaves them on the list of reports."""

    def __init__(self, bot: Clonevoice) -> None:
        self._bot = bot
        self._ways = DiscordWays(bot)

    async def post(self, guild_id: int, case: Case, voice: Voice | None) -> tuple[int, int] | None:
        """Show a case in the log channel, anew or where it is; where that is now, None if it can't be.

        Who reported is not said there: the voice's owner may be among its readers.
        """
        try:
            server = await self._ways.server(guild_id)
            if case.message is None and (not case.open or not await self._may_post(guild_id)):
                return None
            guild = self._bot.get_guild(guild_id)
            message = await _drawn(
                self._bot, case, voice, guild_id, server.locale, guild.filesize_limit if guild else 0
            )
            return await self._sent(guild_id, case, message)
        except Exception:  # noqa: BLE001 - the case is on the list of reports, and this is tried again
            _log.warning("a case of server %d can't be shown in its log channel", guild_id, exc_info=True)
            return case.message

    async def _may_post(self, guild_id: int) -> bool:
        channel_id = (await self._bot.moderation.policy(guild_id)).log_channel
        return channel_id is not None and log_trouble(self._bot.get_guild(guild_id), channel_id) is None

    async def _sent(self, guild_id: int, case: Case, message: dict[str, Any]) -> tuple[int, int] | None:
        if case.message:
            channel = self._bot.get_partial_messageable(case.message[0])
            try:
                await channel.get_partial_message(case.message[1]).edit(**message)
            except discord.NotFound:  # somebody deleted it
                if not case.open:
                    return case.message
            else:
                return case.message
        channel_id = (await self._bot.moderation.policy(guild_id)).log_channel
        if channel_id is None:
            return None
        files = message.pop("attachments")
        sent = await self._bot.get_partial_messageable(channel_id).send(files=files, **message)
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
    bot: Clonevoice,
    case: Case,
    voice: Voice | None,
    guild_id: int,
    locale: str,
    limit: int,
    *,
    named: bool = False,
) -> dict[str, Any]:
    """Write a case: the voice with its preview if it is shared here, its owner, and what is said of it.

    Who reported is `named` to moderators alone, and not to one whose own voice it is.
    """
    target = case.target
    embed = discord.Embed(
        title=say_markdown(locale, "case.title" if case.open else "case.over", title=target.title),
        description=_standing(case, locale),
        colour=_RED if case.open else GREY,
    )
    embed.add_field(name=say(locale, "voice.owner"), value=_who(target.owner_name, target.owner_id))
    where = "case.cloned_here" if target.cloned_here else "case.cloned_elsewhere"
    embed.add_field(name=say(locale, "case.where"), value=say(locale, where))
    if voice is None and case.open:
        embed.add_field(name=say(locale, "case.gone"), value=say(locale, "case.gone_since"))
    for report in case.reports[-SHOWN:]:
        told = _reported(report, locale, named=named)
        embed.add_field(name=say(locale, f"report.reason.{report.reason}"), value=told, inline=False)
    files: list[discord.File] = []
    if voice and case.open and guild_id in voice.shared_in:
        preview = await bot.previews.get(voice.preview_url, limit=limit)
        files = [discord.File(io.BytesIO(preview), file_name(voice.title))] if preview else []
    view = discord.ui.View(timeout=None)
    if case.open:
        wishes = ["remove", "dismiss", "block"]
        if case.line and case.line.speaker_id not in {0, target.owner_id}:
            wishes.append("silence")
        for wish in wishes:
            view.add_item(CaseButton(wish, case.id, locale))
        if not named:
            embed.set_footer(text=say(locale, "case.who"))
    return {"embed": embed, "attachments": files, "view": view}


def _standing(case: Case, locale: str) -> str:
    if case.verdict is None:
        return say(locale, "case.open", reports=len(case.reports))
    verdict = case.verdict
    return say_markdown(
        locale,
        f"case.decided.{case.outcome}",
        by=verdict.by.name,
        at=int(verdict.at),
        reason=verdict.reason,
        name=verdict.member.name if verdict.member else "",
    )


def _reported(report: Report, locale: str, *, named: bool) -> str:
    name = report.reporter_name if named else say(locale, "case.member")
    told = say_markdown(
        locale, "case.report", name=name or say(locale, "history.forgotten"), at=int(report.at)
    )
    if line := report.line:
        speaker = _who(line.speaker_name or say(locale, "history.forgotten"), line.speaker_id)
        link = Verbatim(line.link)
        told += "\n" + say_markdown(locale, "case.said", name=Verbatim(speaker), text=line.text, link=link)
    return told


def _who(name: str, user_id: int) -> str:
    """Name somebody, with their id: names can be alike, and change."""
    return f"{inert(name)} (`{user_id}`)" if user_id else str(inert(name))


LISTS["reports"] = show_reports
