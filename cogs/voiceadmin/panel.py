"""The panel with a server's rules. Each choice is saved at once."""

from dataclasses import asdict
from typing import Any

import discord

from bot.client.membership import loaded_guild
from bot.errors import Refused
from bot.policy.models import RENAMED_RULES, Policy
from cogs._ui.action import Select, chosen
from cogs._ui.interaction import Interaction
from cogs.voiceadmin.panel_layout import NUMBERS, PAGES, SWITCHES, Panel, reset_question
from cogs.voiceadmin.permissions import check_moderator, user_ref


async def handle_choice(interaction: Interaction, select: Select, page: str, rule: str) -> None:
    """Turn to another page, or save a rule, and show the panel."""
    await interaction.response.defer()
    await check_moderator(interaction)
    if rule == "page":
        await show_panel(interaction, chosen(select))
        return
    rules = _read(select, RENAMED_RULES.get(rule, rule))
    if rules.get("moderator_role") == interaction.guild_id:  # @everyone
        raise Refused("refused.everybody_moderates")
    guild_id, by = interaction.guild_id or 0, user_ref(interaction.user)
    await interaction.client.services.rules.change(guild_id, by, **rules)
    await show_panel(interaction, page)


async def switch(interaction: Interaction, rule: str, state: str) -> None:
    """Turn a rule on or off, as the button said, and show the panel."""
    await interaction.response.defer()
    await check_moderator(interaction)
    guild_id, by = interaction.guild_id or 0, user_ref(interaction.user)
    await interaction.client.services.rules.change(guild_id, by, **{rule: state == "on"})
    await show_panel(interaction, "switches")


async def turn(interaction: Interaction, page: str) -> None:
    """Show a page of the panel."""
    await interaction.response.defer()
    await check_moderator(interaction)
    await show_panel(interaction, page)


async def reset(interaction: Interaction, page: str, answer: str | None) -> None:
    """Ask whether to reset all rules to their defaults, or do what the moderator answered and show the panel."""
    await interaction.response.defer()
    await check_moderator(interaction)
    if answer is None:
        await _show(interaction, reset_question(str(interaction.locale), page))
        return
    if answer == "reset":
        guild_id, by = interaction.guild_id or 0, user_ref(interaction.user)
        await interaction.client.services.rules.change(guild_id, by, **asdict(Policy()))
    await show_panel(interaction, page)


def _read(select: Select, rule: str) -> dict[str, Any]:
    """Return the rules that the chosen values change; empty if there is no such rule."""
    values: list[Any] = [*select.values]
    match rule:
        case "switches" if isinstance(select, discord.ui.Select):
            # Only the switches that the moderator changed: the others may have been changed since.
            return {
                RENAMED_RULES.get(option.value, option.value): option.value in values
                for option in select.options
                if option.default is not (option.value in values)
                and RENAMED_RULES.get(option.value, option.value) in SWITCHES
            }
        case "clone_roles" | "clone_channels" | "moderator_role" | "log_channel" if isinstance(
            select, discord.ui.Select
        ):
            return {}  # text, where Discord sends a role or a channel
        case "clone_roles" | "clone_channels":
            return {rule: tuple(each.id for each in values)}
        case "moderator_role" | "log_channel":
            return {rule: values[0].id if values else None}
        case _ if rule in NUMBERS and chosen(select) in map(str, NUMBERS[rule]):
            return {rule: int(chosen(select))}
        case _:
            return {}


async def show_panel(interaction: Interaction, page: str) -> None:
    """Show a page of the panel; the first one if there is no such page."""
    guild_id = interaction.guild_id or 0
    policy = await interaction.client.services.rules.policy(guild_id)
    panel = Panel(policy, loaded_guild(interaction.client, guild_id), str(interaction.locale))
    await _show(interaction, panel.overview() if page not in PAGES else panel.page(page))


async def _show(interaction: Interaction, view: discord.ui.LayoutView) -> None:
    await interaction.edit_original_response(content=None, embed=None, view=view)
