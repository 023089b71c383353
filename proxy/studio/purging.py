"""`POST /api/purge`: what an origin declares out of date, so that a change in the shop shows before its lifetime ends.

    {"urls": ["/sale", "https://shop.example/"], "prefixes": ["/c/"], "tags": ["product-7"], "soft": true}

The answer says how many addresses that were. Only application/json is read: a foreign page can make a browser, which
may know the token, send a form or plain text, but not that.
"""

from __future__ import annotations

import msgspec

from proxy.errors import RequestError
from proxy.httpcache.purge import Purge, purge_of


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A purge as it is asked for."""

    urls: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    soft: bool = False


class Purged(msgspec.Struct, frozen=True):
    """How many stored addresses were purged."""

    purged: int


def purge_in(content_type: str, body: bytes) -> Purge:
    """The purge a request asks for. Raises `RequestError`."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise RequestError("a purge is application/json", status=415)
    try:
        wanted = msgspec.json.decode(body, type=Wanted)
    except msgspec.DecodeError as error:
        raise RequestError(f"this is no purge: {error}") from error
    return purge_of(wanted.urls, wanted.prefixes, wanted.tags, is_soft=wanted.soft)
