"""How an answer leaves the shop: what may be cached by whom, and the headers that keep a page safe.

Two kinds, never mixed. A *cacheable* answer is the same for everybody, so it depends on nothing but the address: no
cookie is read or set. A *private* one depends on the session and says so. The shop does not compress: that is left to
whoever stands in front.
"""

from __future__ import annotations

import hashlib

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PUBLIC = "public, max-age=60, stale-while-revalidate=30, stale-if-error=86400"
"""Prices and stock may be a minute old; an old shop is better than none."""
NO_STORE = "private, no-store"
NO_CACHE = "private, no-cache"
HTML = "text/html; charset=utf-8"

SAFETY = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    # With `no-referrer` browsers send `Origin: null` on our own forms, and `forgery.py` would refuse them.
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def cacheable(request: Request, body: bytes, media_type: str = HTML, kept: str = PUBLIC) -> Response:
    """An answer for everybody, with a strong ETag; 304 when the client has it already."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"Cache-Control": kept, "ETag": etag}
    if _is_known(etag, request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def private(body: bytes, status: int = 200, *, media_type: str = HTML, kept: str = NO_STORE) -> Response:
    """An answer for one session."""
    return Response(body, status, {"Cache-Control": kept, "Vary": "Cookie"}, media_type)


def see_other(path: str) -> Response:
    """After a POST: look there."""
    return RedirectResponse(path, 303, {"Cache-Control": NO_STORE})


class Safety:
    """ASGI middleware: the safety headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SAFETY)
            await send(message)

        await self.app(scope, receive, send_safely)


def _is_known(etag: str, if_none_match: str) -> bool:
    """RFC 9110 13.1.2: weak comparison, so that a validator someone weakened on the way still counts."""
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in known or "*" in known
