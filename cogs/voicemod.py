"""`/voicemod`: a server's rules, blocks and the trail of what was decided, for its moderators."""

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.client import Clonevoice
from bot.i18n import say, say_markdown
from bot.membership import DiscordMembership
from bot.tree import command_text
from bot.voices.moderation import Moderation
from bot.voices.policy import Decision
from cogs._moderators import check_moderator, moderator
from cogs._modlog import ModLog, decided
from cogs._news import News
from cogs._pages import LISTS, page_of, turning
from cogs._panel import DefaultsButton, PanelSelect, show_panel
from cogs._ways import DiscordWays

REASON_LENGTH = 200
"""Longest reason, in characters."""

DAYS = 365
"""Longest block that has an end, in days."""

ROW_LENGTH = 400
"""Longest row of a list: ten of them fit into an embed, which holds 4,096 characters."""


class VoiceMod(
    commands.GroupCog,
    group_name="voicemod",
    group_description=command_text("voicemod.about"),
):
    """The group of commands."""

    def __init__(self, moderation: Moderation) -> None:
        self._moderation = moderation

    @app_commands.command(name="settings", description=command_text("voicemod.settings"))
    async def settings(self, interaction: discord.Interaction[Clonevoice]) -> None:
        """Show the panel."""
        await _begin(interaction)
        await show_panel(interaction, "switches")

    @app_commands.command(name="block", description=command_text("voicemod.block"))
    @app_commands.describe(
        member=command_text("voicemod.member"),
        reason=command_text("voicemod.reason"),
        days=command_text("voicemod.days"),
    )
    async def block(
        self,
        interaction: discord.Interaction[Clonevoice],
        member: discord.User,
        reason: app_commands.Range[str, 1, REASON_LENGTH],
        days: app_commands.Range[int, 1, DAYS] | None = None,
    ) -> None:
        """Block a member; a clone of theirs that waits here is cancelled."""
        await _begin(interaction)
        guild_id = interaction.guild_id or 0
        block = await self._moderation.block(
            guild_id, moderator(interaction.user), moderator(member), reason, days
        )
        await interaction.client.cloner.call_off(member.id, guild_id)
        key = "block.done_until" if block.until else "block.done"
        text = say_markdown(str(interaction.locale), key, name=block.name, until=int(block.until or 0))
        await interaction.edit_original_response(content=text)

    @app_commands.command(name="unblock", description=command_text("voicemod.unblock"))
    @app_commands.describe(member=command_text("voicemod.member"))
    async def unblock(self, interaction: discord.Interaction[Clonevoice], member: discord.User) -> None:
        """Let a member take part again."""
        await _begin(interaction)
        await self._moderation.unblock(
            interaction.guild_id or 0, moderator(interaction.user), moderator(member)
        )
        text = say_markdown(str(interaction.locale), "block.lifted", name=member.display_name)
        await interaction.edit_original_response(content=text)

    @app_commands.command(name="blocked", description=command_text("voicemod.blocked"))
    async def blocked(self, interaction: discord.Interaction[Clonevoice]) -> None:
        """List who is blocked."""
        await _begin(interaction)
        await show_blocked(interaction, "", 0)

    @app_commands.command(name="audit", description=command_text("voicemod.audit"))
    @app_commands.describe(
        member=command_text("voicemod.audit_member"), kind=command_text("voicemod.audit_kind")
    )
    @app_commands.choices(
        kind=[Choice(name=command_text(f"decision.{one}"), value=one.value) for one in Decision]
    )
    async def audit(
        self,
        interaction: discord.Interaction[Clonevoice],
        member: discord.User | None = None,
        kind: str | None = None,
    ) -> None:
        """List what was decided, newest first."""
        await _begin(interaction)
        await show_audit(interaction, f"{member.id if member else ''}:{kind or ''}", 0)


async def _begin(interaction: discord.Interaction[Clonevoice]) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    await check_moderator(interaction)


async def show_blocked(interaction: discord.Interaction[Clonevoice], of: str, page: int) -> None:
    """Answer with a page of who is blocked."""
    await check_moderator(interaction)
    locale = str(interaction.locale)
    blocks = await interaction.client.moderation.blocked(interaction.guild_id or 0)
    page, shown = page_of(blocks, page)
    lines = [
        say_markdown(
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
        decision=Decision(kind) if kind in {*Decision} else None,
    )
    page, shown = page_of(entries, page)
    lines = [decided(entry, str(interaction.locale)) for entry in shown]
    await _show_list(interaction, "audit", lines, (page, len(entries), of))


async def _show_list(
    interaction: discord.Interaction[Clonevoice], kind: str, lines: list[str], place: tuple[int, int, str]
) -> None:
    locale, (page, rows, of) = str(interaction.locale), place
    embed = discord.Embed(
        title=say(locale, f"moderators.{kind}", rows=rows),
        description="\n".join(map(_cut, lines)) or say(locale, "moderators.nothing"),
        colour=discord.Colour.blurple(),
    )
    view = discord.ui.View(timeout=None)
    turning(view, kind, page, rows, of, locale)
    await interaction.edit_original_response(embed=embed, view=view)


def _cut(line: str) -> str:
    return line if len(line) <= ROW_LENGTH else f"{line[: ROW_LENGTH - 1]}…"


LISTS.update({"blocked": show_blocked, "audit": show_audit})


async def setup(bot: Clonevoice) -> None:
    """Hand the cog its tools."""
    bot.moderation.listener = ModLog(bot).tell
    bot.moderation.applicants = DiscordMembership(bot, bot.cloner.clock)
    bot.notices.send = News(DiscordWays(bot)).send
    bot.add_dynamic_items(PanelSelect, DefaultsButton)
    cog = VoiceMod(bot.moderation)
    if cog.app_command:
        cog.app_command.default_permissions = discord.Permissions(manage_guild=True)
    await bot.add_cog(cog)
