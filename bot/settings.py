"""The operator's settings. Only this module reads the environment."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as PydanticSettingsError

from bot.errors import SettingsError

SECRETS = Path("/run/secrets")
"""Where Docker mounts secrets, one file each: https://docs.docker.com/compose/how-tos/use-secrets/"""


def _one_word(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value().strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("contains white space or control characters")
    return SecretStr(value)


def _expand_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError("no such home directory") from error


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
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"
    log_format: Annotated[Literal["text", "json"], BeforeValidator(str.lower)] = "text"

    @field_validator("useapi_accounts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))

    @classmethod
    def load(cls) -> Self:
        """Read the environment, `.env` and Docker secrets. Raises `SettingsError` for the first invalid variable."""
        secrets = {"_secrets_dir": SECRETS} if SECRETS.is_dir() else {}
        try:
            return cls(**secrets)  # pyright: ignore[reportArgumentType] -- values come from the environment
        except (OSError, UnicodeError, PydanticSettingsError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise SettingsError("settings.unreadable", reason=reason) from None
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = str(first["loc"][0])
            if first["type"] == "missing":
                raise SettingsError("settings.missing", variable=field.upper()) from None
            raise SettingsError(f"settings.malformed.{field}") from None
