"""The origin, asked one request at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.model import Headers, HeadShape

OnHints = Callable[[Headers], None]


@dataclass(slots=True)  # not frozen: to make one for each request takes a third of the time
class UpstreamRequest:
    """A request as it goes to the origin: already rebuilt or allow-listed by `http/forwarding.py`.
    `target` is path and query in wire form. `body` is None when there is none; `content_length` None streams
    it chunked. Content-Length and Transfer-Encoding are the transport's to write and must not be in `headers`. `head`
    is the whole head of a request without a body, where somebody has it ready; `headers` is then empty. `on_hints`
    hears the fields of early hints (103) before the answer."""

    method: bytes
    target: bytes
    headers: Headers
    body: AsyncIterator[bytes] | None = None
    content_length: int | None = None
    head: bytes = b""
    on_hints: OnHints | None = None


class UpstreamResponse:
    """An answer whose head has arrived. `body` yields raw bytes as sent (still content-coded) and raises
    `OriginError` when it breaks off early; `aclose` must be awaited in every case and may be awaited twice.
    `is_bounded` is False when only the origin's closing ends the body, so that a cut cannot be told from an end.
    One in a known `shape`, with `values`, has its `headers` put together only if somebody reads them."""

    __slots__ = ("_headers", "body", "is_bounded", "shape", "status", "values")

    def __init__(
        self,
        status: int,
        headers: Headers | None,
        body: AsyncIterator[bytes],
        is_bounded: bool = True,
        shape: HeadShape | None = None,
        values: Sequence[bytes] = (),
    ) -> None:
        self.status = status
        self._headers = headers
        self.body = body
        self.is_bounded = is_bounded
        self.shape = shape
        self.values = values

    @property
    def headers(self) -> Headers:
        """Its fields, names in lower case."""
        if self._headers is None:
            self._headers = self.shape.headers(self.values) if self.shape else ()
        return self._headers

    @headers.setter
    def headers(self, headers: Headers) -> None:
        self._headers, self.shape = headers, None  # it may be of no shape any more

    async def aclose(self) -> None:
        close = getattr(self.body, "aclose", None)
        if close is not None:
            await close()


class Transport(Protocol):
    """How bytes get to one origin and back. Keeps no memory of visitors: no jar, no auth cache, no environment."""

    async def fetch(self, request: UpstreamRequest) -> UpstreamResponse:
        """Sends the request, waits for the final response head. Raises `OriginError`. Never retries a request
        whose first byte may have reached the origin, unless the method is safe to repeat and the connection was
        a reused one that closed without an answer."""

    async def aclose(self) -> None:
        """Closes idle connections and refuses new work."""
