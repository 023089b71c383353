"""How good recommendations are: the past is split, the earlier part learnt, the later part foretold.

Each case hides one product and asks every strategy for it. Visits: the products so far, then the next one; as
published splits have it, a product may follow itself. Baskets: all but one, then that one. The learnt part stays frozen
meanwhile.
Strategies are asked beside the two that everybody has: what is popular, and plain counts of what was together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Literal

from proxy.catalogue.baskets import Baskets
from proxy.catalogue.covisits import Covisits
from proxy.catalogue.history_files import HistoryFile
from proxy.catalogue.walk import Walk
from proxy.errors import OperatorError

CUTS = (5, 10, 20)
MOST = max(CUTS)
TESTED = 5
"""One part in so many is foretold."""
MEMORY_SHARE, TREND_SHARE = 0.7, 0.05
"""Of the time learnt from: how long a visit matters, and what is lately."""

Answer = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """The products that are known, and the one that is hidden."""

    seen: tuple[str, ...]
    wanted: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What to learn from (each with its time), and the cases to predict. `left_out` counts cases that hide a product
    never seen before, which no counting can predict; `unread` counts lines that are no case."""

    kind: Literal["visits", "baskets"]
    learnt: tuple[tuple[str, ...], ...]
    at: tuple[float, ...]
    cases: tuple[Case, ...]
    left_out: int = 0
    unread: int = 0

    @property
    def products(self) -> int:
        """How many different ones are learnt."""
        return len({product for products in self.learnt for product in products})


@dataclass(slots=True)
class Score:
    """How one strategy did: sums over cases by cut, and seconds per answer."""

    cases: int = 0
    hits: dict[int, float] = field(default_factory=lambda: dict.fromkeys(CUTS, 0.0))
    reciprocals: dict[int, float] = field(default_factory=lambda: dict.fromkeys(CUTS, 0.0))
    gains: dict[int, float] = field(default_factory=lambda: dict.fromkeys(CUTS, 0.0))
    shown: dict[int, set[str]] = field(default_factory=lambda: {cut: set() for cut in CUTS})
    seconds: list[float] = field(default_factory=list)

    def add(self, answer: Sequence[str], wanted: str, seconds: float) -> None:
        """Counts an answer of up to twenty products."""
        self.cases += 1
        self.seconds.append(seconds)
        rank = answer.index(wanted) + 1 if wanted in answer else MOST + 1
        for cut in CUTS:
            self.shown[cut].update(answer[:cut])
            if rank <= cut:
                self.hits[cut] += 1
                self.reciprocals[cut] += 1 / rank
                self.gains[cut] += 1 / log2(rank + 1)

    def figures(self, products: int) -> dict[str, float]:
        """Means by name: hit rate, mean reciprocal rank, NDCG, share of all products ever shown; microseconds."""
        cases = max(self.cases, 1)
        found = {f"{name}@{cut}": sums[cut] / cases for name, sums in self._sums() for cut in CUTS}
        found |= {f"coverage@{cut}": len(self.shown[cut]) / max(products, 1) for cut in CUTS}
        times = sorted(self.seconds) or [0.0]
        return found | {
            "us_median": times[len(times) // 2] * 1e6,
            "us_p99": times[int(len(times) * 0.99)] * 1e6,
            "cases": self.cases,
        }

    def _sums(self) -> Iterator[tuple[str, dict[int, float]]]:
        yield from (("hr", self.hits), ("mrr", self.reciprocals), ("ndcg", self.gains))


NEEDED = {
    "visits": "the last fifth is predicted: it takes five visits, the last of two or more products that others have",
    "baskets": "each fifth is predicted: it takes five baskets, the fifth of two or more products that others have",
}


def published(train: Sequence[tuple[str, ...]], test: Iterable[str]) -> Trial:
    """A split as researchers publish it: visits by time, and a case a line, its product last. Cases of products that
    are not learnt stay in: published figures count them. Raises `OperatorError` when either is empty."""
    cases, unread = [], 0
    for line in test:
        words = line.replace(",", " ").split()
        if len(words) > 1:
            cases.append(Case(tuple(words[:-1]), words[-1]))
        unread += len(words) == 1
    if not train or not cases:
        what = "there is no case to predict" if train else "there is no visit to learn from"
        raise OperatorError(what, help="a case is the products of a visit so far, then the next, between blanks")
    return Trial("visits", tuple(train), tuple(map(float, range(len(train)))), tuple(cases), unread=unread)


def split(log: HistoryFile) -> Trial:
    """The trial of a log: visits by time, the last fifth foretold; baskets by every fifth of them."""
    groups = log.groups
    if log.kind == "visits":
        border = len(groups) - len(groups) // TESTED
        learnt, tested = groups[:border], groups[border:]
        found = [Case(g.products[:n], g.products[n]) for g in tested for n in range(1, len(g.products))]
    else:
        learnt = tuple(group for number, group in enumerate(groups) if number % TESTED != TESTED - 1)
        tested = groups[TESTED - 1 :: TESTED]
        baskets = [tuple(dict.fromkeys(group.products)) for group in tested]
        found = [Case((*b[:n], *b[n + 1 :]), b[n]) for b in baskets if len(b) > 1 for n in range(len(b))]
    known = {product for group in learnt for product in group.products}
    cases = tuple(case for case in found if case.wanted in known)
    if not cases:
        what = f"of {len(groups):,} {log.kind if len(groups) != 1 else log.kind[:-1]} nothing can be predicted"
        raise OperatorError(what, help=NEEDED[log.kind])
    at = tuple(group.at for group in learnt)
    return Trial(log.kind, tuple(group.products for group in learnt), at, cases, len(found) - len(cases))


def evaluate(
    trial: Trial, clock: Callable[[], float], each: Callable[[str, Iterable[Case]], Iterable[Case]]
) -> dict[str, Score]:
    """The score of every strategy. `clock` tells seconds; `each` passes the cases of a strategy on, and may show how
    far it is."""
    scores: dict[str, Score] = {}
    for name, answer in _strategies(trial):
        score = scores[name] = Score()
        for case in each(name, trial.cases):
            started = clock()
            found = answer(case.seen)
            score.add(found, case.wanted, clock() - started)
    return scores


def _strategies(trial: Trial) -> Iterator[tuple[str, Answer]]:
    if trial.kind == "visits":
        table = learn_visits(trial.learnt, trial.at)
        walk = Walk(table)
        yield "for you now", lambda seen: walk.next_products(seen, MOST)
        yield "also viewed", lambda seen: walk.next_products(seen[-1:], MOST)
    else:
        baskets = learn_baskets(trial.learnt)
        yield "for this cart", lambda seen: baskets.for_cart(seen, MOST)
        yield "bought together", lambda seen: baskets.together(seen, MOST)
    together = _counted_together(trial.learnt)
    popular = [name for name, _ in Counter(name for group in trial.learnt for name in group).most_common()]
    repeats = trial.kind == "visits"
    yield "co-occurrence", lambda seen: _by_count(together, seen[-1:] if repeats else seen, popular, repeats=repeats)
    yield "popularity", lambda seen: _but(popular, () if repeats else seen)


def learn_visits(visits: Iterable[Sequence[str]], at: Sequence[float]) -> Covisits:
    """The table of these visits, in the order of time."""
    span = max(at[-1] - at[0], 1.0) if at else 1.0
    table = Covisits(memory=MEMORY_SHARE * span, trend=TREND_SHARE * span)
    for number, (visit, moment) in enumerate(zip(visits, at, strict=True)):
        table.add_visit(visit, moment, number)
    return table


def learn_baskets(orders: Iterable[Sequence[str]]) -> Baskets:
    """The counts of these orders."""
    baskets = Baskets()
    for order in orders:
        baskets.add(order)
    return baskets


def _counted_together(groups: Iterable[Sequence[str]]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for group in groups:
        members = list(dict.fromkeys(group))[:100]
        for one in members:
            found[one].update([other for other in members if other != one])
    return found


def _by_count(
    together: dict[str, Counter[str]], seen: Sequence[str], popular: Sequence[str], *, repeats: bool
) -> list[str]:
    """Plain counts, summed; filled up with what is popular."""
    counts: Counter[str] = Counter()
    for product in dict.fromkeys(seen):
        counts.update(together.get(product, ()))
    unwanted = () if repeats else set(seen)
    best = [name for name, _ in counts.most_common(MOST + len(unwanted)) if name not in unwanted][:MOST]
    return list(dict.fromkeys([*best, *_but(popular, unwanted)]))[:MOST]


def _but(popular: Sequence[str], unwanted: Iterable[str]) -> list[str]:
    out = set(unwanted)
    return [name for name in popular[: MOST + len(out)] if name not in out][:MOST]
