"""The server and what each side gets of it: the bot its answers and events, each person what Discord would show."""

import io
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

import discord
import simcord
from simcord.backend import serializers
from simcord.backend.access import channel_accessible, message_accessible
from simcord.backend.errors import BackendError
from simcord.backend.models import Message
from simcord.builders import UserHandle
from simcord.enums import AppCommandType
from simcord.gateway import FakeGateway
from simcord.http.router import dispatch

from bot.demo.changes import Changes
from bot.demo.club.adapter import Clock, Connection, Env, Files
from bot.demo.wire import Call, Payload, RefusedError, Wire

RECENT = 1000  # how many of the last requests and events simcord keeps; it only shows them to tests

INVALID_TOKEN = 50027  # Discord's answer once the token of an interaction is too old


@dataclass(frozen=True, slots=True)
class Person:
    """Someone in the server, who also has direct messages with the bot."""

    name: str
    member: simcord.MemberActor
    moderator: bool

    @property
    def user(self) -> UserHandle:
        return self.member.user


@dataclass(frozen=True, slots=True)
class View:
    """What a person can see and use: channels, with messages in their order, and commands, by channel ID.

    All are as in Discord's API. A channel without a name is the direct messages with the bot. A message that
    replies to a command has it as `used`.
    """

    channels: Sequence[Payload]
    messages: Mapping[str, Sequence[Payload]]
    commands: Mapping[str, Sequence[Payload]]


class Server:
    """The server during an `async with` block; `wire` serves it to the bot.

    `people` are Ada, Grace and the moderator Hedy by their lowercase names. While `refuses_edits`, Discord answers
    edits of messages as if the token of the interaction had expired. `watch` is called with each request of the bot
    before it is answered, with the name of the person whose direct messages it is for (or an empty one), and with
    True if it will be refused.
    """

    def __init__(self, changes: Changes, watch: Callable[[Call, str, bool], Awaitable[None]]) -> None:
        self.refuses_edits = False
        self._changes = changes
        self._watch = watch
        self.wire = Wire([("*", "{path:.+}", self._answer)], self._greet, self.file)
        self.used: dict[str, str] = {}
        self.env = Env()
        self.clock = Clock()
        self._files = Files(self.wire)
        backend = self.backend = self.env.backend
        backend.clock = cast("Any", self.clock)
        backend.cdn = cast("Any", self._files)
        backend.http_requests = cast("Any", deque[object](maxlen=RECENT))
        backend.transcript = cast("Any", deque[object](maxlen=RECENT))
        backend.edit_bot_profile("Clonevoice")
        guild = self.guild = self.env.create_guild("Voice Club")
        self.moderator_role = guild.create_role("Moderator", permissions=discord.Permissions(manage_guild=True))
        shown, hidden = (discord.PermissionOverwrite(view_channel=seen) for seen in (True, False))
        bot = UserHandle(self.env, backend.bot_user)
        self.studio = guild.create_text_channel("studio")
        self.log_channel = guild.create_text_channel(
            "mod-log", overwrites={guild.default_role: hidden, self.moderator_role: shown, bot: shown}
        )
        self.people = {name.lower(): self._join(name, moderator=name == "Hedy") for name in ("Ada", "Grace", "Hedy")}
        backend.subscribers.append(self._notify)

    async def __aenter__(self) -> Self:
        """Serve the API and the gateway."""
        await self.wire.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close all connections."""
        await self.wire.__aexit__(*error)

    def _join(self, name: str, *, moderator: bool) -> Person:
        user = self.env.create_user(name.lower(), global_name=name)
        roles = [self.moderator_role] if moderator else []
        return Person(name, self.guild.add_member(user, roles=roles), moderator)

    def advance(self, seconds: float) -> None:
        """Move the clock, which otherwise has the real time."""
        self.clock.advance(seconds)

    def _notify(self, _event: str, _payload: object) -> None:
        self._changes.notify()

    # What the bot gets

    async def _answer(self, call: Call) -> object:
        refused = self.refuses_edits and call.method == "PATCH" and "/messages/" in call.path
        readers = (name.name for name in self.people.values() if f"/{name.user.dm_channel.id}/" in call.path)
        await self._watch(call, next(readers, ""), refused)
        if refused:
            raise RefusedError(401, INVALID_TOKEN, "Invalid Webhook Token")
        files = [discord.File(io.BytesIO(content), name) for name, content in call.files.values()]
        try:
            answer = dispatch(
                self.backend, call.method, call.path, json=call.payload, params=dict(call.query), files=files
            )
        except BackendError as error:
            raise RefusedError(error.status, error.code, error.message) from error
        self._changes.notify()
        if call.path == "/oauth2/applications/@me":  # Hedy also runs the bot, so that its alerts are seen
            answer |= {"owner": serializers.user_payload(self.backend.get_user(self.people["hedy"].user.id))}
        return answer

    def file(self, path: str) -> bytes | None:
        """Return an attachment by the path of its URL."""
        return self._files.get(path)

    def _greet(self, intents: int) -> Iterator[tuple[str, object]]:
        """Return the first events for a bot. From now on it gets those that its intents allow."""
        gateway = FakeGateway(self.backend, Connection(intents, self.wire.dispatch))
        self.backend.subscribers[:] = [self._notify, gateway.feed]
        guild = self.backend.get_guild(self.guild.id)
        ready = {
            "v": 10,
            "user": dict(serializers.user_payload(self.backend.bot_user)),
            "guilds": [{"id": str(guild.id), "unavailable": True}],
            "session_id": "1",
            "resume_gateway_url": self.wire.origin,
            "application": {"id": str(self.backend.application_id), "flags": 0},
        }
        yield "READY", ready
        yield "GUILD_CREATE", serializers.guild_create_payload(self.backend, guild)

    # What people see

    def view(self, person: Person) -> View:
        """Return what a person sees now. Ephemeral messages are only seen by the person who caused them."""
        places = (self.studio, self.log_channel, person.user.dm_channel)
        seen = [place.id for place in places if channel_accessible(self.backend, place.id, person.user.id)]
        channels = (serializers.channel_payload(self.backend, self.backend.get_channel(each)) for each in seen)
        return View(
            [dict(channel) for channel in channels],
            {str(each): [*self._messages(person, each)] for each in seen},
            {str(each): [*self.commands(person, each)] for each in seen},
        )

    def _messages(self, person: Person, channel_id: int) -> Iterator[Payload]:
        for message in self.backend.messages.get(channel_id, {}).values():
            if message_accessible(self.backend, channel_id, message, person.user.id, history=True):
                yield self._shown(message)

    def _shown(self, message: Message) -> Payload:
        payload = dict(cast("Payload", serializers.message_payload(self.backend, message)))
        command = self.used.get(payload.get("interaction_metadata", {}).get("id", ""))
        return payload | ({"used": command} if command else {})

    def inbox(self, person: Person) -> list[str]:
        """Return the IDs of the direct messages that the bot has sent to a person."""
        messages = self.backend.messages.get(person.user.dm_channel.id, {}).values()
        return [str(each.id) for each in messages if each.author_id == self.backend.bot_user.id]

    def commands(self, person: Person, channel_id: int) -> Iterator[Payload]:
        """Return the commands that a person can use in a channel, and those of its messages."""
        for kind in (AppCommandType.CHAT_INPUT, AppCommandType.MESSAGE):
            yield from self.backend.visible_commands(user_id=person.user.id, channel_id=channel_id, type=kind)
