"""Uploads: requests whose body is still on its way. At most half of an origin's slots are theirs, since a client may
send as slowly as `upload_bytes` in `upload_seconds`: with every slot held by such, all that is not stored would be
refused to everybody. One customer has at most half of these places, so that others may upload, too.

While half of the slots are taken, a body is read before its request takes one: a form is short, and then goes on as any
request does. What is longer is refused until a place is free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from types import TracebackType

from proxy.errors import OriginError
from proxy.ports import UpstreamRequest
from proxy.upstream.limiter import Limiter

FORM_BYTES = 32 * 1024


class Place:
    """A place among the uploads, a customer's, until its `end`. As a context it ends when what it is for fails to
    begin."""

    def __init__(self, uploads: Uploads | None = None, customer: str = "") -> None:
        self._uploads, self._customer = uploads, customer
        if uploads is not None:
            uploads.held[customer] += 1

    def end(self) -> None:
        """The body is sent, or nobody waits for it any more."""
        if self._uploads is not None:
            self._uploads.held[self._customer] -= 1
            self._uploads.held += Counter()  # without those who hold none
            self._uploads = None

    def __enter__(self) -> Place:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self.end()


class Uploads:
    """The uploads to one origin, of whose slots the `limiter` tells."""

    def __init__(self, limiter: Limiter) -> None:
        self.held: Counter[str] = Counter()
        self._limiter = limiter

    async def place_of(self, request: UpstreamRequest) -> Place:
        """A place for the request's body, if it takes one; the body may be read already. Raises `OriginError` for a
        long one for which there is none, and whatever the body raises."""
        if request.body is None or request.content_length == 0:
            return Place()
        most, customer = max(1, self._limiter.limit // 2), request.customer
        has_enough = bool(customer) and 2 * self.held[customer] >= most
        if self.held.total() < most and not has_enough:
            return Place(self, customer)
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
            f"{self.held.total()} uploads are under way at once, as many as the origin or one address may be busy with",
            reason="overload",
            status=503,
            help="have what stands in front take uploads whole before it passes them on, as nginx does",
        )


async def _again(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
