"""Who else may read, in a browser, what is decided for one visitor: the pages that the setting `slot_origins` names."""

from __future__ import annotations

from proxy.http.authority import address_of
from proxy.http.message import Request, Response
from proxy.model import Headers
from proxy.settings import Settings

_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"content-type, authorization, x-api-key, if-none-match"),
    (b"access-control-max-age", b"86400"),
)


class Cors:
    """Those that an operator named."""

    def __init__(self, settings: Settings) -> None:
        self._may_read = frozenset(str(address_of(origin, "slot_origins")).encode() for origin in settings.slot_origins)

    def fields(self, request: Request) -> Headers:
        """What tells a browser so."""
        if not self._may_read:
            return ()
        origin, vary = request.get(b"origin"), (b"vary", b"Origin")
        if origin not in self._may_read:
            return (vary,)
        return (
            (b"access-control-allow-origin", origin or b""),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", b"etag"),
            vary,
        )

    def preflight(self, request: Request) -> Response:
        """The answer to a browser that asks whether such a page may ask."""
        return Response(204, (*self.fields(request), *_PREFLIGHT))
