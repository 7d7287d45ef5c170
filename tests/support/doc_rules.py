"""The rules of the documentation: what a page names exists, and is called as on the screen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from bot.i18n import ENGLISH, catalog
from bot.settings import SECRETS, Settings
from bot.store.tiny.shapes import KINDS, VERSION_FILE

ROOT = Path(__file__).parents[2]
AS_ON_SCREEN = (
    "README.md",
    *(f"docs/{name}.md" for name in ("members", "moderators", "operators", "privacy", "terms", "troubleshooting")),
)
"""The pages whose bold words and quotations are the catalog's. Bold words at the start of a line are headings."""

OTHERS = {
    *("SIGTERM", "SSL_CERT_FILE"),
    "MAX_SAMPLES_MB",  # an example of a misspelled setting
    *("DEBUG", "INFO", "WARNING", "ERROR"),
}
"""Words in capitals on users' pages that name no setting."""

DATA = r"members/\S+|servers/\S+|jobs/…|speeches/…|lock|\.DS_Store|\d+ \(\d\)\.json|….damaged"
"""Files in the data folder: records by kind, and what the text says about others."""

SUFFIXES = r"py|md|json|ya?ml|toml|txt|mp3|png|gif|svg|example"


@cache
def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@cache
def files() -> frozenset[str]:
    """Return the paths of all files and folders of the repository, without those that a tool creates."""
    folders = ("bot", "cogs", "docs", "tests", "bench", ".github", ".ci")
    found = [*ROOT.iterdir(), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
    return frozenset(str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts)


@cache
def code() -> str:
    return "\n".join(
        read(file) for file in files() if file.endswith(".py") and file.startswith(("bot", "cogs", "tests"))
    )


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@dataclass(frozen=True)
class Page:
    """A page. `prose` is its text without blocks of code and without the descriptions of pictures."""

    name: str
    text: str

    @property
    def prose(self) -> str:
        without_blocks = re.sub(r"^ *```.*?^ *```$", "", self.text, flags=re.MULTILINE | re.DOTALL)
        return re.sub(r"(?<=!)\[.*?\](?=\()|<(?:img|source) .*?>", "", without_blocks)

    @property
    def spans(self) -> list[str]:
        """The words in backticks, and the lines of blocks of code."""
        blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", self.text, flags=re.MULTILINE | re.DOTALL)
        return [
            *re.findall(r"`([^`\n]+)`", self.prose),
            *(line.strip() for block in blocks for line in block.splitlines()),
        ]

    @property
    def anchors(self) -> set[str]:
        return {slug(heading) for heading in re.findall(r"^#+ (.*)$", self.prose, flags=re.MULTILINE)}


def page(name: str) -> Page:
    return Page(name, read(name))


def wrong_links(page: Page) -> Iterator[str]:
    links = re.findall(r"\]\(([^)\s]+)\)|src(?:set)?=\"([^\"]+)\"", page.text)
    for link in filter(None, (link for pair in links for link in pair)):
        path, _, anchor = link.partition("#")
        if re.match(r"https?:", link):
            continue
        target = (ROOT / page.name).parent.joinpath(path).resolve() if path else ROOT / page.name
        there = Page(page.name, target.read_text("utf-8") if path and anchor and target.is_file() else page.text)
        if not target.exists() or (anchor and anchor not in there.anchors):
            yield link


def wrong_commands(page: Page, commands: set[str]) -> Iterator[str]:
    groups = {command.partition(" ")[0] for command in commands}
    for span in page.spans:
        if found := re.match(r"/([a-z]+)(?: ([a-z]+))?(?=\s|$)", span):
            name, sub = found.groups()
            command = f"{name} {sub}" if sub and name not in commands else name
            if command not in commands | (groups if not sub else set()) and f"DATA_DIR: {span} " not in read(
                "compose.yaml"
            ):
                yield span


def wrong_settings(page: Page) -> Iterator[str]:
    known = {field.upper() for field in Settings.model_fields} | OTHERS
    for span in page.spans:
        name = span.partition("=")[0]
        if re.fullmatch(r"[A-Z][A-Z_]{3,}", name) and name not in known:
            if page.name == "CONTRIBUTING.md" and re.search(rf"\b{name}\b", code()):
                continue
            yield span


def wrong_verbs(page: Page) -> Iterator[str]:
    verbs = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))
    named = {verb for span in page.spans for verb in re.findall(r"\bmake ([a-z-]+)", span)}
    yield from named - verbs


def wrong_files(page: Page) -> Iterator[str]:
    for span in page.spans:
        if re.fullmatch(r"bot(\.[a-z_0-9]+)+", span) and f"{span}.py" not in files():
            path = span.replace(".", "/")
            if not {path, f"{path}.py"} & files():
                yield span
        elif re.fullmatch(rf"[\w.<>*…-]+(/[\w.<>*…-]*)+|[\w*.-]+\.({SUFFIXES})|\.[a-z]\w+", span) and not exists(span):
            yield span


def exists(path: str) -> bool:
    """Return True for a file of the repository, with its path or the end of it, or one that a setup or the bot has."""
    if path in {Settings.model_config.get("env_file"), VERSION_FILE, f"/{SECRETS.relative_to('/')}"}:
        return True
    if path.startswith(".venv/bin/"):
        return f"\n{path.rpartition('/')[2]} = " in read("pyproject.toml")
    if re.fullmatch(DATA, path) or any(kind.pattern.fullmatch(path) for kind in KINDS.values()):
        return True
    pattern = re.sub(r"<\w+>|…", "*", path.rstrip("/"))
    return any(fnmatchcase(file, pattern) or fnmatchcase(file, f"*/{pattern}") for file in files())


def bare(text: str) -> str:
    return " ".join(re.sub(r"[*`]", "", text).split())


@cache
def texts() -> tuple[re.Pattern[str], ...]:
    """Return patterns of the catalog's texts, and of their beginnings that are whole sentences, before an ellipsis."""
    shown: list[str] = []
    for text in map(bare, catalog(ENGLISH).values()):
        sentences = re.split(r"(?<=[.!?]) ", text)
        shown += [text, *(" ".join(sentences[:end]) + " …" for end in range(1, len(sentences)))]
    split = [re.split(r"(?:<(?:t:|@&?|#))?{\w+}(?::\w>|>)?", text) for text in shown]
    return tuple(re.compile(".+?".join(map(re.escape, parts))) for parts in split if re.search(r"\w", "".join(parts)))


def is_text(quoted: str) -> bool:
    return any(pattern.fullmatch(bare(quoted)) for pattern in texts())


def wrong_words(page: Page) -> Iterator[str]:
    quoted = re.findall(r'"([^"\n]+)"', page.prose)
    rest = re.sub(r'"[^"\n]+"|^(- |\d\. )?\*\*.*?\*\*|^#.*', "", page.prose, flags=re.MULTILINE)
    yield from (
        words for words in [*quoted, *re.findall(r"\*\*(.+?)\*\*", rest)] if words != "…" and not is_text(words)
    )


def offenses(page: Page, commands: set[str]) -> list[str]:
    found = [*wrong_links(page), *wrong_commands(page, commands), *wrong_settings(page), *wrong_verbs(page)]
    return [*found, *wrong_files(page), *(wrong_words(page) if page.name in AS_ON_SCREEN else ())]
