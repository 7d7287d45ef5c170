"""`/voiceadmin`: a server's rules, voices, reports, blocks and audit, for its moderators."""

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.client.client import Clonevoice
from bot.client.tree import command_text
from bot.errors import Refused
from bot.moderation.server_voices import VoiceFilter
from bot.policy.models import ModAction
from cogs._ui.form import register_form
from cogs._ui.interaction import Interaction, answer_text, name_of
from cogs._ui.paginator import register_list, register_picker
from cogs._ui.voice_option import VoiceOption
from cogs.voiceadmin import cases, panel, reporting, server_voices
from cogs.voiceadmin.audit import show_audit, show_blocked
from cogs.voiceadmin.decision_form import DAYS, REASON_LENGTH, clean_reason
from cogs.voiceadmin.permissions import check_block, check_moderator, user_ref


class VoiceAdmin(commands.GroupCog, group_name="voiceadmin", group_description=command_text("voiceadmin.about")):
    """The commands. Discord shows them to members who may manage the server; every use is checked again."""

    @app_commands.command(name="settings", description=command_text("voiceadmin.settings"))
    async def settings(self, interaction: Interaction) -> None:
        await _begin(interaction)
        await panel.show_panel(interaction, "switches")

    @app_commands.command(name="block", description=command_text("voiceadmin.block"))
    @app_commands.describe(
        member=command_text("voiceadmin.member"),
        reason=command_text("voiceadmin.reason"),
        days=command_text("voiceadmin.days"),
    )
    async def block(
        self,
        interaction: Interaction,
        member: discord.User,
        reason: app_commands.Range[str, 1, REASON_LENGTH],
        days: app_commands.Range[int, 1, DAYS] | None = None,
    ) -> None:
        """Block a member, and cancel their clone in this server that has not been sent yet."""
        await _begin(interaction)
        await check_block(interaction, member.id, bot=member.bot)
        block = await interaction.client.services.enforcement.block(
            interaction.guild_id or 0,
            user_ref(interaction.user),
            user_ref(member),
            clean_reason(reason),
            days,
            notify=isinstance(member, discord.Member),
        )
        key = "block.done_until" if block.until else "block.done"
        await answer_text(interaction, key, name=block.name, until=int(block.until or 0))

    @app_commands.command(name="unblock", description=command_text("voiceadmin.unblock"))
    @app_commands.describe(member=command_text("voiceadmin.member"))
    async def unblock(self, interaction: Interaction, member: discord.User) -> None:
        await _begin(interaction)
        if member.id == interaction.user.id:
            raise Refused("refused.act_on_self")
        is_member = isinstance(member, discord.Member)
        await interaction.client.services.enforcement.unblock(
            interaction.guild_id or 0, user_ref(interaction.user), user_ref(member), notify=is_member
        )
        await answer_text(interaction, "block.lifted", name=name_of(member))

    @app_commands.command(name="blocked", description=command_text("voiceadmin.blocked"))
    async def blocked(self, interaction: Interaction) -> None:
        await _begin(interaction)
        await show_blocked(interaction, "", 0)

    @app_commands.command(name="voices", description=command_text("voiceadmin.voices"))
    @app_commands.describe(member=command_text("voiceadmin.voices_member"), show=command_text("voiceadmin.voices_show"))
    @app_commands.choices(
        show=[Choice(name=command_text(f"whereabouts.{each}"), value=each.value) for each in VoiceFilter]
    )
    async def voices(
        self, interaction: Interaction, member: discord.User | None = None, show: str | None = None
    ) -> None:
        await _begin(interaction)
        await server_voices.show_server_voices(interaction, f"{member.id if member else ''}:{show or ''}", 0)

    @app_commands.command(name="remove", description=command_text("voiceadmin.remove"))
    @app_commands.describe(
        voice=command_text("voiceadmin.remove_voice"), reason=command_text("voiceadmin.remove_reason")
    )
    @app_commands.autocomplete(voice=server_voices.suggest_voice)
    async def remove(
        self, interaction: Interaction, voice: VoiceOption, reason: app_commands.Range[str, 1, REASON_LENGTH]
    ) -> None:
        await server_voices.ask_to_remove(interaction, voice, reason)

    @app_commands.command(name="reports", description=command_text("voiceadmin.reports"))
    async def reports(self, interaction: Interaction) -> None:
        await _begin(interaction)
        await cases.show_reports(interaction, "", 0)

    @app_commands.command(name="audit", description=command_text("voiceadmin.audit"))
    @app_commands.describe(member=command_text("voiceadmin.audit_member"), kind=command_text("voiceadmin.audit_kind"))
    @app_commands.choices(kind=[Choice(name=command_text(f"decision.{each}"), value=each.value) for each in ModAction])
    async def audit(
        self, interaction: Interaction, member: discord.User | None = None, kind: str | None = None
    ) -> None:
        await _begin(interaction)
        await show_audit(interaction, f"{member.id if member else ''}:{kind or ''}", 0)


async def _begin(interaction: Interaction) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    await check_moderator(interaction)


async def setup(bot: Clonevoice) -> None:
    """Add the commands, and register the buttons and lists."""
    reported = r"(?P<owner_id>\d{1,20}):(?P<voice_id>\d{1,20}):(?P<speech_id>[0-9a-f]{16}|-)"
    bot.actions.add("report", reported, reporting.ask_reason)
    bot.actions.add("reason", reported, reporting.report, select=True)
    register_form(bot, "report", reported, reporting.ReportForm)
    decided = r"(?P<action>remove_clip|remove|dismiss|block|silence):(?P<case_id>\d{1,15})(?::(?P<member_id>\d{1,20}))?"
    bot.actions.add("case", decided, cases.handle_click)
    register_form(bot, "case", decided.replace("dismiss|", ""), cases.CaseForm)
    register_form(bot, "takedown", r"(?P<voice>\d{1,20})", server_voices.RemovalForm)
    bot.actions.add("takedown", r"(?P<voice>\d{1,20})", server_voices.ask_to_remove)
    bot.actions.add("rules", r"(?P<page>\w+):(?P<rule>\w+)", panel.handle_choice, select=True)
    bot.actions.add("switch", rf"(?P<rule>{'|'.join(panel.SWITCHES)}):(?P<state>on|off)", panel.switch)
    bot.actions.add("panel", r"(?P<page>\w+)", panel.turn)
    bot.actions.add("defaults", r"(?P<page>\w+?)(?::(?P<answer>reset|keep))?", panel.reset)
    register_list(bot, "blocked", show_blocked)
    register_list(bot, "audit", show_audit)
    register_list(bot, "reports", cases.show_reports)
    register_list(bot, "roster", server_voices.show_server_voices)
    register_picker(bot, "case", cases.open_case)
    register_picker(bot, "roster", server_voices.open_voice)
    cog = VoiceAdmin()
    if cog.app_command:
        cog.app_command.default_permissions = discord.Permissions(manage_guild=True)
    await bot.add_cog(cog)
