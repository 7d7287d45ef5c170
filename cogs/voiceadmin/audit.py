"""The lists of decisions and of blocked members, for moderators."""

from collections.abc import Sequence
from typing import Any

from bot.i18n import Markup, translate, translate_markdown
from bot.policy.models import AuditEntry, ModAction
from cogs._ui.interaction import Interaction
from cogs._ui.paginator import Page, list_message, page_of
from cogs.voiceadmin.permissions import check_moderator
from cogs.voiceadmin.rule_text import read_value, rule_value


async def show_blocked(interaction: Interaction, list_filter: str, page: int) -> None:
    """Show a page of the blocked members."""
    await check_moderator(interaction)
    locale = str(interaction.locale)
    blocks = page_of(await interaction.client.services.rules.blocked(interaction.guild_id or 0), page)
    lines = [
        translate_markdown(
            locale,
            "blocked.row_until" if block.until else "blocked.row",
            name=block.name,
            member=block.member_id,
            reason=block.reason,
            reason_code=block.reason_code,
            at=int(block.at),
            until=int(block.until or 0),
        )
        for block in blocks.rows
    ]
    await _show_list(interaction, "blocked", blocks, list_filter, lines)


async def show_audit(interaction: Interaction, list_filter: str, page: int) -> None:
    """Show a page of decisions, newest first. The filter is `member ID:action`; both may be empty."""
    await check_moderator(interaction)
    member, _, action = list_filter.partition(":")
    entries = await interaction.client.services.rules.audit(
        interaction.guild_id or 0,
        member_id=int(member) if member.isdecimal() else None,
        decision=ModAction(action) if action in {*ModAction} else None,
    )
    shown = page_of(entries, page)
    lines = [entry_text(entry, str(interaction.locale)) for entry in shown.rows]
    await _show_list(interaction, "audit", shown, list_filter, lines)


async def _show_list(
    interaction: Interaction, kind: str, page: Page[Any], list_filter: str, lines: Sequence[str]
) -> None:
    locale = str(interaction.locale)
    title = translate(locale, f"moderators.{kind}", rows=page.total)
    empty = translate(locale, f"moderators.none.{kind}")
    message = list_message(locale, kind, page, list_filter, title=title, lines=lines, empty=empty)
    await interaction.edit_original_response(**message)


def entry_text(entry: AuditEntry, locale: str) -> str:
    """Return an audit entry as one line."""
    is_rule = entry.action is ModAction.POLICY
    has_end = entry.action is ModAction.BLOCK and entry.now
    return translate_markdown(
        locale,
        "audit.block_until" if has_end else f"audit.{entry.action}",
        until=int(entry.now) if has_end else 0,
        owner=entry.member_name,
        at=int(entry.at),
        by=entry.by_name,
        subject=Markup(translate(locale, f"rule.name.{entry.subject}")) if is_rule else entry.subject,
        reason=entry.reason,
        reason_code=entry.reason_code,
        **{name: Markup(rule_value(locale, entry.subject, value)) for name, value in _values(entry).items()},
    )


def _values(entry: AuditEntry) -> dict[str, object]:
    """Return the values of a changed rule before and after."""
    return {name: read_value(entry.subject, written) for name, written in (("was", entry.was), ("now", entry.now))}
