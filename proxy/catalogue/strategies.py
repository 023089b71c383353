"""Strategies: where the products of a row come from. One row of `STRATEGIES` a phrase.

An editor lists them best first; each is asked in turn until the row is full. A strategy here needs no behaviour: the
same catalogue gives the same row, so a row is drawn once, when rules are published.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from proxy.diagnostics import did_you_mean
from proxy.errors import EditorError
from proxy.model import Product

DEFAULT_COUNT = 4
IN_STOCK = "in stock"
EVERYTHING = "everything"

Select = Callable[[Sequence[Product], Sequence[str]], Iterable[Product]]


@dataclass(frozen=True, slots=True)
class Strategy:
    """`select` gives the products that answer the words an editor wrote after the phrase, best first."""

    phrase: str
    help: str
    example: str
    select: Select


@dataclass(frozen=True, slots=True)
class Source:
    """One line of an editor's list: a strategy and the words after it."""

    strategy: Strategy
    words: tuple[str, ...]


def _chosen(products: Sequence[Product], words: Sequence[str]) -> Iterable[Product]:
    by_id = {product.id: product for product in products}
    return [by_id[word] for word in words if word in by_id]


def _in_category(products: Sequence[Product], words: Sequence[str]) -> Iterable[Product]:
    return [product for product in products if any(is_within(product.category, word) for word in words)]


def _with_tag(products: Sequence[Product], words: Sequence[str]) -> Iterable[Product]:
    wanted = _folded(words)
    return [product for product in products if wanted & _folded(product.tags)]


def _of_brand(products: Sequence[Product], words: Sequence[str]) -> Iterable[Product]:
    wanted = _folded(words)
    return [product for product in products if product.brand.casefold() in wanted]


def _popular(products: Sequence[Product], words: Sequence[str]) -> Iterable[Product]:
    wanted = products if EVERYTHING in _folded(words) else _in_category(products, words)
    return sorted(wanted, key=lambda product: -product.popularity)


STRATEGIES: tuple[Strategy, ...] = (
    Strategy("chosen", "exactly these products, in this order", "[SKU-1042, BUN-4]", _chosen),
    Strategy(
        "in category", "products of a category and those within it, in catalogue order", "shoes/trail", _in_category
    ),
    Strategy("with tag", "products that carry the tag, in catalogue order", "bestseller", _with_tag),
    Strategy("of brand", "products of the brand, in catalogue order", "Northwind", _of_brand),
    Strategy("popular in", "the best selling of a category, or of `everything`", "everything", _popular),
)


def source(phrase: str, words: Sequence[str]) -> Source:
    """What an editor wrote as `phrase: words`. Raises `EditorError` for a phrase that is not in the table."""
    for strategy in STRATEGIES:
        if strategy.phrase == phrase:
            return Source(strategy, tuple(words))
    raise EditorError(
        f'I do not know the strategy "{phrase}"',
        help=did_you_mean(phrase, [strategy.phrase for strategy in STRATEGIES]),
    )


def choose(
    products: Sequence[Product],
    sources: Iterable[Source],
    *,
    count: int = DEFAULT_COUNT,
    only_in_stock: bool = False,
    never: Collection[str] = (),
) -> tuple[Product, ...]:
    """The first `count` different products that the sources give, asked in order; fewer when they run out."""
    allowed = [p for p in products if p.id not in never and (p.in_stock or not only_in_stock)]
    row: dict[str, Product] = {}
    for source in sources:
        for product in source.strategy.select(allowed, source.words):
            row.setdefault(product.id, product)
            if len(row) == count:
                return tuple(row.values())
    return tuple(row.values())


def is_within(category: str, wanted: str) -> bool:
    """True for the category itself and what lies below it: `shoes/trail` is within `shoes`."""
    category, wanted = category.casefold(), wanted.casefold().strip("/")
    return category == wanted or category.startswith(wanted + "/")


def _folded(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.casefold() for word in words)
