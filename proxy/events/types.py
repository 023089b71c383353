"""Every kind of event, one row each: our name, what Segment and GA4 call it, what it must have, who may send it, and
how it is remembered.

A remembered kind is kept in the visitor's history, among the newest of its class: `MOST` says how many. The classes are
separate so that impressions never push out what a visitor did, and neither pushes out an order. A page view that names
banners is in two classes: it is kept as long as it is among the newest of either.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from proxy.audience.impressions import MOST_DEEDS, MOST_IMPRESSIONS
from proxy.model import Event


class Class(enum.StrEnum):
    """The class of the history that an event is kept in. `NONE`: it is only in the log."""

    ORDER = "orders"
    ACTION = "actions"
    EXPOSURE = "exposures"
    NONE = "none"


MOST = {Class.ORDER: 1_000, Class.ACTION: MOST_DEEDS, Class.EXPOSURE: MOST_IMPRESSIONS}
"""The newest so many of each class are a visitor's history."""


class Row(NamedTuple):
    """A kind of event. `needs` names what it must have: `items` or a `subject`. `is_server_only`: a browser may send it
    only with a trusted key."""

    kind: str
    segment: str
    ga4: str
    help: str
    needs: str = ""
    kept: Class = Class.ACTION
    is_server_only: bool = False


TYPES = (
    Row("page viewed", "", "page_view", "a page was opened; its subject is the path", "subject"),
    Row("screen viewed", "", "screen_view", "a screen of an app was opened", "subject"),
    Row("product viewed", "Product Viewed", "view_item", "a product's own page was opened", "items"),
    Row("product clicked", "Product Clicked", "select_item", "a product in a list was chosen", "items"),
    Row("list viewed", "Product List Viewed", "view_item_list", "a list of products was opened", "subject"),
    Row("list filtered", "Product List Filtered", "", "a list was narrowed; its subject is the filter", "subject"),
    Row("searched", "Products Searched", "search", "products were searched; its subject is the words", "subject"),
    Row("product added", "Product Added", "add_to_cart", "a product went into the cart", "items"),
    Row("product removed", "Product Removed", "remove_from_cart", "a product was taken out of the cart", "items"),
    Row("product wished for", "Product Added to Wishlist", "add_to_wishlist", "a product went on the list", "items"),
    Row("cart viewed", "Cart Viewed", "view_cart", "the cart was opened"),
    Row("checkout started", "Checkout Started", "begin_checkout", "paying began"),
    Row("order completed", "Order Completed", "purchase", "an order was placed", "", Class.ORDER, True),
    Row("order refunded", "Order Refunded", "refund", "an order was paid back", "", Class.ORDER, True),
    Row("order cancelled", "Order Cancelled", "", "an order was called off", "", Class.ORDER, True),
    Row(
        "banner shown",
        "Promotion Viewed",
        "view_promotion",
        "a banner was shown; its subject is the rule",
        "subject",
        Class.EXPOSURE,
    ),
    Row("banner seen", "Promotion Seen", "", "a banner came into view", "subject", Class.EXPOSURE),
    Row(
        "banner clicked",
        "Promotion Clicked",
        "select_promotion",
        "a banner was clicked; its subject is the rule",
        "subject",
        Class.EXPOSURE,
    ),
    Row("custom event", "", "", "anything else; its subject is the name it was sent under", "subject"),
    Row("identified", "", "", "something was told of the visitor", "", Class.NONE),
    Row("grouped", "", "", "the visitor belongs to a company or household", "subject", Class.NONE),
    Row("aliased", "", "", "two ids are one visitor; its subject is the other id", "subject", Class.NONE, True),
    Row("joined", "", "", "the visitor and its subject are one person", "subject", Class.NONE, True),
    Row("parted", "", "", "the visitor and its subject are two after all", "subject", Class.NONE, True),
    Row(
        "segment entered",
        "Audience Entered",
        "",
        "an outside system has the visitor in a segment; its subject is the name",
        "subject",
        Class.NONE,
        True,
    ),
    Row("segment left", "Audience Exited", "", "it has not any more", "subject", Class.NONE, True),
    Row("profile imported", "", "", "an import told all it knows of the visitor", "", Class.NONE, True),
)

BY_KIND = {row.kind: row for row in TYPES}
BY_SEGMENT = {row.segment.casefold(): row for row in TYPES if row.segment}
BY_GA4 = {row.ga4: row for row in TYPES if row.ga4}


def classes_of(event: Event) -> tuple[Class, ...]:
    """The classes of the history that an event is in."""
    own = class_of(event.kind)
    return (own, Class.EXPOSURE) if event.shown and own is not Class.EXPOSURE else (own,)


def class_of(kind: str) -> Class:
    """The class of events of this kind; an unknown kind has none."""
    row = BY_KIND.get(kind)
    return row.kept if row else Class.NONE
