"""What a case looks like: the voice, its owner, what is said of it, and what was decided."""

import discord

from bot.i18n import Markup, escape_markdown, translate, translate_markdown
from bot.moderation.models import Case, Report
from cogs._ui.formatting import GREY

SHOWN = 5
"""How many reports of a case are shown, the newest ones."""

_RED = discord.Colour(0xE74C3C)


def case_card(case: Case, locale: str, *, gone: bool, named: bool) -> discord.Embed:
    """Draw a case, of which the voice may be `gone`.

    Who reported is `named` to moderators alone, and not to one whose own voice it is.
    """
    target = case.voice
    embed = discord.Embed(
        title=translate_markdown(locale, "case.title" if case.open else "case.over", title=target.title),
        description=_standing(case, locale),
        colour=_RED if case.open else GREY,
    )
    embed.add_field(name=translate(locale, "voice.owner"), value=_who(target.owner_name, target.owner_id))
    where = "case.cloned_here" if target.cloned_here else "case.cloned_elsewhere"
    embed.add_field(name=translate(locale, "case.where"), value=translate(locale, where))
    if gone and case.open:
        embed.add_field(name=translate(locale, "case.gone"), value=translate(locale, "case.gone_since"))
    for report in case.reports[-SHOWN:]:
        told = _reported(report, locale, named=named)
        embed.add_field(name=translate(locale, f"report.reason.{report.reason}"), value=told, inline=False)
    if case.open and not named:
        embed.set_footer(text=translate(locale, "case.who"))
    return embed


def _standing(case: Case, locale: str) -> str:
    if case.decision is None:
        return translate(locale, "case.open", reports=len(case.reports))
    verdict = case.decision
    return translate_markdown(
        locale,
        f"case.decided.{case.outcome}",
        by=verdict.by.name,
        at=int(verdict.at),
        reason=verdict.reason,
        name=verdict.member.name if verdict.member else "",
    )


def _reported(report: Report, locale: str, *, named: bool) -> str:
    name = report.reporter_name if named else translate(locale, "case.member")
    told = translate_markdown(
        locale, "case.report", name=name or translate(locale, "history.forgotten"), at=int(report.at)
    )
    if line := report.clip:
        speaker = _who(line.author_name or translate(locale, "history.forgotten"), line.author_id)
        link = Markup(line.link)
        told += "\n" + translate_markdown(
            locale, "case.said", name=Markup(speaker), text=line.text, link=link
        )
    return told


def _who(name: str, user_id: int) -> str:
    """Name somebody, with their id: names can be alike, and change."""
    return f"{escape_markdown(name)} (`{user_id}`)" if user_id else str(escape_markdown(name))
