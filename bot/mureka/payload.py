"""A body on its way out: counted piece by piece, and announced before its last one."""

from collections.abc import Awaitable, Callable

from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter
from aiohttp.payload import Payload

CHUNK_SIZE = 2**14
"""The body leaves in pieces of this many bytes; progress is told after each."""


class UploadPayload(Payload):
    """A request body. `committed` turns true right before its last piece; `failure` is why it did not."""

    def __init__(
        self,
        body: bytes,
        content_type: str,
        *,
        before_last_chunk: Callable[[], Awaitable[None]],
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__(body, content_type=content_type)
        self._size = self._length = len(body)
        self._body = memoryview(body)
        self._sent = on_progress
        self._committing = before_last_chunk
        self.last_chunk_sent = False
        self.failure: Exception | None = None

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - aiohttp's own
        """Fail: aiohttp asks this of bodies of text only."""
        raise TypeError("an upload is bytes")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Hand over the body piece by piece, each only once the system has taken the one before."""
        if isinstance(writer, StreamWriter) and writer.transport:
            writer.transport.set_write_buffer_limits(high=0)
        for start in range(0, self._length, CHUNK_SIZE):
            piece = self._body[start : start + CHUNK_SIZE]
            if start + CHUNK_SIZE >= self._length:
                await self._commit()
            await writer.write(piece)
            await writer.drain()
            self._sent(start + len(piece))

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Hand over the body; aiohttp's length is the body's own."""
        del content_length
        await self.write(writer)

    async def _commit(self) -> None:
        try:
            await self._committing()
        except Exception as failure:
            self.failure = failure
            raise
        self.last_chunk_sent = True
