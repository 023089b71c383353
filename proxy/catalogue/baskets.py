"""What is bought together: counts of products and of pairs in baskets (orders). Two rankings come of them:

* `together`: what goes with these products *more than chance would have it* (the log-likelihood ratio of Dunning,
  1993, so that neither the best seller of the shop nor a pair seen once comes first). Hot dogs bring mustard, not milk.
* `for_cart`: what this cart most likely lacks, whether surprising or not. For each candidate a small ridge regression
  on the products it is most surely bought with says how much each of these in the cart makes it likelier, beyond what
  the others there already say. Its inputs are the same counts, so it learns from each order as it comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from math import inf, log, sqrt
from operator import mul
from typing import TypeVar

from proxy.catalogue.decaying import DecayingCounts

Kept = TypeVar("Kept")

MAX_BASKET = 100
MAX_CART = 30
_PREDICTORS = 40
_MOST_RIDGE = 100.0
"""Of the regression, in baskets: a product in as few has half its weight. Where there are few baskets, a fiftieth."""
MEMORY_SECONDS = 42 * 86_400.0
"""What sells best is counted over so long. Of Diginetica's purchases 19.9 % are then among the first four of their
category, of a supermarket's 24.0 %; by counts of all time 19.2 % and 23.2 %."""
_CANDIDATES = 200
_MOST_PAIRS = 400
KEPT_PAIRS = 300
_MOST_CO_PURCHASES = 200
_MOST_LEARNT = 20_000
_LEARNT_AT_ONCE = 8
"""New regressions for an answer, 0.8 ms each. In a shop of 41,000 products an answer takes 13 ms at most so (p99), 156
without a limit; once 1,600 carts have asked, the hit rate is the same to four digits."""
_STALE = 1.1
_ONCE = 0.25
"""The weight of a pair that was seen once: it may well be chance, however rare both are."""


@dataclass(frozen=True, slots=True)
class Support:
    """Of `buyers` baskets with `product`, `together` held the recommended one too."""

    product: str
    together: int
    buyers: int


@dataclass(frozen=True, slots=True)
class _Learnt:
    """How a product's probability to be in a basket, by others there; calculated at `count` baskets."""

    base: float
    weights: dict[str, float]
    count: int

    def probability(self, cart: Sequence[str]) -> float:
        """How likely an order with these has it."""
        get = self.weights.get
        return self.base + sum([get(own, 0.0) for own in cart])


@dataclass(frozen=True, slots=True)
class _CoPurchases:
    """What a product goes with, best first; calculated at `count` baskets, `bought` of them with the product."""

    others: tuple[tuple[str, float], ...]
    bought: int
    count: int


class Baskets:
    """The counts. Memory is bounded by the number of products: 400 pairs each, the rarest go first."""

    def __init__(self) -> None:
        self.count = 0
        self._names: dict[str, str] = {}
        self._bought: dict[str, int] = {}
        self._lately = DecayingCounts(MEMORY_SECONDS)
        self._pairs: dict[str, dict[str, int]] = {}
        self._learnt: dict[str, _Learnt] = {}
        self._cached_co_purchases: dict[str, _CoPurchases] = {}
        self._popular: list[str] = []

    def __contains__(self, product: str) -> bool:
        return product in self._bought

    def __len__(self) -> int:
        return len(self._bought)

    # -- learning

    def add(self, products: Iterable[str], at: float | None = None) -> None:
        """Counts an order. Each product counts once; products beyond the first hundred do not count. One without a
        time counts as of just now."""
        basket = [self._names.setdefault(name, name) for name in list(dict.fromkeys(products))[:MAX_BASKET]]
        self.count += 1
        for product in basket:
            self._bought[product] = self._bought.get(product, 0) + 1
            self._lately.add(product, at)
            pairs = self._pairs.setdefault(product, {})
            for other in basket:
                if other is not product:
                    pairs[other] = pairs.get(other, 0) + 1
            if len(pairs) > _MOST_PAIRS:
                most = nlargest(KEPT_PAIRS, pairs, key=pairs.__getitem__)
                self._pairs[product] = {name: pairs[name] for name in most}
        self._popular = []

    def add_batch(self, product: str, others: Sequence[str], counts: Sequence[int]) -> None:
        """Adds what was counted in batch: in how many baskets the product was with each other product, and with itself
        (all its baskets). The caller raises `count`."""
        name = self._names.setdefault(product, product)
        pairs = self._pairs.setdefault(name, {})
        for told, count in zip(others, counts, strict=True):
            other = self._names.setdefault(told, told)
            if other is name:
                self._bought[name] = self._bought.get(name, 0) + count
                self._lately.add(name, None, count)
            else:
                pairs[other] = pairs.get(other, 0) + count
        self._popular = []

    # -- asking

    def bought(self, product: str) -> int:
        """In how many baskets the product was."""
        return self._bought.get(product, 0)

    def bought_lately(self, product: str) -> float:
        """The same, with older baskets counting less."""
        return self._lately.get(product)

    @property
    def latest_at(self) -> float:
        """When the last basket with a time was bought; 0 for none."""
        return self._lately.latest_at

    def popular(self) -> list[str]:
        """Every product, the most often bought first."""
        if not self._popular:
            self._popular = sorted(self._bought, key=self._bought.__getitem__, reverse=True)
        return self._popular

    def together(self, cart: Sequence[str], count: int = 20) -> list[str]:
        """What goes with the products of the cart beyond chance, best first; nothing of the cart itself."""
        score: dict[str, float] = {}
        for product in _distinct(cart):
            for other, ratio in self._co_purchases(product):
                score[other] = score.get(other, 0.0) + ratio
        return _best(score, cart, count)

    def for_cart(self, cart: Sequence[str], count: int = 20) -> list[str]:
        """What the cart most likely lacks, best first; filled up with what is bought most."""
        known = [product for product in _distinct(cart) if product in self._bought]
        candidates: dict[str, float] = {}
        for product in known:
            for other, both in self._pairs[product].items():
                candidates[other] = candidates.get(other, 0.0) + both / self._bought[product]
        wanted = dict.fromkeys([*_best(candidates, cart, _CANDIDATES), *self.popular()[: count + len(known)]])
        score = {product: learnt.probability(known) for product, learnt in self._learnt_of(wanted)}
        return _best(score, cart, count)

    def support(self, cart: Sequence[str], product: str) -> Support | None:
        """The product of the cart that speaks most for another, with its counts; None when they were never bought
        together."""
        found = [
            (self._ratio(own, product, both), Support(own, both, self._bought[own]))
            for own in _distinct(cart)
            if (both := self._pairs.get(own, {}).get(product, 0))
        ]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def lift(self, product: str, other: str) -> float:
        """How many times more often they are bought together than if they were independent."""
        both = self._pairs.get(product, {}).get(other, 0)
        return both * self.count / (self._bought[product] * self._bought[other]) if both else 0.0

    def _co_purchases(self, product: str) -> Sequence[tuple[str, float]]:
        """What it goes with, and how significantly; kept until a tenth more baskets came, or one with the product."""
        bought = self.bought(product)
        known = self._cached_co_purchases.get(product)
        if known is None or known.bought != bought or self.count > known.count * _STALE:
            ratios = {
                other: ratio if both > 1 else ratio * _ONCE
                for other, both in self._pairs.get(product, {}).items()
                if (ratio := self._ratio(product, other, both)) > 0
            }
            best = nlargest(_MOST_CO_PURCHASES, ratios, key=ratios.__getitem__)
            known = _CoPurchases(tuple((name, ratios[name]) for name in best), bought, self.count)
            _keep(self._cached_co_purchases, product, known)
        return known.others

    def _ratio(self, product: str, other: str, both: int) -> float:
        """The root of the log-likelihood ratio; 0 for pairs no more frequent than chance."""
        # One order more than there were, without either: else nothing would go with anything in a shop's first orders.
        mine, theirs, whole = self._bought[product], self._bought[other], self.count + 1
        if both * whole <= mine * theirs:
            return 0.0
        ratio = _xlogx(both) + _xlogx(mine - both) + _xlogx(theirs - both) + _xlogx(whole - mine - theirs + both)
        ratio -= _xlogx(mine) + _xlogx(whole - mine) + _xlogx(theirs) + _xlogx(whole - theirs) - _xlogx(whole)
        return sqrt(2 * max(ratio, 0.0))

    def _learnt_of(self, products: Iterable[str]) -> Iterator[tuple[str, _Learnt]]:
        """What is known of each. So that an answer takes milliseconds, few are learnt for it: of the others, what was
        learnt before counts, or they have to wait until they are wanted again."""
        rest = _LEARNT_AT_ONCE
        for product in products:
            learnt = self._learnt.get(product)
            if rest and (learnt is None or self.count > learnt.count * _STALE):
                learnt, rest = self._learn(product), rest - 1
            if learnt is not None:
                yield product, learnt

    def _learn(self, product: str) -> _Learnt:
        """Ridge regression of the product's presence on that of those it is most surely bought with."""
        bought, pairs, whole = self._bought, self._pairs, self.count
        mine = bought[product]
        covariance = {name: (both - mine * bought[name] / whole) / whole for name, both in pairs[product].items()}
        surely = {
            name: value / sqrt(bought[name] * (whole - bought[name]) or inf) for name, value in covariance.items()
        }
        others = nlargest(_PREDICTORS, surely, key=surely.__getitem__)
        ridge = min(_MOST_RIDGE, 1 + whole / 50) / whole
        shares = [bought[name] / whole for name in others]
        matrix: list[list[float]] = []
        for row, one in enumerate(others):
            share, get = shares[row], pairs[one].get
            matrix.append(
                [get(two, 0) / whole - share * other for two, other in zip(others[:row], shares, strict=False)]
            )
            matrix[row].append(share * (1 - share) + ridge)
        weights = _solved(matrix, [covariance[name] for name in others])
        base = mine / whole - sum(map(mul, weights, shares))
        learnt = _Learnt(base, dict(zip(others, weights, strict=True)), whole)
        _keep(self._learnt, product, learnt)
        return learnt


def _keep(kept: dict[str, Kept], product: str, one: Kept) -> None:
    if len(kept) >= _MOST_LEARNT:
        kept.pop(next(iter(kept)))
    kept[product] = one


def _solved(lower: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a symmetric, positive definite system, given its lower triangle (Cholesky's method)."""
    size = len(right)
    factor: list[list[float]] = []
    for row in range(size):
        done: list[float] = []
        for column in range(row):
            rest = lower[row][column] - sum(map(mul, done, factor[column]))
            done.append(rest / factor[column][column])
        done.append(sqrt(max(lower[row][row] - sum(map(mul, done, done)), 1e-12)))
        factor.append(done)
    solution: list[float] = []
    for row in range(size):
        solution.append((right[row] - sum(map(mul, factor[row], solution))) / factor[row][row])
    for row in range(size - 1, -1, -1):
        rest = solution[row] - sum([factor[below][row] * solution[below] for below in range(row + 1, size)])
        solution[row] = rest / factor[row][row]
    return solution


def _xlogx(count: float) -> float:
    return count * log(count) if count > 0 else 0.0


def _distinct(cart: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(cart))[:MAX_CART]


def _best(score: dict[str, float], leave_out: Collection[str], count: int) -> list[str]:
    for product in leave_out:
        score.pop(product, None)
    return nlargest(count, score, key=score.__getitem__)
