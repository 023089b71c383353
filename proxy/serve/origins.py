"""The origins of a site, and which of them a path belongs to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from proxy.errors import OperatorError
from proxy.model import Headers
from proxy.ports import UpstreamRequest
from proxy.serve import forwarding
from proxy.serve.authority import Address
from proxy.serve.client import Networks, networks
from proxy.serve.message import Request
from proxy.serve.origin import OriginTransport
from proxy.settings import Settings


@dataclass(frozen=True, slots=True)
class Origin:
    """A shop, or the part of one, that answers for the paths below `prefix` (b"" for all)."""

    prefix: bytes
    address: Address
    transport: OriginTransport
    keep_host: bool
    trusted: Networks

    def own_request(
        self, request: Request, *, accept_encoding: bytes | None = None, without: Collection[bytes] = ()
    ) -> UpstreamRequest:
        """The visitor's own request as it goes to this origin; arguments as `forwarding.request_headers`."""
        headers = forwarding.request_headers(
            request,
            host=self._host(request),
            trusted=self.trusted,
            accept_encoding=accept_encoding,
            without=without,
        )
        return UpstreamRequest(request.method, request.target, headers, request.body, request.content_length)

    def shared_request(
        self, request: Request, allowed: Collection[bytes], *, accept_encoding: bytes = b""
    ) -> UpstreamRequest:
        """A GET of the same target in nobody's name, with only the `allowed` fields of this request."""
        headers = forwarding.shared_headers(request, allowed, host=self._host(request), accept_encoding=accept_encoding)
        return UpstreamRequest(b"GET", request.target, headers)

    def to_visitor(self, headers: Headers, request: Request) -> Headers:
        """This origin's answer fields as the visitor of `request` gets them."""
        ours = request.scheme.encode() + b"://" + request.host
        return forwarding.response_headers(headers, address=self.address, ours=ours)

    def _host(self, request: Request) -> bytes:
        return request.host if self.keep_host else self.address.authority


class Origins:
    """Made of the rows of the setting `origin`: `https://shop.example` for everything, `/api=https://api.example` for
    a part. Raises `OperatorError` for a row that is neither, a prefix given twice, and for no row for everything."""

    def __init__(self, settings: Settings) -> None:
        trusted = networks(settings.trusted_proxies)
        self._origins: list[Origin] = []
        for row in settings.origin:
            prefix, url = _parsed(row)
            if any(prefix == origin.prefix for origin in self._origins):
                raise OperatorError(f"origin `{row}`: this path has an origin already", help="one origin a path")
            transport = OriginTransport(url, settings)
            self._origins.append(Origin(prefix, transport.address, transport, settings.keep_host, trusted))
        self._origins.sort(key=lambda origin: len(origin.prefix), reverse=True)
        if not self._origins or self._origins[-1].prefix:
            raise OperatorError("no origin for the whole site", help="add one without a path: https://shop.example")

    def __iter__(self) -> Iterator[Origin]:
        return iter(self._origins)

    def choose(self, path: bytes) -> Origin:
        """The origin whose prefix is the longest that `path` is at or below: `/api` has `/api/x`, not `/apical`."""
        for origin in self._origins[:-1]:
            if path.startswith(origin.prefix) and path[len(origin.prefix) :][:1] in (b"", b"/"):
                return origin
        return self._origins[-1]

    async def aclose(self) -> None:
        """Closes idle connections and refuses new work."""
        for origin in self._origins:
            await origin.transport.aclose()


def _parsed(row: str) -> tuple[bytes, str]:
    if not row.startswith("/"):
        return b"", row
    prefix, equals, url = row.partition("=")
    if not equals:
        raise OperatorError(f"origin `{row}` has no URL", help=f"write {row}=https://shop.example")
    return prefix.rstrip("/").encode(), url
