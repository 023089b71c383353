"""Views of pages as bytes: what a visitor's view has of its own, and what the views of all who are shown the same have
in common (`words`): which rules' banners, in which variants. Joined, they are a packed arrival (`record.py`)."""

from __future__ import annotations

from functools import lru_cache
from sys import intern
from typing import TypeVar

import msgspec

from proxy.errors import UNDECODABLE, DamagedValueError
from proxy.model import PAGE_EVENT_PREFIX, Event, PackedEvent

PAGE, VIEWED = "page", "page viewed"
"""The source of what pages record by themselves, and the kind of a view."""
MOST_WORDS = 32_768
"""Of so many views that show the same is known which banners these are."""


class View(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A view without its words: who viewed the page, when (Unix seconds), the view's number, the page's path."""

    visitor_id: str
    at: float
    number: int
    page: str


_encoder = msgspec.msgpack.Encoder(order="sorted")
_view_decoder = msgspec.msgpack.Decoder(View)
_names_decoder = msgspec.msgpack.Decoder(list[str])
_NO_TRAITS: dict[str, str] = {}
_LATER = msgspec.Raw()  # is packed as nothing
_END = _encoder.encode(("", ("", "")))[1:]


def packed_part(value: object) -> msgspec.Raw:
    """Part of an event that many have in common, packed once."""
    return msgspec.Raw(_encoder.encode(value))


NOTHING = packed_part({})


def packed_words(shown: msgspec.Raw, details: msgspec.Raw) -> bytes:
    """The words of views that show the same: which rules' banners, and the details."""
    return b"".join((len(bytes(shown)).to_bytes(2, "big"), shown, details, _END))


def view(visitor_id: str, at: float, number: int, page: str, words: bytes) -> PackedEvent:
    """The view of a page, by this visitor at `at`. No other view has its number, which is below 2**63."""
    return PackedEvent(visitor_id, VIEWED, _encoder.encode((visitor_id, at, number, page)), "", words)


def id_of_view(number: int, which: int = 0) -> str:
    """The id of the view with this number; with `which`, that of another event of the same view."""
    return f"{PAGE_EVENT_PREFIX}{number:x}-{which}"


Part = TypeVar("Part")


def read(decoder: msgspec.msgpack.Decoder[Part], logged: bytes) -> Part:
    """What the decoder makes of a logged event. Raises `DamagedValueError` when it is none."""
    try:
        return decoder.decode(logged)
    except UNDECODABLE:
        raise DamagedValueError("an event in the log cannot be read") from None


def joined(own: bytes, words: bytes) -> bytes:
    """A packed arrival of its own part and its words. Raises `DamagedValueError`."""
    if not words:
        return own
    ends = _ends(words)
    one = read(_view_decoder, own)
    event = one.at, id_of_view(one.number), VIEWED, one.page, (), 0.0, msgspec.Raw(words[2:ends])
    rest = msgspec.Raw(words[ends:])
    return _encoder.encode((one.visitor_id, event, PAGE, one.at, _NO_TRAITS, (), rest, _LATER, _LATER))


def event_of_view(own: bytes, words: bytes) -> Event:
    """What happened. Views share their words here, too: with the names of five banners in each view, a history would be
    four times as large. Raises `DamagedValueError`."""
    one = read(_view_decoder, own)
    return Event(one.at, id_of_view(one.number), VIEWED, intern(one.page), (), 0.0, _shown_in(words))


def _ends(words: bytes) -> int:
    """The offset at which the banners' names end."""
    return 2 + int.from_bytes(words[:2], "big")


@lru_cache(MOST_WORDS)
def _shown_in(words: bytes) -> tuple[str, ...]:
    """The rules whose banners these words name."""
    return tuple(map(intern, _names_decoder.decode(words[2 : _ends(words)])))
