"""The JSON of records, with a checksum that finds a flipped bit, and holds for the same record in any store."""

import json
import re
from hashlib import sha256
from typing import Any, NoReturn, cast

MAX_DEPTH = 32  # levels of nesting; the present records have at most 9
_MAX_NUMBER = 2**64  # no ID, time or duration is larger
_UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")


class _UnstorableText(ValueError):
    """PostgreSQL stores no NUL, and UTF-8 has no lone surrogates."""


def checksum(content: dict[str, Any]) -> str:
    """Return the SHA-256 of a record's canonical form, in hexadecimal.

    The canonical form is JSON in UTF-8 with sorted keys, without white space and escapes that aren't needed,
    and with whole numbers written without a fraction: not every store keeps 1.0 apart from 1.
    Raises `ValueError` or `TypeError` for what no record may hold: numbers that are not finite or 2^64 and
    above, NUL, lone surrogates, and more than `MAX_DEPTH` levels.
    """
    text = json.dumps(_canonical(content, 0), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if "\\u0000" in text.replace("\\\\", ""):
        raise _UnstorableText("a text contains NUL")
    try:
        return sha256(text.encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise _UnstorableText("a text contains half of a character") from error


def encode(content: dict[str, Any]) -> bytes:
    """Return the bytes of a record's file. NUL and lone surrogates become U+FFFD. Raises as `checksum`."""
    try:
        total = checksum(content)
    except _UnstorableText:
        content = _repaired(content)
        total = checksum(content)
    return json.dumps({**content, "checksum": total}, ensure_ascii=False, separators=(",", ":")).encode()


def decode(raw: bytes) -> tuple[dict[str, Any], bool]:
    """Return a record's content without its checksum, and whether it had one.

    Raises `ValueError`, `TypeError` or `RecursionError` for anything else, also if the checksum is wrong.
    """
    content = json.loads(raw.decode(), parse_constant=_refuse)
    if not isinstance(content, dict):
        raise TypeError("it is not an object")
    record = cast("dict[str, Any]", content)
    found = record.pop("checksum", None)
    expected = checksum(record)
    if found not in (None, expected):
        raise ValueError("its checksum is wrong")
    return record, found is not None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it contains {constant}")


def _canonical(value: Any, depth: int) -> Any:  # noqa: ANN401 - JSON
    kind = cast("type[object]", type(value))
    if kind in (str, bool) or value is None:
        return value
    if kind in (int, float):
        if not abs(value) < _MAX_NUMBER:  # also true of NaN
            raise ValueError("a number is too large")
        return int(value) if value == int(value) else value
    if depth == MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if kind is dict:
        return {key: _canonical(inner, depth + 1) for key, inner in value.items()}
    if kind in (list, tuple):
        return [_canonical(item, depth + 1) for item in value]
    raise TypeError("it contains what JSON can't hold")


def _repaired(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case str():
            return _UNSTORABLE.sub("\ufffd", value)
        case list() | tuple():
            return [_repaired(item) for item in cast("list[Any]", value)]
        case dict():
            return {_repaired(key): _repaired(inner) for key, inner in cast("dict[str, Any]", value).items()}
        case _:
            return value
