"""What people do in the server, checked as Discord checks it."""

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from simcord.backend.errors import BackendError, OptionError, SetupError
from simcord.backend.models import Interaction
from simcord.builders import ChannelHandle, RoleHandle
from simcord.components import walk_components
from simcord.enums import ComponentType, OptionType
from simcord.interactions import walk_to_subcommand
from simcord.results import InteractionResult, ResponseMessage

from bot.demo.changes import Changes
from bot.demo.club.server import Person, Server
from bot.demo.wire import Payload

ANSWER_SECONDS = 3.0
"""Seconds in which a bot must acknowledge an interaction.

https://discord.com/developers/docs/interactions/receiving-and-responding
"""

File = tuple[str, bytes]
"""A file's name and content."""

Value = str | bool | float | File
"""The value of a command's option. People and channels are IDs."""


class NotPossibleError(Exception):
    """A person can't do this, or not anymore. `key` is the catalog key of the sentence that says so."""

    def __init__(self, key: str, **details: str) -> None:
        super().__init__(key)
        self.key = key
        self.details = details


class Acts:
    """What a person can do. `commanded` is called with the name of a person and the command that they used.

    All return the form that the bot opens, or an empty dict, as soon as it has acknowledged the interaction, and
    raise `NotPossibleError`.
    """

    def __init__(self, server: Server, changes: Changes, commanded: Callable[[str, str], None]) -> None:
        self._server = server
        self._changes = changes
        self._commanded = commanded

    def post(self, person: Person, channel_id: int, text: str, files: Sequence[File] = ()) -> None:
        """Post a message."""
        with _possible():
            self._server.backend.require_permissions(
                self._server.backend.get_channel(channel_id).guild_id, person.user.id, channel_id, "send_messages"
            )
            attachments = self._server.backend.store_attachments(channel_id, files)
            self._server.backend.create_message(channel_id, person.user.id, text, attachments=attachments)

    async def command(self, person: Person, channel_id: int, name: str, options: Mapping[str, Value]) -> Payload:
        """Use a slash command."""
        actor, place = self._actor(person, channel_id)
        with _possible():
            await actor.slash(*place, name, **self._values(person, channel_id, name, options))
        return await self._reply(person, f"/{name}")

    async def choices(
        self, person: Person, channel_id: int, name: str, option: str, typed: str, filled: Mapping[str, Value]
    ) -> Sequence[Payload]:
        """Return the bot's choices for an option while it is typed."""
        actor, place = self._actor(person, channel_id)
        with _possible():
            given = self._values(person, channel_id, name, filled)
            await actor.autocomplete(*place, name, option, typed, **given)
        asked = self._server.env.asked
        await self._acknowledged(asked)
        return asked.autocomplete_choices or []

    async def menu(self, person: Person, channel_id: int, message_id: int, name: str) -> Payload:
        """Use a command of a message's menu."""
        with _possible():
            channel = ChannelHandle(self._server.env, self._server.guild, self._server.backend.get_channel(channel_id))
            await person.member.context_menu(channel, name, self._seen(channel_id, message_id))
        return await self._reply(person, name)

    async def click(self, person: Person, channel_id: int, message_id: int, custom_id: str) -> Payload:
        """Click a button of a message."""
        actor, _ = self._actor(person, channel_id)
        with _possible():
            await actor.click(self._seen(channel_id, message_id), custom_id=custom_id)
        return await self._reply(person)

    async def select(
        self, person: Person, channel_id: int, message_id: int, custom_id: str, values: Sequence[str]
    ) -> Payload:
        """Choose values of a select, or IDs."""
        actor, _ = self._actor(person, channel_id)
        with _possible():
            message = self._server.backend.get_message(channel_id, message_id)
            select = next(each for each in walk_components(message.components) if each.get("custom_id") == custom_id)
            chosen = [self._entity(select["type"], value) for value in values]
            await actor.select(self._seen(channel_id, message_id), chosen, custom_id=custom_id)
        return await self._reply(person)

    async def submit(self, person: Person, form_id: int, values: Mapping[str, str | list[str]]) -> Payload:
        """Submit a form with the values of its inputs by their custom IDs; those of selects are lists."""
        with _possible():
            asked = self._server.backend.interactions[form_id]
            kinds = {each.get("custom_id"): each["type"] for each in walk_components((asked.modal or {})["components"])}
            given = {
                name: [self._entity(kinds[name], each) for each in value] if isinstance(value, list) else value
                for name, value in values.items()
            }
            actor, _ = self._actor(person, asked.channel_id)
            await actor.submit_modal(InteractionResult(self._server.env, asked), given)
        return await self._reply(person)

    def _actor(self, person: Person, channel_id: int) -> tuple[Any, tuple[ChannelHandle, ...]]:
        """Return who acts in a channel: a member, who says where, or a user in direct messages."""
        if channel_id == person.user.dm_channel.id:
            return person.user, ()
        with _possible():
            channel = self._server.backend.get_channel(channel_id)
        return person.member, (ChannelHandle(self._server.env, self._server.guild, channel),)

    def _seen(self, channel_id: int, message_id: int) -> ResponseMessage:
        return ResponseMessage(self._server.env, self._server.backend.get_message(channel_id, message_id))

    def _values(self, person: Person, channel_id: int, name: str, given: Mapping[str, Value]) -> dict[str, Any]:
        """Return the values of a command's options as simcord takes them."""
        first, *rest = name.split()
        known = self._server.commands(person, channel_id)
        command = next(each for each in known if each["name"] == first)
        leaf, _ = walk_to_subcommand(command, rest)
        kinds = {option["name"]: OptionType(option["type"]) for option in leaf.get("options", ())}
        return {option: self._entity(_SELECTS.get(kinds[option], 0), value) for option, value in given.items()}

    def _entity(self, kind: int, value: Any) -> Any:  # noqa: ANN401 - a value of any option
        """Return whom or what the value of a select of this kind names: an ID, or the value itself."""
        backend = self._server.backend
        match kind:
            case ComponentType.USER_SELECT:
                return next(person.member for person in self._server.people.values() if str(person.user.id) == value)
            case ComponentType.ROLE_SELECT:
                return RoleHandle(
                    self._server.env, self._server.guild, backend.get_role(self._server.guild.id, int(value))
                )
            case ComponentType.CHANNEL_SELECT:
                return ChannelHandle(self._server.env, self._server.guild, backend.get_channel(int(value)))
            case _:
                return value

    async def _reply(self, person: Person, command: str = "") -> Payload:
        """Wait until the bot has acknowledged what a person just did; return the form that it opens, if any."""
        asked = self._server.env.asked
        if command:
            self._server.used[str(asked.id)] = command
            self._commanded(person.name, command)
        await self._acknowledged(asked)
        return {"id": str(asked.id), **asked.modal} if asked.modal else {}

    async def _acknowledged(self, asked: Interaction) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while not asked.responded:
                    await self._changes.wait()
        if not asked.responded:
            raise NotPossibleError("demo.unanswered")


_SELECTS = {
    OptionType.USER: ComponentType.USER_SELECT,
    OptionType.ROLE: ComponentType.ROLE_SELECT,
    OptionType.CHANNEL: ComponentType.CHANNEL_SELECT,
}
"""The options of commands that name something by its ID, and the selects that do."""


@contextmanager
def _possible() -> Generator[None]:
    """Say in a member's words what simcord does not allow."""
    try:
        yield
    except OptionError as error:
        raise NotPossibleError("demo.option", option=error.option or "") from error
    except (SetupError, BackendError, LookupError, StopIteration) as error:
        raise NotPossibleError("demo.gone") from error
