"""The panel on which moderators set a server's rules: pages of selects, each saved at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Self

import discord

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.errors import Refused
from bot.i18n import translate
from bot.policy.models import Ids, Policy
from cogs.voiceadmin.mod_log import log_trouble
from cogs.voiceadmin.permissions import check_moderator, moderator

PAGES: Mapping[str, tuple[str, ...]] = {
    "switches": ("switches",),
    "who": ("clone_roles", "clone_channels", "min_account_days", "min_member_days"),
    "limits": ("max_voices_per_member", "max_clones_per_member", "max_clones_per_day"),
    "moderators": ("moderator_role", "log_channel"),
}
"""The rules on each page; a message holds five rows, and the select of pages and the button take two."""

SWITCHES = ("cloning", "sharing", "speaking", "allow_absent_speakers", "require_consent")

NUMBERS = {
    "min_account_days": (0, 1, 7, 30, 90, 365),
    "min_member_days": (0, 1, 7, 30, 90, 365),
    "max_voices_per_member": (0, 1, 2, 3, 5, 10, 20, 50),
    "max_clones_per_member": (0, 1, 2, 3, 5, 10, 20),
    "max_clones_per_day": (0, 5, 10, 20, 50, 100, 200, 500),
}
"""What can be chosen; 0 is none."""

MENTIONED = {
    "clone_roles": ("@&", "panel.everybody"),
    "clone_channels": ("#", "panel.everywhere"),
    "moderator_role": ("@&", "panel.none"),
    "log_channel": ("#", "panel.none"),
}
"""The rules that are about roles or channels: how these are mentioned, and what none of them means."""

_Select = discord.ui.Select[Any] | discord.ui.RoleSelect[Any] | discord.ui.ChannelSelect[Any]


class PanelSelect(discord.ui.DynamicItem[_Select], template=r"rules:(?P<page>\w+):(?P<rule>\w+)"):
    """Another page, or another value of a rule."""

    def __init__(self, page: str, rule: str, select: _Select) -> None:
        select.custom_id = f"rules:{page}:{rule}"
        super().__init__(select)
        self._page = page
        self._rule = rule

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Take the select as it is in the message."""
        del interaction
        assert isinstance(item, discord.ui.Select | discord.ui.RoleSelect | discord.ui.ChannelSelect)  # noqa: S101 - so it was sent
        return cls(match["page"], match["rule"], item)

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Turn the page, or save the rule; either way show how it now stands."""
        async with replying_on_error(interaction):
            await interaction.response.defer()
            await check_moderator(interaction)
            if self._rule == "page":
                await show_panel(interaction, str(self.item.values[0]))
                return
            rules = _read(self._rule, [*self.item.values])
            if isinstance(self.item, discord.ui.Select) and self._rule == "switches":
                shown = {option.value: option.default for option in self.item.options}
                rules = {name: on for name, on in rules.items() if shown.get(name) is not on}
            if rules.get("moderator_role") == interaction.guild_id:  # @everyone
                raise Refused("refused.everybody_moderates")
            moderation = interaction.client.moderation
            await moderation.change(interaction.guild_id or 0, moderator(interaction.user), **rules)
            await show_panel(interaction, self._page)


class DefaultsButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"defaults:(?P<page>\w+)"):
    """Back to the rules that hold where nobody set any."""

    def __init__(self, page: str, locale: str) -> None:
        label = translate(locale, "button.defaults")
        super().__init__(discord.ui.Button(label=label, custom_id=f"defaults:{page}"))
        self._page = page

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the button from its custom id."""
        del item
        return cls(match["page"], str(interaction.locale))

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- as above
        """Go back to the defaults, and show them."""
        async with replying_on_error(interaction):
            await interaction.response.defer()
            await check_moderator(interaction)
            moderation = interaction.client.moderation
            await moderation.reset(interaction.guild_id or 0, moderator(interaction.user))
            await show_panel(interaction, self._page)


def _read(rule: str, values: list[Any]) -> dict[str, Any]:
    """Return what the values chosen for a rule make of the policy; nothing for what is no rule."""
    match rule:
        case "switches":
            return {switch: switch in values for switch in SWITCHES}
        case "clone_roles" | "clone_channels":
            return {rule: tuple(chosen.id for chosen in values)}
        case "moderator_role" | "log_channel":
            return {rule: values[0].id if values else None}
        case _ if rule in NUMBERS:
            return {rule: int(values[0])}
        case _:
            return {}


async def show_panel(interaction: discord.Interaction[Clonevoice], page: str) -> None:
    """Answer with a page of the panel."""
    locale = str(interaction.locale)
    page = page if page in PAGES else "switches"
    policy = await interaction.client.moderation.policy(interaction.guild_id or 0)
    embed = discord.Embed(
        title=translate(locale, "panel.title"),
        description="\n".join(_lines(policy, interaction.guild, locale)),
        colour=discord.Colour.blurple(),
    )
    embed.set_footer(text=translate(locale, "panel.note"))
    if trouble := log_trouble(interaction.guild, policy.log_channel):
        embed.add_field(
            name=translate(locale, "rule.name.log_channel"), value=translate(locale, trouble), inline=False
        )
    for rule in ("clone_roles", "clone_channels", "moderator_role"):
        if len(_there(_ids(policy, rule), interaction.guild)) < len(_ids(policy, rule)):
            name = translate(locale, f"rule.name.{rule}")
            embed.add_field(name=name, value=translate(locale, "panel.some_gone"), inline=False)
    view = discord.ui.View(timeout=None)
    options = [
        discord.SelectOption(label=translate(locale, f"panel.page.{each}"), value=each, default=each == page)
        for each in PAGES
    ]
    view.add_item(PanelSelect(page, "page", discord.ui.Select(options=options)))
    for rule in PAGES[page]:
        view.add_item(PanelSelect(page, rule, _select(rule, policy, interaction.guild, locale)))
    if len(PAGES[page]) < 4:  # noqa: PLR2004 - there is a row left
        view.add_item(DefaultsButton(page, locale))
    await interaction.edit_original_response(embed=embed, view=view)


def _lines(policy: Policy, guild: discord.Guild | None, locale: str) -> list[str]:
    state = {True: translate(locale, "panel.on"), False: translate(locale, "panel.off")}
    values: dict[str, object] = {switch: state[getattr(policy, switch)] for switch in SWITCHES}
    values |= {rule: getattr(policy, rule) or translate(locale, "panel.no_limit") for rule in NUMBERS}
    for rule, (kind, empty) in MENTIONED.items():
        ids = _ids(policy, rule)
        there = _there(ids, guild)
        gone = [translate(locale, "panel.gone")] if len(there) < len(ids) else []
        values[rule] = ", ".join([format(Ids([number]), kind) for number in there] + gone) or translate(
            locale, empty
        )
    return [translate(locale, f"rule.is.{field.name}", value=values[field.name]) for field in fields(Policy)]


def _ids(policy: Policy, rule: str) -> list[int]:
    """Return the roles or channels of a rule, of which some have one and some have many."""
    value = getattr(policy, rule)
    return [*value] if isinstance(value, tuple) else [value] if value else []  # pyright: ignore[reportUnknownVariableType] -- ids


def _there(ids: Sequence[int], guild: discord.Guild | None) -> list[int]:
    """Return those of roles and channels that have not been deleted."""
    return [number for number in ids if guild and (guild.get_role(number) or guild.get_channel(number))]


def _select(rule: str, policy: Policy, guild: discord.Guild | None, locale: str) -> _Select:
    placeholder = translate(locale, f"panel.choose.{rule}")
    value: Any = getattr(policy, rule, None)
    chosen = _there(_ids(policy, rule), guild) if rule in MENTIONED else []
    most = 25 if isinstance(value, tuple) else 1
    match rule:
        case "switches":
            options = [
                discord.SelectOption(
                    label=translate(locale, f"panel.switch.{switch}"),
                    value=switch,
                    default=getattr(policy, switch),
                )
                for switch in SWITCHES
            ]
            return discord.ui.Select(
                options=options, min_values=0, max_values=len(options), placeholder=placeholder
            )
        case "clone_roles" | "moderator_role":
            roles = [discord.Object(number, type=discord.Role) for number in chosen]
            return discord.ui.RoleSelect(
                min_values=0, max_values=most, default_values=roles, placeholder=placeholder
            )
        case "clone_channels" | "log_channel":
            channels = [discord.Object(number, type=discord.TextChannel) for number in chosen]
            return discord.ui.ChannelSelect(
                channel_types=[discord.ChannelType.text],
                min_values=0,
                max_values=most,
                default_values=channels,
                placeholder=placeholder,
            )
        case _:
            numbers = [
                discord.SelectOption(
                    label=translate(
                        locale, f"rule.choice.{rule}", value=number or translate(locale, "panel.no_limit")
                    ),
                    value=str(number),
                    default=value == number,
                )
                for number in NUMBERS[rule]
            ]
            return discord.ui.Select(options=numbers, placeholder=placeholder)
