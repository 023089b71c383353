"""The reason why a strategy gave a product, in a line, with its counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proxy.catalogue.strategy_context import IN_CART, StrategyContext
from proxy.catalogue.walk import path_text

Explain = Callable[[StrategyContext, Sequence[str], str], str]


def constant(text: str) -> Explain:
    return lambda context, words, product: text


def because_bought(context: StrategyContext, words: Sequence[str], product: str) -> str:
    support = context.shop.baskets.support(context.products(words or (IN_CART,)), product)
    if support is None:
        return "often bought"
    return f"{support.together} of {support.buyers} buyers of {context.title(support.product)} also bought it"


def because_viewed(context: StrategyContext, words: Sequence[str], product: str) -> str:
    visit = context.products(words) if words else [*context.shopper.visit, *([context.here] if context.here else [])]
    way = context.shop.walk.path_to(visit, product)
    if way is None:
        return "looked at before"
    names = {one: context.title(one) for one in (way.start, way.via, product)}
    return path_text(way, product, names)


def because_popular(context: StrategyContext, words: Sequence[str], product: str) -> str:
    bought = context.shop.baskets.bought(product)
    return f"in {bought} orders" if bought else "as the catalogue ranks it"


def because_trending(context: StrategyContext, words: Sequence[str], product: str) -> str:
    return f"looked at {context.shop.covisits.recent_clicks(product):.0f} times lately"


def because_again(context: StrategyContext, words: Sequence[str], product: str) -> str:
    count = context.shopper.bought.get(product, 0)
    return f"bought {count} time{'s' if count != 1 else ''} before"


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
