"""Discord's HTTP API and gateway on a loopback port, for bots in processes of their own.

It follows https://discord.com/developers/docs as far as this bot needs: API v10 and its gateway. It only carries
requests and events; what they mean is up to the code that answers them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Self
from urllib.parse import quote

from aiohttp import web

Payload = dict[str, Any]
Files = Mapping[str, tuple[str, bytes]]

API = "/api/v10"
LARGEST_REQUEST = 2**25  # bytes
HEARTBEAT_MILLISECONDS = 41_250


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request of a bot.

    `path` is relative to the API's address and `parts` are its variable parts. `payload` is the JSON value (None
    without one), and `files` has the name and the bytes of each file by its field.
    """

    method: str
    path: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    payload: Any
    files: Files


class RefusedError(Exception):
    """An error response, with one of Discord's codes."""

    def __init__(self, status: int, code: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


Answer = Callable[[Call], Awaitable[object]]
"""Returns the JSON value of the response. Raises `RefusedError`, or `ConnectionError` to close the connection."""


class Wire:
    """A server during an `async with` block, for one bot at a time.

    `routes` are methods (`*`: any) and paths as aiohttp has them, with the function that answers. `greet` gets the
    intents of a bot that connects and returns the events that it receives first. `file` returns the content of a
    file by the path of its URL, or None. `connected` is set while a bot is connected to the gateway.
    """

    def __init__(
        self,
        routes: Sequence[tuple[str, str, Answer]],
        greet: Callable[[int], Iterable[tuple[str, object]]],
        file: Callable[[str], bytes | None],
    ) -> None:
        self.connected = asyncio.Event()
        self._greet = greet
        self._find_file = file
        self._socket: web.WebSocketResponse | None = None
        self._frames: asyncio.Queue[str] = asyncio.Queue()
        self._sequence = count(1)
        application = web.Application(client_max_size=LARGEST_REQUEST)
        application.router.add_get("/", self._gateway)
        for path in ("gateway", "gateway/bot"):
            application.router.add_get(f"{API}/{path}", self._gateway_address)
        for method, path, answer in routes:
            application.router.add_route(method, f"{API}/{path}", partial(self._serve, answer))
        application.router.add_get(r"/{path:attachments/[\s\S]+}", self._file)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        """Listen on a free loopback port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.origin = "http://{}:{}".format(*self._runner.addresses[0])
        self.url = self.origin + API
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        if self._socket:
            await self._socket.close()
        await self._runner.cleanup()

    def attachment(self, attachment_id: str, name: str, content: bytes) -> Payload:
        """Describe an attachment. Its `url` is served as long as `file` knows the path of that URL."""
        url = f"{self.origin}/attachments/{attachment_id}/{quote(name, safe='')}"
        return {"id": attachment_id, "filename": name, "size": len(content), "url": url, "proxy_url": url}

    def dispatch(self, event: str, data: object) -> None:
        """Send an event to the connected bot. It is lost if there is none."""
        self.send(json.dumps({"op": 0, "t": event, "s": next(self._sequence), "d": data}))

    def send(self, frame: str) -> None:
        """Send a frame of the gateway, whatever it is."""
        if self.connected.is_set():
            self._frames.put_nowait(frame)

    async def _gateway_address(self, _: web.Request) -> web.Response:
        return _json({"url": self.origin, "shards": 1, "session_start_limit": {}})

    async def _serve(self, answer: Answer, request: web.Request) -> web.StreamResponse:
        try:
            return _json(await answer(await _read(request)))
        except RefusedError as refused:
            return _json({"message": str(refused), "code": refused.code}, refused.status)
        except ConnectionError:
            if request.transport:
                request.transport.abort()
            return web.Response()

    async def _file(self, request: web.Request) -> web.Response:
        content = self._find_file(request.rel_url.raw_path)
        return web.Response(status=404 if content is None else 200, body=content)

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = self._socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": HEARTBEAT_MILLISECONDS}})
        sending: asyncio.Task[None] | None = None
        try:
            async for message in socket:
                match json.loads(message.data):
                    case {"op": 1}:
                        await socket.send_json({"op": 11})
                    case {"op": 2, "d": {"intents": intents}}:
                        sending = asyncio.create_task(self._send_frames(socket, intents))
                    case _:
                        pass
        finally:
            if sending:
                sending.cancel()
            if socket is self._socket:
                self._socket = None
                self.connected.clear()
        return socket

    async def _send_frames(self, socket: web.WebSocketResponse, intents: int) -> None:
        self._frames, self._sequence = asyncio.Queue(), count(1)
        self.connected.set()
        for event, data in self._greet(intents):
            self.dispatch(event, data)
        with suppress(ConnectionError):  # the bot is gone
            while True:
                await socket.send_str(await self._frames.get())


async def _read(request: web.Request) -> Call:
    """Read a request's JSON, alone or among files."""
    files: dict[str, tuple[str, bytes]] = {}
    content: Any = None
    if request.content_type == "multipart/form-data":
        for name, part in (await request.post()).items():
            if isinstance(part, web.FileField):
                files[name] = part.filename, part.file.read()
            else:
                content = json.loads(part)
    elif request.can_read_body:
        content = await request.json()
    path = request.path.removeprefix(API)
    return Call(request.method, path, request.match_info, request.query, content, files)


def _json(content: object, status: int = 200) -> web.Response:
    """Respond with JSON; discord.py ignores JSON whose content type names a charset."""
    return web.Response(body=json.dumps(content).encode(), status=status, content_type="application/json")
