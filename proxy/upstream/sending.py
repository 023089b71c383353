"""A request as bytes: its head, framed only by us, and its body as it comes.

Its law: a body that is not whole never looks whole. Without all of it from the visitor, neither the last chunk nor the
last byte of a declared length is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proxy.errors import RequestError
from proxy.ports import UpstreamRequest
from proxy.upstream.connection import Connection

_METHODS_WITH_BODY = frozenset({b"POST", b"PUT", b"PATCH"})


def head_of(request: UpstreamRequest) -> bytes:
    """The request's head. Raises `RequestError` for a field with a line end."""
    if request.head:
        return request.head
    lines = [b"%b %b HTTP/1.1" % (request.method, request.target)]
    lines += [b": ".join(field) for field in request.headers]
    if request.content_length is not None:
        lines.append(b"content-length: %d" % request.content_length)
    elif request.body is not None:
        lines.append(b"transfer-encoding: chunked")
    elif request.method in _METHODS_WITH_BODY:
        lines.append(b"content-length: 0")
    head = b"\r\n".join((*lines, b"\r\n"))
    line_ends = len(lines) + 1
    if head.count(b"\n") != line_ends or head.count(b"\r") != line_ends or b"\0" in head or lines[0].count(b" ") != 2:
        raise RequestError("the request has a line end, a NUL or a space where none may be")
    return head


async def send(
    head: bytes,
    request: UpstreamRequest,
    connection: Connection,
    on_progress: Callable[[], None],
    on_sent: Callable[[], None],
) -> None:
    """Sends head and body no faster than the origin takes them; `on_sent` is called as the last byte is written.

    Raises `RequestError` when the body is not as long as it said, and whatever the body raises.
    """
    assert request.body is not None
    length = request.content_length
    # A first piece that is there already shares the head's packet; one that is not does not hold the head up.
    pending = [head]
    flush = asyncio.get_running_loop().call_soon(lambda: connection.write(pending.pop()))
    sent = 0
    async for piece in request.body:
        sent += len(piece)
        if length is not None and sent > length:
            raise RequestError("the request's body is longer than its Content-Length")
        if piece:
            flush.cancel()
            framed = (piece,) if length is not None else (b"%x\r\n" % len(piece), piece, b"\r\n")
            connection.write(*pending, *framed)
            pending.clear()
            on_progress()
        if sent == length:
            break
        await connection.drain()
    flush.cancel()
    if length is None:
        connection.write(*pending, b"0\r\n\r\n")
    elif sent < length:
        raise RequestError("the request's body broke off before its end")
    on_sent()
