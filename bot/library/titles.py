"""The rules for titles of voices."""

from collections.abc import Iterable

from bot.errors import Refused
from bot.text import clean_text, is_blank, same_title
from bot.voices.models import TITLE_LENGTH


def clean_title(title: str) -> str:
    """Clean a title and cut it to the API's limit. Raises `Refused` if it is blank."""
    title = clean_text(title)[:TITLE_LENGTH]
    if is_blank(title):
        raise Refused("refused.title_blank")
    return title


def check_title(title: str, taken: Iterable[str]) -> None:
    """Raise `Refused` if one of a member's other voices or unfinished clones has this title."""
    if any(same_title(title, other) for other in taken):
        raise Refused("refused.title_taken", title=title)
