"""Protects the studio's forms against requests from other sites.

The browser keeps the admin token, and sends it with requests that another site causes. So a form counts only when its
`Origin` is this host.
"""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from proxy.errors import RequestError

MAX_BYTES = 4_096
NOBODY = "studio"


async def form_of(request: Request, most: int = MAX_BYTES) -> dict[str, str]:
    """The fields of the form, of `most` bytes. Raises `RequestError` for a form of another site, or a malformed one."""
    if not _is_from(request.headers.get("origin", ""), request.headers.get("host", "")):
        raise RequestError("this form was not sent from a page of the studio", status=403)
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise RequestError("this is no form", status=415)
    try:
        return dict(parse_qsl((await body_of(request, most)).decode(), keep_blank_values=True))
    except ValueError as error:
        raise RequestError("this is no form") from error


async def body_of(request: Request, most: int) -> bytes:
    """The body. Raises `RequestError` for one of more than `most` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise RequestError(f"this is larger than {most:,} bytes", status=413)
    return bytes(body)


def _is_from(origin: str, host: str) -> bool:
    try:
        return bool(host) and urlsplit(origin).netloc == host
    except ValueError:  # as `http://[`
        return False


def author_of(request: Request) -> str:
    """The user name of HTTP Basic, for the history. It is not verified: whoever has the token may give any name."""
    name, _ = basic_of(request.headers.get("authorization", ""))
    return name.decode("utf-8", "replace").strip()[:100] or NOBODY


def basic_of(authorization: str) -> tuple[bytes, bytes]:
    """The name and password of HTTP Basic; nothing of another value."""
    scheme, _, value = authorization.partition(" ")
    try:
        name, _, password = base64.b64decode(value if scheme.lower() == "basic" else "", validate=True).partition(b":")
    except ValueError:
        return b"", b""
    return name, password
