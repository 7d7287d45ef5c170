"""Discord's file links for a simulated Discord: real HTTP on loopback, behind the bot's own session."""

import asyncio
from types import TracebackType
from typing import Self

import simcord
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, web
from yarl import URL

_HOST = "cdn.simcord.invalid"


class SimulatedCdn:
    """A file server for the attachments of `env`, which may be named after the session was made.

    Only requests to the simulated Discord's file host go to it; `middleware` belongs in the session's
    `middlewares`. For trouble on purpose: `dead` answers 404, `delay` waits that many seconds in the
    middle of the body, `broken` ends the connection there.
    """

    def __init__(self) -> None:
        self.dead = False
        self.delay = 0.0
        self.broken = False
        self._env: simcord.Env | None = None
        application = web.Application()
        application.router.add_get("/{path:.+}", self._send)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=0.01,  # seconds; 0 would wait for ever
        )
        self._origin = URL()

    async def __aenter__(self) -> Self:
        """Listen on a free loopback port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self._origin = URL.build(scheme="http", host=host, port=port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening; downloads under way break off."""
        await self._runner.cleanup()

    def serve(self, env: simcord.Env) -> None:
        """Serve the files of `env` from now on."""
        self._env = env

    async def middleware(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send requests for the simulated Discord's files to the loopback server, no others."""
        if request.url.host == _HOST:
            url = request.original_url  # simcord leaves a # in a file's name, where Discord takes it out
            request.url = self._origin.with_path(f"{url.path}#{url.fragment}" if url.fragment else url.path)
        return await handler(request)

    async def _send(self, request: web.Request) -> web.StreamResponse:
        file = self._env.backend.cdn.get(f"https://{_HOST}{request.path}") if self._env else None
        if self.dead or file is None:
            raise web.HTTPNotFound
        response = web.StreamResponse()
        response.content_length = len(file)
        await response.prepare(request)
        await response.write(file[: len(file) // 2])
        await asyncio.sleep(self.delay)
        if self.broken and request.transport:
            request.transport.close()
        else:
            await response.write(file[len(file) // 2 :])
        return response
