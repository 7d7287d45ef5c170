"""Faults: responses of the emulated API that differ from its documentation."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Applies to the next request with this `method` and `path` (None: any; without the base path).

    A path that ends in `/` matches all paths below it, for example `/jobs/` any job.

    First, `after` bytes of the request's body are read (None: all). If `takes_effect`, the request is then
    executed, but its real response is lost. After that, `then` happens:

    - `answer`: a response of `status`, `headers` and `body` (sent as JSON unless it is bytes);
    - `cut_off`: the same, but the connection is closed before the announced number of bytes was sent;
    - `endless`: the same, followed by zeros until the client disconnects;
    - `reset`: the connection is reset (RST) without a response;
    - `hang`: no response is ever sent.
    """

    then: Literal["answer", "cut_off", "endless", "reset", "hang"] = "answer"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: object = b""
    takes_effect: bool = False
    after: int | None = None
    method: str | None = None
    path: str | None = None

    def fits(self, method: str, path: str) -> bool:
        below = self.path is not None and self.path.endswith("/") and path.startswith(self.path)
        return self.method in (None, method) and (below or self.path in (None, path))

    async def happen(self, request: web.BaseRequest) -> web.StreamResponse:
        """Do `then`. Raises `ConnectionError` if the client disconnects."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"Content-Type": "application/json"} | dict(self.headers)
        response = web.StreamResponse(status=self.status, headers=headers)
        match self.then:
            case "answer":
                return web.Response(status=self.status, headers=headers, body=body)
            case "cut_off":
                response.content_length = len(body) + 1
                response.force_close()
                await response.prepare(request)
                await response.write(body)
            case "endless":
                await response.prepare(request)
                await response.write(body)
                while True:
                    await response.write(bytes(2**16))
            case "reset":
                _reset(request)
            case "hang":
                await asyncio.Event().wait()
        return response


def _reset(request: web.BaseRequest) -> None:
    """Close the connection. A socket that lingers for 0 s sends RST instead of FIN."""
    if request.transport:
        connection: socket.socket = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
