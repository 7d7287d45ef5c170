"""The operator's settings. Only this module reads the environment."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as PydanticSettingsError

from bot.errors import SettingsError

SECRETS = Path("/run/secrets")
"""Where Docker mounts secrets, one file each: https://docs.docker.com/compose/how-tos/use-secrets/"""


def _one_word(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value().strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("contains white space or control characters")
    return SecretStr(value)


def _https_url(url: str) -> str:
    if (url and not url.startswith("https://")) or len(url) > URL_LENGTH or not url.isprintable() or " " in url:
        raise ValueError("is no https URL")
    return url


def _expand_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError("no such home directory") from error


URL_LENGTH = 512
"""Longest URL of a link button: https://discord.com/developers/docs/components/reference#button"""

Url = Annotated[str, AfterValidator(_https_url)]
Token = Annotated[SecretStr, AfterValidator(_one_word)]


class Settings(BaseSettings):
    """The settings. The name of a setting in upper case is the name of its environment variable."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, hide_input_in_errors=True, extra="ignore", frozen=True
    )

    discord_token: Token
    useapi_token: Token
    useapi_accounts: Annotated[tuple[str, ...], NoDecode] = ()
    data_dir: Annotated[Path, AfterValidator(_expand_home)] = Path("data")
    clones_per_account: int = Field(default=1, ge=1, le=100)
    clone_timeout: float = Field(default=300, gt=0, le=3600)
    max_sample_mb: float = Field(default=10, gt=0, le=25)
    max_sample_seconds: float = Field(default=300, ge=10, le=3600)
    max_voices_per_member: int = Field(default=10, ge=1, le=1000)
    operator_contact: str = Field(default="", max_length=100)
    support_url: Url = ""
    privacy_url: Url = ""
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"
    log_format: Annotated[Literal["text", "json"], BeforeValidator(str.lower)] = "text"

    @model_validator(mode="before")
    @classmethod
    def _unquote(cls, values: dict[str, object]) -> dict[str, object]:
        """Remove quotes around values, which `docker run --env-file` keeps. An empty value is as none."""
        bare = {name: _without_quotes(value) for name, value in values.items()}
        return {name: value for name, value in bare.items() if value != ""}

    @field_validator("useapi_accounts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))

    @classmethod
    def load(cls) -> Self:
        """Read the environment, `.env` and Docker secrets. Raises `SettingsError` with all invalid variables."""
        secrets = {"_secrets_dir": SECRETS} if SECRETS.is_dir() else {}
        try:
            return cls(**secrets)  # pyright: ignore[reportArgumentType] -- values come from the environment
        except (OSError, UnicodeError, PydanticSettingsError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise SettingsError("settings.unreadable", reason=reason) from None
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False)
            types = {str(one["loc"][0]): one["type"] for one in reversed(found)}
            first, *others = [_fault(field, types[field]) for field in cls.model_fields if field in types]
            raise SettingsError(first.key, *others, **first.values) from None


def misspelled() -> dict[str, str]:
    """Return the variables that are no settings but resemble one, each with the name of that setting."""
    known = [name.upper() for name in Settings.model_fields]
    found: dict[str, str] = {}
    for names, likeness in _given_names():
        for name in names:
            if name.upper() not in known and (close := get_close_matches(name.upper(), known, 1, likeness)):
                found.setdefault(name, close[0])
    return found


def _given_names() -> Iterator[tuple[Iterable[str], float]]:
    """Yield the names in each source, and how alike a name must be. Only `.env` is for this program alone."""
    yield os.environ, 0.85
    with suppress(OSError, UnicodeError):
        yield (name.upper() for name in DotEnvSettingsSource(Settings).env_vars), 0.7
    with suppress(OSError):
        yield [file.name for file in SECRETS.iterdir()], 0.85


def _fault(field: str, kind: str) -> SettingsError:
    if kind == "missing":
        return SettingsError("settings.missing", variable=field.upper())
    return SettingsError(f"settings.malformed.{field}")


def _without_quotes(value: object) -> object:
    if not isinstance(value, str):
        return value
    bare = value.strip()
    return bare[1:-1] if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\"" else bare
