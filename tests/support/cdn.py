"""Serves the attachments of a simulated Discord over real HTTP on a loopback port."""

import asyncio
from typing import Self

import simcord
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, web
from yarl import URL

_HOST = "cdn.simcord.invalid"
ORIGIN = f"https://{_HOST}"


class SimulatedCdn:
    """A file server. Sessions with `middleware` send it the requests for files of the simulated Discord.

    Faults: with `dead` it answers 404; it waits `delay` seconds in the middle of the body, if the file's name
    contains `slow`; with `broken` it closes the connection there.
    """

    def __init__(self) -> None:
        self.dead = False
        self.delay = 0.0
        self.slow = ""
        self.broken = False
        self._env: simcord.Env | None = None
        application = web.Application()
        application.router.add_get("/{path:.+}", self._send)
        # The time-out is in seconds; 0 would wait forever.
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.01)
        self._origin = URL()

    async def __aenter__(self) -> Self:
        """Listen on a free loopback port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self._origin = URL.build(scheme="http", host=host, port=port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and cancel the downloads in progress."""
        await self._runner.cleanup()

    def serve(self, env: simcord.Env) -> None:
        """Serve the files of `env`. Must be called before the first download."""
        self._env = env

    async def middleware(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Redirect requests for the simulated Discord's files to the loopback server."""
        if request.url.host == _HOST:
            url = request.original_url  # simcord keeps a # in a file's name; Discord removes it
            request.url = self._origin.with_path(f"{url.path}#{url.fragment}" if url.fragment else url.path)
        return await handler(request)

    async def _send(self, request: web.Request) -> web.StreamResponse:
        file = self._env.backend.cdn.get(f"{ORIGIN}{request.path}") if self._env else None
        if self.dead or file is None:
            raise web.HTTPNotFound
        response = web.StreamResponse()
        response.content_length = len(file)
        await response.prepare(request)
        await response.write(file[: len(file) // 2])
        if self.slow in request.path:
            await asyncio.sleep(self.delay)
        if self.broken and request.transport:
            request.transport.close()
        else:
            await response.write(file[len(file) // 2 :])
        return response
