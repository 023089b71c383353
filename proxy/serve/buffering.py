"""Reads an origin's body whole, within bounds of size and time: a client that waits for all of it must not wait for
ever for an origin that drips."""

from __future__ import annotations

import asyncio

from proxy.errors import OriginError
from proxy.ports import UpstreamResponse


async def read_whole(answer: UpstreamResponse, *, most_bytes: int, most_ms: int) -> bytes | list[bytes]:
    """The body; when it is larger, the pieces read so far. Raises `OriginError`."""
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
