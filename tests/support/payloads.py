"""Payloads that were changed on the way: each value of a JSON document in turn becomes another kind of value."""

import copy
from collections.abc import Iterator
from typing import Any, cast

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**64,
    10**400,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "0",
    "-5",
    "٣",
    "1" * 21,
    "x\x00\ud800\u202e",
    "x" * 5000,
    [],
    [None],
    {},
    {"id": None},
)
"""Values that a field may have instead of its own."""


def mutations(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield each change of a document, with a name for it: an odd value in a field, or a field that is missing."""
    for path in _paths(document):
        for value in ODD:
            yield f"{path} = {value!r:.30}", _changed(document, path, value)
        if path:
            yield f"{path} is missing", _changed(document, path)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    match value:
        case dict():
            fields = cast("dict[Any, Any]", value).items()
        case list():
            fields = enumerate(cast("list[Any]", value))
        case _:
            return
    for name, item in fields:
        yield from _paths(item, (*path, name))


def _changed(document: Any, path: tuple[Any, ...], *value: Any) -> Any:
    if not path:
        return value[0]
    changed = holder = copy.deepcopy(document)
    for name in path[:-1]:
        holder = holder[name]
    if value:
        holder[path[-1]] = value[0]
    else:
        del holder[path[-1]]
    return changed
