"""What moderators decided, and who is blocked, as lists for them."""

import discord

from bot.client.client import Clonevoice
from bot.i18n import translate, translate_markdown
from bot.policy.models import ModAction
from cogs._ui.paginator import LISTS, add_page_buttons, page_of
from cogs.voiceadmin.mod_log import decided
from cogs.voiceadmin.permissions import check_moderator

ROW_LENGTH = 400
"""Longest row of a list: ten of them fit into an embed, which holds 4,096 characters."""


async def show_blocked(interaction: discord.Interaction[Clonevoice], of: str, page: int) -> None:
    """Answer with a page of who is blocked."""
    await check_moderator(interaction)
    locale = str(interaction.locale)
    blocks = await interaction.client.moderation.blocked(interaction.guild_id or 0)
    page, shown = page_of(blocks, page)
    lines = [
        translate_markdown(
            locale,
            "blocked.row_until" if block.until else "blocked.row",
            name=block.name,
            member=block.member_id,
            reason=block.reason,
            at=int(block.at),
            until=int(block.until or 0),
        )
        for block in shown
    ]
    await _show_list(interaction, "blocked", lines, (page, len(blocks), of))


async def show_audit(interaction: discord.Interaction[Clonevoice], of: str, page: int) -> None:
    """Answer with a page of what was decided; `of` is `member id:kind`, both of which may be empty."""
    await check_moderator(interaction)
    member, _, kind = of.partition(":")
    entries = await interaction.client.moderation.audit(
        interaction.guild_id or 0,
        member_id=int(member) if member.isdecimal() else None,
        decision=ModAction(kind) if kind in {*ModAction} else None,
    )
    page, shown = page_of(entries, page)
    lines = [decided(entry, str(interaction.locale)) for entry in shown]
    await _show_list(interaction, "audit", lines, (page, len(entries), of))


async def _show_list(
    interaction: discord.Interaction[Clonevoice], kind: str, lines: list[str], place: tuple[int, int, str]
) -> None:
    locale, (page, rows, of) = str(interaction.locale), place
    embed = discord.Embed(
        title=translate(locale, f"moderators.{kind}", rows=rows),
        description="\n".join(map(_cut, lines)) or translate(locale, f"moderators.none.{kind}"),
        colour=discord.Colour.blurple(),
    )
    view = discord.ui.View(timeout=None)
    add_page_buttons(view, kind, page, rows, of, locale)
    await interaction.edit_original_response(embed=embed, view=view)


def _cut(line: str) -> str:
    return line if len(line) <= ROW_LENGTH else f"{line[: ROW_LENGTH - 1]}…"


LISTS.update({"blocked": show_blocked, "audit": show_audit})
