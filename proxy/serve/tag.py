"""`/_tb/t.js`: what only the browser knows of a visit. Some 3 kB in gzip, without its comments; one global,
`tailorbird`, whose `track(event, properties)` is the shop's to call.

Pages that pass through here tell by themselves that they were opened, so the module tells only of pages that are opened
without a request (`pushState`, or fetched ahead of time), of banners that came into view or were clicked, of products
put into the cart and of what the shop pushes onto `dataLayer`. Where the setting `capture` is off, it tells of every
page.

It also asks for the order of lists that a router draws (`data-tb-rank`), tells which rules they met, and leaves those
alone that their page sorts.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files

from proxy.http.message import Handler, Request, Response
from proxy.httpcache.coding import accepts_gzip
from proxy.settings import Settings

PATH = "/_tb/t.js"
_COMMENTS = re.compile(rb"^\s*(//.*\s*)*", re.MULTILINE)
"""Lines of comments, and the indentation of others."""
TELLS_LITTLE, TELLS_ALL = b"navigator, 0)", b"navigator, 1)"


class Tag:
    """The module, ready to be given."""

    def __init__(self, settings: Settings) -> None:
        source = _COMMENTS.sub(b"", files("proxy.serve").joinpath("tag.js").read_bytes())
        self._plain = source if settings.capture else source.replace(TELLS_LITTLE, TELLS_ALL)
        self._packed = gzip.compress(self._plain, 9, mtime=0)
        self._etag = b'"%b"' % hashlib.sha256(self._plain).hexdigest()[:16].encode()

    @property
    def routes(self) -> Mapping[str, Handler]:
        """Its handler, by its path."""
        return {PATH: self._given}

    async def _given(self, request: Request) -> Response:
        head = (
            (b"content-type", b"text/javascript; charset=utf-8"),
            (b"cache-control", b"public, max-age=3600"),
            (b"etag", self._etag),
            (b"vary", b"accept-encoding"),
        )
        if request.get(b"if-none-match") == self._etag:
            return Response(304, head)
        if accepts_gzip(request.get_list(b"accept-encoding")):
            length = (b"content-length", b"%d" % len(self._packed))
            return Response(200, (*head, (b"content-encoding", b"gzip"), length), (self._packed,))
        return Response(200, (*head, (b"content-length", b"%d" % len(self._plain))), (self._plain,))
