"""Which feed each value of a product is from, when several feeds have the product.

Feeds count as if imported one after another: a later one replaces the values of earlier ones, field by field. The
replaced values are given too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from proxy.catalogue.feeds import OWN_FIELDS, find_row
from proxy.catalogue.products import Fields, Unreadable, product_of
from proxy.conditions.localtime import utc_minute
from proxy.model import Product


@dataclass(frozen=True, slots=True)
class FeedValue:
    """The value in one feed: the file, the field (of stock, the fields), and the value that follows."""

    file: str
    line: int
    word: str
    value: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} `{self.word}`"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a product: the value that counts, the feed value it is from (`said`; None for a default), and those
    of `others`, the latest first."""

    name: str
    value: str
    said: FeedValue | None = None
    others: tuple[FeedValue, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """All facts of a product; `faults` are those of its rows that were left out, each with its place."""

    facts: tuple[Fact, ...]
    faults: tuple[str, ...] = ()


def facts_of(product_id: str, feeds: Mapping[str, bytes], *, currency: str = "") -> ProductFacts | None:
    """What is known, by the feeds' names and bytes; None when none has the product."""
    rows: list[tuple[str, int, Fields, Product]] = []
    faults: list[str] = []
    for name, data in feeds.items():
        row = find_row(data, product_id)
        if row is None:
            continue
        try:
            rows.append((name, *row, product_of(row[1], lambda *_: None, currency=currency)))
        except Unreadable as error:
            faults.append(f"{name}:{row[0]}: left out: {error.what}")
    if not rows and not faults:
        return None
    return ProductFacts(tuple(_fact(*each, rows) for each in _FACTS), tuple(faults))


def _fact(
    name: str,
    fields: Sequence[str],
    text: Callable[[Product], str],
    default: str,
    rows: Sequence[tuple[str, int, Fields, Product]],
) -> Fact:
    values = list(_feed_values(fields, text, rows))
    if not values:
        return Fact(name, default)
    return Fact(name, values[-1].value, values[-1], tuple(reversed(values[:-1])))


def _feed_values(
    fields: Sequence[str], text: Callable[[Product], str], rows: Sequence[tuple[str, int, Fields, Product]]
) -> Iterator[FeedValue]:
    for file, line, found, product in rows:
        present = [field for field in fields if found.get(field) not in (None, "", [])]
        if present:
            yield FeedValue(file, line, "` and `".join(present if fields is _STOCK else present[:1]), text(product))


def _money(amount: float, currency: str) -> str:
    return f"{amount:.2f} {currency}".rstrip()


def _sale(product: Product) -> str:
    if not product.sale_price:
        return "none that makes sense"
    text = _money(product.sale_price, product.currency)
    begins, ends = (utc_minute(at) if abs(at) < inf else "" for at in (product.sale_from, product.sale_until))
    return text + (f" from {begins}" if begins else "") + (f" until {ends}" if ends else "")


_STOCK = OWN_FIELDS["in_stock"]
_FACTS: tuple[tuple[str, Sequence[str], Callable[[Product], str], str], ...] = (
    ("title", ("title",), lambda product: product.title, "-"),
    ("link", ("link",), lambda product: product.link, "-"),
    ("price", ("price",), lambda product: _money(product.price, product.currency), "none is shown"),
    ("sale price", OWN_FIELDS["sale_price"], _sale, "-"),
    (
        "other prices",
        OWN_FIELDS["prices"],
        lambda product: ", ".join(_money(amount, name) for name, amount in product.prices),
        "-",
    ),
    ("in stock", _STOCK, lambda product: "yes" if product.in_stock else "no", "yes, for want of a word"),
    ("category", OWN_FIELDS["category"], lambda product: product.category, "-"),
    ("brand", OWN_FIELDS["brand"], lambda product: product.brand, "-"),
    ("tags", OWN_FIELDS["tags"], lambda product: ", ".join(sorted(product.tags)), "-"),
    ("picture", OWN_FIELDS["image"], lambda product: product.image or "none that makes sense", "none is shown"),
    (
        "its size",
        OWN_FIELDS["image_width"],
        lambda product: f"{product.image_width} x {product.image_height} pixels",
        "not known: cards keep a square free",
    ),
    ("group", OWN_FIELDS["group"], lambda product: product.group, "-"),
    ("popularity", OWN_FIELDS["popularity"], lambda product: f"{product.popularity:g}", "0"),
    ("added", OWN_FIELDS["added_at"], lambda product: utc_minute(product.added_at) if product.added_at else "?", "-"),
)
