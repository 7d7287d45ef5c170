"""What simcord needs to serve a bot that runs in another process, in real time."""

import mimetypes
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import discord
import simcord
from simcord.backend.models import Interaction

from bot.demo.wire import Payload, Wire

FONTS = Path(simcord.__file__).with_name("preview") / "static" / "fonts"
"""Noto Sans and Noto Color Emoji, under the SIL Open Font License."""


class Clock:
    """The real time; simcord's own clock stands still. `elapsed` are the seconds by which it was advanced."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)

    def advance(self, seconds: float) -> None:
        self.elapsed += seconds


class Env(simcord.Env):
    """simcord's people and checks, without a bot to wait for. People may act at the same time.

    `asked` is the interaction of the last act.
    """

    asked: Interaction

    def __init__(self) -> None:
        super().__init__(cast("discord.Client", None))

    async def _settle_internal(self, **_: object) -> None:
        pass

    def _begin_operation(self, label: str) -> None:
        pass

    def _end_operation(self) -> None:
        pass

    def _notify_dispatch_observers(self, interaction: Interaction) -> None:
        self.asked = interaction


class Files:
    """Attachments, which are found by the ID in the path of their URLs."""

    def __init__(self, wire: Wire) -> None:
        self._contents: dict[str, bytes] = {}
        self._wire = wire

    def store_attachment(
        self, attachment_id: int, channel_id: int, filename: str, data: bytes, description: str | None
    ) -> Payload:
        del channel_id, description
        self._contents[str(attachment_id)] = data
        kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        return self._wire.attachment(str(attachment_id), filename, data) | {"content_type": kind}

    def get(self, path: str) -> bytes | None:
        return self._contents.get(path.split("/")[2])


class Connection:
    """What simcord's gateway needs of a connected bot: its intents, and what sends each kind of event."""

    def __init__(self, intents: int, send: Callable[[str, object], None]) -> None:
        self.intents = discord.Intents.none()
        self.intents.value = intents
        self.parsers = _Parsers(send)


class _Parsers(dict[str, Any]):
    def __init__(self, send: Callable[[str, object], None]) -> None:
        super().__init__()
        self._send = send

    def __missing__(self, event: str) -> Callable[[object], None]:
        return partial(self._send, event)
