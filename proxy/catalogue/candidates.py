"""How each strategy finds products: ids, best first, for the words an editor wrote after its phrase. What knows too
little gives nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from proxy.catalogue.product_index import is_within
from proxy.catalogue.shop import Shop
from proxy.catalogue.strategy_context import StrategyContext

Select = Callable[[StrategyContext, Sequence[str]], Sequence[str]]

MOST = 100
"""Of a strategy, no more products are looked at."""
LEAST_TOGETHER = 2
"""A pair that was bought together less often is chance."""


# -- what is written in the catalogue


def chosen(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    return context.products(words)


def in_category(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    categories = context.categories(words)
    return context.shop.listed(
        ("in category", *categories), lambda product: any(is_within(product.category, name) for name in categories)
    )


def with_tag(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    wanted = folded(words)
    return context.shop.listed(("with tag", *words), lambda product: not wanted.isdisjoint(folded(product.tags)))


def of_brand(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    wanted = folded(words)
    return context.shop.listed(("of brand", *words), lambda product: product.brand.casefold() in wanted)


# -- what others did


def ranked(rank: Callable[[Shop, str], Sequence[str]]) -> Select:
    """A list of the shop, of one category or in turn of several."""

    def select(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
        ranked = [rank(context.shop, category) for category in context.categories(words)]
        return ranked[0] if len(ranked) == 1 else in_turn(ranked)

    return select


def in_turn(lists: Sequence[Sequence[str]]) -> list[str]:
    """The best of each, then the second of each, and so on."""
    most = min(max(map(len, lists), default=0), MOST)
    return [found[place] for place in range(most) for found in lists if place < len(found)]


def together(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    products = context.products(words)
    found = context.shop.baskets.together(products, MOST)
    return [product for product in found if support(context, products, product) >= LEAST_TOGETHER]


def support(context: StrategyContext, products: Sequence[str], product: str) -> int:
    support = context.shop.baskets.support(products, product)
    return support.together if support else 0


def for_cart(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    return context.shop.baskets.for_cart(context.shopper.cart, MOST) if context.shopper.cart else ()


def also_viewed(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    """What was looked at beside each of them, and beside that."""
    beside = context.shop.walk.next_products
    return in_turn([beside((product,), MOST, leave_out=(product,)) for product in context.products(words)])


def instead_of(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    """Substitutes: looked at beside it, of the same category, and not bought with it."""
    return [
        other
        for product in context.products(words)
        for other in context.shop.covisits.row(product).products
        if other != product and shelf_of(context, other) == shelf_of(context, product)
        if context.shop.baskets.lift(product, other) < 1
    ]


def goes_with(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    """Complements: bought with it, and of another category."""
    products = context.products(words)
    shelves = {shelf_of(context, product) for product in products}
    found = ((other, shelf_of(context, other)) for other in together(context, words))
    return [other for other, shelf in found if not shelf or shelf not in shelves]


def shelf_of(context: StrategyContext, product: str) -> str:
    """Its category, as compared; "" for none."""
    known = context.shop.products.get(product)
    return known.category.casefold() if known else ""


# -- what the visitor did


def for_you_now(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    visit, here = context.shopper.visit, context.here
    so_far = (*visit, here) if here and here not in visit[-1:] else visit
    return context.shop.walk.next_products(so_far, MOST, leave_out=(here,)) if so_far else ()


def recently_viewed(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    return [product for product in context.shopper.viewed if product != context.here]


def buy_again(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    bought = context.shopper.bought
    places = {product: place for place, product in enumerate(bought)}
    return sorted(bought, key=lambda product: (bought[product], places[product]), reverse=True)


def for_you(context: StrategyContext, words: Sequence[str]) -> Sequence[str]:
    """By the brands and categories they like, and by where others who looked at the same went."""
    shopper, hub = context.shopper, context.shop.products
    liked = sorted(shopper.categories, key=shopper.categories.__getitem__, reverse=True)[:3]
    score = context.shop.walk.scores([*reversed(list(shopper.bought)[-5:]), *reversed(shopper.viewed[:10])])
    most = max(score.values(), default=1.0)
    score = {product: value / most for product, value in score.items()}
    for category in liked:
        for place, product in enumerate(context.shop.popular(category)[:MOST]):
            score[product] = score.get(product, 0.0) + shopper.categories[category] * (1 - place / MOST)
    for product in score:
        known = hub.get(product)
        if known and known.brand:
            score[product] *= 1 + shopper.brands.get(known.brand.casefold(), 0.0)
    return sorted(score, key=score.__getitem__, reverse=True)[:MOST]


def folded(words: Iterable[str]) -> frozenset[str]:
    """The words as they are compared."""
    return frozenset(word.casefold() for word in words)
