"""The rules of the catalog's English. CONTRIBUTING.md explains them."""

import re
from collections.abc import Iterator, Mapping

from support.limits import width

VERBS = "add|allow|ask|attach|check|choose|convert|copy|export|name|open|press|put|renew|reset|send|tell|try|use"
"""With which a sentence begins that says what to do."""

BANNED = {
    r"\b(every|some|no|any)body\b": "everyone, someone, no one, anyone",
    r"\bwho(ever|m)\b": "someone who, who",
    r"\bany more\b": "anymore",
    r"\bcancell": "canceled",
    r"\b\w*(colour|favour|behaviour|honour|licence|centre|dialogue)\w*\b": "US spelling",
    r"\b(apolog|author|custom|final|minim|normal|organ|real|recogn|summar)is(e|ed|es|ing|ation)\b": "-ize",
    r"\bat Mureka too\b": "including at Mureka",
    r"\b(audit|trail)\b": "moderation log",
    r"\b(un)?bar(s|red|ring)?\b": "ban",
    r"\bmoderation role\b": "moderator role",
    r"\b(refuse[sd]?|revoke[sd]?|take[sn]? back|took back)\b": "decline, withdraw",
    r"\bquestion(?! |\?|s,|s, )s?\b": "request",
    r"\bcases?\b": "report",
    r"\blines?\b(?! ahead)": "clip",
    r"\btakedowns?\b": "removal",
    r"\bsilence[sd]?\b": "block",
    r"\bruns? (the|this) bot,? (presumably|whoever)": "the person who runs this bot",
    r"\b(I|me|myself|my|we|us|our)\b": "the bot",
    r"\b(e\.g|i\.e|etc)\b": "for example, that is, and so on",
    rf": ({VERBS})\b": "two sentences",
    r"\bspoke\b": "posted the clip",
    r"\b(data ?set|MP3 file|audio file|voice sample)\b": "sample, MP3, file",
}
"""Words that the glossary replaces, each with what to use."""

EXEMPT = {
    r"\b(I|me|myself|my|we|us|our)\b": (
        "rights.",
        "consent.wording",
        "button.mine",
        "button.lost",
        "stage.doubtful",
        "help.where",
        "demo.reading",
    ),
    r"\b(refuse[sd]?|revoke[sd]?|take[sn]? back|took back)\b": ("demo.",),
    r"\bquestion(?! |\?|s,|s, )s?\b": ("notice.",),
    r"\bcases?\b": (),
    r"\blines?\b(?! ahead)": ("stage.present.queued", "stage.queued_behind"),
}
"""Keys, or their beginnings, in which such a word has its other meaning: a member speaks, or a service refuses."""

LIMITS = {
    32: ("clonevoice.menu",),
    45: (
        *("clonevoice.form", "speak.form", "forget.form", "rename.form", "report.form", "verdict.form."),
        *("form.", "speak.first", "speak.rest", "forget.type", "rename.title", "report.text"),
        *("verdict.reason", "verdict.days"),
    ),
    80: ("button.",),
    100: (
        *("clonevoice.", "voices.", "community.search", "community.language", "speak.about", "speak.voice"),
        *("speak.text", "speak.hint", "voiceadmin.", "rights.", "language.", "whereabouts.", "decision.", "choice."),
        *("verdict.reader", "report.reason.", "rule.choice.", "panel.switch.", "reports.open", "list.open"),
        *("report.choose", "panel.choose.", "panel.page."),
    ),
    256: ("consent.title", "case.title", "case.over", "voice.title", "line.card", "list.title"),
    2000: ("",),
}
"""The most UTF-16 code units of each kind of text, by the beginnings of their keys; the first one counts.

https://discord.com/developers/docs/components/reference, https://discord.com/developers/docs/resources/message
"""

LONG_CONTENT = ("clonevoice.several",)  # messages, although their keys look like an option's
WIDEST = {"title": 50, "name": 32, "owner": 32, "by": 32, "server": 100, "reason": 200, "word": 12, "value": 12}
"""The longest value of each placeholder, unescaped. The others are numbers, or have at most 100 characters."""

NUMBERS = (
    *("ahead", "clones", "credits", "days", "deleted", "known", "length", "limit", "lines", "minutes", "most"),
    *("number", "owed", "percent", "rate", "reports", "rows", "seconds", "servers", "shape", "size", "voices"),
)

BARE = (
    "button.",
    "form.",
    "panel.note",
    "case.who",
    "community.filter",
    "voiceadmin.",
    "forget.type",
    "demo.ready",
    "demo.page.",
    "card.sent",
)
"""Where Discord shows no Markdown: buttons, labels, descriptions and footers."""

COMMAND = re.compile(r"(?<![`\w/])/(clonevoice|voices|speak|voiceadmin|help)\b")
SENTENCES = ("refused.", "rule.", "sample.", "mureka.", "line.mureka.", "notice.", "error.", "store.", "settings.")
NO_SENTENCES = ("rule.is.", "rule.choice.", "rule.name.")
LABELS = ("button.", "form.", "panel.page.", "panel.switch.", "rule.name.", "verdict.form.", "decision.", "language.")


def offenses(texts: Mapping[str, str], arguments: frozenset[str]) -> Iterator[str]:
    """Yield each offense against the rules. `arguments` are the names that the code passes for placeholders."""
    for key, text in texts.items():
        found = (*_words(key, text), *_placeholders(text, arguments), *_form(key, text))
        for offense in (*found, *_plural(key, texts), *_buttons(text, texts)):
            yield f"{key}: {offense}"
        longest = limit_of(key)
        if (size := width(_filled(text))) > longest:
            yield f"{key}: {size} of {longest} characters"


PLURAL = re.compile("_(zero|one|two|few|many|other)$")
"""The end of the key of a plural form: https://cldr.unicode.org/index/cldr-spec/plural-rules"""


def mistranslations(texts: Mapping[str, str], english: Mapping[str, str]) -> Iterator[str]:
    """Yield each text of another language that has no original, other placeholders, or no room."""
    originals = {PLURAL.sub("", key): text for key, text in english.items()}  # of plurals the last form, `_other`
    for key, text in texts.items():
        original = originals.get(PLURAL.sub("", key))
        if original is None:
            yield f"{key}: no such text"
            continue
        names, wanted = (set(re.findall(r"\{[^{}]*\}", one)) for one in (text, original))
        if names != wanted and not (PLURAL.search(key) and names < wanted):  # "one" may need no number
            yield f"{key}: other placeholders"
        elif (size := width(_filled(text))) > limit_of(key):
            yield f"{key}: {size} of {limit_of(key)} characters"


def limit_of(key: str) -> int:
    if key.startswith(LONG_CONTENT):
        return 2000
    return next(limit for limit, starts in LIMITS.items() if key.startswith(starts))


def _filled(text: str) -> str:
    def widest(found: re.Match[str]) -> str:
        name = found[1]
        return "9" * 6 if name in NUMBERS else "W" * WIDEST.get(name, 100)

    return re.sub(r"\{(\w+)\}", widest, text)


def _words(key: str, text: str) -> Iterator[str]:
    bare = re.sub(r"\{\w+\}|`[^`]*`|“[^”]*”", "", text)
    for pattern, better in BANNED.items():
        if (found := re.search(pattern, bare, 0 if "\\b(I|" in pattern else re.IGNORECASE)) and not key.startswith(
            EXEMPT.get(pattern, ("\n",)) or ("\n",)
        ):
            yield f"“{found[0]}” → {better}"


def _placeholders(text: str, arguments: frozenset[str]) -> Iterator[str]:
    names = re.findall(r"\{([^{}]*)\}", text)
    for name in names:
        if not re.fullmatch(r"[a-z_]+", name):
            yield f"{{{name}}} is no plain placeholder"
        elif name not in arguments:
            yield f"the code passes no {{{name}}}"
    if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", text)):
        yield "a brace without its other one"


def _form(key: str, text: str) -> Iterator[str]:
    if not text.strip() or (text != text.strip() and key != "demo.ready") or re.search(r"\S  ", text):
        yield "white space"
    if "..." in text or "\u2019" in text or '"' in text or re.search("--(?!port)", text):
        yield "dots, an apostrophe, a straight quotation mark or a dash"
    if "Press “" in text and not key.startswith(BARE):
        yield "a button that is not in bold"
    if text.count("“") != text.count("”") or text.count("**") % 2 or text.count("`") % 2:
        yield "quotation marks or Markdown that are not closed"
    if COMMAND.search(text) and not key.startswith(BARE):
        yield "a command without backticks"
    if key.startswith(BARE) and "`" in text:
        yield "Markdown that Discord does not show here"
    if key.startswith(SENTENCES) and not key.startswith(NO_SENTENCES) and text[-1] not in ".?!}":
        yield "no full stop"
    if key.startswith(LABELS) and text.endswith("."):
        yield "a label with a full stop"
    if not text[0].isupper() and key.startswith((*SENTENCES, *LABELS)) and text[0].isalpha():
        yield "no capital"


def _plural(key: str, texts: Mapping[str, str]) -> Iterator[str]:
    if key.endswith("_one") and f"{key[:-4]}_other" not in texts:
        yield "no _other"
    if key.endswith("_other") and f"{key[:-6]}_one" not in texts:
        yield "no _one"
    if (
        not key.endswith(("_one", "_other"))
        and (found := re.search(r"\{(\w+)\} [a-z]{2,}s\b", texts[key]))
        and (found[1] in NUMBERS)
    ):
        yield f"“{found[0]}” needs _one and _other"


def _buttons(text: str, texts: Mapping[str, str]) -> Iterator[str]:
    for named in re.findall(r"[Pp]ress \*\*([^*{}]+)\*\*", text):
        if named not in [label for key, label in texts.items() if key.startswith("button.")]:
            yield f"there is no button “{named}”"
