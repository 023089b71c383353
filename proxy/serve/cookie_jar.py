"""The cookies that a page and its parts set while the page is put together.

A visitor without a session gets one from whichever request is answered first, and the shop gives a different one to
each request made at the same time. Only one can be the visitor's; what the others answered (a form's token, say)
belongs to sessions that nobody has. So the first cookie counts, and whoever answered with another is asked again with
that one. Its law: a cookie that the visitor sent is left to the shop, which may change it with each answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from proxy.http.message import Request
from proxy.httpcache.cookies import pair_set_by, pairs_in

Cookies = Mapping[bytes, bytes]
"""By name."""


def set_by(set_cookies: Iterable[bytes]) -> dict[bytes, bytes]:
    """The cookies that these `Set-Cookie` fields set."""
    return dict(map(pair_set_by, set_cookies))


def with_cookies(request: Request, cookies: Cookies) -> Request:
    """The request with these cookies, in place of others of the same name."""
    if not cookies:
        return request
    old = [pair.strip() for pair in request.cookies.split(b";") if pair_set_by(pair)[0] not in cookies]
    new = [b"%b=%b" % pair for pair in cookies.items() if pair[1]]
    others = tuple(field for field in request.headers if field[0] != b"cookie")
    return replace(request, headers=(*others, (b"cookie", b"; ".join(filter(None, [*old, *new])))))


def agreed(request: Request, told: Sequence[Cookies]) -> tuple[dict[bytes, bytes], list[int]]:
    """The cookies that the visitor is to have, of all that the answers to this request set; and the numbers of the
    answers that set another."""
    sent = dict(pairs_in(request.cookies))
    counted: dict[bytes, bytes] = {}
    others: list[int] = []
    for number, cookies in enumerate(told):
        new = {name: value for name, value in cookies.items() if name not in sent}
        if any(counted.get(name, value) != value for name, value in new.items()):
            others.append(number)
        else:
            counted |= new
    return counted, others
