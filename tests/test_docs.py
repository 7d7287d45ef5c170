"""The documentation: what it names exists and is called as on the screen, and everything that exists is documented."""

import re
from collections.abc import AsyncGenerator

import discord
import pytest
import pytest_asyncio

from bot.cloning.job import TRANSITIONS, Stage
from bot.settings import Settings
from support.doc_rules import ROOT, Page, offenses, page, read
from support.world import opened

NAMES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", *(f"docs/{file.name}" for file in ROOT.glob("docs/*.md")))
WORDS = {"README.md": 600, "SECURITY.md": 600, "docs/troubleshooting.md": 900}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def commands(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[set[str]]:
    """Return the names of all slash commands, with their groups."""
    async with opened(tmp_path_factory.mktemp("docs")) as world:
        tops = world.bot.tree.get_commands(type=discord.AppCommandType.chat_input)
        yield {
            command.qualified_name
            for top in tops
            for command in (top.commands if isinstance(top, discord.app_commands.Group) else [top])
        }


@pytest.mark.parametrize("name", NAMES)
def test_what_a_page_names_exists(name: str, commands: set[str]):
    assert offenses(page(name), commands) == []


@pytest.mark.parametrize(
    "planted",
    [
        "[here](docs/moderation.md)",
        "[here](operators.md#no-such-heading)",
        "[here](#no-such-heading)",
        '<img src="no-such-picture.png">',
        "`/voicemod settings`",
        "`/voices play`",
        "`/clone`",
        "`MAX_SAMPLE_KB`",
        "`make deploy`",
        "```sh\nmake deploy\n```",
        "`bot/cloning/nowhere.py`",
        "`nowhere.md`",
        "`bot.nowhere`",
        "Press **Refuse**.",
        '| "The bot ran out of memory. …" |',
        '| "You need the Manage Server permission." |',
    ],
)
def test_planted_offense_is_found(planted: str, commands: set[str]):
    before = page("docs/members.md")
    assert len(offenses(Page(before.name, f"{before.text}\n{planted}\n"), commands)) == 1


def test_each_command_is_documented(commands: set[str]):
    documented = set(page("docs/members.md").spans + page("docs/moderators.md").spans)
    assert [command for command in commands if f"/{command}" not in documented] == []


def test_each_setting_is_documented_with_its_default():
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (\S.*?) \|", read("docs/operators.md"), flags=re.MULTILINE))
    lines = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", read(".env.example"), flags=re.MULTILINE))
    defaults = {
        name.upper(): "" if field.is_required() or field.default == () else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    required = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    assert lines == defaults
    assert rows == {
        name: f"`{value}`" if value else "required" if name in required else "empty" for name, value in defaults.items()
    }


@pytest.mark.parametrize("name", WORDS)
def test_short_page_stays_short(name: str):
    assert len(read(name).split()) <= WORDS[name]


def test_diagram_has_the_transitions_of_a_clone():
    arrows = set(re.findall(r"^ +([a-z]+) --> ([a-z]+)", read("docs/how-it-works.md"), flags=re.MULTILINE))
    early = {Stage.FAILED, Stage.CANCELLED}  # the sentence below the diagram says this of stages without an upload
    expected = {(before, after) for before, afters in TRANSITIONS.items() for after in afters}
    skipped = {
        (before, after) for before, after in expected if after in early and Stage.CANCELLED in TRANSITIONS[before]
    }
    assert arrows == {(str(before), str(after)) for before, after in expected - skipped}
