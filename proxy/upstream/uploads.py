"""Uploads: requests whose body is still on its way. At most half of an origin's slots are theirs, since a client may
send as slowly as `upload_bytes` in `upload_seconds`: with every slot held by such, all that is not stored would be
refused to everybody.

While half of the slots are taken, a body is read before its request takes one: a form is short, and then goes on as any
request does. What is longer is refused until a place is free.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType

from proxy.errors import OriginError
from proxy.ports import UpstreamRequest
from proxy.upstream.limiter import Limiter

FORM_BYTES = 32 * 1024


class Place:
    """A place among the uploads, until its `end`. As a context it ends when what it is for fails to begin."""

    def __init__(self, uploads: Uploads | None = None) -> None:
        self._uploads = uploads
        if uploads is not None:
            uploads.under_way += 1

    def end(self) -> None:
        """The body is sent, or nobody waits for it any more."""
        if self._uploads is not None:
            self._uploads.under_way -= 1
            self._uploads = None

    def __enter__(self) -> Place:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self.end()


class Uploads:
    """The uploads to one origin, of whose slots the `limiter` tells."""

    def __init__(self, limiter: Limiter) -> None:
        self.under_way = 0
        self._limiter = limiter

    async def place_of(self, request: UpstreamRequest) -> Place:
        """A place for the request's body, if it takes one; the body may be read already. Raises `OriginError` for a
        long one for which there is none, and whatever the body raises."""
        if request.body is None or request.content_length == 0:
            return Place()
        if self.under_way < max(1, self._limiter.limit // 2):
            return Place(self)
        request.body = _again(await self._read(request.body, request.content_length or 0))
        return Place()

    async def _read(self, body: AsyncIterator[bytes], length: int) -> list[bytes]:
        pieces, size = list[bytes](), 0
        while length <= FORM_BYTES and size <= FORM_BYTES:
            piece = await anext(body, None)
            if piece is None:
                return pieces
            pieces.append(piece)
            size += len(piece)
        raise OriginError(
            f"{self.under_way} uploads are under way at once, half of what the origin takes",
            reason="overload",
            status=503,
            help="have what stands in front take uploads whole before it passes them on, as nginx does",
        )


async def _again(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
