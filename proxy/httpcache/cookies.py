"""Cookie names and values in header fields (RFC 6265)."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.model import Headers


def pairs_in(cookies: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and value of each cookie in a `Cookie` field; cookies without a name are skipped."""
    for pair in cookies.split(b";"):
        name, _, value = pair.partition(b"=")
        if name := name.strip():
            yield name, value.strip()


def pair_set_by(set_cookie: bytes) -> tuple[bytes, bytes]:
    """The name and value of the cookie that a `Set-Cookie` field sets; both empty if it sets none."""
    return next(pairs_in(set_cookie.partition(b";")[0]), (b"", b""))


def cookie_value(name: bytes, request: Headers) -> bytes | None:
    """The value of the request's cookie of that name; None if there is none, or several with different values."""
    fields = (value for key, value in request if key == b"cookie")
    values = {value for field in fields for key, value in pairs_in(field) if key == name}
    return values.pop() if len(values) == 1 else None
