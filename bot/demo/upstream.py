"""Serves the emulated API on a loopback port, for the demo and the tests; requests can fail on purpose."""

import asyncio
import socket
import sys
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from bot.demo.api import Api, ClonedVoice, RefusedError, Request
from bot.demo.faults import Fault
from bot.demo.speech import SpokenClip

__all__ = ["ClonedVoice", "Fault", "Request", "SpokenClip", "Upstream"]

BASE = "/v1/mureka"

LOST = Fault(then="reset")

RECEIVE_BUFFER = 4096  # Bytes that the kernel buffers ahead of a throttled reader. Linux doubles this number.


@dataclass(kw_only=True, eq=False)
class Upstream(Api):
    """The API during an `async with` block. At its end, all connections are closed, answered or not.

    `url` is the API's base URL, and `requests` are all API requests so far. Each of `faults` applies to one
    future request. Bodies are read at `read_rate` bytes per second (None: without a limit), not counting the
    client's own buffers.
    """

    read_rate: int | None = None
    port: int = 0
    requests: list[Request] = field(default_factory=list[Request])
    faults: list[Fault] = field(default_factory=list[Fault])
    _handlers: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    async def __aenter__(self) -> Self:
        """Listen on a loopback port."""
        listener = socket.create_server(("127.0.0.1", self.port))
        if self.read_rate:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        self.origin = "http://{}:{}".format(*listener.getsockname())
        self.url = self.origin + BASE
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancel the requests in flight and close the server."""
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._runner.cleanup()

    async def arrived(self, asked: Request) -> None:
        """Do something when the head of a request has arrived."""

    def loses(self, asked: Request) -> bool:
        """Return True if the response to a request shall get lost on its way."""
        del asked
        return False

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if not request.path.startswith(BASE):
            body, kind = self.file(request.path) or (b"", "text/plain")
            return web.Response(status=200 if body else 404, body=body, content_type=kind)
        if handler := asyncio.current_task():
            self._handlers.add(handler)
            handler.add_done_callback(self._handlers.discard)
        if self.read_rate and request.transport:
            request.transport.pause_reading()  # until the body is read at this rate
        path, query = request.path.removeprefix(BASE), dict(request.query)
        raw_path, _, raw_query = request.raw_path.removeprefix(BASE).partition("?")
        asked = Request(request.method, path, raw_path, raw_query, query, request.headers)
        self.requests.append(asked)
        await self.arrived(asked)
        fault = next((fault for fault in self.faults if fault.fits(asked.method, asked.path)), None)
        try:
            if fault is None:
                await self._read(request, asked)
                response = await self._answer(asked)
                return await LOST.happen(request) if self.loses(asked) else response
            self.faults.remove(fault)
            await self._read(request, asked, fault.after)
            if fault.takes_effect:
                await self._answer(asked)
            return await fault.happen(request)
        except ConnectionError:  # the client has disconnected
            return web.Response()

    async def _answer(self, asked: Request) -> web.Response:
        try:
            status, answer = await self.answer(asked)
            return web.json_response(answer, status=status)
        except RefusedError as refused:
            return web.json_response({"error": str(refused), "code": refused.code}, status=refused.status)

    async def _read(self, request: web.BaseRequest, asked: Request, limit: int | None = None) -> None:
        limit = sys.maxsize if limit is None else limit
        while len(asked.body) < limit and not request.content.at_eof():
            if request.transport:
                request.transport.resume_reading()
            piece = await request.content.read(limit - len(asked.body))
            asked.body += piece
            if self.read_rate and request.transport:
                # While paused, a disconnect isn't noticed, so everything that was sent is still read.
                request.transport.pause_reading()
                await asyncio.sleep(len(piece) / self.read_rate)
        if request.transport:
            request.transport.resume_reading()
