"""The signed content of our cookies: the visitor, new ones too, and the segments vouched for; and the segments that the
shop's own, unsigned cookie names: a hint, since anybody may write it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar
from urllib.parse import unquote

import msgspec

from proxy.memo import make_room
from proxy.model import Visitor

MOST_LISTS = 32_768
"""As many as visitors who differ to some slots (`equivalence.py`)."""

UnixSecond = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Up to the year 9999."""


class VisitorClaim(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the visitor cookie: id, and Unix second of the first visit; `session`: the cookie was set to end with
    the browser's session, where others last longer."""

    id: str
    iat: UnixSecond
    session: bool = False


class SegmentsClaim(msgspec.Struct, frozen=True):
    """Payload of the segment cookie: counts from `iat` until before `exp`, Unix seconds. The `segments` are a list of
    texts (`SegmentLists`)."""

    iat: UnixSecond
    exp: UnixSecond
    segments: msgspec.Raw


Claim = TypeVar("Claim", VisitorClaim, SegmentsClaim)
VISITOR_CLAIMS, SEGMENTS_CLAIMS = msgspec.json.Decoder(VisitorClaim), msgspec.json.Decoder(SegmentsClaim)
_texts = msgspec.json.Decoder(frozenset[str])


class SegmentLists:
    """Reads the segments of cookies: equal lists give the same set object, which saves memory, and makes comparing
    visitors faster."""

    def __init__(self) -> None:
        self._known: dict[bytes, frozenset[str]] = {}

    def read(self, listed: msgspec.Raw) -> frozenset[str] | None:
        """The segments; None if it is no list of texts."""
        key = bytes(listed)
        names = self._known.get(key)
        if names is None:
            try:
                names = _texts.decode(key)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return None
            if "" in names:
                names -= {""}
            make_room(self._known, MOST_LISTS)
            self._known[key] = names
        return names


def segment_list(segments: Iterable[str]) -> msgspec.Raw:
    """The segments as a list in a cookie."""
    return msgspec.Raw(msgspec.json.encode(sorted(segments)))


MAX_UNSIGNED_BYTES = 2_048
MAX_UNSIGNED_SEGMENTS = 50


def unsigned_segments(cookie: bytes) -> frozenset[str]:
    """Segment names in a foreign, unsigned cookie: a JSON list or a list with commas, percent-encoded or not.
    Empty when it makes no sense or is too long."""
    if len(cookie) > MAX_UNSIGNED_BYTES:
        return frozenset()
    text = unquote(cookie.strip(b'"').decode("utf-8", "replace"))
    names = _json_names(text) if text.startswith("[") else text.split(",")
    return frozenset(name.strip() for name in names[:MAX_UNSIGNED_SEGMENTS] if name.strip())


def _json_names(text: str) -> list[str]:
    try:
        return msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, RecursionError):
        return []


# -- New visitors with their cookies, several made at once where many come.
# Making one takes 2 us, and several times as much between two requests, when the CPU's caches are cold: random digits
# and two hashes touch much that nothing else does. A cookie tells the second in which it was made, so what is left at
# the end of a second is dropped.

MOST_AT_ONCE = 16
"""Some 30 us: others wait meanwhile."""

NewVisitor = tuple[Visitor, bytes]
"""A visitor, and the Set-Cookie value for their cookie."""


class FirstCookies:
    """The new visitors of one worker. `make` makes so many for a second (Unix time)."""

    __slots__ = ("_at_once", "_make", "_ready", "_second")

    def __init__(self, make: Callable[[int, int], list[NewVisitor]]) -> None:
        self._make = make
        self._ready: list[NewVisitor] = []
        self._second = -1
        self._at_once = 1

    def take(self, now: float) -> NewVisitor:
        """A new visitor. At first in a second one is made, and then twice as many each time."""
        second = int(now)
        if second != self._second or not self._ready:
            self._at_once = 1 if second != self._second else min(2 * self._at_once, MOST_AT_ONCE)
            self._second = second
            self._ready = self._make(second, self._at_once)
        return self._ready.pop()
