"""What fits into Discord's messages and forms, with text counted in UTF-16 code units."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

_COMPONENTS: Mapping[int, Mapping[str, int]] = {
    2: {"label": 80},
    4: {"placeholder": 100},
    10: {"content": 4000},
    18: {"label": 45, "description": 100},
    **{kind: {"placeholder": 150} for kind in (3, 5, 6, 7, 8)},
}
"""By the type of a component. https://discord.com/developers/docs/components/reference"""


def width(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _limits(item: Mapping[str, Any]) -> Mapping[str, int]:
    """Return the limits of a component, an embed, a form or a message, or of a part of one.

    https://discord.com/developers/docs/resources/message#embed-object-embed-limits
    """
    match item:
        case {"type": "rich"}:
            limits = {"title": 256, "description": 4096}
        case {"type": int(kind)}:
            limits = {"custom_id": 100, "value": item.get("max_length", 4000), **_COMPONENTS.get(kind, {})}
        case {"value": _, "label": _}:  # an option of a select
            limits = {"label": 100, "value": 100, "description": 100}
        case {"value": _, "name": _}:  # a field of an embed, or a suggestion
            limits = {"name": 256, "value": 1024} if "inline" in item else {"name": 100, "value": 100}
        case {"components": _, "title": _}:  # a form
            limits = {"title": 45, "custom_id": 100}
        case _:  # a message, or an embed's footer or author
            limits = {"content": 2000, "text": 2048, "name": 256}
    return limits


def too_long(payload: object, path: str = "") -> Iterator[str]:
    """Yield what Discord refuses as too long in a message or a form."""
    if isinstance(payload, list):
        for index, item in enumerate(cast("list[Any]", payload)):
            yield from too_long(item, f"{path}[{index}]")
    elif isinstance(payload, dict):
        item = cast("dict[str, Any]", payload)
        for name, limit in _limits(item).items():
            if isinstance(text := item.get(name), str) and width(text) > limit:
                yield f"{path}.{name}: {width(text)} of {limit}"
        if item.get("type") == "rich" and (size := sum(map(width, _texts(item)))) > 6000:
            yield f"{path}: {size} of 6000"
        for name, part in item.items():
            yield from too_long(part, f"{path}.{name}")


def _texts(embed: Mapping[str, Any]) -> list[str]:
    parts = [embed, embed.get("footer", {}), embed.get("author", {}), *embed.get("fields", [])]
    return [
        part[name] for part in parts for name in ("title", "description", "text", "name", "value") if part.get(name)
    ]
