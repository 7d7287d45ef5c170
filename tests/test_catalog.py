"""The catalog: no text is missing or unused, each fits into Discord, and all keep the rules of its English."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from bot.client.tree import REFUSALS
from bot.cloning.job import Stage
from bot.demo.breakage import REFUSALS as REFUSED
from bot.demo.breakage import SECONDS
from bot.demo.page import SAMPLES
from bot.errors import ClonevoiceError
from bot.i18n import ENGLISH, LOCALES, catalog, translate
from bot.moderation.models import ReportReason
from bot.moderation.server_voices import VoiceFilter
from bot.policy.models import ModAction, Policy
from bot.settings import Settings
from bot.speaking.job import SpeechStage
from bot.store.tiny.shapes import KINDS
from bot.voices.models import Language, Rights
from cogs.clonevoice.progress_card import AHEAD, PASSED
from cogs.voiceadmin.panel_layout import ANSWERS, NUMBERS, PAGES
from support.catalog_rules import limit_of, mistranslations, offenses

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "bot" / "locales"
CATALOG = catalog(ENGLISH)
KEYS = {re.sub("_(one|other)$", "", key) for key in CATALOG}
"""The keys as code names them, without the categories of plurals."""

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
        *(f"{answer}_rules" for answer in ANSWERS),
    ],
    "error.discord.": [str(code) for code in REFUSALS],
    "program.": ["run", "demo", "doctor"],
    "stage.present.": [Stage.RECEIVED, Stage.CONFIRMING, Stage.CONSENT, Stage.QUEUED],
    "stage.passed.": list(PASSED),
    "stage.ahead.": list(AHEAD),
    **dict.fromkeys(("line.", "doctor."), PROBLEMS),
    "doctor.records.": list(KINDS),
    "panel.page.": list(PAGES),
    "panel.summary.": ["approval", "trust"],
    "button.turn.": ["on", "off"],
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
    "demo.story.": ["found", "not_found", "listed"],
    "demo.story.stage.": [*Stage, *SpeechStage],
    "demo.story.refused.": list(REFUSED),
    "demo.story.begun.": [*SECONDS, "lose"],
    "demo.story.ended.": list(SECONDS),
    **dict.fromkeys(("demo.page.fault_", "demo.page.about_", "demo.page.sign_"), (*SECONDS, "lose", "kill")),
    "demo.page.sample_": [sample.stem.replace("-", "_") for sample in SAMPLES.iterdir()],
    "demo.page.topic_": ["studio", "mod_log", "direct"],
}
"""The keys that code composes, by their prefix."""


def errors(kind: type[ClonevoiceError] = ClonevoiceError) -> list[type[ClonevoiceError]]:
    return [kind, *(error for child in kind.__subclasses__() for error in errors(child))]


@cache
def code() -> list[tuple[str, ast.AST]]:
    """Parse the code into nodes with the names of their files."""
    files = [*ROOT.glob("bot/**/*.py"), *ROOT.glob("cogs/**/*.py")]
    return [(file.name, node) for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]


@cache
def texts_of_page() -> list[str]:
    """Collect the arguments of all calls in the demo page's scripts that return a text."""
    scripts = (file.read_text("utf-8") for file in (ROOT / "bot/demo/static").glob("*.js"))
    return [arguments for script in scripts for arguments in re.findall(r"\btext\(([^()]*)", script)]


def keys_of_page() -> Iterator[str]:
    for arguments in texts_of_page():
        yield from (f"demo.page.{key}" for key in re.findall(r'"(\w+)"', arguments))
        for prefix in re.findall(r"`(\w+_)\$\{", arguments):
            yield from (f"demo.page.{prefix}{rest}" for rest in FAMILIES[f"demo.page.{prefix}"])


def keys_in_code() -> set[str]:
    """Collect all string literals of the code, and the families of composed keys."""
    found = {*keys_of_page()}
    for _, node in code():
        if isinstance(node, ast.JoinedStr) and isinstance(first := node.values[0], ast.Constant):
            found |= {f"{first.value}{rest}" for rest in FAMILIES.get(str(first.value), ())}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def test_each_text_is_used():
    assert KEYS - keys_in_code() == set()


def test_no_text_is_missing():
    composed = {f"{family}{rest}" for family, rests in FAMILIES.items() for rest in rests}
    raised = {error.key for error in errors() if vars(error).get("key")}
    heads = "|".join({key.split(".")[0] for key in CATALOG})
    said = {key for key in keys_in_code() if re.fullmatch(rf"({heads})\.[a-z_.]*[a-z_]", key)}
    assert (composed | raised | said) - KEYS - {"mureka.ai"} == set()


def test_each_error_with_a_literal_key_fills_in_its_text():
    kinds = {kind.__name__: kind.key for kind in errors()}
    checked = 0
    for file, node in code():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds):
            continue
        first = node.args[0] if node.args else ast.Constant(kinds[node.func.id])
        if isinstance(first, ast.Constant) and all(keyword.arg for keyword in node.keywords):
            key, place = str(first.value), f"{file}:{node.lineno}"
            assert key in KEYS, f"{place}: {key} is not in the catalog"
            texts = [text for form, text in CATALOG.items() if form in {key, f"{key}_one", f"{key}_other"}]
            wanted = {name for text in texts for name in re.findall(r"{(\w+)}", text)}
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

    files = [*FOLDER.rglob("*.json")]
    sizes = [len(json.loads(file.read_text("utf-8"), object_pairs_hook=once)) for file in files]
    assert len(CATALOG) == sum(size for file, size in zip(files, sizes, strict=True) if file.parent.name != "notes")


@cache
def arguments() -> frozenset[str]:
    """Collect the names of all keyword arguments and of all keys of dictionaries in the code."""
    keywords = {node.arg for _, node in code() if isinstance(node, ast.keyword) and node.arg}
    keys = {key for _, node in code() if isinstance(node, ast.Dict) for key in node.keys}
    on_page = {name for call in texts_of_page() for name in re.findall(r"[{,] (\w+)", call)}
    return frozenset(keywords | on_page | {str(key.value) for key in keys if isinstance(key, ast.Constant)})


def test_each_text_keeps_the_rules():
    assert [*offenses(CATALOG, arguments())] == []


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("refused.title_taken", "Somebody already has a voice called “{title}”. Choose another title."),
        ("refused.already_cloning", "You already have a clone in progress: try again later."),
        ("refused.withdrawn", "“{title}” was cancelled, so nothing was posted."),
        ("delete.done", "“{title}” was deleted, at Mureka too."),
        ("moderators.audit", "Audit ({rows})"),
        ("rule.voice_barred", "“{title}” is barred from this server."),
        ("sample.too_large", "That file is larger than {limit:g} MB. Attach a shorter MP3."),
        ("card.failed", "“{titel}” was not cloned"),
        ("forget.owed", "{owed} voices are still to be deleted at Mureka."),
        ("button.unshare", "Stop sharing here."),
        ("list.empty", "You don't have any voices yet. Use /clonevoice with an MP3."),
        ("verdict.days", "Number of days of this block (empty: until unblocked)"),
        ("button.case.silence", "Block the member {name}, who posted this reported clip here"),
        ("refused.no_server", "You can only share voices in a server"),
        ("consent.listen", "Press **Open question** to listen. Only you can hear it."),
        ("card.title", "Cloning “{title}"),
        ("mureka.too_many", "Mureka is busy, so I made no voice. Try again in a minute."),
        ("history.title_last_few", "The last {lines} clips made with “{title}”"),
    ],
)
def test_planted_offense_is_found(key: str, text: str):
    found = {*offenses({**CATALOG, key: text}, arguments())} - {*offenses(CATALOG, arguments())}
    assert {offense.split(":")[0] for offense in found} == {key}


@pytest.mark.parametrize("locale", LOCALES)
def test_translation_fits_its_original(locale: str):
    assert [*mistranslations(catalog(locale), CATALOG)] == []


@pytest.mark.parametrize(
    ("key", "text", "right"),
    [
        ("card.title", "„{title}“ wird geklont", True),
        ("rule.voices_many", "{limit} …", True),
        ("card.title", "„{titel}“ wird geklont", False),
        ("card.title", "Wird geklont", False),
        ("card.subtitle", "„{title}“", False),
        ("button.case.silence", "{name} in diesem Server für einige Zeit oder ganz sperren", False),
    ],
)
def test_mistranslation_is_found(key: str, text: str, *, right: bool):
    assert ([*mistranslations({key: text}, CATALOG)] == []) is right


NOTES: dict[str, str] = json.loads((FOLDER / "notes" / "en-US.json").read_text("utf-8"))
"""For translators, by key. A key that ends with `*` stands for all that begin like it."""


def note_of(key: str) -> str | None:
    return NOTES.get(key) or next(
        (note for start, note in NOTES.items() if start.endswith("*") and key.startswith(start[:-1])), None
    )


def test_each_short_or_ambiguous_text_has_a_note_for_translators():
    member_texts = json.loads((FOLDER / "en-US.json").read_text("utf-8"))
    unclear = [key for key, text in member_texts.items() if limit_of(key) < 256 or len(text.split()) < 3]
    assert [key for key in unclear if note_of(key) is None] == []


def test_each_note_is_about_a_text():
    assert [note for note in NOTES if not any(key.startswith(note.rstrip("*")) for key in CATALOG)] == []
