"""Events: what happened, as a visitor's history keeps it, and as the log does."""

from __future__ import annotations

import msgspec

NOTED = "page:"
"""What the ids of events begin with that pages record by themselves (`visitors/capture.py`), and no others."""


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
    own (`audience/impressions.py`).
    """

    at: float
    id: str
    kind: str
    subject: str = ""
    items: tuple[Item, ...] = ()
    value: float = 0.0
    shown: tuple[str, ...] = ()


class Arrival(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event as it was received, and as the log keeps it.

    * `visitor_id`: whose it is; `source`: the write key it came by; `received_at`: when. `event.id` begins with the
      source, so that two sources may use the same message id.
    * `traits`: what the event says of its visitor; `details`: what else it says (a slot, a variant, a currency).
    * `segments`: those of an outside system; only an import has them.
    * `via`: the device that it came from, when that is not the visitor itself.
    * `joins`: a device and the person who is proven to be on it; both "" when nothing is.
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
    """An arrival that a page records by itself. It changes only the visitor's history, and is packed at once as the log
    stores it (`stores/record.py`), since few callers read its content. `words` is the part shared with others, `own`
    the rest."""

    visitor_id: str
    kind: str
    own: bytes
    via: str = ""
    words: bytes = b""


class Link(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Says that two visitor ids belong to one person, since `at`.

    * `is_device`: the other id is a device of this one; else this one is a device of the other.
    * `is_parted`: the join was undone.
    * `bucket_key`, `began_at`: of a device, what chance draws it by, and when it was first seen.
    """

    at: float
    is_device: bool = False
    is_parted: bool = False
    bucket_key: str = ""
    began_at: float = 0.0
