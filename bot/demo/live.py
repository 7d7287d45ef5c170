"""What a page shows, kept up to date: only what has changed is sent."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import asdict

from bot.demo.breakage import Breakage
from bot.demo.changes import Changes
from bot.demo.club.server import Person, Server
from bot.demo.process import BotProcess
from bot.demo.story import Story

PAUSE_SECONDS = 0.05  # between two updates of a page, so that many changes at once are one update


class Live:
    """Follows the server, the bot, the faults and the story."""

    def __init__(self, changes: Changes, server: Server, process: BotProcess, story: Story, breakage: Breakage) -> None:
        self._changes = changes
        self._process = process
        self._server = server
        self._story = story
        self._breakage = breakage

    async def updates(self, person: Person) -> AsyncGenerator[Mapping[str, object]]:
        """Yield the parts of the page that have changed for a person, by their names; None for those that are gone."""
        shown: dict[str, str] = {}
        while True:
            changing = asyncio.ensure_future(self._changes.wait())
            try:
                parts = dict(self._parts(person))
                texts = {name: json.dumps(part) for name, part in parts.items()}
                changed = {name: parts.get(name) for name, text in texts.items() if text != shown.get(name)}
                changed |= dict.fromkeys(shown.keys() - texts.keys())
                shown = texts
                if changed:
                    yield changed
                await changing
            finally:
                changing.cancel()
            await asyncio.sleep(PAUSE_SECONDS)

    def _parts(self, person: Person) -> Iterator[tuple[str, object]]:
        view = self._server.view(person)
        online = self._process.runs and self._server.wire.connected.is_set()
        yield "bot", {"online": online, "id": str(self._server.backend.bot_user.id)}
        yield "people", [*self._people()]
        yield "roles", {str(self._server.moderator_role.id): self._server.moderator_role.name}
        yield "channels", view.channels
        yield "commands", view.commands
        yield "faults", self._breakage.active
        for messages in view.messages.values():
            for message in messages:
                yield f"message:{message['id']}", message
        for number, entry in enumerate(self._story.entries):
            yield f"story:{number:06}", asdict(entry)

    def _people(self) -> Iterator[Mapping[str, object]]:
        """Return the people, each with the IDs of the direct messages that the bot has sent them."""
        for key, person in self._server.people.items():
            yield {
                "key": key,
                "id": str(person.user.id),
                "name": person.name,
                "moderator": person.moderator,
                "inbox": self._server.inbox(person),
            }
