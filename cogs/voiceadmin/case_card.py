"""The card of a case: the voice, its owner, the reports and the decision."""

import discord

from bot.i18n import Markup, escape_markdown, shorten_markdown, translate, translate_markdown
from bot.moderation.models import Case, Report
from cogs._ui.formatting import GREY, YELLOW, add_field, card

SHOWN = 5  # most reports of a case on its card, the newest ones
REPORT_LENGTH = 800  # longest report on a card, in UTF-16 code units: an embed holds 6,000


def case_card(case: Case, locale: str, *, gone: bool, named: bool) -> discord.Embed:
    """Return the card. `gone` says that the voice no longer exists.

    If `named`, show the reporters' names: only to moderators who are not involved.
    """
    voice = case.voice
    title = translate_markdown(locale, "case.title" if case.open else "case.over", title=voice.title)
    embed = card(YELLOW if case.open else GREY, title, _state(case, locale))
    add_field(embed, locale, "voice.owner", _name(voice.owner_name, voice.owner_id))
    where = "case.cloned_here" if voice.cloned_here else "case.cloned_elsewhere"
    add_field(embed, locale, "case.where", translate(locale, where))
    if gone and case.open:
        add_field(embed, locale, "case.gone", translate(locale, "case.gone_since"))
    for report in case.reports[-SHOWN:]:
        text = shorten_markdown(_reported(report, locale, named=named), REPORT_LENGTH)
        add_field(embed, locale, f"report.reason.{report.reason}", text, inline=False)
    if case.open and not named:
        embed.set_footer(text=translate(locale, "case.who"))
    return embed


def _state(case: Case, locale: str) -> str:
    if case.decision is None:
        return translate(locale, "case.open", reports=len(case.reports))
    decision = case.decision
    return translate_markdown(
        locale,
        f"case.decided.{case.outcome}",
        by=decision.by.name,
        at=int(decision.at),
        reason=decision.reason,
        reason_code=decision.reason_code,
        name=decision.member.name if decision.member else "",
    )


def _reported(report: Report, locale: str, *, named: bool) -> str:
    name = report.reporter_name if named else translate(locale, "case.member")
    text = translate_markdown(
        locale, "case.report", name=name or translate(locale, "history.forgotten"), at=int(report.at)
    )
    if report.text:
        text += "\n" + translate_markdown(locale, "case.reason", text=report.text)
    if clip := report.clip:
        author = _name(clip.author_name or translate(locale, "history.forgotten"), clip.author_id)
        link = Markup(clip.link)
        text += "\n" + translate_markdown(locale, "case.said", name=Markup(author), text=clip.text, link=link)
    return text


def _name(name: str, user_id: int) -> str:
    """Return a member's name and ID: names are not unique, and they change."""
    return f"{escape_markdown(name)} (`{user_id}`)" if user_id else str(escape_markdown(name))
