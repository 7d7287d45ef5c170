"""The operator's settings: three sources, and errors that name the variable."""

import os
from pathlib import Path

import pytest

from bot import settings as module
from bot.errors import SettingsError
from bot.settings import Settings
from support.program import exit_of

TOKENS = {"DISCORD_TOKEN": "abc.def.ghi", "USEAPI_TOKEN": "user:1234-abc"}


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)


def loaded(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    """Load the settings from these variables and both tokens."""
    for name, value in (TOKENS | values).items():
        monkeypatch.setenv(name, value)
    return Settings.load()


def test_two_tokens_are_sufficient(monkeypatch: pytest.MonkeyPatch):
    for settings in (loaded(monkeypatch), loaded(monkeypatch, CLONE_TIMEOUT="", USEAPI_ACCOUNTS="", LOG_LEVEL="")):
        assert (settings.data_dir, settings.clone_timeout, settings.useapi_accounts) == (Path("data"), 300, ())


def test_lists_case_white_space_and_a_tilde_are_understood(monkeypatch: pytest.MonkeyPatch):
    accounts = {"USEAPI_ACCOUNTS": " a@example.com, b@example.com ,", "USEAPI_TOKEN": "  user:1234-abc \n"}
    settings = loaded(monkeypatch, LOG_LEVEL="debug", LOG_FORMAT="JSON", DATA_DIR="~/voices", **accounts)
    assert settings.useapi_accounts == ("a@example.com", "b@example.com")
    assert settings.useapi_token.get_secret_value() == "user:1234-abc"
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")
    assert settings.data_dir == Path.home() / "voices"


def test_environment_overrides_the_dotenv_file(monkeypatch: pytest.MonkeyPatch):
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
def test_missing_token_is_named(monkeypatch: pytest.MonkeyPatch, missing: str):
    with pytest.raises(SettingsError, match=r"^settings\.missing\b") as raised:
        loaded(monkeypatch, **{missing: ""})
    monkeypatch.delenv(missing)
    with pytest.raises(SettingsError, match=r"^settings\.missing\b"):
        Settings.load()
    assert raised.value.values == {"variable": missing}


MALFORMED = {
    "DISCORD_TOKEN": ("two words",),
    "USEAPI_TOKEN": ("user:1234\tx", "user:1234-\u202ex"),
    "CLONE_TIMEOUT": ("soon", "-1", "nan"),
    "MAX_SAMPLE_MB": ("0",),
    "MAX_SAMPLE_SECONDS": ("1",),
    "MAX_VOICES_PER_MEMBER": ("1.5",),
    "LOG_LEVEL": ("LOUD",),
    "LOG_FORMAT": ("xml",),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in MALFORMED.items() for value in values])
def test_malformed_setting_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    with pytest.raises(SettingsError) as raised:
        loaded(monkeypatch, **{name: value})
    assert raised.value.key == f"settings.malformed.{name.lower()}"


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_malformed_setting_or_file_prints_a_sentence_and_exits_with_78(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
):
    secret = "hunter2 hunter2"
    assert exit_of(monkeypatch, command, DISCORD_TOKEN=secret, USEAPI_TOKEN="user:1-x") == os.EX_CONFIG == 78
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "DISCORD_TOKEN" in said.err
    assert "hunter2" not in said.out + said.err
    assert not Path("data").exists()
    Path(".env").write_bytes(b"# caf\xe9\n")
    assert exit_of(monkeypatch, command, **TOKENS) == 78
    [line] = capsys.readouterr().err.splitlines()
    assert "can't be read" in line


def test_unusable_data_folder_prints_a_sentence_and_exits_with_78(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    Path("data").write_text("a file in its place", "utf-8")
    assert exit_of(monkeypatch, "run", **TOKENS) == 78
    [line] = capsys.readouterr().err.splitlines()
    assert "DATA_DIR" in line
    assert not caplog.records
