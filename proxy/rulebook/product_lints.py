"""What conditions say of products that the catalogue does not: categories, brands and products that the shop does not
sell (a rule for the category `shoos` would never match), and amounts in another currency than the shop's.

The former are warnings, since a visitor's history may have products that the catalogue no longer has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from proxy.decide.conjunctions import facts_of
from proxy.diagnostics import Finding, did_you_mean
from proxy.model import Between, Condition, Fact, NotOneOf, OneOf, Place, Product, Reading
from proxy.rulebook.assortment import Assortment

ASKED_OF = ("product", "category", "brand")
ALL_OF_ONE = (Reading.CART, Reading.SET, Reading.LATEST, Reading.FAVOURITE)
"""Readings whose value is itself a product, a category or a brand."""

MOST_NEAREST = 20
MOST_LOOKED_AT = 5_000
"""Of how many names the nearest is looked for, and among how many: that takes 7 ms each, and a publish waits for it."""


def asked_and_not_sold(conditions: Iterable[Condition], catalogue: Assortment) -> Iterator[Finding]:
    """R502, once for each name that no product has; nothing without a catalogue."""
    told: set[tuple[str, str]] = set()
    for fact in (fact for condition in conditions if catalogue for fact in facts_of(condition)):
        for by, name in _asked(fact):
            if name.casefold().strip("/") not in (sold := catalogue.names[by]) and (by, name) not in told:
                told.add((by, name))
                known = [*sold.values()] if len(told) <= MOST_NEAREST else []
                yield not_sold(by, as_written(name, fact.text), fact.place, known)


def not_sold(by: str, name: str, place: Place, known: Sequence[str]) -> Finding:
    """R502 for a name that no product has; `known` are those that some have."""
    what = f'there is no product "{name}"' if by == "product" else f'no product\'s {by} is "{name}"'
    help = str(did_you_mean(name, known)) if 0 < len(known) <= MOST_LOOKED_AT else "write it as the catalogue does"
    return Finding("R502", what, place, help, is_warning=True)


def as_written(name: str, line: str) -> str:
    """A name of a fact, which is kept in small letters, as it stands in its line."""
    at = line.casefold().find(name)
    return line[at : at + len(name)] if at >= 0 else name


def _asked(fact: Fact) -> Iterator[tuple[str, str]]:
    measure = fact.measure
    if measure is None:
        return
    tests = [*measure.where]
    if measure.reading in ALL_OF_ONE:
        tests.append((measure.of, fact.test))
    for by, test in tests:
        if by in ASKED_OF and isinstance(test, (OneOf, NotOneOf)):
            yield from ((by, name) for name in sorted(test.values))


SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}
_CODE = re.compile(r"[A-Z]{3}")


def other_currencies(conditions: Iterable[Condition], catalogue: Sequence[Product]) -> Iterator[Finding]:
    """R311 for each amount that is not in the shop's currency: that of most products, else of most amounts."""
    priced = [(fact, code) for condition in conditions for fact in facts_of(condition) if (code := _currency(fact))]
    prices = Counter(product.currency for product in catalogue if product.currency)
    codes = prices or Counter(code for _, code in priced)
    shop = max(codes, key=lambda code: (codes[code], code), default="")
    told = set()
    for fact, code in priced:
        if code != shop and fact.place not in told:
            told.add(fact.place)
            what, whose = f"this amount is in {code}", "products are" if prices else "others are"
            help = f"amounts are not converted: write it in {shop}"
            yield Finding("R311", f"{what}, and {whose} in {shop}", fact.place, help)


def _currency(fact: Fact) -> str:
    unit = fact.test.unit if isinstance(fact.test, Between) else ""
    return SIGNS.get(unit) or (unit if _CODE.fullmatch(unit) else "")
