"""A body sent to two places: to the client that asked first, as it comes, and whole into the cache.

While it may still be stored, the origin is read at its own pace and the client follows. Once it is too large to be
stored, what was read is dropped and the origin is read at the client's pace.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from proxy.errors import OriginError

AHEAD_BYTES = 256 * 1024
"""How far the origin may run ahead of the client in a body that is not kept."""


class Tee:
    """Fed by one task with `feed` and `end`, read once by iterating. Keeps at most `keep_bytes`."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep_bytes = keep_bytes
        self._chunks: list[bytes] = []
        self._read = 0  # chunks the reader has had
        self._bytes = 0
        self._unread_bytes = 0
        self._is_kept = True
        self._has_ended = False
        self._reader_left = False
        self._error: OriginError | None = None
        self._changed = asyncio.Event()

    async def feed(self, chunk: bytes) -> bool:
        """Adds the next piece; waits when too much is unread. False when the rest is not needed."""
        self._chunks.append(chunk)
        self._bytes += len(chunk)
        self._unread_bytes += len(chunk)
        self._is_kept = self._is_kept and self._bytes <= self._keep_bytes
        if not self._is_kept:
            self._forget_read()
        self._change()
        while not self._is_kept and not self._reader_left and self._unread_bytes > AHEAD_BYTES:
            await self._changed.wait()
        return self._is_kept or not self._reader_left

    def end(self, error: OriginError | None = None) -> None:
        """Ends the body: it is complete, or the origin broke off."""
        self._has_ended, self._error = True, error
        self._change()

    def whole(self) -> bytes | None:
        """The whole body, once ended; None when it was cut short or is too large to keep."""
        return b"".join(self._chunks) if self._is_kept and self._has_ended and self._error is None else None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while self._read == len(self._chunks):
            if self._error is not None:
                raise self._error
            if self._has_ended:
                raise StopAsyncIteration
            await self._changed.wait()
        chunk = self._chunks[self._read]
        self._read += 1
        self._unread_bytes -= len(chunk)
        if not self._is_kept:
            self._forget_read()
        self._change()
        return chunk

    async def aclose(self) -> None:
        """The reader leaves; a body that may be stored is still read to its end, for the next request."""
        self._reader_left = True
        self._change()

    def _forget_read(self) -> None:
        del self._chunks[: self._read]
        self._read = 0

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
