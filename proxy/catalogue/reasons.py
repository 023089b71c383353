"""Why a strategy gave a product, in a line, with true counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proxy.catalogue.asking import IN_CART, Asking
from proxy.catalogue.walk import way_text

Because = Callable[[Asking, Sequence[str], str], str]


def said(text: str) -> Because:
    return lambda ask, words, product: text


def because_bought(ask: Asking, words: Sequence[str], product: str) -> str:
    support = ask.shop.baskets.support(ask.products(words or (IN_CART,)), product)
    if support is None:
        return "often bought"
    return f"{support.together} of {support.buyers} buyers of {ask.title(support.product)} also bought it"


def because_viewed(ask: Asking, words: Sequence[str], product: str) -> str:
    visit = ask.products(words) if words else [*ask.shopper.visit, *([ask.here] if ask.here else [])]
    way = ask.shop.walk.way(visit, product)
    if way is None:
        return "looked at before"
    names = {one: ask.title(one) for one in (way.start, way.via, product)}
    return way_text(way, product, names)


def because_popular(ask: Asking, words: Sequence[str], product: str) -> str:
    bought = ask.shop.baskets.bought(product)
    return f"in {bought} orders" if bought else "as the catalogue ranks it"


def because_trending(ask: Asking, words: Sequence[str], product: str) -> str:
    return f"looked at {ask.shop.covisits.lately(product):.0f} times lately"


def because_again(ask: Asking, words: Sequence[str], product: str) -> str:
    count = ask.shopper.bought.get(product, 0)
    return f"bought {count} time{'s' if count != 1 else ''} before"


def because_liked(ask: Asking, words: Sequence[str], product: str) -> str:
    known = ask.shop.hub.get(product)
    if known:
        for kind, name, shares in (
            ("brand", known.brand, ask.shopper.brands),
            ("category", known.category, ask.shopper.categories),
        ):
            if share := shares.get(name.casefold(), 0.0):
                return f"{share:.0%} of what they did was of {kind} {name}"
    return "others who looked at the same looked at it"
