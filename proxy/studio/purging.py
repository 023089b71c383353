"""`POST /api/purge`: what an origin declares out of date, so that a change in the shop shows before its lifetime ends.

    {"urls": ["/sale", "https://shop.example/"], "prefixes": ["/c/"], "tags": ["product-7"], "soft": true}

Where a webhook sends a body of its own, as a CMS does, the address names it: `?url=/sale&prefix=/c/&soft=yes`.

The answer says how many stored copies that were, how many workers there are, and how many of them have done it; with
503 when that is not all of them, so that whoever asked asks again.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from proxy.errors import UNDECODABLE, RequestError
from proxy.httpcache.purge import Purge, purge_of
from proxy.ports import Replies


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a purge request."""

    urls: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    soft: bool = False


class Purged(msgspec.Struct, frozen=True):
    """How many stored copies were purged, and by how many of the workers. `everywhere` is False when some have not done
    it yet, or it is unknown because machines cannot reach each other."""

    purged: int
    workers: int
    confirmed: int
    everywhere: bool


def purged(told: Replies) -> Purged:
    """The result of a purge that was sent to all workers; each answered with a number."""
    return Purged(sum(map(int, told.answers.values())), len(told.live), len(told.answers), told.is_whole)


def purge_named(parameters: Iterable[tuple[str, str]]) -> Purge:
    """The purge that the parameters of an address name. Raises `RequestError`."""
    named: dict[str, list[str]] = {"url": [], "prefix": [], "tag": [], "soft": []}
    for name, value in parameters:
        if name not in named or (name == "soft" and value not in ("yes", "true", "1")):
            raise RequestError(f"`{name}={value}` names no purge", help="write ?url=/sale&prefix=/c/&tag=a&soft=yes")
        named[name].append(value)
    return purge_of(named["url"], named["prefix"], named["tag"], is_soft=bool(named["soft"]))


def purge_in(body: bytes) -> Purge:
    """The purge in a request. Raises `RequestError`."""
    try:
        wanted = msgspec.json.decode(body, type=Wanted)
    except UNDECODABLE as error:
        help = 'write {"urls": ["/sale"], "prefixes": ["/c/"], "tags": ["product-7"], "soft": true}, or some of it'
        raise RequestError(f"this is no purge: {error}", help=help) from error
    return purge_of(wanted.urls, wanted.prefixes, wanted.tags, is_soft=wanted.soft)
