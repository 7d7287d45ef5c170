"""The layout of the panel with a server's rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import discord
from discord import ui

from bot.client.actions import ActionItem
from bot.i18n import translate
from bot.policy.models import Policy
from cogs._ui.action import Select, action_button, action_select, select_options
from cogs._ui.formatting import BLURPLE, YELLOW
from cogs.voiceadmin.log_channel import log_trouble
from cogs.voiceadmin.rule_text import MENTIONS, rule_value

PAGES: Mapping[str, tuple[str, ...]] = {
    "who": ("clone_roles", "clone_channels", "min_account_days", "min_member_days"),
    "limits": ("max_voices_per_member", "max_clones_per_member", "max_clones_per_day"),
    "moderators": ("moderator_role", "log_channel"),
}
"""The rules that have a page each with their selects. The switches are on the first page."""

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


@dataclass(frozen=True, slots=True)
class Panel:
    """A server's rules as a message of Discord's layout components.

    Without `guild`, which Discord has not sent then, all roles and channels count as existing.
    """

    policy: Policy
    guild: discord.Guild | None
    locale: str

    def overview(self) -> ui.LayoutView:
        """Return the first page: a summary, the switches, and the other rules with buttons to change them."""
        title, note = translate(self.locale, "panel.title"), translate(self.locale, "panel.note")
        parts: list[ui.Item[Any]] = [ui.TextDisplay(f"### {title}\n{self._summary()}")]
        if self.policy == Policy():
            parts.append(ui.TextDisplay(translate(self.locale, "panel.hint")))
        parts += [ui.TextDisplay(problem) for problem in self._problems((*MENTIONS,))]
        parts.append(ui.Separator())
        parts += [_section(self._line(rule), self._switch(rule)) for rule in SWITCHES]
        parts.append(ui.Separator())
        for page, rules in PAGES.items():
            change = action_button(self.locale, "button.change", "panel", page)
            parts.append(_section("\n".join(map(self._line, rules)), change))
        parts.append(ui.Separator())
        parts.append(_row(action_button(self.locale, "button.defaults", "defaults", "switches")))
        return _message(*parts, ui.TextDisplay(f"-# {note}"))

    def page(self, page: str) -> ui.LayoutView:
        """Return the page with the selects of some rules."""
        parts: list[ui.Item[Any]] = [ui.TextDisplay(f"### {translate(self.locale, f'panel.page.{page}')}")]
        for rule in PAGES[page]:
            parts.append(ui.TextDisplay("\n".join([self._line(rule), *self._problems([rule])])))
            parts.append(_row(action_select(self._select(rule), "rules", page, rule)))
        return _message(*parts, _row(action_button(self.locale, "button.back", "panel", "switches")))

    def _summary(self) -> str:
        """Return what the rules mean, in sentences."""
        policy, locale = self.policy, self.locale
        if not policy.cloning:
            sentences = [translate(locale, "rule.cloning_off")]
        elif policy.clone_roles:
            sentences = [translate(locale, "panel.summary.roles", roles=policy.clone_roles)]
        else:
            sentences = [translate(locale, "panel.summary.everyone")]
        if policy.cloning and policy.max_voices_per_member:
            sentences.append(translate(locale, "panel.summary.voices", limit=policy.max_voices_per_member))
        sentences.append(translate(locale, f"panel.summary.{'approval' if policy.require_consent else 'trust'}"))
        log = policy.log_channel
        sentences.append(
            translate(locale, "panel.summary.log", channels=(log,))
            if log
            else translate(locale, "panel.summary.no_log")
        )
        return " ".join(sentences)

    def _problems(self, rules: Iterable[str]) -> list[str]:
        """Return a sentence for each of these rules whose roles or channels are gone or can't be used."""
        trouble = log_trouble(self.guild, self.policy.log_channel)
        problems = {rule: "panel.some_gone" for rule in rules if self._ids(rule)[1]}
        if trouble and "log_channel" in rules:
            problems["log_channel"] = trouble
        return [
            f"**{translate(self.locale, f'rule.name.{rule}')}**: {translate(self.locale, key)}"
            for rule, key in problems.items()
        ]

    def _line(self, rule: str) -> str:
        value, more = getattr(self.policy, rule), list[str]()
        if rule in MENTIONS:
            existing, some_deleted = self._ids(rule)
            value, more = tuple(existing), [translate(self.locale, "panel.gone")] * some_deleted
        return translate(self.locale, f"rule.is.{rule}", value=rule_value(self.locale, rule, value, *more))

    def _switch(self, rule: str) -> ActionItem:
        state = "off" if getattr(self.policy, rule) else "on"
        return action_button(self.locale, f"button.turn.{state}", "switch", rule, state)

    def _ids(self, rule: str) -> tuple[list[int], bool]:
        """Return the IDs of a rule's roles or channels that still exist, and True if some were deleted."""
        if rule not in MENTIONS:
            return [], False
        value, guild = getattr(self.policy, rule), self.guild
        ids: list[int] = [*value] if isinstance(value, tuple) else [value] if value else []  # pyright: ignore[reportUnknownVariableType] -- ids
        existing = [number for number in ids if guild is None or (guild.get_role(number) or guild.get_channel(number))]
        return existing, len(existing) < len(ids)

    def _select(self, rule: str) -> Select:
        placeholder = translate(self.locale, f"panel.choose.{rule}")
        value: Any = getattr(self.policy, rule)
        existing = self._ids(rule)[0]
        most = 25 if isinstance(value, tuple) else 1
        match rule:
            case "clone_roles" | "moderator_role":
                roles = [discord.Object(number, type=discord.Role) for number in existing]
                return ui.RoleSelect(min_values=0, max_values=most, default_values=roles, placeholder=placeholder)
            case "clone_channels" | "log_channel":
                channels = [discord.Object(number, type=discord.TextChannel) for number in existing]
                return ui.ChannelSelect(
                    channel_types=[discord.ChannelType.text],
                    min_values=0,
                    max_values=most,
                    default_values=channels,
                    placeholder=placeholder,
                )
            case _:
                labels = {
                    str(number): translate(
                        self.locale, f"rule.choice.{rule}", value=rule_value(self.locale, rule, number)
                    )
                    for number in NUMBERS[rule]
                }
                options = select_options(labels, {str(getattr(self.policy, rule))})
                return ui.Select(options=options, placeholder=placeholder)


def reset_question(locale: str, page: str) -> ui.LayoutView:
    """Return the question whether to reset all rules to their defaults."""
    answers = [action_button(locale, f"button.{each}_rules", "defaults", page, each) for each in ANSWERS]
    return _message(ui.TextDisplay(translate(locale, "panel.reset")), _row(*answers), color=YELLOW)


def _message(*parts: ui.Item[Any], color: discord.Color = BLURPLE) -> ui.LayoutView:
    return ui.LayoutView(timeout=None).add_item(ui.Container(*parts, accent_color=color))


def _section(text: str, button: ActionItem) -> ui.Section[Any]:
    return ui.Section(text, accessory=cast("Any", button))


def _row(*items: ActionItem) -> ui.ActionRow[Any]:
    return ui.ActionRow(*cast("tuple[Any, ...]", items))
