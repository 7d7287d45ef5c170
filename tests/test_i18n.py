"""The catalog: no text missing or unused, and members' texts are escaped."""

import ast
import json
import re
import string
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pytest

from bot.client.tree import REFUSALS
from bot.cloning.job import Stage
from bot.errors import ClonevoiceError
from bot.i18n import ENGLISH, catalog, escape_markdown, translate, translate_markdown
from bot.moderation.models import ReportReason
from bot.moderation.server_voices import VoiceFilter
from bot.policy.models import ModAction, Policy
from bot.settings import Settings
from bot.store.tiny.shapes import KINDS
from bot.voices.models import Language, Rights
from cogs.voiceadmin.panel import NUMBERS, PAGES, SWITCHES

ROOT = Path(__file__).parent.parent
CATALOG = catalog(ENGLISH)

PROBLEMS = tuple(key for key in CATALOG if key.startswith("mureka.") and key != "mureka.not_found")
VERDICTS = ("remove", "remove_clip", "dismiss", "block", "silence")
FAMILIES: dict[str, Sequence[str]] = {
    "settings.malformed.": list(Settings.model_fields),
    "language.": [language.value for language in Language],
    "rights.": [rights.value for rights in Rights],
    "button.": [
        *("anyway", "mine", "cancel", "again"),
        *("open", "approve", "refuse", "revoke", "sure", "stay"),
        *("speak", "share", "unshare", "rename", "delete", "gone", "keep", "history", "lost", "defaults"),
        *("reset_rules", "keep_rules"),
    ],
    "error.discord.": [str(code) for code in REFUSALS],
    "program.": ["run", "demo", "doctor"],
    "stage.present.": [Stage.RECEIVED, Stage.CONFIRMING, Stage.CONSENT, Stage.QUEUED],
    "stage.passed.": [Stage.RECEIVED, Stage.CHECKED, Stage.CONFIRMING, Stage.CONSENT, Stage.QUEUED, Stage.UPLOADING],
    "stage.ahead.": [Stage.CHECKED, Stage.CONSENT, Stage.QUEUED, Stage.UPLOADING, Stage.CLONING, Stage.DONE],
    **dict.fromkeys(("line.", "doctor."), PROBLEMS),
    "doctor.records.": list(KINDS),
    "panel.page.": list(PAGES),
    "panel.switch.": list(SWITCHES),
    "panel.choose.": [rule for rules in PAGES.values() for rule in rules],
    **dict.fromkeys(("rule.is.", "rule.name."), tuple(field.name for field in fields(Policy))),
    "rule.choice.": list(NUMBERS),
    **dict.fromkeys(("decision.", "audit."), tuple(action.value for action in ModAction)),
    **dict.fromkeys(("moderators.", "moderators.none."), ("blocked", "audit")),
    "report.reason.": [reason.value for reason in ReportReason],
    **dict.fromkeys(("button.case.", "case.decided.", "case.done.", "notice.reported."), VERDICTS),
    **dict.fromkeys(("verdict.form.", "verdict.about."), ("removing", "barring", "clip", "blocking")),
    "notice.owner.": ["remove_clip", "dismiss", "silence"],
    "whereabouts.": [one.value for one in VoiceFilter],
    "form.": ["title", "rights", "speaker", "language", "description"],
    "shared.": ["nowhere", "here", "here_and", "elsewhere"],
}
"""The keys that code composes, by their prefix."""


def errors(kind: type[ClonevoiceError] = ClonevoiceError) -> list[type[ClonevoiceError]]:
    return [kind, *(error for child in kind.__subclasses__() for error in errors(child))]


def code() -> list[tuple[str, ast.AST]]:
    """Parse the code into nodes with the names of their files."""
    files = [*ROOT.glob("bot/**/*.py"), *ROOT.glob("cogs/**/*.py")]
    return [(file.name, node) for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]


def keys_in_code() -> set[str]:
    """Collect all string literals of the code, and the families of composed keys."""
    found: set[str] = set()
    for _, node in code():
        if isinstance(node, ast.JoinedStr) and isinstance(first := node.values[0], ast.Constant):
            found |= {f"{first.value}{rest}" for rest in FAMILIES.get(str(first.value), ())}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def test_each_text_is_used():
    assert set(CATALOG) - keys_in_code() == set()


def test_no_text_is_missing():
    composed = {f"{family}{rest}" for family, rests in FAMILIES.items() for rest in rests}
    raised = {error.key for error in errors() if vars(error).get("key")}
    heads = "|".join({key.split(".")[0] for key in CATALOG})
    said = {key for key in keys_in_code() if re.fullmatch(rf"({heads})\.[a-z_.]*[a-z_]", key)}
    assert (composed | raised | said) - set(CATALOG) - {"mureka.ai"} == set()


def test_each_error_with_a_literal_key_fills_in_its_text():
    kinds = {kind.__name__: kind.key for kind in errors()}
    checked = 0
    for file, node in code():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds):
            continue
        first = node.args[0] if node.args else ast.Constant(kinds[node.func.id])
        if isinstance(first, ast.Constant) and all(keyword.arg for keyword in node.keywords):
            key, place = str(first.value), f"{file}:{node.lineno}"
            assert key in CATALOG, f"{place}: {key} is not in the catalog"
            wanted = {name for _, name, _, _ in string.Formatter().parse(CATALOG[key]) if name}
            assert not (wanted - {keyword.arg for keyword in node.keywords}), place
            checked += 1
    assert checked > 50


def test_each_malformed_setting_has_its_own_text():
    for field in Settings.model_fields:
        assert field.upper() in translate(ENGLISH, f"settings.malformed.{field}")


def test_catalog_has_no_duplicate_keys():
    def once(pairs: list[tuple[str, str]]) -> dict[str, str]:
        assert len(pairs) == len(dict(pairs))
        return dict(pairs)

    json.loads((ROOT / "bot/locales/en-US.json").read_text("utf-8"), object_pairs_hook=once)


HOSTILE = (
    *("@everyone", "<@123>", "<t:0:R>", "**bold** __under__ ~~gone~~ ||spoiler||", "`code`", "# head", "> quote", "\\"),
    *("[text](https://example.com)", "https://example.com", "discord.gg/abc"),
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_of_a_member_is_escaped_in_markdown(hostile: str):
    bare = re.sub(r"\\([!-/:-@\[-`{-~])", "", str(escape_markdown(hostile)))
    assert not set(bare) & set(string.punctuation)
    assert re.sub(r"\\(.)", r"\1", str(escape_markdown(hostile))) == hostile


def test_unknown_locale_gets_english():
    assert translate("xx-YY", "button.cancel") == "Cancel"
    assert translate("../../etc", "button.cancel") == "Cancel"


def test_text_keeps_its_markdown_and_escapes_only_its_values():
    assert translate_markdown(ENGLISH, "card.title", title="*x*") == "Cloning “\\*x\\*”"
