"""Is this request somebody's in particular? Then an unknown page is not fetched for everybody on its behalf.

Cookies that say nothing to the origin's pages do not count: Tailorbird's own, and those an operator lists (analytics).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from proxy.model import Headers
from proxy.serve.forwarding import OUR_COOKIES


class Personal:
    """Knows which cookies do not matter: `ignored` are names, in which `*` stands for any ending. Nor do credentials
    where fetches for everybody are made with them."""

    def __init__(self, ignored: Iterable[str], *, tells_credentials: bool = False) -> None:
        self._tells_credentials = tells_credentials
        names = [re.escape(name.removesuffix("*")) + (".*" if name.endswith("*") else "") for name in ignored]
        ours = [re.escape(name.decode()) for name in OUR_COOKIES]
        self._ignored = re.compile("|".join(ours + names).encode(), re.IGNORECASE)

    def is_personal(self, headers: Headers) -> bool:
        """True when the request carries credentials or a cookie that may matter."""
        return any(
            (name == b"authorization" and not self._tells_credentials) or (name == b"cookie" and self._matters(value))
            for name, value in headers
        )

    def _matters(self, cookies: bytes) -> bool:
        names = (pair.partition(b"=")[0].strip() for pair in cookies.split(b";"))
        return any(name and not self._ignored.fullmatch(name) for name in names)
