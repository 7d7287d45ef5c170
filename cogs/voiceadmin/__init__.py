"""`/voiceadmin`: a server's rules, voices, reports, blocks, and what was decided, for its moderators."""

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.client.client import Clonevoice
from bot.client.membership import DiscordMembership
from bot.client.messenger import DiscordMessenger
from bot.client.tree import command_text
from bot.errors import Refused
from bot.i18n import translate_markdown
from bot.moderation.server_voices import VoiceFilter
from bot.policy.models import ModAction
from bot.policy.rules import Rules
from cogs._ui.voice_option import VoiceOption
from cogs.voiceadmin.audit import show_audit, show_blocked
from cogs.voiceadmin.case_board import LogChannelCaseBoard
from cogs.voiceadmin.cases import CaseButton, show_reports
from cogs.voiceadmin.decision_form import DAYS, REASON_LENGTH, reason_of
from cogs.voiceadmin.mod_log import ModLog
from cogs.voiceadmin.panel import DefaultsButton, PanelSelect, show_panel
from cogs.voiceadmin.permissions import check_block, check_moderator, moderator
from cogs.voiceadmin.reporting import ReasonSelect, ReportButton
from cogs.voiceadmin.server_voices import RemoveButton, ask_to_remove, show_roster, suggest_voice
from cogs.voices.notices import News


class VoiceAdmin(
    commands.GroupCog,
    group_name="voiceadmin",
    group_description=command_text("voiceadmin.about"),
):
    """The group of commands."""

    def __init__(self, moderation: Rules) -> None:
        self._moderation = moderation

    @app_commands.command(name="settings", description=command_text("voiceadmin.settings"))
    async def settings(self, interaction: discord.Interaction[Clonevoice]) -> None:
        """Show the panel."""
        await _begin(interaction)
        await show_panel(interaction, "switches")

    @app_commands.command(name="block", description=command_text("voiceadmin.block"))
    @app_commands.describe(
        member=command_text("voiceadmin.member"),
        reason=command_text("voiceadmin.reason"),
        days=command_text("voiceadmin.days"),
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
        check_block(interaction, member.id, bot=member.bot)
        block = await interaction.client.measures.block(
            interaction.guild_id or 0,
            moderator(interaction.user),
            moderator(member),
            reason_of(reason),
            days,
            tell=isinstance(member, discord.Member),  # a stranger to this server gets nothing from it
        )
        key = "block.done_until" if block.until else "block.done"
        text = translate_markdown(str(interaction.locale), key, name=block.name, until=int(block.until or 0))
        await interaction.edit_original_response(content=text)

    @app_commands.command(name="unblock", description=command_text("voiceadmin.unblock"))
    @app_commands.describe(member=command_text("voiceadmin.member"))
    async def unblock(self, interaction: discord.Interaction[Clonevoice], member: discord.User) -> None:
        """Let a member take part again."""
        await _begin(interaction)
        if member.id == interaction.user.id:
            raise Refused("refused.act_on_self")
        here = isinstance(member, discord.Member)
        await interaction.client.measures.unblock(
            interaction.guild_id or 0, moderator(interaction.user), moderator(member), tell=here
        )
        text = translate_markdown(str(interaction.locale), "block.lifted", name=member.display_name)
        await interaction.edit_original_response(content=text)

    @app_commands.command(name="blocked", description=command_text("voiceadmin.blocked"))
    async def blocked(self, interaction: discord.Interaction[Clonevoice]) -> None:
        """List who is blocked."""
        await _begin(interaction)
        await show_blocked(interaction, "", 0)

    @app_commands.command(name="voices", description=command_text("voiceadmin.voices"))
    @app_commands.describe(
        member=command_text("voiceadmin.voices_member"), show=command_text("voiceadmin.voices_show")
    )
    @app_commands.choices(
        show=[Choice(name=command_text(f"whereabouts.{one}"), value=one.value) for one in VoiceFilter]
    )
    async def voices(
        self,
        interaction: discord.Interaction[Clonevoice],
        member: discord.User | None = None,
        show: str | None = None,
    ) -> None:
        """List all voices that were cloned or are shared here."""
        await _begin(interaction)
        await show_roster(interaction, f"{member.id if member else ''}:{show or ''}", 0)

    @app_commands.command(name="remove", description=command_text("voiceadmin.remove"))
    @app_commands.describe(
        voice=command_text("voiceadmin.remove_voice"), reason=command_text("voiceadmin.remove_reason")
    )
    @app_commands.autocomplete(voice=suggest_voice)
    async def remove(
        self,
        interaction: discord.Interaction[Clonevoice],
        voice: VoiceOption,
        reason: app_commands.Range[str, 1, REASON_LENGTH],
    ) -> None:
        """Ask whether a voice is really to go, and why."""
        await check_moderator(interaction)
        await ask_to_remove(interaction, voice, reason_of(reason))

    @app_commands.command(name="reports", description=command_text("voiceadmin.reports"))
    async def reports(self, interaction: discord.Interaction[Clonevoice]) -> None:
        """List what members reported and nobody has decided."""
        await _begin(interaction)
        await show_reports(interaction, "", 0)

    @app_commands.command(name="audit", description=command_text("voiceadmin.audit"))
    @app_commands.describe(
        member=command_text("voiceadmin.audit_member"), kind=command_text("voiceadmin.audit_kind")
    )
    @app_commands.choices(
        kind=[Choice(name=command_text(f"decision.{one}"), value=one.value) for one in ModAction]
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


async def setup(bot: Clonevoice) -> None:
    """Hand the cog its tools."""
    bot.moderation.listener = ModLog(bot).tell
    bot.moderation.applicants = DiscordMembership(bot, bot.cloner.clock)
    bot.notices.deliver = News(DiscordMessenger(bot)).send
    bot.cases.desk = LogChannelCaseBoard(bot)
    bot.add_dynamic_items(PanelSelect, DefaultsButton)
    bot.add_dynamic_items(ReportButton, ReasonSelect)
    bot.add_dynamic_items(CaseButton, RemoveButton)
    cog = VoiceAdmin(bot.moderation)
    if cog.app_command:
        cog.app_command.default_permissions = discord.Permissions(manage_guild=True)
    await bot.add_cog(cog)
