"""A request as the gateway sees it and a response as it hands it back, free of any server's or client's types."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from proxy.model import Headers


@dataclass(slots=True)
class Request:
    """`path` and `query` are the raw bytes of the request target (never decoded, never rebuilt from a URL object);
    `host` is validated and lower-case; `headers` stay as they are; `client` is the address of whoever connected. `body`
    is None when none comes; `content_length` None with a body means it is streamed."""

    method: bytes
    path: bytes
    query: bytes
    host: bytes
    headers: Headers
    scheme: str = "http"
    client: str = ""
    body: AsyncIterator[bytes] | None = None
    content_length: int | None = None
    _firsts: dict[bytes, bytes] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def target(self) -> bytes:
        """Path and query in wire form."""
        return self.path + b"?" + self.query if self.query else self.path

    def get(self, name: bytes) -> bytes | None:
        """The first value of the field `name` (lower case), or None."""
        return self._by_name().get(name)

    def has_any(self, names: frozenset[bytes]) -> bool:
        """True when there is a field of one of these names."""
        return not names.isdisjoint(self._by_name())

    def get_list(self, name: bytes, separator: bytes = b", ") -> bytes:
        """All values of the field, joined (RFC 9110 5.3; of Cookie by `; `, RFC 9113 8.2.3); empty when absent."""
        if self.get(name) is None:
            return b""
        return separator.join([value for key, value in self.headers if key == name])

    def _by_name(self) -> dict[bytes, bytes]:
        """The first value of each field. Made once: a page's rules and its cache ask for a dozen."""
        if self._firsts is None:
            self._firsts = dict(reversed(self.headers))
        return self._firsts


@dataclass(slots=True)
class Response:
    """An answer: either `chunks`, complete and of known length, or a `stream`, whose iterator raises when the
    origin breaks off, so that the server aborts the connection instead of ending the answer as if whole.
    An async-generator stream is closed (`aclose`) by whoever sends it."""

    status: int
    headers: Headers
    chunks: Sequence[bytes] = ()
    stream: AsyncIterator[bytes] | None = None

    def get(self, name: bytes) -> bytes | None:
        """The first value of the field `name` (lower case), or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None
