"""What happened: an event as a history keeps it, and as the log does."""

from __future__ import annotations

import msgspec

NOTED = "page:"
"""So begin the ids of what pages note of themselves (`visitors/capture.py`), and no other event's."""


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product in an event: its category as a path (`shoes/trail`), the price of one in the shop's currency."""

    product: str
    category: str = ""
    brand: str = ""
    price: float = 0.0
    quantity: float = 1.0


class Event(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """What a visitor did or was shown, as their history keeps it, in order of `at` and `id`.

    `at` is when it happened, the sender's clock corrected. Two events of one `id` are one. `kind` is a row of
    `events/types.py`, as `product viewed`; `subject` what it is about where that is no product: a page's path, the
    words of a search, the rule whose banner it was. `value` is money in the shop's currency, 0 when there is none.
    `shown` names the rules whose banners a page was opened with, each a `banner shown` that need not be an event of its
    own (`audience/showings.py`).
    """

    at: float
    id: str
    kind: str
    subject: str = ""
    items: tuple[Item, ...] = ()
    value: float = 0.0
    shown: tuple[str, ...] = ()


class Arrival(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event as it was taken in, and as the log keeps it: whose it is, which source sent it, when it came.

    `event.id` has the source before it, so that two sources may use the same message id. `traits` is what the event
    says of its visitor, `details` what else it tells (a slot, a variant, a currency). `segments` only an import has.
    `via` is the device that it came by, when that is not the visitor itself. `joins` are a device and the person who is
    proven to be on it, both "" when nothing is.
    """

    visitor_id: str
    event: Event
    source: str = ""
    received_at: float = 0.0
    traits: dict[str, str | float | bool | list[str]] = {}
    segments: tuple[str, ...] = ()
    details: dict[str, str | float | bool] = {}
    via: str = ""
    joins: tuple[str, str] = ("", "")


class Deed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a page notes that a visitor did: an arrival that changes their history alone, packed where it is made, as
    the log keeps it (`stores/record.py`): few ask what it says."""

    visitor_id: str
    kind: str
    packed: bytes
    via: str = ""


class Link(msgspec.Struct, frozen=True, array_like=True, order=True):
    """That two visitor ids are of one person: since when, whether the other is a device of this one or this one a
    device of the other, and whether that was undone. Of a device, what chance draws it by, and when it was first heard
    of."""

    at: float
    is_device: bool = False
    is_parted: bool = False
    bucket_key: str = ""
    began_at: float = 0.0
