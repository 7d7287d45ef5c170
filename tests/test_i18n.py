"""The catalog: no sentence missing, none unused, and no member's text gets to do anything."""

import ast
import json
import re
import string
from dataclasses import fields
from pathlib import Path

import pytest

from bot.cloning.stage import Stage
from bot.errors import ClonevoiceError
from bot.i18n import ENGLISH, catalog, escape_markdown, translate, translate_markdown
from bot.moderation.models import ReportReason
from bot.moderation.server_voices import VoiceFilter
from bot.policy.models import ModAction, Policy
from bot.settings import Settings
from bot.voices.models import Language, Rights
from cogs.voiceadmin.panel import NUMBERS, PAGES, SWITCHES

ROOT = Path(__file__).parent.parent
CATALOG = catalog(ENGLISH)

FAMILIES = {
    "settings.malformed.": list(Settings.model_fields),
    "language.": [language.value for language in Language],
    "rights.": [rights.value for rights in Rights],
    "button.": [
        *("anyway", "mine", "cancel", "again"),
        *("open", "approve", "refuse", "revoke", "sure", "stay"),
        *("speak", "share", "unshare", "rename", "delete", "gone", "keep", "history", "lost", "defaults"),
    ],
    "program.": ["run", "demo", "doctor"],
    "stage.present.": [Stage.RECEIVED, Stage.CONFIRMING, Stage.CONSENT, Stage.QUEUED],
    "stage.passed.": [
        *(Stage.RECEIVED, Stage.CHECKED, Stage.CONFIRMING, Stage.CONSENT),
        *(Stage.QUEUED, Stage.UPLOADING),
    ],
    "stage.ahead.": [Stage.CHECKED, Stage.CONSENT, Stage.QUEUED, Stage.UPLOADING, Stage.CLONING, Stage.DONE],
    "line.": [key for key in CATALOG if key.startswith("mureka.") and key != "mureka.not_found"],
    "panel.page.": list(PAGES),
    "panel.switch.": list(SWITCHES),
    "panel.choose.": [rule for rules in PAGES.values() for rule in rules],
    "rule.is.": [field.name for field in fields(Policy)],
    "rule.name.": [field.name for field in fields(Policy)],
    "rule.choice.": list(NUMBERS),
    "decision.": [decision.value for decision in ModAction],
    "moderators.": ["blocked", "audit"],
    "moderators.none.": ["blocked", "audit"],
    "report.reason.": [reason.value for reason in ReportReason],
    "button.case.": ["remove", "dismiss", "block", "silence"],
    "verdict.form.": ["removing", "barring", "blocking"],
    "verdict.about.": ["removing", "barring", "blocking"],
    "case.decided.": ["remove", "dismiss", "block", "silence"],
    "case.done.": ["remove", "dismiss", "block", "silence"],
    "notice.reported.": ["remove", "dismiss", "block", "silence"],
    "notice.owner.": ["dismiss", "silence"],
    "whereabouts.": [one.value for one in VoiceFilter],
    "audit.": [decision.value for decision in ModAction],
    "form.": ["title", "rights", "speaker", "language", "description"],
    "shared.": ["nowhere", "here", "here_and", "elsewhere"],
    "doctor.": [key for key in CATALOG if key.startswith("mureka.") and key != "mureka.not_found"],
}
"""The keys that code composes, by what they begin with."""


def errors(kind: type[ClonevoiceError] = ClonevoiceError) -> list[type[ClonevoiceError]]:
    return [kind, *(error for child in kind.__subclasses__() for error in errors(child))]


def keys_in_code() -> set[str]:
    """Collect the texts in the code that look like keys, and the families of the composed ones."""
    found: set[str] = set()
    for file in [*ROOT.glob("bot/**/*.py"), *ROOT.glob("cogs/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr) and isinstance(first := node.values[0], ast.Constant):
                found |= {f"{first.value}{rest}" for rest in FAMILIES.get(str(first.value), ())}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def test_every_sentence_is_used_somewhere():
    assert set(CATALOG) - keys_in_code() == set()


def test_no_sentence_is_missing():
    composed = {f"{family}{rest}" for family, rests in FAMILIES.items() for rest in rests}
    raised = {error.key for error in errors() if "key" in vars(error)}
    heads = "|".join({key.split(".")[0] for key in CATALOG})
    said = {key for key in keys_in_code() if re.fullmatch(rf"({heads})\.[a-z_.]*[a-z_]", key)}
    assert (composed | raised | said) - set(CATALOG) - {"mureka.ai"} == set()


def raised_with_a_key() -> list[tuple[str, str, set[str]]]:
    """Collect where an error is made with a literal key: the place, the key and the names of its values."""
    kinds = {kind.__name__: kind.key for kind in errors()}
    found: list[tuple[str, str, set[str]]] = []
    for file in [*ROOT.glob("bot/**/*.py"), *ROOT.glob("cogs/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds):
                continue
            first = node.args[0] if node.args else ast.Constant(kinds[node.func.id])
            if isinstance(first, ast.Constant) and all(keyword.arg for keyword in node.keywords):
                names = {str(keyword.arg) for keyword in node.keywords}
                found.append((f"{file.name}:{node.lineno}", str(first.value), names))
    return found


def test_every_error_fills_in_its_sentence():
    made = raised_with_a_key()
    assert len(made) > 50
    for place, key, values in made:
        assert key in CATALOG, f"{place}: {key} is not in the catalog"
        wanted = {name for _, name, _, _ in string.Formatter().parse(CATALOG[key]) if name}
        assert wanted <= values, f"{place}: {key} lacks {wanted - values}"


def test_every_malformed_setting_is_named_by_its_own_sentence():
    for field in Settings.model_fields:
        assert field.upper() in translate(ENGLISH, f"settings.malformed.{field}")


def test_the_file_has_no_key_twice():
    def once(pairs: list[tuple[str, str]]) -> dict[str, str]:
        assert len(pairs) == len(dict(pairs))
        return dict(pairs)

    json.loads((ROOT / "bot/locales/en-US.json").read_text("utf-8"), object_pairs_hook=once)


@pytest.mark.parametrize(
    "hostile",
    [
        "@everyone",
        "<@123>",
        "**bold** __under__ ~~gone~~ ||spoiler||",
        "[text](https://example.com)",
        "https://example.com",
        "discord.gg/abc",
        "<t:0:R>",
        "`code`",
        "# head",
        "> quote",
        "\\",
    ],
)
def test_a_members_text_reaches_markdown_with_all_its_punctuation_escaped(hostile: str):
    bare = re.sub(r"\\([!-/:-@\[-`{-~])", "", str(escape_markdown(hostile)))
    assert not set(bare) & set(string.punctuation)
    assert re.sub(r"\\(.)", r"\1", str(escape_markdown(hostile))) == hostile


def test_an_unknown_locale_is_answered_in_english():
    assert translate("xx-YY", "button.cancel") == "Cancel"
    assert translate("../../etc", "button.cancel") == "Cancel"


def test_a_sentence_keeps_its_own_markdown_and_escapes_only_its_values():
    assert translate_markdown(ENGLISH, "card.title", title="*x*") == "Cloning “\\*x\\*”"
