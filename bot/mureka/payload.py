"""A request body that reports its progress and awaits a callback before its last chunk."""

from collections.abc import Awaitable, Callable

from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter
from aiohttp.payload import Payload

CHUNK_SIZE = 2**14  # Bytes. Progress is reported after each chunk.


class UploadPayload(Payload):
    """A request body of bytes.

    `before_last_chunk` is awaited before the last chunk; then `last_chunk_sent` becomes true. If it raises,
    `failure` is its exception and the last chunk isn't sent. `on_progress` gets the bytes sent so far.
    """

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
        self._on_progress = on_progress
        self._before_last_chunk = before_last_chunk
        self.last_chunk_sent = False
        self.failure: Exception | None = None

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - aiohttp's own
        """Raise TypeError: aiohttp decodes only bodies of text."""
        raise TypeError("the body is not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the body in chunks, each after the operating system has accepted the previous one."""
        if isinstance(writer, StreamWriter) and writer.transport:
            writer.transport.set_write_buffer_limits(high=0)
        for start in range(0, self._length, CHUNK_SIZE):
            chunk = self._body[start : start + CHUNK_SIZE]
            if start + CHUNK_SIZE >= self._length:
                await self._announce_last_chunk()
            await writer.write(chunk)
            await writer.drain()
            self._on_progress(start + len(chunk))

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Send the body. `content_length` is always its own length."""
        del content_length
        await self.write(writer)

    async def _announce_last_chunk(self) -> None:
        try:
            await self._before_last_chunk()
        except Exception as failure:
            self.failure = failure
            raise
        self.last_chunk_sent = True
