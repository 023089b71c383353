"""Whether a request is personal, so that an unknown page must not be fetched for everybody on its behalf.

Cookies that do not change the origin's pages do not count: Tailorbird's own, and those that the operator lists
(analytics).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from proxy.http.forwarding import OUR_COOKIES
from proxy.http.message import Request
from proxy.httpcache.cookies import pairs_in
from proxy.httpcache.overrides import CookieRoles, names_pattern
from proxy.model import Headers
from proxy.rulebook.policy import PagePolicy


class Personal:
    """Decides which cookies matter. `ignored` are names, where a final `*` stands for any ending. With
    `tells_credentials`, shared fetches carry credentials, so these do not count."""

    def __init__(self, ignored: Iterable[str], *, tells_credentials: bool = False) -> None:
        self._tells_credentials = tells_credentials
        names = (*(name.decode() for name in OUR_COOKIES), *ignored)
        self._ignored = re.compile(names_pattern(names).pattern, re.IGNORECASE)
        self._last = b"; ="  # how the cookie began that mattered last: the shop's session, which most requests have

    def why_own(self, policy: PagePolicy, headers: Headers) -> str:
        """The reason by the operator's policy why the visitor's own request is needed; "" when there is none."""
        if not policy.is_kept:
            return "policy"
        return "cookies" if policy.cookies and self.is_own(headers, policy.cookies) else ""

    def is_own(self, headers: Headers, roles: CookieRoles) -> bool:
        """True when, by the operator's word on each cookie, the request must not get a shared page."""
        return any(
            (name == b"authorization" and not self._tells_credentials)
            or (name == b"cookie" and any(self._is_own(cookie, roles) for cookie, _ in pairs_in(value)))
            for name, value in headers
        )

    def _is_own(self, cookie: bytes, roles: CookieRoles) -> bool:
        if cookie.lower() in OUR_COOKIES:
            return False
        return roles.makes_own(cookie) or not (roles.is_settled(cookie) or self._ignored.fullmatch(cookie))

    def is_personal(self, request: Request) -> bool:
        """True when the request carries credentials or a cookie that may matter."""
        return self.has_credentials(request) or self.do_matter(request.cookies)

    def has_credentials(self, request: Request) -> bool:
        """True when it carries credentials that a shared fetch would not."""
        return not self._tells_credentials and request.get(b"authorization") is not None

    def do_matter(self, cookies: bytes) -> bool:
        """True when one of these cookies may change the page."""
        return cookies.find(self._last) >= 0 or self._matter(cookies)

    def _matter(self, cookies: bytes) -> bool:
        for name, _ in pairs_in(cookies):
            if not self._ignored.fullmatch(name):
                self._last = b"; %b=" % name
                return True
        return False
