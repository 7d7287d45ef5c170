"""The operator's settings: read from three places, and a bad one named in a sentence."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot import settings as module
from bot.errors import SettingsError
from bot.settings import Settings

TOKENS = {"DISCORD_TOKEN": "abc.def.ghi", "USEAPI_TOKEN": "user:1234-abc"}
ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)


def environment(monkeypatch: pytest.MonkeyPatch, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_two_tokens_are_all_that_is_needed(monkeypatch: pytest.MonkeyPatch):
    environment(monkeypatch, TOKENS)
    settings = Settings.load()
    assert settings.data_dir == Path("data")
    assert settings.clone_timeout == 300
    assert settings.useapi_accounts == ()


def test_an_empty_variable_counts_as_left_out(monkeypatch: pytest.MonkeyPatch):
    environment(monkeypatch, TOKENS | {"CLONE_TIMEOUT": "", "USEAPI_ACCOUNTS": "", "LOG_LEVEL": ""})
    assert Settings.load().clone_timeout == 300


def test_accounts_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch):
    environment(monkeypatch, TOKENS | {"USEAPI_ACCOUNTS": " a@example.com, b@example.com ,"})
    assert Settings.load().useapi_accounts == ("a@example.com", "b@example.com")


def test_a_dotenv_file_is_read_and_the_environment_goes_before_it(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("DISCORD_TOKEN=from.the.file\nUSEAPI_TOKEN=user:1-x\nSOMETHING_ELSE=1\n", "utf-8")
    assert Settings.load().discord_token.get_secret_value() == "from.the.file"
    monkeypatch.setenv("DISCORD_TOKEN", "from.the.environment")
    assert Settings.load().discord_token.get_secret_value() == "from.the.environment"


def test_docker_secrets_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in TOKENS.items():
        (tmp_path / name.lower()).write_text(value + "\n", "utf-8")
    monkeypatch.setattr(module, "SECRETS", tmp_path)
    assert Settings.load().useapi_token.get_secret_value() == "user:1234-abc"


@pytest.mark.parametrize("missing", TOKENS)
def test_a_missing_token_is_named(monkeypatch: pytest.MonkeyPatch, missing: str):
    environment(monkeypatch, {name: value for name, value in TOKENS.items() if name != missing})
    with pytest.raises(SettingsError, match=r"^settings\.missing\b") as raised:
        Settings.load()
    assert raised.value.values == {"variable": missing}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DISCORD_TOKEN", "two words"),
        ("USEAPI_TOKEN", "user:1234\tx"),
        ("USEAPI_TOKEN", "user:1234-\u202ex"),
        ("CLONE_TIMEOUT", "soon"),
        ("CLONE_TIMEOUT", "-1"),
        ("CLONE_TIMEOUT", "nan"),
        ("MAX_SAMPLE_MB", "0"),
        ("MAX_SAMPLE_SECONDS", "1"),
        ("MAX_VOICES_PER_MEMBER", "1.5"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_malformed_setting_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    environment(monkeypatch, TOKENS | {name: value})
    with pytest.raises(SettingsError) as raised:
        Settings.load()
    assert raised.value.key == f"settings.malformed.{name.lower()}"


def test_settings_that_can_not_be_read_are_a_sentence_and_78():
    Path(".env").write_bytes(b"# caf\xe9\n")
    ended = program("run", **TOKENS)
    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1)
    assert "can't be read" in ended.stderr


def test_case_does_not_matter_and_a_tilde_is_home(monkeypatch: pytest.MonkeyPatch):
    environment(monkeypatch, TOKENS | {"LOG_LEVEL": "debug", "LOG_FORMAT": "JSON", "DATA_DIR": "~/voices"})
    settings = Settings.load()
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")
    assert settings.data_dir == Path.home() / "voices"


def test_a_token_is_trimmed(monkeypatch: pytest.MonkeyPatch):
    environment(monkeypatch, TOKENS | {"USEAPI_TOKEN": "  user:1234-abc \n"})
    assert Settings.load().useapi_token.get_secret_value() == "user:1234-abc"


def program(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program in the present folder, with these variables only."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env={"PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_the_program_says_one_sentence_and_exits_with_78(command: str):
    secret = "hunter2 hunter2"
    ended = program(command, DISCORD_TOKEN=secret, USEAPI_TOKEN="user:1-x")
    assert ended.returncode == os.EX_CONFIG == 78
    assert ended.stderr.count("\n") == 1
    assert "DISCORD_TOKEN" in ended.stderr
    assert "hunter2" not in ended.stdout + ended.stderr
    assert not Path("data").exists()


def test_a_data_folder_that_can_not_be_used_is_a_sentence_and_78():
    Path("data").write_text("a file in its place", "utf-8")
    ended = program("run", **TOKENS)
    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1)
    assert "DATA_DIR" in ended.stderr


def test_sigterm_ends_the_program_with_0(tmp_path: Path):
    code = (
        "import asyncio, bot.app, bot.settings\n"
        "async def connecting(self):\n"
        "    print('connecting', flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "async def login(self, token): self.cloner.sink = None\n"
        "bot.app.Clonevoice.connect, bot.app.Clonevoice.login = connecting, login\n"
        "asyncio.run(bot.app.run(bot.settings.Settings.load()))\n"
    )
    environment = {"PYTHONPATH": str(ROOT), "DATA_DIR": str(tmp_path / "data"), **TOKENS}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "connecting\n", process.stderr.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0, process.stderr.read()
