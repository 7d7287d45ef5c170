"""What the API tells, read leniently: all fields are optional in its own words."""

from dataclasses import dataclass
from typing import Self, cast


@dataclass(frozen=True, slots=True)
class UpstreamVoice:
    """A voice as the API tells of it; everything but the id may be missing. `duration` is in seconds."""

    id: int
    title: str | None = None
    description: str | None = None
    language: str | None = None
    created_at: float | None = None
    duration: float | None = None
    cover_url: str | None = None
    preview_url: str | None = None

    @classmethod
    def of(cls, answer: object) -> Self | None:
        """Read what is there and of the right kind; None without an id."""
        fields = cast("dict[str, object]", answer) if isinstance(answer, dict) else {}

        def text(name: str) -> str | None:
            value = fields.get(name)
            return value if isinstance(value, str) and value else None

        def number(name: str) -> float | None:
            value = fields.get(name)
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None

        voice_id = number("id")
        milliseconds = number("duration_milliseconds")
        if not isinstance(voice_id, int) or voice_id <= 0:
            return None
        return cls(
            id=voice_id,
            title=text("title"),
            description=text("description"),
            language=text("language"),
            created_at=number("created_at"),
            duration=milliseconds / 1000 if milliseconds else None,
            cover_url=text("cover"),
            preview_url=text("mp3_url"),
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account has: the name of its plan, and the credits that are left."""

    plan: str | None
    credits: int | None
