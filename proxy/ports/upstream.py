"""Requests to the origin and their answers, one at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.model import Headers, HeadShape

OnHints = Callable[[Headers], None]


@dataclass(slots=True)  # not frozen: to make one for each request takes a third of the time
class UpstreamRequest:
    """A request as it goes to the origin, its fields already filtered by `http/forwarding.py`.

    * `target`: path and query as sent.
    * `headers`: without Content-Length and Transfer-Encoding, which the transport writes.
    * `body`: None for none; `content_length`: None sends the body chunked.
    * `head`: the whole head of a request without a body, if it is ready; `headers` is then empty.
    * `on_hints`: called with the fields of early hints (103) before the answer.
    * `customer`: whom it is counted for (`http/client.py`); "": nobody, or many.
    * `wait_seconds`: how long the origin may be silent, if it answers only when there is news; 0: as the settings say.
    """

    method: bytes
    target: bytes
    headers: Headers
    body: AsyncIterator[bytes] | None = None
    content_length: int | None = None
    head: bytes = b""
    on_hints: OnHints | None = None
    customer: str = ""
    wait_seconds: int = 0


class UpstreamResponse:
    """An answer whose head has arrived.

    * `body`: yields the bytes as sent (still content-coded); raises `OriginError` if it breaks off early.
    * `is_bounded`: False if the body ends when the origin closes the connection, so that a break looks like an end.
    * `shape`, `values`: for a head of a known shape; its `headers` are then made only if they are read.

    `aclose` must be awaited in every case, and may be awaited twice.
    """

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
        """The header fields, names in lower case."""
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
    """Sends requests to one origin. Stateless between requests: no cookie jar, no stored credentials, no proxies from
    the environment."""

    async def fetch(self, request: UpstreamRequest) -> UpstreamResponse:
        """Sends the request and waits for the final response head. Raises `OriginError`. Does not retry a request whose
        first byte may have reached the origin, unless the method is safe to repeat and the connection was reused and
        closed without an answer."""

    async def aclose(self) -> None:
        """Closes idle connections and refuses new work."""
