"""Events: what happened, as a visitor's history keeps it, and as the log does; and what webhooks are told of it."""

from __future__ import annotations

from math import inf

import msgspec

PAGE_EVENT_PREFIX = "page:"
"""The id of an event begins with this exactly if a page view recorded it (`visitors/capture.py`)."""
LONGEST_SUBJECT = 200
"""The most letters of an event's subject, and so of a rule's name. Letters, not bytes: Thai and Japanese take three
for each."""


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product in an event: its category as a path (`shoes/trail`), the price of one in the shop's currency. When it
    was viewed while sold out the `quantity` is 0."""

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
    * `traits`: attributes of the visitor that it brings; `details`: its other properties (a slot, a variant, a
      currency).
    * `segments`: those of an outside system; only an import has them.
    * `via`: the device that it came from; "" if that is the visitor itself.
    * `joins`: the ids of a device and of the person who is proven to use it; both "" if no device is joined.
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


class PackedEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An arrival that a page view recorded, as the bytes that the log stores (`stores/record.py`): few callers read its
    content. It changes nothing but the visitor's history. `shared_bytes` is the part that is equal for many visitors,
    `own_bytes` the rest; `via` is as in `Arrival`."""

    visitor_id: str
    kind: str
    own_bytes: bytes
    via: str = ""
    shared_bytes: bytes = b""


class Link(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Links a profile to another visitor id of the same person, since `at` (Unix seconds).

    * `is_device`: the other id is a device of this person; else this visitor is a device of the other.
    * `is_parted`: the link was undone at `at`.
    * `bucket_key`, `began_at`: a device's key for random splits, and when it was first seen.
    """

    at: float
    is_device: bool = False
    is_parted: bool = False
    bucket_key: str = ""
    began_at: float = 0.0


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """The segments of a visitor as each webhook knows them, or will know them when the queued messages are sent.

    * `by_webhook`: for each webhook, each segment and since when the visitor is in it (Unix seconds).
    * `due_at`: when the segments may change by time alone; infinity for never.
    """

    visitor_id: str
    by_webhook: dict[str, dict[str, float]] = {}
    due_at: float = inf


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """A message for one webhook: a visitor `entered` a segment, or left it. `id` is the same however often it is sent;
    `reason` is why it was given up, "" while it waits."""

    id: str
    webhook: str
    visitor_id: str
    segment: str
    entered: bool
    at: float
    queued_at: float
    reason: str = ""


class LogProgress(msgspec.Struct, frozen=True, array_like=True):
    """How far the process that follows the event log for webhooks has come.

    * `place`: the position in the store's log of events.
    * `swept_rules`, `swept_at`: a hash of the rules by which all visitors were last checked, and when that was.
    * `checked_to`: the position up to which unfinished changes were checked (`outbox/unfinished.py`).
    """

    place: str = ""
    swept_rules: str = ""
    swept_at: float = 0.0
    checked_to: str = ""
