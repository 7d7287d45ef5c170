"""The operator's settings: three sources, and errors that name the variable."""

import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

import bot.__main__
from bot import settings as module
from bot.errors import SettingsError
from bot.i18n import ENGLISH, translate
from bot.settings import Settings, misspelled
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
    "OPERATOR_CONTACT": ("x" * 101,),
    "SUPPORT_URL": ("example.com", "http://example.com", "https://a b", "https://example.com/" + 500 * "x"),
    "PRIVACY_URL": ("javascript:alert(1)",),
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
    assert "Can't read the settings" in line


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_all_faults_are_named_at_once_one_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
):
    given = {"USEAPI_TOKEN": "two words", "LOG_LEVEL": "LOUD", "CLONE_TIMEOUT": "inf", "MAX_SAMPLES_MB": "5"}
    assert exit_of(monkeypatch, command, **given) == 78
    lines = capsys.readouterr().err.splitlines()
    names = ["DISCORD_TOKEN", "USEAPI_TOKEN", "CLONE_TIMEOUT", "LOG_LEVEL", "MAX_SAMPLES_MB"]
    assert [line.split()[0] for line in lines] == names
    assert "MAX_SAMPLE_MB" in lines[-1]


QUOTED = {
    "LOG_LEVEL": ("log_level", "DEBUG"),
    "LOG_FORMAT": ("log_format", "json"),
    "CLONE_TIMEOUT": ("clone_timeout", "20"),
    "CLONES_PER_ACCOUNT": ("clones_per_account", "3"),
    "DATA_DIR": ("data_dir", "/srv/voices"),
    "USEAPI_ACCOUNTS": ("useapi_accounts", "a@example.com,b@example.com"),
    "DISCORD_TOKEN": ("discord_token", "abc.def.ghi"),
}


@pytest.mark.parametrize("quoted", ['"{}"', "'{}'", ' "{}" ', "{}\r"])
@pytest.mark.parametrize("name", QUOTED)
def test_quotes_around_a_value_are_removed(monkeypatch: pytest.MonkeyPatch, name: str, quoted: str):
    field, value = QUOTED[name]
    plain = loaded(monkeypatch, **{name: value})
    assert getattr(loaded(monkeypatch, **{name: quoted.format(value)}), field) == getattr(plain, field)


@pytest.mark.parametrize("value", ['""', "''", " "])
def test_quoted_nothing_is_as_nothing(monkeypatch: pytest.MonkeyPatch, value: str):
    assert loaded(monkeypatch, MAX_SAMPLE_MB=value, USEAPI_ACCOUNTS=value).max_sample_mb == 10
    with pytest.raises(SettingsError, match=r"^settings\.missing\b"):
        loaded(monkeypatch, DISCORD_TOKEN=value)


@pytest.mark.parametrize("value", ['"5', "5'", "\"5'"])
def test_unmatched_quotes_are_malformed(monkeypatch: pytest.MonkeyPatch, value: str):
    with pytest.raises(SettingsError, match=r"^settings\.malformed\.max_sample_mb\b"):
        loaded(monkeypatch, MAX_SAMPLE_MB=value)


MISSPELLED = {
    "MAX_SAMPLES_MB": "MAX_SAMPLE_MB",
    "MAX_SAMPLE_SECS": "MAX_SAMPLE_SECONDS",
    "MAX_VOICE_PER_MEMBER": "MAX_VOICES_PER_MEMBER",
    "DISCORD_BOT_TOKEN": "DISCORD_TOKEN",
    "USE_API_TOKEN": "USEAPI_TOKEN",
    "USEAPI_ACCOUNT": "USEAPI_ACCOUNTS",
    "loglevel": "LOG_LEVEL",
    "DATADIR": "DATA_DIR",
}
UNRELATED = """
HOME LANG LOGNAME PATH USER SHELL TERM PWD HOSTNAME MAIL LC_ALL TZ XDG_DATA_DIRS XDG_DATA_HOME LOG_FILE
GITHUB_TOKEN NPM_TOKEN LOGS_DIRECTORY STATE_DIRECTORY DATABASE_URL PYTHON_VERSION MAX_JOBS SHARD_COUNT"""


def test_variable_that_resembles_a_setting_is_named_with_it(monkeypatch: pytest.MonkeyPatch):
    for name in (*MISSPELLED, *UNRELATED.split(), *TOKENS):
        monkeypatch.setenv(name, "1")
    assert misspelled() == MISSPELLED


def test_env_file_and_secrets_are_searched_for_misspelled_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("DATA_FOLDER=x\ndata_dir=y\nSOMETHING_ELSE=1\n", "utf-8")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "discord_tokn").touch()
    monkeypatch.setattr(module, "SECRETS", tmp_path / "secrets")
    assert misspelled() == {"DATA_FOLDER": "DATA_DIR", "discord_tokn": "DISCORD_TOKEN"}


def test_misspelled_name_is_a_warning_in_the_log_and_a_line_of_the_doctor(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
):
    (tmp_path / "data").write_text("no folder: the program ends here", "utf-8")
    assert exit_of(monkeypatch, "run", MAX_SAMPLES_MB="5", **TOKENS) == 78
    said = translate(ENGLISH, "settings.misspelled", name="MAX_SAMPLES_MB", variable="MAX_SAMPLE_MB")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("WARNING", said)]
    capsys.readouterr()
    monkeypatch.setattr(bot.__main__, "examine", AsyncMock(return_value=0))
    assert exit_of(monkeypatch, "doctor") == 0
    assert capsys.readouterr().err == f"{said}\n"


def test_version_needs_no_settings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    assert exit_of(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"clonevoice {version('clonevoice-bot')}\n"


def test_unusable_data_folder_prints_a_sentence_and_exits_with_78(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    Path("data").write_text("a file in its place", "utf-8")
    assert exit_of(monkeypatch, "run", **TOKENS) == 78
    [line] = capsys.readouterr().err.splitlines()
    assert "DATA_DIR" in line
    assert not caplog.records


@pytest.mark.parametrize("command", ["doctor", "--help"])
def test_output_that_nobody_reads_ends_the_program_quietly(monkeypatch: pytest.MonkeyPatch, command: str):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        code = exit_of(monkeypatch, command, **TOKENS)
        assert code == 128 + signal.SIGPIPE or (code == 0 and command == "--help")  # as Python's argparse has it
        output.flush()
