"""Strategies: where the products of a row come from. One row of `STRATEGIES` a phrase.

An editor lists them best first; each is asked in turn until the row is full (`rows.py`). One that knows too little
gives nothing and the next is asked, so a stranger is shown what is popular rather than what chance put together. Each
can say why it gave a product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from proxy.catalogue.candidates import (
    Select,
    also_viewed,
    buy_again,
    chosen,
    for_cart,
    for_you,
    for_you_now,
    goes_with,
    in_category,
    instead_of,
    of_brand,
    ranked,
    recently_viewed,
    together,
    with_tag,
)
from proxy.catalogue.shop import Shop
from proxy.catalogue.strategy_context import IN_CART, OF_HISTORY, OF_PAGE, StrategyContext
from proxy.catalogue.walk import path_text
from proxy.diagnostics import many

Explain = Callable[[StrategyContext, Sequence[str], str], str]
"""The reason why a strategy gave a product, in a line, with its counts."""


def constant(text: str) -> Explain:
    return lambda context, words, product: text


def because_bought(context: StrategyContext, words: Sequence[str], product: str) -> str:
    support = context.shop.baskets.support(context.products(words or (IN_CART,)), product)
    if support is None:
        return f"bought with none of them yet; {because_popular(context, words, product)}"
    return f"{support.together} of {support.buyers} buyers of {context.title(support.product)} also bought it"


def because_viewed(context: StrategyContext, words: Sequence[str], product: str) -> str:
    visit = context.products(words) if words else [*context.shopper.visit, *([context.here] if context.here else [])]
    way = context.shop.walk.path_to(visit, product)
    if way is None:
        return "looked at before"
    names = {one: context.title(one) for one in (way.start, way.via, product)}
    return path_text(way, product, names)


def because_popular(context: StrategyContext, words: Sequence[str], product: str) -> str:
    bought, lately = context.shop.baskets.bought(product), context.shop.baskets.bought_lately(product)
    if not bought:
        return "as the catalogue ranks it"
    aged = f", which count as {lately:.1f} of today" if lately < 0.95 * bought else ""
    return f"in {many(bought, 'order')}{aged}"


def because_trending(context: StrategyContext, words: Sequence[str], product: str) -> str:
    return f"looked at {context.shop.covisits.recent_clicks(product):.0f} times lately"


def because_again(context: StrategyContext, words: Sequence[str], product: str) -> str:
    count = context.shopper.bought.get(product, 0)
    return f"bought {many(count, 'time')} before"


def because_liked(context: StrategyContext, words: Sequence[str], product: str) -> str:
    known = context.shop.products.get(product)
    if known:
        for kind, name, shares in (
            ("brand", known.brand, context.shopper.brands),
            ("category", known.category, context.shopper.categories),
        ):
            if share := shares.get(name.casefold(), 0.0):
                return f"{share:.0%} of what they did was of {kind} {name}"
    return "others who looked at the same looked at it"


@dataclass(frozen=True, slots=True)
class Strategy:
    """`select` gives ids of products, best first, for the words an editor wrote after the phrase; `explain` says why
    one is among them. `takes` is what the words are; with `may_be_bare`, none need be there. `is_personal`: it knows
    nothing of a stranger, and nothing else may stand in for it. `depends_on_orders`: each order may change what it
    gives. `is_learnt`: it gives nothing until visitors have looked at enough, or bought it."""

    phrase: str
    help: str
    example: str
    select: Select
    explain: Explain
    takes: Literal["products", "categories", "tags", "brands", "nothing"] = "categories"
    may_be_bare: bool = False
    reads_history: bool = False
    is_personal: bool = False
    depends_on_orders: bool = False
    is_learnt: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One line of an editor's list: a strategy and the words after it."""

    strategy: Strategy
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.strategy.phrase}: {', '.join(self.words)}" if self.words else self.strategy.phrase

    @property
    def reads_history(self) -> bool:
        """True when it gives one visitor something else than another."""
        return self.strategy.reads_history or not OF_HISTORY.isdisjoint(self.words)

    @property
    def reads_page(self) -> bool:
        """True when it gives something else on another page."""
        return not OF_PAGE.isdisjoint(self.words)


STRATEGIES: tuple[Strategy, ...] = (
    Strategy(
        "chosen",
        "exactly these products, in this order",
        "[SKU-1042, BUN-4]",
        chosen,
        constant("chosen by the editor"),
        takes="products",
    ),
    Strategy(
        "in category",
        "products of a category and those within it, in catalogue order",
        "shoes/trail",
        in_category,
        constant("of the category"),
    ),
    Strategy(
        "with tag",
        "products that carry the tag, in catalogue order",
        "bestseller",
        with_tag,
        constant("has the tag"),
        takes="tags",
    ),
    Strategy(
        "of brand",
        "products of the brand, in catalogue order",
        "Northwind",
        of_brand,
        constant("of the brand"),
        takes="brands",
    ),
    Strategy(
        "popular in",
        "what sells best lately in a category, in `categories in cart`, `this category`, or in `everything`",
        "everything",
        ranked(Shop.popular),
        because_popular,
    ),
    Strategy(
        "trending in",
        "what is looked at lately, more than before, in a category or in `everything`",
        "everything",
        ranked(Shop.trending),
        because_trending,
        is_learnt=True,
    ),
    Strategy(
        "new in",
        "what came last, by `added` or the tag `new`",
        "everything",
        ranked(Shop.newest),
        constant("new in the shop"),
    ),
    Strategy(
        "bought together with",
        "what buyers of these bought with them more often than by chance: `products in cart`, `this product`, or ids",
        "products in cart",
        together,
        because_bought,
        takes="products",
        depends_on_orders=True,
        is_learnt=True,
    ),
    Strategy(
        "goes with",
        "complements: bought together, and of another category",
        "this product",
        goes_with,
        because_bought,
        takes="products",
        depends_on_orders=True,
        is_learnt=True,
    ),
    Strategy(
        "instead of",
        "substitutes: looked at beside it, of the same category, and not bought with it",
        "this product",
        instead_of,
        because_viewed,
        takes="products",
        is_learnt=True,
    ),
    Strategy(
        "also viewed with",
        "what visitors who looked at these looked at too, and what others did beside that",
        "this product",
        also_viewed,
        because_viewed,
        takes="products",
        is_learnt=True,
    ),
    Strategy(
        "for this cart",
        "what the cart most likely lacks, whether surprising or not",
        "",
        for_cart,
        because_bought,
        takes="nothing",
        depends_on_orders=True,
        may_be_bare=True,
        reads_history=True,
    ),
    Strategy(
        "for you now",
        "what the visitor will likely look at next, from this visit alone",
        "",
        for_you_now,
        because_viewed,
        takes="nothing",
        may_be_bare=True,
        reads_history=True,
    ),
    Strategy(
        "for you",
        "by the brands and categories the visitor likes, and by what others like them looked at",
        "",
        for_you,
        because_liked,
        takes="nothing",
        may_be_bare=True,
        reads_history=True,
    ),
    Strategy(
        "recently viewed",
        "what the visitor looked at, the latest first",
        "",
        recently_viewed,
        constant("looked at before"),
        takes="nothing",
        may_be_bare=True,
        reads_history=True,
        is_personal=True,
    ),
    Strategy(
        "buy again",
        "what the visitor bought, the most often bought first",
        "",
        buy_again,
        because_again,
        takes="nothing",
        may_be_bare=True,
        reads_history=True,
        is_personal=True,
    ),
)
BY_PHRASE = {strategy.phrase: strategy for strategy in STRATEGIES}


def source(phrase: str, words: Sequence[str]) -> Source:
    """The line `phrase: words`, of a phrase that is in the table."""
    return Source(BY_PHRASE[phrase], tuple(words))
