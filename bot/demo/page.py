"""The demo's web page: its files, what people do on it, and its live updates.

Only pages of the same origin may use it, and only under a loopback name: other sites can make a browser send
requests to this address, or let a name of theirs resolve to it.
"""

import asyncio
import json
import mimetypes
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, cast

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.demo.breakage import Breakage
from bot.demo.club.acts import Acts, File, NotPossibleError, Value
from bot.demo.club.adapter import FONTS
from bot.demo.club.server import Person, Server
from bot.demo.live import Live
from bot.demo.wire import Payload
from bot.i18n import ENGLISH, catalog, translate

STATIC = Path(__file__).with_name("static")

SAMPLES = Path(__file__).with_name("samples")
"""Ready-made files: a good sample, a short one, one that isn't an MP3, a long one."""

FILE_BYTES = 25 * 2**20  # the largest file that people can attach

KEPT_FILES = 20  # attached files that were not sent yet

MESSAGE_LENGTH = 2000  # of a message that people post

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Asked = Mapping[str, Any]
"""What a page sends: the name of an `act`, who does it, where, and what belongs to it."""

SHOWN_TYPES = ("audio/", "image/png")  # kinds of attachments that a page shows; others are only downloaded


class Page:
    """Serves the page during an `async with` block on a loopback port, `port` or a free one; `url` is its address."""

    def __init__(self, server: Server, acts: Acts, live: Live, breakage: Breakage, port: int | None) -> None:
        self._server = server
        self._acts = acts
        self._live = live
        self._breakage = breakage
        self._port = port or 0
        self._files: OrderedDict[str, File] = OrderedDict()
        self._sockets: set[web.WebSocketResponse] = set()
        self._acts_by_name: Mapping[str, Callable[[Asked], Awaitable[object]]] = {
            "fault": self._break,
            "post": self._post,
            "command": self._command,
            "choices": self._choices,
            "menu": self._menu,
            "click": self._click,
            "select": self._select,
            "submit": self._submit,
        }
        application = web.Application(middlewares=[_same_origin])
        application.router.add_get("/", self._index)
        application.router.add_get("/texts", self._texts)
        application.router.add_get("/live", self._follow)
        application.router.add_get(r"/{path:attachments/[\s\S]+}", self._attachment)
        application.router.add_post("/files", self._keep_file)
        application.router.add_post("/act", self._act)
        application.router.add_static("/static", STATIC)
        application.router.add_static("/fonts", FONTS)
        application.on_response_prepare.append(_add_headers)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = "http://{}:{}/".format(*self._runner.addresses[0])
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        for socket in [*self._sockets]:
            await socket.close()
        await self._runner.cleanup()

    async def _index(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _texts(self, _: web.Request) -> web.Response:
        prefix = "demo.page."
        return web.json_response(
            {key.removeprefix(prefix): text for key, text in catalog(ENGLISH).items() if key.startswith(prefix)}
        )

    async def _attachment(self, request: web.Request) -> web.Response:
        content = self._server.file(request.rel_url.raw_path)
        if content is None:
            raise web.HTTPNotFound
        kind = mimetypes.guess_type(request.path)[0] or ""
        if not kind.startswith(SHOWN_TYPES):
            return web.Response(body=content, headers={"Content-Disposition": "attachment"})
        headers = {"Accept-Ranges": "bytes"}
        if "Range" not in request.headers:
            return web.Response(body=content, content_type=kind, headers=headers)
        try:
            first, end, _ = request.http_range.indices(len(content))
        except ValueError:
            first = end = 0
        if first >= end:
            raise web.HTTPRequestRangeNotSatisfiable
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(content)}"
        return web.Response(status=206, body=content[first:end], content_type=kind, headers=headers)

    async def _keep_file(self, request: web.Request) -> web.Response:
        """Keep a file until it is sent."""
        content = bytearray()
        async for piece in request.content.iter_chunked(2**16):
            content += piece[: FILE_BYTES + 1 - len(content)]  # the rest is read, so that the answer is
        if len(content) > FILE_BYTES:
            return _refusal("demo.file_too_large", megabytes=FILE_BYTES // 2**20)
        key = secrets.token_hex(8)
        self._files[key] = (request.query["name"], bytes(content))
        while len(self._files) > KEPT_FILES:
            self._files.popitem(last=False)
        return web.json_response({"file": key})

    async def _act(self, request: web.Request) -> web.Response:
        """Do what a person has done on the page. The answer has the form that opens, or an `error` to show."""
        try:
            asked: dict[str, Any] = await request.json()
            return web.json_response({"result": await self._acts_by_name[asked["act"]](asked)})
        except NotPossibleError as error:
            return _refusal(error.key, **error.details)
        except (KeyError, TypeError, ValueError) as error:
            raise web.HTTPBadRequest from error

    async def _break(self, asked: Asked) -> None:
        self._breakage.use(asked["name"])

    async def _post(self, asked: Asked) -> None:
        files = [await self._file(file) for file in asked["files"]]
        self._acts.post(*self._place(asked), asked["text"][:MESSAGE_LENGTH], files)

    async def _command(self, asked: Asked) -> Payload:
        given: dict[str, Value] = {}
        for option, value in asked["options"].items():
            given[option] = await self._file(cast("Asked", value)) if isinstance(value, dict) else value
        return await self._acts.command(*self._place(asked), asked["name"], given)

    async def _choices(self, asked: Asked) -> Sequence[Payload]:
        name, option, typed = asked["name"], asked["option"], asked["typed"]
        return await self._acts.choices(*self._place(asked), name, option, typed, asked["options"])

    async def _menu(self, asked: Asked) -> Payload:
        return await self._acts.menu(*self._place(asked), int(asked["message"]), asked["name"])

    async def _click(self, asked: Asked) -> Payload:
        return await self._acts.click(*self._place(asked), int(asked["message"]), asked["item"])

    async def _select(self, asked: Asked) -> Payload:
        return await self._acts.select(*self._place(asked), int(asked["message"]), asked["item"], asked["values"])

    async def _submit(self, asked: Asked) -> Payload:
        return await self._acts.submit(self._server.people[asked["person"]], int(asked["form"]), asked["values"])

    def _place(self, asked: Asked) -> tuple[Person, int]:
        """Return who acts, and the ID of the channel."""
        return self._server.people[asked["person"]], int(asked["channel"])

    async def _file(self, given: Asked) -> File:
        """Return a ready-made file or one that was attached. Raises `NotPossibleError`."""
        try:
            if sample := given.get("sample"):
                path = SAMPLES / Path(sample).name
                return path.name, await asyncio.to_thread(path.read_bytes)
            return self._files[given["file"]]
        except (OSError, KeyError) as error:
            raise NotPossibleError("demo.file_gone") from error

    async def _follow(self, request: web.Request) -> web.WebSocketResponse:
        """Keep a page up to date."""
        person = self._server.people[request.query["person"]]
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        self._sockets.add(socket)
        sending = asyncio.create_task(self._send(socket, person))
        try:
            async for _ in socket:
                pass
        finally:
            self._sockets.discard(socket)
            sending.cancel()
        return socket

    async def _send(self, socket: web.WebSocketResponse, person: Person) -> None:
        with suppress(ConnectionError):
            async for update in self._live.updates(person):
                await socket.send_str(json.dumps(update))


@web.middleware
async def _same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse other hosts, and other sites' pages."""
    if request.host.rpartition(":")[0] not in LOOPBACK:
        raise web.HTTPForbidden(text=translate(ENGLISH, "demo.other_host"))
    origin = request.headers.get("Origin")
    writes = request.method != "GET" or request.path == "/live"
    if origin != f"http://{request.host}" if origin or writes else False:
        raise web.HTTPForbidden(text=translate(ENGLISH, "demo.other_host"))
    return await handler(request)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _refusal(key: str, **details: object) -> web.Response:
    return web.json_response({"error": translate(ENGLISH, key, **details)})
