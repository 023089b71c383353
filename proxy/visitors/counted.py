"""Which requests count as a visitor's action."""

from __future__ import annotations

from proxy.events.bots import is_ahead_of_time, is_bot
from proxy.http.message import Request
from proxy.model import Consent
from proxy.visitors.consent import Consents


def why_not_counted(request: Request, consents: Consents) -> str:
    """The reason why a request is not counted; "" when it is."""
    if consents.of(request) < Consent.SESSION:
        return "unwanted"
    return "bot" if is_bot(request.get(b"user-agent") or b"") else ""


def is_opened(request: Request) -> bool:
    """Whether a browser opens it as a page, now."""
    if request.method != b"GET" or request.depth:
        return False
    ahead = request.get(b"sec-purpose") or request.get(b"purpose") or request.get(b"x-moz") or b""
    if is_ahead_of_time(ahead):
        return False
    destination = request.get(b"sec-fetch-dest")
    return destination == b"document" if destination else b"text/html" in (request.get(b"accept") or b"")
