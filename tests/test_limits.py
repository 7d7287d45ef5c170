"""Everything fits into Discord's limits, however wide the names and titles are."""

from typing import Any

import discord
import pytest
from simcord.components import walk_components

from bot.i18n import ENGLISH, shorten_markdown
from bot.moderation.models import Case, Decision, Report, ReportedClip, ReportedVoice, ReportReason
from bot.policy.models import AuditEntry, Block, ModAction, Policy, UserRef
from bot.text import clean_text, cut, shorten
from cogs._ui.action import action_button, select_options, view_of
from cogs._ui.paginator import PAGE, entry_picker, list_message, page_of
from cogs.voiceadmin.audit import entry_text
from cogs.voiceadmin.case_card import case_card
from cogs.voiceadmin.cases import CaseForm, case_buttons
from cogs.voiceadmin.panel_layout import PAGES, Panel
from cogs.voiceadmin.reporting import ReportForm
from cogs.voiceadmin.server_voices import RemovalForm
from support.limits import too_long, width

ALPHABETS = {
    "wide": "W",
    "punctuation": "*",
    "backslashes": "\\",
    "emoji": "\U0001f600",
    "families": "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "accents": "e\u0323\u0301",
    "one letter": "\u0301",
    "unfolding": "\U0001d160",  # NFC makes three characters of one
}


def filled(alphabet: str, length: int) -> str:
    """Return a text as it is stored after a member typed `length` characters."""
    return clean_text(("a" + alphabet * length)[:length])


def reported(name: str, title: str, text: str, decision: Decision | None = None) -> Case:
    clips = [ReportedClip(text, number, name, f"https://discord.com/channels/{'9' * 60}") for number in range(6)]
    reports = tuple(Report(2**64 - 1, name, ReportReason.OTHER, 1e10, clip, cut(text, 200)) for clip in clips)
    return Case(2**40, ReportedVoice(10**14, 2**64 - 1, name, title, "", cloned_here=True), reports, decision=decision)


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
def test_each_form_button_select_and_embed_fits(alphabet: str):
    name, title, text = filled(alphabet, 32), filled(alphabet, 50), filled(alphabet, 300)
    user, reason = UserRef(2**64 - 1, name), filled(alphabet, 200)
    decisions = [CaseForm(ENGLISH, "silence", "1" * 15, "9" * 20), RemovalForm(ENGLISH, "9" * 20)]
    for form, kind in zip(decisions, ("blocking", "removing"), strict=True):
        form.describe(kind, title=title, name=name, reason=reason)
    forms = [*decisions, ReportForm(ENGLISH, "9" * 20, "9" * 20, "f" * 16)]
    blocked = Decision(ModAction.BLOCK, user, 1e10, reason, user)
    cases = [reported(name, title, text), reported(name, title, text, blocked)]
    row = entry_text(AuditEntry.from_block(Block(1, name, 1, reason, 1e10, 1e10), user), ENGLISH)
    picker = entry_picker(ENGLISH, "case", [(str(number), title, name) for number in range(25)])
    shown: dict[str, Any] = list_message(
        ENGLISH, "own", page_of(range(99), 4), title=row, lines=[row] * 2 * PAGE, empty="", picker=picker
    )
    voice_name = discord.ui.Select[Any](options=select_options({"1": f"{title} {name}"}))
    payload = {
        "forms": [form.to_dict() for form in forms],
        "embeds": [
            shown["embed"].to_dict(),
            *(case_card(case, ENGLISH, gone=True, named=True).to_dict() for case in cases),
        ],
        "components": [*shown["view"].to_components(), *case_buttons(cases[0], ENGLISH).to_components()],
        "select": voice_name.to_component_dict(),
        "button": view_of(action_button(ENGLISH, "button.case.silence", "x", name=name + title)).to_components(),
    }
    assert [*too_long(payload)] == []
    assert len((shown["embed"].description or "").splitlines()) == 2 * PAGE


@pytest.mark.parametrize("page", ["", *PAGES])
def test_panel_with_all_the_roles_and_channels_that_can_be_chosen_fits(page: str):
    ids = tuple(range(2**64 - 25, 2**64))
    policy = Policy(clone_roles=ids, clone_channels=ids, moderator_role=ids[0], log_channel=ids[1])
    panel = Panel(policy, None, ENGLISH)
    parts = [*walk_components((panel.page(page) if page else panel.overview()).to_components())]
    assert len(parts) <= 40
    assert sum(width(part.get("content", "")) for part in parts) <= 4000
    assert [*too_long(parts)] == []


@pytest.mark.parametrize(
    ("text", "longest", "kept"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("\U0001f600" * 3, 6, "\U0001f600" * 3),
        ("\U0001f600" * 3, 5, "\U0001f600" * 2 + "…"),
        ("\U0001f600" * 3, 4, "\U0001f600…"),
        ("ae\u0323\u0301b", 4, "a…"),
        ("a\U0001f469\u200d\U0001f467b", 5, "a…"),
        ("a\U0001f44d\U0001f3fdb", 4, "a…"),
        ("e" + "\u0301" * 9, 4, "e\u0301\u0301…"),
    ],
)
def test_shortened_text_ends_with_a_whole_letter(text: str, longest: int, kept: str):
    assert shorten(text, longest) == kept
    assert width(kept) <= longest
    assert cut(text, longest) == kept or width(text) > longest


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        (r"ab\*\*", r"ab\*…"),
        (r"abc\*\*", r"abc…"),
        (r"\\\\\*", r"\\\\…"),
        ("ab <t:1:R>", "ab …"),
        (r"ab\<t:1", r"ab\<…"),
    ],
)
def test_escape_or_mention_is_not_cut_in_two(shown: str, kept: str):
    assert shorten_markdown(shown, 5) == kept
