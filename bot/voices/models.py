"""The records of voices, clips, consents and notices, and the values that they consist of."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

TITLE_LENGTH = 50  # the API's limit for titles, in characters
DESCRIPTION_LENGTH = 500  # the API's limit for descriptions, in characters
WORDING_VERSION = 2  # The version of the sentences that members declare. Increase it when one of them is changed.


class Language(StrEnum):
    """The languages that the API can clone. The values are its `lang` codes."""

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
        """Return the language of the first Discord locale (`pt-BR`) that the API can clone, else English."""
        for locale in locales:
            code = {"zh-CN": "zh-Hans", "zh-TW": "zh-Hant"}.get(locale or "", (locale or "").partition("-")[0])
            if code in {language.value for language in cls}:
                return cls(code)
        return cls("en")


class Rights(StrEnum):
    """Why a member may clone a voice: it is their own, or they have permission."""

    OWN = "own"
    PERMISSION = "permission"


@dataclass(frozen=True, slots=True)
class Statement:
    """The exact words that a member declared, their `version`, and where. `at` is a Unix timestamp.

    `locale` is that of the words. Version 1 did not record it.
    """

    by: int
    wording: str
    version: int
    at: float
    guild_id: int
    channel_id: int
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Speaker:
    """The person heard in a sample, if they are another member than the voice's owner."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Consent:
    """A speaker's approval of one clone and its voice. It is stored in the speaker's file.

    A `revoked` consent stays until its voice is deleted, or its clone can no longer produce one.
    """

    job_id: str
    owner_id: int
    owner_name: str
    title: str
    statement: Statement
    voice_id: int | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """A question to a speaker that limits further ones. It is stored in the speaker's file.

    `at` is the Unix timestamp of the question or, if `declined`, of the no or the withdrawal.
    """

    job_id: str
    owner_id: int
    speaker_id: int
    at: float
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Voice:
    """A cloned voice. It is stored in its owner's file.

    `id` is the API's, with 14 digits. `job_id` is the clone job that made it. `account` is its Mureka
    account, or None if there is only one. `duration` is in seconds; `created_at` and `last_used` are Unix
    timestamps. Members of the servers in `shared_in` may use it. A voice marked `deleting` is being removed
    and cannot be used. `statement` is the owner's declaration about their rights. If there is a `speaker`,
    their file has a `Consent`. `clip_count` counts all clips, of which only the last are kept; it is 0 in records
    of older versions until the next clip.
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
    clip_count: int = 0

    @property
    def has_default_description(self) -> bool:
        """True if the description is only the title and the job's code, which says nothing to members."""
        return self.description.endswith(f"({self.job_id.rpartition('-')[2]})")

    @property
    def used_at(self) -> float:
        """The Unix timestamp of the last use, or else of the creation."""
        return self.last_used or self.created_at

    def shared(self, guild_id: int) -> Self:
        return replace(self, shared_in=(*self.unshared(guild_id).shared_in, guild_id))

    def unshared(self, guild_id: int) -> Self:
        return replace(self, shared_in=tuple(shared for shared in self.shared_in if shared != guild_id))


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip, made at the Unix timestamp `at`. `id` is the speech job's. Erased authors have no `author_id`."""

    id: str
    voice_id: int
    author_id: int | None
    author_name: str
    guild_id: int
    text: str
    at: float

    def anonymous(self) -> Self:
        return replace(self, author_id=None, author_name="")


@dataclass(frozen=True, slots=True)
class PendingDeletion:
    """A voice that is to be deleted upstream. `owner_id` is None if the owner's data was erased."""

    voice_id: int
    account: str | None
    owner_id: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification for a member about a server: a catalog key and values. `at` is a Unix timestamp."""

    id: str
    user_id: int
    guild_id: int
    key: str
    values: dict[str, str | int]
    at: float


@dataclass(frozen=True, slots=True)
class Viewer:
    """The member who makes a request, and the server they make it in. `guild_id` is 0 outside servers."""

    id: int
    guild_id: int
