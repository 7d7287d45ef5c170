"""What a value from outside may be: each from the API or from Discord is checked where it enters."""

import re

MAX_ID = 2**64 - 1  # https://discord.com/developers/docs/reference#snowflakes; the API's IDs have 14 digits

_PAGE = re.compile(r"\s*<(?:!doctype|html|head|title|body|center|h1|\?xml)\b.*", re.DOTALL | re.IGNORECASE)


def parse_id(value: object) -> int:
    """Return an ID that arrived as a number or as ASCII digits. Raises ValueError outside of 1 to `MAX_ID`."""
    if isinstance(value, str) and len(value) <= len(str(MAX_ID)) and value.isascii() and value.isdigit():
        value = int(value)
    if type(value) is not int or not 0 < value <= MAX_ID:
        raise ValueError("not an ID")
    return value


def bounded_text(value: object, length: int) -> str:
    """Return a text's first `length` characters, without what no Unicode text has: NUL and lone surrogates.

    Raises ValueError if nothing is left, or if it is no text.
    """
    text = value[:length].encode("utf-8", "ignore").decode().replace("\0", "") if isinstance(value, str) else ""
    if not text:
        raise ValueError("not a text")
    return text


def without_page(text: str) -> str:
    """Return a text with "[a page]" instead of an HTML page and all that follows it.

    Proxies answer with pages where JSON is expected, and errors quote them whole.
    """
    return _PAGE.sub(" [a page]", text).strip()
