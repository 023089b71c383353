"""What is viewed together: a table of products against products, updated with each click.

Two products clicked within a few clicks of each other in one visit add to their cell, both ways; less the more clicks
lie between, and less the older the visit is. There is no training run. Weights grow with time rather than
fade (forward decay), so that a new click touches its own cells only.

A *row* of a product has its strongest cells, damped by the popularity of each target, as shares of one. `walk.py` walks
along rows. They are calculated ahead (`refresh`), or when first asked for, and kept until an eighth more was learnt of
the product, so that neither a click nor a page waits for many. A change in the popularity of others reaches a row when
it is next calculated.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from math import exp
from typing import Any, NamedTuple

from proxy.catalogue.decaying import DecayingCounts

DAY = 86_400.0
MEMORY_SECONDS = 100 * DAY
TREND_SECONDS = 7 * DAY

REACH = 6
"""Clicks further apart do not count."""
_STEP = 1.5
DAMPING = 1 / 3
SHRINKAGE = 2.0
"""Added to the total of a row, so that few clicks give low shares. On held-out visits 0 to 4 differ little."""
ROW_LENGTH = 80
_MOST_CELLS = 200
_KEPT_CELLS = 150
_MOST_VISITS = 1_000
_STALE_PARTS = 8
"""A row is kept until an eighth more was learnt of its product."""
_AGE_PARTS = 1_000
"""A click on a row older than a thousandth of the memory has it calculated again."""
_HIGHEST_EXPONENT = 50.0
NEARNESS = tuple(exp(-step / _STEP) for step in range(REACH))


class Row(NamedTuple):
    """Products, strongest first, and the share of each in the `total`; `own` is that of the product itself. It was
    calculated when so much had been `learnt` of the product, at `at`; of one from a batch, that is its clicks."""

    products: tuple[str, ...]
    shares: array[float]
    own: float = 0.0
    total: float = 0.0
    learnt: int = 0
    at: float = 0.0


EMPTY = Row((), array("f"))


class Covisits:
    """The table. Times are on any clock, seconds in the shop, as long as `memory` (after which a visit counts a third)
    and `trend` (what counts as recent) are on the same. What it keeps is bounded by the number of products: 200 cells
    each, a row of the strongest, and the numbers of its latest 1,000 visits."""

    def __init__(self, *, memory: float = MEMORY_SECONDS, trend: float = TREND_SECONDS) -> None:
        self._memory = memory
        self._aged = memory / _AGE_PARTS
        self._trend = trend
        self._epoch: float | None = None
        self.latest_at = 0.0
        self.learnt = 0
        self._names: dict[str, str] = {}
        self._cells: dict[str, dict[str, float]] = {}
        self._clicks: dict[str, int] = {}
        self._learnt: dict[str, int] = {}
        self._recent = DecayingCounts(trend)
        self._visits: dict[str, deque[int]] = {}
        self._batch_rows: dict[str, Row] = {}
        self._batch_weight = 1.0
        self._rows: dict[str, Row] = {}
        self._outdated: dict[str, None] = {}
        self._listeners: list[dict[str, Any]] = []

    def blank(self) -> Covisits:
        """An empty table on the same clock."""
        return Covisits(memory=self._memory, trend=self._trend)

    def __contains__(self, product: str) -> bool:
        return product in self._clicks or product in self._batch_rows

    def __len__(self) -> int:
        return len(self._clicks)

    # -- learning

    def add_visit(self, products: Sequence[str], at: float | None, visit: int) -> None:
        """A whole visit at once; the same as its clicks one by one. `visit` is a number of its own; one without a time
        counts as one of just now."""
        for position, product in enumerate(products):
            self.add_click(product, products[max(0, position - REACH) : position], at, visit)

    def add_click(self, product: str, before: Sequence[str], at: float | None, visit: int) -> None:
        """A click, after those `before` it in the same visit, the latest last; how far back they go matters up to
        `REACH`."""
        product = self._names.setdefault(product, product)
        growth = self._growth(at)
        self.learnt += 1
        self._clicks[product] = self._clicks.get(product, 0) + 1
        self._recent.add(product, at)
        self._note_visit(product, visit)
        cells_of, learnt, outdated = self._cells, self._learnt, self._outdated  # rows of outdated ones are not kept
        own = cells_of.get(product)
        if own is None:
            own = cells_of[product] = {}
        for nearness, other in zip(NEARNESS, before[: -REACH - 1 : -1], strict=False):
            weight = growth * nearness
            if other in own:
                own[other] += weight
            else:
                other = self._names.setdefault(other, other)
                own[other] = weight
            theirs = cells_of.get(other)
            if theirs is None:
                theirs = cells_of[other] = {}
            theirs[product] = theirs.get(product, 0.0) + weight
            learnt[other] = learnt.get(other, 0) + 1
            if other not in outdated or len(theirs) > _MOST_CELLS:
                self._changed(other, theirs)
        learnt[product] = learnt.get(product, 0) + 1
        if product not in outdated or len(own) > _MOST_CELLS:
            self._changed(product, own)

    def _growth(self, at: float | None) -> float:
        if self._epoch is None:
            if at is None:
                return 1.0
            self._epoch = at
        at = self.latest_at if at is None else at
        if at > self.latest_at:
            self.latest_at = at
        exponent = (at - self._epoch) / self._memory
        if exponent > _HIGHEST_EXPONENT:
            self._rebase(at)
            return 1.0
        return exp(exponent)

    def _rebase(self, at: float) -> None:
        """Brings all weights down before they grow beyond what a float holds; what is as good as nothing goes."""
        assert self._epoch is not None
        factor = exp((self._epoch - at) / self._memory)
        self._epoch = at
        self._batch_weight *= factor
        for product, cells in self._cells.items():
            self._cells[product] = {name: faded for name, weight in cells.items() if (faded := weight * factor) > 1e-9}
        self._rows.clear()
        self._outdated = dict.fromkeys(self._cells)
        for cache in self._listeners:
            cache.clear()

    def _changed(self, product: str, cells: dict[str, float]) -> None:
        if len(cells) > _MOST_CELLS:
            least = sorted(cells.values())[-_KEPT_CELLS]
            self._cells[product] = {name: weight for name, weight in cells.items() if weight >= least}
        row, learnt = self._rows.get(product), self._learnt[product]
        if row is None or learnt > row.learnt + row.learnt // _STALE_PARTS or self.latest_at > row.at + self._aged:
            self._rows.pop(product, None)
            self._outdated[product] = None
            for cache in self._listeners:
                cache.pop(product, None)

    def _note_visit(self, product: str, visit: int) -> None:
        visits = self._visits.get(product)
        if visits is None:
            visits = self._visits[product] = deque(maxlen=_MOST_VISITS)
        if not visits or visits[-1] != visit:
            visits.append(visit)

    def add_batch(
        self, product: str, others: Sequence[str], shares: Sequence[float], total: float = 0.0, clicks: int = 0
    ) -> None:
        """Adds a row that was calculated in batch, of so many clicks; clicks here add to it. Without a `total` for its
        shares, it holds until the product is clicked here."""
        names = tuple(self._names.setdefault(name, name) for name in others)
        own = shares[names.index(product)] if product in names else 0.0
        self._batch_rows[self._names.setdefault(product, product)] = Row(names, array("f", shares), own, total, clicks)

    def start_at(self, at: float) -> None:
        """Dates the rows from a batch."""
        if self._epoch is None:
            self._epoch = at

    # -- asking

    def derived(self) -> dict[str, Any]:
        """A new dict for results that depend on rows: an entry is dropped when its product's row is."""
        cache: dict[str, Any] = {}
        self._listeners.append(cache)
        return cache

    def row(self, product: str) -> Row:
        """The row of the product; an empty one for an unknown product."""
        row = self._rows.get(product)
        return self._calculate(product) if row is None else row

    def refresh(self, most: int) -> bool:
        """Works out up to `most` rows that are out of date; False when there are no more."""
        while self._outdated and most:
            self._calculate(next(reversed(self._outdated)))
            most -= 1
        return bool(self._outdated)

    def _calculate(self, product: str) -> Row:
        self._outdated.pop(product, None)
        cells, batch = self._cells.get(product), self._batch_rows.get(product, EMPTY)
        if not cells:
            return batch
        count = self.clicks if self._batch_rows else self._clicks.get
        damped = {name: weight * (count(name) or 1) ** -DAMPING for name, weight in cells.items()}
        total = sum(damped.values()) + SHRINKAGE * self._growth(None)
        if batch.total:
            total += self._batch_weight * (batch.total - SHRINKAGE)
            for name, share in zip(batch.products, batch.shares, strict=True):
                damped[name] = damped.get(name, 0.0) + self._batch_weight * batch.total * share
        best = sorted(damped, key=damped.__getitem__, reverse=True)[:ROW_LENGTH]
        shares, own = array("f", [damped[name] / total for name in best]), damped.get(product, 0.0) / total
        row = Row(tuple(best), shares, own, total, self._learnt[product], self.latest_at)
        self._rows[self._names[product]] = row
        return row

    def clicks(self, product: str) -> int:
        """How often it was viewed."""
        return self._clicks.get(product, 0) + self._batch_rows.get(product, EMPTY).learnt

    def recent_clicks(self, product: str) -> float:
        """How often it was viewed of late, older clicks counting less."""
        return self._recent.get(product)

    def trend(self, product: str) -> float:
        """A factor around 1: above for what is viewed more often of late than before."""
        return float(((self.recent_clicks(product) + 0.02) / (self._clicks.get(product, 0) + 1.0)) ** 0.1)

    def visits_with(self, products: Iterable[str]) -> int:
        """In how many of the latest visits all of these products were viewed."""
        sets = [set(self._visits.get(product, ())) for product in products]
        return len(set.intersection(*sets)) if sets else 0
