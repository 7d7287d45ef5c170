"""What a case looks like: the voice, its owner, what is said of it, and what was decided."""

import discord

from bot.i18n import Verbatim, inert, say, say_markdown
from bot.moderation.models import Case, Report
from cogs._ui.voice_card import GREY

SHOWN = 5
"""How many reports of a case are shown, the newest ones."""

_RED = discord.Colour(0xE74C3C)


def case_card(case: Case, locale: str, *, gone: bool, named: bool) -> discord.Embed:
    """Draw a case, of which the voice may be `gone`.

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
    if gone and case.open:
        embed.add_field(name=say(locale, "case.gone"), value=say(locale, "case.gone_since"))
    for report in case.reports[-SHOWN:]:
        told = _reported(report, locale, named=named)
        embed.add_field(name=say(locale, f"report.reason.{report.reason}"), value=told, inline=False)
    if case.open and not named:
        embed.set_footer(text=say(locale, "case.who"))
    return embed


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
