"""Every kind of event, one row each: our name, what Segment and GA4 call it, what it must have, who may send it, and
how it is remembered.

A remembered kind is kept in the visitor's history, among the newest of its class: `MOST` says how many. The classes are
separate so that impressions never push out what a visitor did, and neither pushes out an order. A page view that names
banners is in two classes: it is kept as long as it is among the newest of either.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from proxy.audience.impressions import MOST_ACTIONS, MOST_IMPRESSIONS
from proxy.model import Event


class EventClass(enum.StrEnum):
    """The class of the history that an event is kept in. `NONE`: it is only in the log."""

    ORDER = "orders"
    ACTION = "actions"
    EXPOSURE = "exposures"
    NONE = "none"


MOST = {EventClass.ORDER: 1_000, EventClass.ACTION: MOST_ACTIONS, EventClass.EXPOSURE: MOST_IMPRESSIONS}
"""How many of the newest events of each class a visitor's history keeps."""


class EventType(NamedTuple):
    """A kind of event. `needs` names what it must have: `items` or a `subject`. `is_server_only`: a browser may send it
    only with a trusted key."""

    kind: str
    segment: str
    ga4: str
    help: str
    needs: str = ""
    event_class: EventClass = EventClass.ACTION
    is_server_only: bool = False


TYPES = (
    EventType("page viewed", "", "page_view", "a page was opened; its subject is the path", "subject"),
    EventType("screen viewed", "", "screen_view", "a screen of an app was opened", "subject"),
    EventType("product viewed", "Product Viewed", "view_item", "a product's own page was opened", "items"),
    EventType("product clicked", "Product Clicked", "select_item", "a product in a list was chosen", "items"),
    EventType("list viewed", "Product List Viewed", "view_item_list", "a list of products was opened", "subject"),
    EventType(
        "list filtered", "Product List Filtered", "", "a list was narrowed; its subject is the filter", "subject"
    ),
    EventType("searched", "Products Searched", "search", "products were searched; its subject is the words", "subject"),
    EventType("product added", "Product Added", "add_to_cart", "a product went into the cart", "items"),
    EventType("product removed", "Product Removed", "remove_from_cart", "a product was taken out of the cart", "items"),
    EventType(
        "product wished for", "Product Added to Wishlist", "add_to_wishlist", "a product went on the list", "items"
    ),
    EventType("cart viewed", "Cart Viewed", "view_cart", "the cart was opened"),
    EventType("checkout started", "Checkout Started", "begin_checkout", "paying began"),
    EventType("order completed", "Order Completed", "purchase", "an order was placed", "", EventClass.ORDER, True),
    EventType("order refunded", "Order Refunded", "refund", "an order was paid back", "", EventClass.ORDER, True),
    EventType("order cancelled", "Order Cancelled", "", "an order was called off", "", EventClass.ORDER, True),
    EventType(
        "banner shown",
        "Promotion Viewed",
        "view_promotion",
        "a banner was shown; its subject is the rule",
        "subject",
        EventClass.EXPOSURE,
    ),
    EventType("banner seen", "Promotion Seen", "", "a banner came into view", "subject", EventClass.EXPOSURE),
    EventType(
        "banner clicked",
        "Promotion Clicked",
        "select_promotion",
        "a banner was clicked; its subject is the rule",
        "subject",
        EventClass.EXPOSURE,
    ),
    EventType("custom event", "", "", "anything else; its subject is the name it was sent under", "subject"),
    EventType("identified", "", "", "something was told of the visitor", "", EventClass.NONE),
    EventType("grouped", "", "", "the visitor belongs to a company or household", "subject", EventClass.NONE),
    EventType(
        "aliased", "", "", "two ids are one visitor; its subject is the other id", "subject", EventClass.NONE, True
    ),
    EventType("joined", "", "", "the visitor and its subject are one person", "subject", EventClass.NONE, True),
    EventType("parted", "", "", "the visitor and its subject are two after all", "subject", EventClass.NONE, True),
    EventType(
        "segment entered",
        "Audience Entered",
        "",
        "an outside system has the visitor in a segment; its subject is the name",
        "subject",
        EventClass.NONE,
        True,
    ),
    EventType("segment left", "Audience Exited", "", "it has not any more", "subject", EventClass.NONE, True),
    EventType("profile imported", "", "", "an import told all it knows of the visitor", "", EventClass.NONE, True),
)

BY_KIND = {row.kind: row for row in TYPES}
BY_SEGMENT = {row.segment.casefold(): row for row in TYPES if row.segment}
BY_GA4 = {row.ga4: row for row in TYPES if row.ga4}


def classes_of(event: Event) -> tuple[EventClass, ...]:
    """The classes of the history that an event is in."""
    own = class_of(event.kind)
    return (own, EventClass.EXPOSURE) if event.shown and own is not EventClass.EXPOSURE else (own,)


def class_of(kind: str) -> EventClass:
    """The class of events of this kind; an unknown kind has none."""
    row = BY_KIND.get(kind)
    return row.event_class if row else EventClass.NONE
