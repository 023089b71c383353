"""Cookies, told apart by name and value (RFC 6265)."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.model import Headers


def pairs_in(cookies: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each cookie of a `Cookie` field that has a name."""
    for pair in cookies.split(b";"):
        name, _, value = pair.partition(b"=")
        if name := name.strip():
            yield name, value.strip()


def pair_set_by(set_cookie: bytes) -> tuple[bytes, bytes]:
    """The cookie that a `Set-Cookie` field sets; empty texts where it sets none."""
    return next(pairs_in(set_cookie.partition(b";")[0]), (b"", b""))


def cookie_value(name: bytes, request: Headers) -> bytes | None:
    """What the request's cookie of that name says; None when it has none, or two that contradict each other."""
    fields = (value for key, value in request if key == b"cookie")
    values = {value for field in fields for written, value in pairs_in(field) if written == name}
    return values.pop() if len(values) == 1 else None
