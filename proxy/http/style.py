"""The stylesheets of published slots and of lists, each at an address with a hash of its content, so that browsers keep
it for ever."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.http.message import Request, Response
from proxy.memo import make_room
from proxy.page.slots import ORDER_STYLESHEET, DeclaredSlot, stylesheet, stylesheet_url

REMEMBERED = 8
"""Pages in browsers may still name the stylesheets of earlier publications."""
_OF_LISTS = {stylesheet_url(ORDER_STYLESHEET).encode(): ORDER_STYLESHEET}


class Stylesheets:
    """That of lists, and those of the last few publications, by path."""

    def __init__(self) -> None:
        self._by_path: dict[bytes, bytes] = {}

    def add(self, declared: Iterable[DeclaredSlot]) -> None:
        """Serves the stylesheet of these slots from now on."""
        css = stylesheet(declared)
        path = stylesheet_url(css).encode()
        self._by_path.pop(path, None)
        make_room(self._by_path, REMEMBERED)
        self._by_path[path] = css

    def get(self, request: Request) -> Response | None:
        """The stylesheet at the request's path, or None."""
        css = self._by_path.get(request.path) or _OF_LISTS.get(request.path)
        if css is None or request.method not in (b"GET", b"HEAD"):
            return None
        headers = (
            (b"content-type", b"text/css; charset=utf-8"),
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"content-length", b"%d" % len(css)),
        )
        return Response(200, headers, () if request.method == b"HEAD" else (css,))
