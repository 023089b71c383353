"""Is this POST from one of our own pages, or did another site make the browser send it?

The usual token in the form cannot stand in pages that a cache hands to everybody. So the shop asks two things:

* **Where from.** Browsers say it in `Sec-Fetch-Site` or `Origin`, and a page cannot lie there. Foreign is refused.
* **The token**, an HMAC of the session cookie, which another site can neither read nor guess. Private pages have it in
  their forms, and those forms must bring it. Shared pages (add to cart) carry none: `shop.js` fetches it from
  `/cart.json`, a private answer, and adds it on submit. Without the script such a form still works, when the browser
  itself says that it comes from our own page.

So a shared form needs one of the two proofs, a private form needs the token, and a wrong proof of either kind is
refused always.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_FORM_BYTES = 16_384
MAX_FIELDS = 40

Origin = Literal["own", "foreign", "unknown"]


class Tokens:
    """The form token of a session."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"form token:" + secret.encode()).digest()

    def of(self, session_id: str) -> str:
        return hmac.new(self._key, session_id.encode(), hashlib.sha256).hexdigest()[:32]

    def is_genuine(self, token: str, session_id: str) -> bool:
        return hmac.compare_digest(token.encode(), self.of(session_id).encode())


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a plain HTML form. Raises 415 for another type of body, 413 for one too large."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form is expected")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise HTTPException(413, "this form is too large")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as problem:
        raise HTTPException(400, "this form cannot be read") from problem


def must_refuse(origin: Origin, token: str, is_genuine: bool, *, from_shared_page: bool) -> bool:
    """True unless the proofs that came are right and suffice."""
    if origin == "foreign" or (token and not is_genuine):
        return True
    if from_shared_page:
        return origin != "own" and not is_genuine
    return not is_genuine


def origin_of(headers: Headers) -> Origin:
    """Whose page made the browser send this."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return "own" if site == "same-origin" else "foreign"
    origin = headers.get("origin")
    if origin is None:
        return "unknown"
    return "own" if urlsplit(origin).netloc.casefold() in _own_hosts(headers) else "foreign"


def _own_hosts(headers: Headers) -> set[str]:
    """The names we are called by, the one before a proxy included. Another site cannot make a browser send the
    forwarding fields: that takes a CORS preflight, which the shop never grants."""
    forwarded = re.findall(r'(?:^|[;,\s])host="?([^";,\s]+)', headers.get("forwarded", ""), re.IGNORECASE)
    named = (headers.get("host", ""), headers.get("x-forwarded-host", ""), *forwarded)
    return {host.casefold() for host in named if host}
