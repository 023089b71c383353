"""Bodies read whole, within a limit: a request's, unpacked, and an origin's."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from proxy.errors import OriginError, RequestError
from proxy.http.message import Request
from proxy.ports import UpstreamResponse


async def read_body(request: Request, most: int) -> bytes:
    """The body, unpacked, at most so many bytes. Raises `RequestError`."""
    too_large = RequestError(f"a body has at most {most} bytes", status=413)
    if (request.content_length or 0) > most:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.body or _nothing():
        size += len(chunk)
        if size > most:
            raise too_large
        chunks.append(chunk)
    body = b"".join(chunks)
    coding = (request.get(b"content-encoding") or b"identity").strip().lower()
    if coding == b"identity":
        return body
    if coding not in (b"gzip", b"x-gzip"):
        raise RequestError("a body comes plain or as gzip", status=415)
    return _unpacked(body, most, too_large)


def _unpacked(body: bytes, most: int, too_large: RequestError) -> bytes:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = unpacker.decompress(body, most + 1)
    except zlib.error:
        raise RequestError("the body is no gzip") from None
    if len(plain) > most:
        raise too_large
    if not unpacker.eof:
        raise RequestError("the body's gzip breaks off")
    return plain


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def read_whole(answer: UpstreamResponse, *, most_bytes: int, most_ms: int) -> bytes | list[bytes]:
    """An origin's body; when it is larger, the pieces read so far. Whoever waits for all of it does not wait for ever
    for an origin that drips. Raises `OriginError`."""
    chunks, size = [], 0
    try:
        async with asyncio.timeout(most_ms / 1_000):
            async for chunk in answer.body:
                chunks.append(chunk)
                size += len(chunk)
                if size > most_bytes:
                    return chunks
    except TimeoutError as error:
        raise OriginError("the origin took too long over a page", reason="timeout", status=504) from error
    return b"".join(chunks)


class Rest:
    """A body of which some was read: that, then the rest as it comes."""

    def __init__(self, answer: UpstreamResponse, begun: list[bytes]) -> None:
        self._answer = answer
        self._begun = begun

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return self._begun.pop(0) if self._begun else await anext(self._answer.body)

    async def aclose(self) -> None:
        """Lets go of the rest."""
        await self._answer.aclose()
