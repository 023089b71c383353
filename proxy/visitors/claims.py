"""The signed content of our cookies: the visitor, and the segments vouched for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeVar

import msgspec

from proxy.memo import make_room

MOST_LISTS = 32_768
"""As many as visitors who differ to some slots (`equivalence.py`)."""

UnixSecond = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Up to the year 9999."""


class VisitorClaim(msgspec.Struct, frozen=True):
    """Payload of the visitor cookie: id, and Unix second of the first visit."""

    id: str
    iat: UnixSecond


class SegmentsClaim(msgspec.Struct, frozen=True):
    """Payload of the segment cookie: counts from `iat` until before `exp`, Unix seconds. The `segments` are a list of
    texts (`SegmentLists`)."""

    iat: UnixSecond
    exp: UnixSecond
    segments: msgspec.Raw


Claim = TypeVar("Claim", VisitorClaim, SegmentsClaim)
VISITOR_CLAIMS, SEGMENTS_CLAIMS = msgspec.json.Decoder(VisitorClaim), msgspec.json.Decoder(SegmentsClaim)
_texts = msgspec.json.Decoder(list[str])


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
                names = frozenset(filter(None, _texts.decode(key)))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return None
            make_room(self._known, MOST_LISTS)
            self._known[key] = names
        return names


def segment_list(segments: Iterable[str]) -> msgspec.Raw:
    """The segments as a list in a cookie."""
    return msgspec.Raw(msgspec.json.encode(sorted(segments)))
