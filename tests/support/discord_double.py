"""A small Discord on this machine, over real HTTP and WebSocket, for bots in processes of their own."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from bot.demo.wire import Call, Files, Payload, RefusedError, Wire

BOT, OWNER, GUILD, CHANNEL, ROLE = "1001", "1002", "1003", "1004", "1005"
CHAT = {"id": CHANNEL, "guild_id": GUILD, "type": 0, "name": "studio", "position": 0}
ALL = "2147601408"
"""Permissions: to use commands, to read, and to send messages with embeds and files."""

MODERATE = str(int(ALL) | 1 << 5)
"""Permissions: all of these, and to manage the server."""

MOMENT = "2026-01-01T00:00:00+00:00"
LOADING = 1 << 7
"""The flag of a message that shows "thinking"."""

BUTTON, TEXT_INPUT, USER_SELECT, USER_OPTION = 2, 4, 5, 6
"""Types of components, and of a command's option."""

ANSWER_SECONDS = 3.0
"""Seconds in which an interaction must be acknowledged."""

_numbers = count()


def snowflake() -> str:
    """Return a new ID, which holds its time as Discord's IDs do."""
    return str(int(time.time() * 1000 - 1_420_070_400_000) << 22 | next(_numbers) % 2**22)


@dataclass(eq=False, slots=True)
class Message:
    """The current state of a message, and its `texts` after each change."""

    channel_id: str
    reader_id: int
    author_id: str = BOT
    id: str = field(default_factory=snowflake)
    content: str = ""
    embeds: list[Payload] = field(default_factory=list[Payload])
    components: list[Payload] = field(default_factory=list[Payload])
    attachments: list[Payload] = field(default_factory=list[Payload])
    flags: int = 0
    deleted: bool = False
    texts: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        parts = [self.content]
        for embed in self.embeds:
            parts += [embed.get("title"), embed.get("description")]
            parts += [f"{entry['name']}: {entry['value']}" for entry in embed.get("fields", [])]
            parts += [embed.get("footer", {}).get("text")]
        return "\n".join(filter(None, parts))

    @property
    def items(self) -> list[Payload]:
        """List the buttons and selects that can be used."""
        return [item for item in _items(self.components) if "custom_id" in item and not item.get("disabled")]

    @property
    def buttons(self) -> dict[str, str]:
        return {item.get("label", ""): item["custom_id"] for item in self.items}

    def payload(self) -> Payload:
        names = ("id", "channel_id", "content", "embeds", "components", "attachments", "flags")
        fixed: Payload = {"type": 0, "author": _user(self.author_id), "mentions": [], "mention_roles": []}
        return {name: getattr(self, name) for name in names} | fixed | {"timestamp": MOMENT, "edited_timestamp": None}


@dataclass(eq=False, slots=True)
class Answer:
    """The reply to an interaction of `asked_at` (monotonic seconds); the bot replies with `token`, or a `form`.

    `sent` is the event that the bot received.
    """

    user_id: int
    original: Message | None = None
    form: Payload | None = None
    sent: Payload = field(default_factory=Payload)
    acknowledged_after: float | None = None
    id: str = field(default_factory=snowflake)
    token: str = field(default_factory=lambda: f"token-{snowflake()}")
    asked_at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, eq=False, slots=True)
class _Hold:
    fits: Callable[[Call], bool]
    takes_effect: bool
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


class DiscordDouble(Wire):
    """Discord during an `async with` block, for any number of bots in sequence; `url` is its API.

    `messages` holds all messages by ID, `dms` those sent to members without an interaction, and `answers` the
    replies to interactions by token. `moderators` are the members who may manage the server.
    """

    def __init__(self) -> None:
        self.messages: dict[str, Message] = {}
        self.dms: list[Message] = []
        self.answers: dict[str, Answer] = {}
        self.moderators = {int(OWNER)}
        self._commands: list[Payload] = []
        self._files: dict[str, bytes] = {}
        self._holds: list[_Hold] = []
        routes = [(method, path, partial(self._respond, answer)) for method, path, answer in self._routes()]
        super().__init__(routes, self._greeting, lambda path: self._files.get(path.split("/")[2]))

    async def slash(self, user_id: int, command: str, **options: object) -> Answer:
        """Send a command as a member as soon as a bot is connected; a file is a pair of name and bytes."""
        await self.connected.wait()
        group, *names = command.split()
        about = next(known for known in self._commands if known["name"] == group)
        leaf = next(one for one in about["options"] if one["name"] == names[0]) if names else about
        resolved: Payload = {"attachments": {}, "users": {}, "members": {}}
        chosen = [self._option(leaf, name, value, resolved) for name, value in options.items()]
        if names:
            chosen = [{"name": names[0], "type": 1, "options": chosen}]
        data = {"id": about["id"], "name": group, "type": 1, "options": chosen, "resolved": resolved}
        return self._interact(Answer(user_id), {"type": 2, "data": data})

    async def menu(self, user_id: int, command: str, author_id: int, *files: tuple[str, bytes]) -> Answer:
        """Use a command of the menu of a message that a member has posted with these files."""
        await self.connected.wait()
        about = next(known for known in self._commands if known["name"] == command)
        message = Message(CHANNEL, 0, str(author_id), attachments=[self._attach(*file) for file in files])
        data = {"id": about["id"], "name": command, "type": 3, "target_id": message.id}
        data |= {"resolved": {"messages": {message.id: message.payload()}}}
        return self._interact(Answer(user_id), {"type": 2, "data": data})

    async def click(self, message: Message, label: str) -> None:
        """Click a button as the reader of a message."""
        item = next(item for item in message.items if item.get("label") == label)
        await self.use(message, item)

    async def use(self, message: Message, item: Payload, values: Sequence[str] = (), by: int = 0) -> Answer:
        """Use a button or select of a message, as its reader or as another member."""
        await self.connected.wait()
        data: Payload = {"custom_id": item["custom_id"], "component_type": item["type"]}
        if item["type"] != BUTTON:
            data |= {"values": [*values], "resolved": self._resolve(item["type"], values)}
        asked = {"type": 3, "data": data, "message": message.payload()}
        return self._interact(Answer(by or message.reader_id, message), asked)

    async def submit(self, opened: Answer, values: Mapping[str, Sequence[str]], by: int = 0) -> Answer:
        """Submit the form that was the reply to an interaction, as its member or another, with its inputs' values."""
        await self.connected.wait()
        assert opened.form
        resolved: Payload = {}
        components: list[Payload] = []
        for label in opened.form["components"]:
            if input_ := label.get("component"):
                typed = [*values.get(input_["custom_id"], ())]
                value = {"value": "".join(typed)} if input_["type"] == TEXT_INPUT else {"values": typed}
                given = {"type": input_["type"], "custom_id": input_["custom_id"]} | value
                components.append({"type": label["type"], "component": given})
                resolved |= self._resolve(input_["type"], typed)
        data = {"custom_id": opened.form["custom_id"], "components": components, "resolved": resolved}
        asked: Payload = {"type": 5, "data": data}
        if opened.original:
            asked["message"] = opened.original.payload()
        return self._interact(Answer(by or opened.user_id, opened.original), asked)

    @asynccontextmanager
    async def hold(self, fits: Callable[[Call], bool], *, takes_effect: bool) -> AsyncGenerator[asyncio.Event]:
        """Hold the next request that fits until the block is left; the event is set when it has arrived.

        Either it takes effect at once and its response is late, or its connection is reset without effect.
        """
        hold = _Hold(fits, takes_effect)
        self._holds.append(hold)
        try:
            yield hold.reached
        finally:
            hold.released.set()
            self._holds = [other for other in self._holds if other is not hold]

    def _interact(self, answer: Answer, asked: Payload) -> Answer:
        self.answers[answer.token] = answer
        names: Payload = {"id": answer.id, "token": answer.token, "application_id": BOT, "version": 1}
        rest = {"locale": "en-US", "app_permissions": ALL, "attachment_size_limit": 10 * 2**20}
        answer.sent = asked | self._place(answer) | names | rest
        self.dispatch("INTERACTION_CREATE", answer.sent)
        return answer

    def _place(self, answer: Answer) -> Payload:
        """Return where an interaction happens: in the channel, or in the direct messages of a member."""
        if answer.original and answer.original.channel_id != CHANNEL:
            channel = _dm_channel(answer.user_id)
            owners = {"1": str(answer.user_id)}
            place: Payload = {"channel": channel, "user": channel["recipients"][0], "context": 1}
            return place | {"channel_id": channel["id"], "authorizing_integration_owners": owners}
        member = self._member(answer.user_id)
        guild: Payload = {"id": GUILD, "locale": "en-US", "features": []}
        place = {"channel": CHAT, "member": member, "context": 0, "guild_id": GUILD, "guild": guild}
        owners = {"0": GUILD}
        return place | {"channel_id": CHANNEL, "guild_locale": "en-US", "authorizing_integration_owners": owners}

    def _option(self, command: Payload, name: str, value: object, resolved: Payload) -> Payload:
        """Return an option of a command, and add what it names to `resolved`."""
        kind = next(option["type"] for option in command["options"] if option["name"] == name)
        if isinstance(value, tuple):
            file = self._attach(*value)  # pyright: ignore[reportUnknownArgumentType] -- a pair, as told
            value = file["id"]
            resolved["attachments"][value] = file
        elif kind == USER_OPTION:
            value = str(value)
            for part, found in self._resolve(USER_SELECT, [value]).items():
                resolved[part] |= found
        return {"name": name, "type": kind, "value": value}

    def _resolve(self, kind: int, ids: Sequence[str]) -> Payload:
        """Return what the values of a select are."""
        match kind:
            case 5:  # users; Discord leaves out the user of a member
                members = {each: self._member(int(each)) for each in ids}
                users = {each: member.pop("user") for each, member in members.items()}
                return {"users": users, "members": members}
            case 6:
                return {"roles": {each: _role(each) for each in ids}}
            case 8:
                return {"channels": {each: CHAT | {"permissions": ALL} for each in ids}}
            case _:
                return {}

    def _member(self, user_id: int) -> Payload:
        permissions = MODERATE if user_id in self.moderators else ALL
        told = {"joined_at": MOMENT, "deaf": False, "mute": False, "flags": 0, "permissions": permissions}
        return {"user": _user(str(user_id), f"member{user_id}"), "roles": [], **told}

    def _attach(self, name: str, content: bytes) -> Payload:
        number = snowflake()
        self._files[number] = content
        return self.attachment(number, name, content)

    # REST

    def _routes(self) -> list[tuple[str, str, Callable[[Call], object]]]:
        about = {"id": BOT, "name": "Clonevoice", "description": "", "icon": None, "verify_key": ""}
        about |= {"bot_public": True, "bot_require_code_grant": False, "owner": _user(OWNER, "owner")}
        return [
            ("GET", "users/@me", lambda _: _user(BOT)),
            ("GET", "oauth2/applications/@me", lambda _: about),
            ("GET", "applications/@me", lambda _: about),
            ("PUT", "applications/{application}/commands", self._sync),
            ("POST", "interactions/{id}/{token}/callback", self._callback),
            ("POST", "webhooks/{application}/{token}", self._follow_up),
            ("POST", "users/@me/channels", lambda call: _dm_channel(int(call.payload["recipient_id"]))),
            ("POST", "channels/{channel}/messages", self._send),
            ("GET", "guilds/{guild}/members/{user}", lambda call: self._member(int(call.parts["user"]))),
            *(
                (method, path + "/messages/{message}", answer)
                for path in ("webhooks/{application}/{token}", "channels/{channel}")
                for method, answer in (("GET", self._get), ("PATCH", self._edit), ("DELETE", self._delete))
            ),
        ]

    async def _respond(self, answer: Callable[[Call], object], call: Call) -> object:
        hold = next((hold for hold in self._holds if hold.fits(call)), None)
        try:
            if hold and not hold.takes_effect:
                raise ConnectionResetError
            return answer(call)
        finally:
            if hold:
                self._holds.remove(hold)
                hold.reached.set()
                await hold.released.wait()

    def _sync(self, call: Call) -> object:
        fixed: Payload = {"application_id": BOT, "version": "1", "description": ""}
        self._commands = [{"id": snowflake()} | fixed | each for each in call.payload]
        return self._commands

    def _callback(self, call: Call) -> object:
        answer = self.answers[call.parts["token"]]
        waited = time.monotonic() - answer.asked_at
        if answer.acknowledged_after is not None:
            raise RefusedError(400, 40060)
        if waited > ANSWER_SECONDS:
            raise RefusedError(404, 10062)
        answer.acknowledged_after = waited
        kind: int = call.payload["type"]
        data: Payload = call.payload.get("data") or {}
        if kind in {4, 5}:
            answer.original = self._post(answer.original.channel_id if answer.original else CHANNEL, answer.user_id)
            answer.original.flags = data.get("flags", 0) | (LOADING if kind == 5 else 0)
        if kind == 9:
            answer.form = data
        if kind in {4, 7} and answer.original:
            self._change(answer.original, data, call.files)
        told: Payload = {"id": answer.id, "type": 2}
        return {"interaction": told | ({"response_message_id": m.id} if (m := answer.original) else {})}

    def _follow_up(self, call: Call) -> object:
        answer = self.answers[call.parts["token"]]
        message = answer.original
        if message is None or not message.flags & LOADING:
            message = self._post(message.channel_id if message else CHANNEL, answer.user_id)
            message.flags = call.payload.get("flags", 0)
        return self._change(message, call.payload, call.files)

    def _send(self, call: Call) -> object:
        channel = call.parts["channel"]
        reader = 0 if channel == CHANNEL else int(channel) - 1
        message = self._post(channel, reader)
        if reader:
            self.dms.append(message)
        return self._change(message, call.payload, call.files)

    def _get(self, call: Call) -> object:
        return self._message(call).payload()

    def _edit(self, call: Call) -> object:
        return self._change(self._message(call), call.payload, call.files)

    def _delete(self, call: Call) -> None:
        self._message(call).deleted = True

    def _message(self, call: Call) -> Message:
        original = self.answers[call.parts["token"]].original if "token" in call.parts else None
        named = call.parts["message"]
        message = original if named == "@original" else self.messages.get(named)
        if message is None or message.deleted:
            raise RefusedError(404, 10008)
        return message

    def _post(self, channel_id: str, reader_id: int) -> Message:
        message = Message(channel_id, reader_id)
        self.messages[message.id] = message
        return message

    def _change(self, message: Message, data: Payload, files: Files) -> Payload:
        message.flags &= ~LOADING
        message.content = (data.get("content") or "") if "content" in data else message.content
        message.embeds = data.get("embeds", message.embeds)
        message.components = data.get("components", message.components)
        kept = {str(each["id"]) for each in data.get("attachments", message.attachments)}
        message.attachments = [each for each in message.attachments if each["id"] in kept]
        message.attachments += [self._attach(*file) for file in files.values()]
        message.texts.append(message.text)
        return message.payload()

    # The gateway

    def _greeting(self, _: int) -> list[tuple[str, object]]:
        guilds = [{"id": GUILD, "unavailable": True}]
        ready = {"v": 10, "user": _user(BOT), "session_id": "1", "resume_gateway_url": self.origin}
        ready |= {"guilds": guilds, "application": {"id": BOT, "flags": 0}}
        guild = {"id": GUILD, "name": "Voice Club", "owner_id": OWNER, "roles": [_role(GUILD), _role(ROLE)]}
        guild |= {"channels": [CHAT], "members": [self._member(int(BOT))]}
        return [("READY", ready), ("GUILD_CREATE", guild)]


def _user(user_id: str, name: str = "Clonevoice") -> Payload:
    return {"id": user_id, "username": name, "discriminator": "0", "avatar": None, "bot": user_id == BOT}


def _role(role_id: str) -> Payload:
    name = "@everyone" if role_id == GUILD else "speakers"
    return {"id": role_id, "name": name, "permissions": ALL, "position": int(role_id == ROLE), "color": 0}


def _dm_channel(user_id: int) -> Payload:
    """Return the DM channel with a member; its ID is the member's plus one."""
    return {"id": str(user_id + 1), "type": 1, "recipients": [_user(str(user_id), f"member{user_id}")]}


def _items(components: list[Payload]) -> Iterator[Payload]:
    for component in components:
        yield component
        yield from _items(component.get("components", []))
