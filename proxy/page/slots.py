"""Declared slots, the kinds of fill, and the stylesheet.

A slot is marked in the page itself (`scan.py`), or declared in `slots.yaml` for a shop that cannot change its HTML.
`SLOT_KINDS` is the table of what an editor may write under `show:`; a new kind of fill is a row here and a maker in
`fragments.py`. The stylesheet has the styles of the built-in forms, and the declared sizes; another one the positions
in lists.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Place = Literal["inside", "start", "end"]

SLOT_NAME = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
"""Dotted lower case, `home.hero`; hyphens within words. Always used with `fullmatch`."""

LISTING = "listing:"
"""The prefix of the names of lists; other slots have no such name."""

INTERNAL = "tailorbird."
"""The prefix of the names of slots that are not part of the shop, as the demo's toolbar. They are filled like any
other, but are in no view, result or explanation."""

SORTS = (
    "sort", "order", "orderby", "order_by", "orderBy", "sortby", "sort_by", "sort-by", "sortBy", "sorting", "ordering",
    "sort_order", "sortOrder", "product_list_order", "srule",
)  # fmt: skip
"""Parameters by which shops and their APIs let visitors sort a list."""

MOST_ORDERED = 200
"""Cards of a list; longer lists are not reordered."""

PHONE_WIDTH = 640
"""CSS pixels up to which `phone_height` counts."""


@dataclass(frozen=True, slots=True)
class DeclaredSlot:
    """A slot that an operator names in `slots.yaml`.

    * `name`: with the prefix `listing:` it is a list of the shop.
    * `page`: a path (`/sale`), one with a trailing `*` (`/c/*`), or None for every page.
    * `selector`: None if the slot is marked in the page, and only its size is declared.
    * `place`: `inside` replaces the element's content; `start` and `end` insert right after its start tag or right
      before its end tag.
    * `height`, `phone_height`: CSS pixels; `longest_title`: characters.
    * `json`: the path of a value in answers of an API, instead of an element.
    * `product`: of a list, where its cards name their products: an attribute (`lists.py`), in JSON a member
      (`json_lists.py`).
    """

    name: str
    page: str | None = None
    selector: str | None = None
    place: Place = "inside"
    height: int | None = None
    phone_height: int | None = None
    longest_title: int | None = None
    json: str | None = None
    product: str = ""

    def is_on(self, path: str) -> bool:
        """True if the slot is declared for the page at `path`."""
        return self.page is None or matches_page(self.page, path)

    @property
    def is_list(self) -> bool:
        """True for a list of the shop."""
        return self.name.startswith(LISTING)

    @property
    def size_class(self) -> str:
        """The CSS class that gives a fill the declared size; "" if no size is declared."""
        if self.height is None and self.phone_height is None:
            return ""
        # Doubled hyphens keep `home-hero` and `home.hero` apart.
        return "tb-size-" + self.name.replace("-", "--").replace(".", "-")


def matches_page(pattern: str, path: str) -> bool:
    """True if the pattern (`/sale`, `/c/*`) matches the path."""
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


class KeyKind(enum.StrEnum):
    """The kind of value of a `show:` key."""

    TEXT = "text"
    """Plain text, which may hold fields: `{first name|Hello}`."""
    LINK = "link"
    """A path, an https, mailto or tel address."""
    PIXELS = "pixels"
    """A whole number of CSS pixels, 1 or more."""
    COUNT = "count"
    """A whole number, 1 or more."""
    STRATEGIES = "strategies"
    """One entry or a list of them, each a phrase of `catalogue/strategies.py`: `popular in: shoes/trail`."""
    FILTER = "filter"
    """What products must be, or a list: `in stock`, an id, `products in cart`, `price: at most 50`, `brand: North`."""
    BOOST = "boost"
    """A list of what moves up or down, each with how far: `brand: Northwind` and `by: a lot`."""
    PIN = "pin"
    """A list of products, each with its place: `product: SKU-1042` and `at: 3`."""
    FILE = "file"
    """The name of a file in the rule folder, without its ending."""


@dataclass(frozen=True, slots=True)
class ShowKey:
    """One key that an editor may write under a kind of `show:`."""

    name: str
    kind: KeyKind
    help: str
    example: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class SlotKind:
    """One kind of fill: the word under `show:`, what it is, and its keys in the order in which a form shows them."""

    name: str
    help: str
    keys: tuple[ShowKey, ...]


SLOT_KINDS: tuple[SlotKind, ...] = (
    SlotKind(
        "banner",
        "A message with an optional picture and button; or the name of an HTML file in `banners/`.",
        (
            ShowKey("title", KeyKind.TEXT, "the headline", '"{first name|Hello}, your early access is open"', True),
            ShowKey("text", KeyKind.TEXT, "a sentence under the headline", "24 hours before everyone else."),
            ShowKey("button", KeyKind.TEXT, "the words on the button; needs a link", "Shop the sale"),
            ShowKey("link", KeyKind.LINK, "where the button, or else the headline, leads", "/sale"),
            ShowKey("image", KeyKind.LINK, "address of the picture", "/img/bf-vip.avif"),
            ShowKey("alt", KeyKind.TEXT, "the picture in words; leave out when decoration", "Gift box on a dark table"),
            ShowKey("image width", KeyKind.PIXELS, "width of the picture file", "1200"),
            ShowKey("image height", KeyKind.PIXELS, "height of the picture file", "480"),
        ),
    ),
    SlotKind(
        "products",
        "A row of products as cards.",
        (
            ShowKey("title", KeyKind.TEXT, "the heading over the row", "Goes well with your cart"),
            ShowKey("strategy", KeyKind.STRATEGIES, "where products come from, best first", "popular in: shoes", True),
            ShowKey("count", KeyKind.COUNT, "how many products at most; 4 unless said", "4"),
            ShowKey("at least", KeyKind.COUNT, "with fewer products the next rule is shown; 1 unless said", "3"),
            ShowKey("only", KeyKind.FILTER, "leaves out products that do not fit", "in stock"),
            ShowKey("never", KeyKind.FILTER, "products that are never shown here", "[BUN-4, products in cart]"),
            ShowKey("boost", KeyKind.BOOST, "what comes further up", "{brand: Northwind, by: a little}"),
            ShowKey("bury", KeyKind.BOOST, "what comes further down", "{tag: end of line, by: a lot}"),
            ShowKey("pin", KeyKind.PIN, "products that stand at a place", "{product: SKU-1042, at: 1}"),
            ShowKey("most per brand", KeyKind.COUNT, "how many of one brand at most", "2"),
            ShowKey("most per category", KeyKind.COUNT, "how many of one category at most", "2"),
            ShowKey("card", KeyKind.FILE, "a file in `cards/` that draws one product", "wide"),
        ),
    ),
)


def stylesheet(declared: Iterable[DeclaredSlot]) -> bytes:
    """The CSS of the built-in forms and the declared sizes; ASCII, deterministic."""
    sizes = [rule for slot in sorted(declared, key=lambda slot: slot.name) if (rule := _size(slot))]
    return "\n".join([_BASE.strip(), *sizes, ""]).encode("ascii")


def _orders() -> bytes:
    """The CSS of positions in lists. Elements that scripts add to a list come last."""
    added = f"[data-tb-order]~:not([data-tb-order]){{order:{MOST_ORDERED + 1}}}"
    places = (f'[data-tb-order="{n}"]{{order:{n}}}' for n in range(1, MOST_ORDERED + 1))
    return "\n".join([added, *places, ""]).encode("ascii")


ORDER_STYLESHEET = _orders()
"""A stylesheet of its own: which lists a page may have is known only when all rules are read."""


def stylesheet_url(css: bytes) -> str:
    """The path of the stylesheet, with a hash of its content, so that it may be cached for ever."""
    return f"/_tb/style.{hashlib.blake2b(css, digest_size=8).hexdigest()}.css"


def _size(slot: DeclaredSlot) -> str:
    if not slot.size_class:
        return ""
    rules = []
    if slot.height is not None:
        rules.append(f".{slot.size_class}{{block-size:{slot.height}px}}")
    if slot.phone_height is not None:
        rules.append(f"@media (max-width:{PHONE_WIDTH}px){{.{slot.size_class}{{block-size:{slot.phone_height}px}}}}")
    return "\n".join(rules)


# Colours are inherited or mixed from the page's own, so that a banner fits any shop. A fill with a declared size is cut
# off, so that it does not move what follows.
_BASE = """
[class*="tb-size-"]{overflow:hidden;box-sizing:border-box}
[class*="tb-size-"]>.tb-banner{block-size:100%}
.tb-banner,.tb-products{overflow-wrap:anywhere}
:where([class^="tb-banner-"],.tb-products-title,.tb-card-brand,.tb-card-title){unicode-bidi:plaintext;\
text-align:match-parent;text-align:-webkit-match-parent}
.tb-banner{position:relative;display:grid;grid-template-columns:1fr;align-items:center;overflow:hidden;\
box-sizing:border-box;border-radius:var(--tb-radius,12px);\
background:var(--tb-background,color-mix(in srgb,currentColor 8%,transparent))}
.tb-banner-picture{grid-area:1/1;inline-size:100%;block-size:100%;min-block-size:0;object-fit:cover;display:block}
.tb-banner-body{grid-area:1/1;position:relative;padding:clamp(1rem,4vw,2.5rem);max-inline-size:36rem}
.tb-banner-picture+.tb-banner-body{margin:1rem;padding:clamp(1rem,3vw,2rem);\
border-radius:var(--tb-radius,12px);background:var(--tb-panel,rgba(255,255,255,.92));color:var(--tb-ink,#1a1a1a)}
.tb-banner-title{margin:0 0 .4em;font-size:clamp(1.25rem,3vw,2rem);line-height:1.15}
.tb-banner-title a{color:inherit}
.tb-banner-text{margin:0 0 1em}
.tb-banner-text:last-child{margin-bottom:0}
.tb-banner-button{display:inline-block;padding:.7em 1.2em;border-radius:var(--tb-radius,8px);font-weight:600;\
text-decoration:none;background:var(--tb-accent,#1a1a1a);color:var(--tb-on-accent,#fff)}
.tb-banner-button:focus-visible,.tb-card-link:focus-visible{outline:3px solid currentColor;outline-offset:2px}
.tb-products{padding-block:clamp(1.5rem,4vw,3.5rem) .5rem}
.tb-products-title{margin:0 0 1.25rem;font-size:clamp(1.25rem,2.5vw,1.7rem)}
.tb-cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(10rem,100%),1fr));gap:clamp(1rem,2vw,1.5rem);\
margin:0;padding:0;list-style:none}
.tb-card{max-inline-size:20rem}
.tb-card-link{display:block;color:inherit;text-decoration:none}
.tb-card-picture{display:block;inline-size:100%;block-size:auto;aspect-ratio:1;object-fit:cover;\
border-radius:var(--tb-radius,8px);background:color-mix(in srgb,currentColor 6%,transparent)}
.tb-card-brand,.tb-card-title,.tb-card-price{display:block}
.tb-card-brand{margin-block-start:.5rem;font-size:.8em;opacity:.75}
.tb-card-title{font-weight:600}
.tb-card-was{opacity:.7}
"""
