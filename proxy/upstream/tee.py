"""A body sent to two places: to the client that asked first, as it comes, and whole into the cache.

While it may still be stored, the origin is read at its own pace and the client follows. Once it is too large to be
stored, the client's connection reads the rest from the origin itself, and nobody else has to wait for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from proxy.errors import OriginError
from proxy.ports import UpstreamResponse


class Tee:
    """Fed by one task with `feed`, and then `end` or `hand_over`; read once by iterating. Keeps at most
    `keep_bytes`."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep_bytes = keep_bytes
        self._chunks: list[bytes] = []
        self._read = 0  # chunks the reader has had
        self._bytes = 0
        self._rest: UpstreamResponse | None = None
        self._has_ended = False
        self._reader_left = False
        self._error: OriginError | None = None
        self._changed = asyncio.Event()

    def feed(self, chunk: bytes) -> bool:
        """Adds the next piece; False once they are more than may be kept."""
        self._chunks.append(chunk)
        self._bytes += len(chunk)
        self._change()
        return self._bytes <= self._keep_bytes

    async def hand_over(self, answer: UpstreamResponse) -> None:
        """What is left of the answer is the reader's: read from the origin, and closed, by them."""
        if self._reader_left:
            await answer.aclose()
            return
        self._rest = answer
        del self._chunks[: self._read]
        self._change()

    def end(self, error: OriginError | None = None) -> None:
        """Ends the body: it is complete, or the origin broke off."""
        self._has_ended, self._error = True, error
        self._change()

    def whole(self) -> bytes:
        """The whole body, once it is complete."""
        return b"".join(self._chunks)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while self._rest is None and self._read == len(self._chunks):
            if self._error is not None:
                raise self._error
            if self._has_ended:
                raise StopAsyncIteration
            await self._changed.wait()
        if self._rest is not None:
            return self._chunks.pop(0) if self._chunks else await anext(self._rest.body)
        self._read += 1
        return self._chunks[self._read - 1]

    async def aclose(self) -> None:
        """The reader leaves; a body that may be stored is still read to its end, for the next request."""
        self._reader_left = True
        if self._rest is not None:
            await self._rest.aclose()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
