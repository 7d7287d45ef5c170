"""The nouns: languages, rights, what is known of a sample, a cloned voice, and what becomes of it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

TITLE_LENGTH = 50
"""Longest title the API takes, in characters."""

DESCRIPTION_LENGTH = 500
"""Longest description the API takes, in characters."""


WORDING_VERSION = 1
"""The version of the sentences that people declare; it goes up when one of them is changed."""


class Language(StrEnum):
    """The languages that the API clones; the values are its `lang` codes."""

    ENGLISH = "en"
    CHINESE_SIMPLIFIED = "zh-Hans"
    CHINESE_TRADITIONAL = "zh-Hant"
    JAPANESE = "ja"
    KOREAN = "ko"
    SPANISH = "es"
    PORTUGUESE = "pt"
    GERMAN = "de"
    FRENCH = "fr"
    ITALIAN = "it"
    RUSSIAN = "ru"

    @classmethod
    def of_locales(cls, *locales: str | None) -> Self:
        """Take the first of Discord's locale codes (`pt-BR`) that the API can clone, else English."""
        for locale in locales:
            code = {"zh-CN": "zh-Hans", "zh-TW": "zh-Hant"}.get(
                locale or "", (locale or "").partition("-")[0]
            )
            if code in {language.value for language in cls}:
                return cls(code)
        return cls("en")


class Rights(StrEnum):
    """On what ground a member clones a voice."""

    OWN = "own"
    PERMISSION = "permission"


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody declared: in which words (of which `version`), when (Unix seconds), and where."""

    by: int
    wording: str
    version: int
    at: float
    guild_id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class Speaker:
    """The member whose voice it is, if that is somebody else than its owner."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Consent:
    """A speaker's approval, as the speaker's file keeps it.

    It is for the clone `job_id` of a member, and once there is one, for its voice. A `revoked` one stands
    until nothing can come of that clone any more.
    """

    job_id: str
    owner_id: int
    owner_name: str
    title: str
    statement: Statement
    voice_id: int | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Voice:
    """A cloned voice as its owner's file keeps it.

    `id` is the API's (14 digits), `job_id` the clone that made it; `account` is the Mureka account
    that holds it (None: the only one). `duration` is in seconds, `created_at` and `last_used` in Unix
    seconds. `shared_in` are the servers whose members may speak with it. One that is `deleting` is on its
    way out, and of no use to anybody. `statement` is what its owner declared about whose voice it is;
    a `speaker` has approved it, and that stands in the speaker's file.
    """

    id: int
    job_id: str
    owner_id: int
    guild_id: int
    title: str
    description: str
    language: Language
    rights: Rights
    sample_sha256: str
    created_at: float
    account: str | None = None
    duration: float | None = None
    cover_url: str | None = None
    preview_url: str | None = None
    shared_in: tuple[int, ...] = ()
    deleting: bool = False
    last_used: float | None = None
    owner_name: str = ""
    statement: Statement | None = None
    speaker: Speaker | None = None

    @property
    def used_at(self) -> float:
        """When it was used last, or else made, in Unix seconds."""
        return self.last_used or self.created_at


@dataclass(frozen=True, slots=True)
class Clip:
    """What somebody spoke with a voice, `at` Unix seconds; `id` is that of the speech.

    Without `speaker_id`, the speaker has been forgotten.
    """

    id: str
    voice_id: int
    author_id: int | None
    author_name: str
    guild_id: int
    text: str
    at: float

    def anonymous(self) -> Self:
        """Take the speaker off."""
        return replace(self, author_id=None, author_name="")


@dataclass(frozen=True, slots=True)
class PendingDeletion:
    """A voice that is to be deleted at the API, on whose record it stands until then.

    `owner_id` is None once its owner has been forgotten.
    """

    voice_id: int
    account: str | None
    owner_id: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """News for a member about something in a server: a sentence's key and values, `at` Unix seconds."""

    id: str
    user_id: int
    guild_id: int
    key: str
    values: dict[str, str | int]
    at: float


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, and in which server (0: none)."""

    id: int
    guild_id: int
