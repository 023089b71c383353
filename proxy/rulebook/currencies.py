"""Checks that amounts of money in conditions are in the shop's currency: nothing is converted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from proxy.decide.conjunctions import facts_of
from proxy.diagnostics import Finding
from proxy.model import Between, Condition, Fact, Product

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
