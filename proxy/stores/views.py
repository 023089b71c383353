"""A recorded page view as bytes in a store: one JSON line, the same that `tailorbird replay` reads from a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf

import msgspec

from proxy.errors import UNDECODABLE
from proxy.model import View

MAX_BYTES = 4_096
"""A view is some 500 bytes. One that is larger, as by an endless search term, is not worth its place."""

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(View)


def packed(view: View) -> bytes:
    """The line, without its end."""
    return _encoder.encode(view)


def unpacked(line: bytes | str) -> View | None:
    """The view in a line; None when there is none in it."""
    try:
        return _decoder.decode(line)
    except UNDECODABLE:
        return None


def small_enough(views: Iterable[View]) -> Iterator[tuple[View, bytes]]:
    """The views with their lines, without those whose line is too long."""
    for view in views:
        line = packed(view)
        if len(line) <= MAX_BYTES:
            yield view, line


def names_in(views: Iterable[View]) -> set[str]:
    """The visitor ids in these views: who saw the page, and the id that chance drew by."""
    return {id for view in views for id in (view.visitor, view.bucket_key) if id}


def bucket_key_in_view(visitor_id: str) -> bytes:
    """The text in a line of a view that chance drew by this visitor."""
    return b'"bucket_key":' + _encoder.encode(visitor_id)


def is_of_erased(view: View, erased_at: Mapping[str, float]) -> bool:
    """Whether the page was seen before somebody in it was erased."""
    return any(view.at <= erased_at.get(id, -inf) for id in names_in([view]))


def is_from_before(view: View | None, moment: float) -> bool:
    """Whether the view is older than that, or cannot be read any more."""
    return view is None or view.at < moment
