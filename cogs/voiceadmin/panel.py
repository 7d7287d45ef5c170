"""The panel with a server's rules: pages of selects. Each choice is saved at once."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import discord

from bot.client.membership import loaded_guild
from bot.errors import Refused
from bot.i18n import translate
from bot.policy.models import RENAMED_RULES, Policy
from cogs._ui.action import Select, action_button, action_select, chosen, select_options, view_of
from cogs._ui.formatting import BLURPLE, YELLOW, add_field, card
from cogs._ui.interaction import Interaction
from cogs.voiceadmin.log_channel import log_trouble
from cogs.voiceadmin.permissions import check_moderator, user_ref
from cogs.voiceadmin.rule_text import MENTIONS, rule_value

PAGES: Mapping[str, tuple[str, ...]] = {
    "switches": ("switches",),
    "who": ("clone_roles", "clone_channels", "min_account_days", "min_member_days"),
    "limits": ("max_voices_per_member", "max_clones_per_member", "max_clones_per_day"),
    "moderators": ("moderator_role", "log_channel"),
}
"""The rules on each page. Of a message's five rows, the select of pages and the button take two."""

SWITCHES = ("cloning", "sharing", "speaking", "allow_absent_speakers", "require_consent")

NUMBERS = {
    "min_account_days": (0, 1, 7, 30, 90, 365),
    "min_member_days": (0, 1, 7, 30, 90, 365),
    "max_voices_per_member": (0, 1, 2, 3, 5, 10, 20, 50),
    "max_clones_per_member": (0, 1, 2, 3, 5, 10, 20),
    "max_clones_per_day": (0, 5, 10, 20, 50, 100, 200, 500),
}
"""The choices; 0 means no limit."""

ANSWERS = ("reset", "keep")  # to the question whether to reset all rules


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


async def reset(interaction: Interaction, page: str, answer: str | None) -> None:
    """Ask whether to reset all rules to their defaults, or do what the moderator answered and show the panel."""
    await interaction.response.defer()
    await check_moderator(interaction)
    if answer is None:
        locale = str(interaction.locale)
        embed = card(YELLOW, translate(locale, "panel.title"), translate(locale, "panel.reset"))
        view = view_of(*(action_button(locale, f"button.{each}_rules", "defaults", page, each) for each in ANSWERS))
        await interaction.edit_original_response(embed=embed, view=view)
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
    locale = str(interaction.locale)
    page = page if page in PAGES else "switches"
    policy = await interaction.client.services.rules.policy(interaction.guild_id or 0)
    guild = loaded_guild(interaction.client, interaction.guild_id or 0)
    lines = "\n".join(_lines(policy, guild, locale))
    embed = card(BLURPLE, translate(locale, "panel.title"), lines, translate(locale, "panel.note"))
    _add_problems(embed, policy, guild, locale)
    pages = {each: translate(locale, f"panel.page.{each}") for each in PAGES}
    view = view_of(action_select(discord.ui.Select(options=select_options(pages, {page})), "rules", page, "page"))
    for rule in PAGES[page]:
        view.add_item(action_select(_select(rule, policy, guild, locale), "rules", page, rule))
    if len(PAGES[page]) < 4:  # noqa: PLR2004 - there is a row left
        view.add_item(action_button(locale, "button.defaults", "defaults", page))
    await interaction.edit_original_response(embed=embed, view=view)


def _add_problems(embed: discord.Embed, policy: Policy, guild: discord.Guild | None, locale: str) -> None:
    """Add a field if the log channel can't be used, and for each rule whose roles or channels are deleted."""
    if trouble := log_trouble(guild, policy.log_channel):
        add_field(embed, locale, "rule.name.log_channel", translate(locale, trouble), inline=False)
    for rule in ("clone_roles", "clone_channels", "moderator_role"):
        if _ids(policy, rule, guild)[1]:
            add_field(embed, locale, f"rule.name.{rule}", translate(locale, "panel.some_gone"), inline=False)


def _lines(policy: Policy, guild: discord.Guild | None, locale: str) -> list[str]:
    lines: list[str] = []
    for rule in (field.name for field in fields(Policy)):
        value, more = getattr(policy, rule), list[str]()
        if rule in MENTIONS:
            existing, some_deleted = _ids(policy, rule, guild)
            value, more = tuple(existing), [translate(locale, "panel.gone")] * some_deleted
        lines.append(translate(locale, f"rule.is.{rule}", value=rule_value(locale, rule, value, *more)))
    return lines


def _ids(policy: Policy, rule: str, guild: discord.Guild | None) -> tuple[list[int], bool]:
    """Return the IDs of a rule's roles or channels that still exist, and True if some were deleted.

    Without `guild`, which Discord has not sent then, all count as existing.
    """
    value = getattr(policy, rule)
    ids: list[int] = [*value] if isinstance(value, tuple) else [value] if value else []  # pyright: ignore[reportUnknownVariableType] -- ids
    existing = [number for number in ids if guild is None or (guild.get_role(number) or guild.get_channel(number))]
    return existing, len(existing) < len(ids)


def _select(rule: str, policy: Policy, guild: discord.Guild | None, locale: str) -> Select:
    placeholder = translate(locale, f"panel.choose.{rule}")
    value: Any = getattr(policy, rule, None)
    existing = _ids(policy, rule, guild)[0] if rule in MENTIONS else []
    most = 25 if isinstance(value, tuple) else 1
    match rule:
        case "switches":
            labels = {switch: translate(locale, f"panel.switch.{switch}") for switch in SWITCHES}
            options = select_options(labels, {switch for switch in SWITCHES if getattr(policy, switch)})
            return discord.ui.Select(options=options, min_values=0, max_values=len(options), placeholder=placeholder)
        case "clone_roles" | "moderator_role":
            roles = [discord.Object(number, type=discord.Role) for number in existing]
            return discord.ui.RoleSelect(min_values=0, max_values=most, default_values=roles, placeholder=placeholder)
        case "clone_channels" | "log_channel":
            channels = [discord.Object(number, type=discord.TextChannel) for number in existing]
            return discord.ui.ChannelSelect(
                channel_types=[discord.ChannelType.text],
                min_values=0,
                max_values=most,
                default_values=channels,
                placeholder=placeholder,
            )
        case _:
            labels = {
                str(number): translate(locale, f"rule.choice.{rule}", value=rule_value(locale, rule, number))
                for number in NUMBERS[rule]
            }
            options = select_options(labels, {str(getattr(policy, rule))})
            return discord.ui.Select(options=options, placeholder=placeholder)
