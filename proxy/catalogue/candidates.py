"""How each strategy finds products: ids, best first, for the words an editor wrote after its phrase. What knows too
little gives nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from proxy.catalogue.asking import Asking
from proxy.catalogue.hub import is_within

Select = Callable[[Asking, Sequence[str]], Sequence[str]]

MOST = 100
"""Of a strategy, no more products are looked at."""
LEAST_TOGETHER = 2
"""A pair that was bought together less often is chance."""


# -- what is written in the catalogue


def chosen(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    return ask.products(words)


def in_category(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    categories = ask.categories(words)
    return ask.shop.listed(
        ("in category", *categories), lambda product: any(is_within(product.category, name) for name in categories)
    )


def with_tag(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    wanted = folded(words)
    return ask.shop.listed(("with tag", *words), lambda product: not wanted.isdisjoint(folded(product.tags)))


def of_brand(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    wanted = folded(words)
    return ask.shop.listed(("of brand", *words), lambda product: product.brand.casefold() in wanted)


# -- what others did


def ranked(name: str) -> Select:
    """A list of the shop, of one category or in turn of several."""

    def select(ask: Asking, words: Sequence[str]) -> Sequence[str]:
        ranked = [getattr(ask.shop, name)(category) for category in ask.categories(words)]
        return ranked[0] if len(ranked) == 1 else in_turn(ranked)

    return select


def in_turn(lists: Sequence[Sequence[str]]) -> list[str]:
    """The best of each, then the second of each, and so on."""
    most = min(max(map(len, lists), default=0), MOST)
    return [found[place] for place in range(most) for found in lists if place < len(found)]


def together(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    products = ask.products(words)
    found = ask.shop.baskets.together(products, MOST)
    return [product for product in found if support(ask, products, product) >= LEAST_TOGETHER]


def support(ask: Asking, products: Sequence[str], product: str) -> int:
    support = ask.shop.baskets.support(products, product)
    return support.together if support else 0


def for_cart(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    return ask.shop.baskets.for_cart(ask.shopper.cart, MOST) if ask.shopper.cart else ()


def also_viewed(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    return in_turn([ask.shop.covisits.row(product).products for product in ask.products(words)])


def instead_of(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    """Substitutes: looked at beside it, of the same category, and not bought with it."""
    return [
        other
        for product in ask.products(words)
        for other in ask.shop.covisits.row(product).products
        if other != product and shelf_of(ask, other) == shelf_of(ask, product)
        if ask.shop.baskets.lift(product, other) < 1
    ]


def goes_with(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    """Complements: bought with it, and of another category."""
    products = ask.products(words)
    shelves = {shelf_of(ask, product) for product in products}
    return [other for other in together(ask, words) if not (shelf := shelf_of(ask, other)) or shelf not in shelves]


def shelf_of(ask: Asking, product: str) -> str:
    """Its category, as compared; "" for none."""
    known = ask.shop.hub.get(product)
    return known.category.casefold() if known else ""


# -- what the visitor did


def for_you_now(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    visit = (*ask.shopper.visit, ask.here) if ask.here and ask.here not in ask.shopper.visit[-1:] else ask.shopper.visit
    return ask.shop.walk.next_products(visit, MOST, leave_out=(ask.here,)) if visit else ()


def recently_viewed(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    return [product for product in ask.shopper.viewed if product != ask.here]


def buy_again(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    bought = ask.shopper.bought
    places = {product: place for place, product in enumerate(bought)}
    return sorted(bought, key=lambda product: (bought[product], places[product]), reverse=True)


def for_you(ask: Asking, words: Sequence[str]) -> Sequence[str]:
    """By the brands and categories they like, and by where others who looked at the same went."""
    shopper, hub = ask.shopper, ask.shop.hub
    liked = sorted(shopper.categories, key=shopper.categories.__getitem__, reverse=True)[:3]
    score = ask.shop.walk.scores([*reversed(list(shopper.bought)[-5:]), *reversed(shopper.viewed[:10])])
    most = max(score.values(), default=1.0)
    score = {product: value / most for product, value in score.items()}
    for category in liked:
        for place, product in enumerate(ask.shop.popular(category)[:MOST]):
            score[product] = score.get(product, 0.0) + shopper.categories[category] * (1 - place / MOST)
    for product in score:
        known = hub.get(product)
        if known and known.brand:
            score[product] *= 1 + shopper.brands.get(known.brand.casefold(), 0.0)
    return sorted(score, key=score.__getitem__, reverse=True)[:MOST]


def folded(words: Iterable[str]) -> frozenset[str]:
    """The words as they are compared."""
    return frozenset(word.casefold() for word in words)
