"""A shop as recommendations see it: its products, what is looked at together, what is bought together; and how all of
it learns from events as they come."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from zlib import crc32

from proxy.catalogue.affinity_sql import ALL_BASKETS, CLICKED_UNTIL, ORDERED_UNTIL
from proxy.catalogue.baskets import Baskets
from proxy.catalogue.covisits import REACH, Covisits
from proxy.catalogue.hub import EVERYTHING, Hub
from proxy.catalogue.shopper import VISIT_GAP_SECONDS
from proxy.catalogue.walk import Walk
from proxy.conditions.behaviours import ADDED, BOUGHT, VIEWED
from proxy.model import Event, Product

RANKED_FOR_SECONDS = 60.0
"""How long what is popular, new or trending stays so without being looked at again."""
CLICKED = frozenset((VIEWED, ADDED))
LEARNT = CLICKED | {BOUGHT}
"""The kinds of events that a shop learns from."""
MOST_UNTOLD = 10_000
"""Once it has learnt of so many products, what nobody told of is nothing new any more: each takes two kilobytes, and
visitors may say that they looked at whatever they make up."""
_MOST_VISITS = 50_000
_NO_VISIT: tuple[float, int, tuple[str, ...]] = (0.0, 0, ())
Past = tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]
"""Orders and visits."""


class Beginning:
    """What a shop knows at its start: what was worked out in batch (`affinity_sql.py`) from clicks and orders `until`
    then, and the past that files of the rule folder tell, of which `seeded` has been taken in."""

    def __init__(self, covisits: Covisits, baskets: Baskets) -> None:
        self.covisits = covisits
        self.baskets = baskets
        self.seeded = (0, 0)
        self.ordered_until = self.clicked_until = -inf

    def take_pairs(self, product: str, others: Sequence[str], counts: Sequence[int]) -> None:
        """Takes what a product was bought with; the product "" carries the totals."""
        if product:
            self.baskets.build(product, others, counts)
            return
        told = dict(zip(others, counts, strict=True))
        self.baskets.count += told.get(ALL_BASKETS, 0)
        self.ordered_until = max(self.ordered_until, told.get(ORDERED_UNTIL, -inf))
        self.clicked_until = max(self.clicked_until, told.get(CLICKED_UNTIL, -inf))

    def seeding(self, past: Past) -> Iterator[int]:
        """Takes the rest of the past in steps, and yields how much each was."""
        orders, visits = past
        for order in orders[self.seeded[0] :]:
            self.baskets.add(order)
            self.seeded = (self.seeded[0] + 1, self.seeded[1])
            yield len(order)
        for visit in visits[self.seeded[1] :]:
            self.covisits.add_visit(visit, None, -1 - self.seeded[1])
            self.seeded = (self.seeded[0], self.seeded[1] + 1)
            yield len(visit)

    def lacks(self, past: Past) -> bool:
        """Whether some of the past is still to be taken."""
        return any(done < len(told) for done, told in zip(self.seeded, past, strict=True))


class Shop:
    """The products in `hub`, and what was learnt of them; `edition` is another when that has begun anew."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self.hub = Hub(products)
        self.edition = 0
        self._past: Past = ((), ())
        self._listed: dict[tuple[str, ...], Sequence[str]] = {}
        self._listed_version = -1
        self.begin(Beginning(Covisits(), Baskets()))

    def beginning(self) -> Beginning:
        """A new `Beginning`, to be filled with what was worked out in batch while the shop goes on with what it
        knows."""
        return Beginning(self.covisits.blank(), Baskets())

    def begin(self, beginning: Beginning) -> None:
        """Replaces all that was learnt by this. Clicks and orders as old as those counted there are not counted again;
        later ones have to be learnt anew."""
        if beginning.clicked_until > 0:
            beginning.covisits.begin(beginning.clicked_until)
        self.covisits, self.baskets = beginning.covisits, beginning.baskets
        self.walk = Walk(self.covisits)
        self._beginning = beginning
        self._visits: OrderedDict[str, tuple[float, int, tuple[str, ...]]] = OrderedDict()
        self._ranked: dict[tuple[str, str], Sequence[str]] = {}
        self._ranked_at = (0.0, -1)
        self.edition += 1

    def seed(self, orders: Sequence[Sequence[str]], visits: Sequence[Sequence[str]]) -> None:
        """Learns from a past that came as files; what was learnt of it before is not learnt again."""
        self._past = (orders, visits)
        for _ in self.seeding(self._beginning):
            pass

    def seeding(self, beginning: Beginning) -> Iterator[int]:
        """The same for a beginning, in steps, each with how much it was. Other files may come meanwhile."""
        while beginning.lacks(self._past):
            yield from beginning.seeding(self._past)

    def learn(self, visitor: str, event: Event) -> None:
        """Learns from an event: an order is a basket, a look or an addition is a click of the visit. Products that no
        feed lists do not count, where there is a feed."""
        kind, at = event.kind, event.at
        if kind == BOUGHT:
            if at > self._beginning.ordered_until:
                self.baskets.add(item.product for item in event.items if self._sells(item.product))
        elif kind in CLICKED and at > self._beginning.clicked_until:
            for item in event.items:
                if self._sells(item.product):
                    self._click(visitor, item.product, at)

    def forget_visits(self) -> None:
        """Forgets all visits under way: what was done is counted, and the next event of anybody begins a visit."""
        self._visits.clear()

    def _sells(self, product: str) -> bool:
        if self.hub.get(product) is not None:
            return True
        return self.hub.is_learnt and (product in self.covisits or len(self.covisits) < MOST_UNTOLD)

    def _click(self, visitor: str, product: str, at: float) -> None:
        visits = self._visits
        last_at, number, before = visits.get(visitor, _NO_VISIT)
        if not before or at - last_at > VISIT_GAP_SECONDS:
            number, before = crc32(f"{visitor} {at}".encode()), ()
        self.covisits.add_click(product, before, at, number)
        visits[visitor] = at, number, (*before[1 - REACH :], product)
        visits.move_to_end(visitor)
        if len(visits) > _MOST_VISITS:
            visits.popitem(last=False)

    # -- ranked, at most a minute old

    def popular(self, category: str = EVERYTHING) -> Sequence[str]:
        """What sells best in a category: by what was bought here, then by what the catalogue says, then by looks."""
        return self._list("popular", category, self._popularity)

    def trending(self, category: str = EVERYTHING) -> Sequence[str]:
        """What is looked at lately, more than before counting most; nothing that hardly anybody looks at."""
        return self._list("trending", category, self._trend, least=1.0)

    def newest(self, category: str = EVERYTHING) -> Sequence[str]:
        """What came last, by date; without dates, what is tagged `new`."""
        return self._list("new", category, _newness, least=0.5)

    def listed(self, key: tuple[str, ...], holds: Callable[[Product], bool]) -> Sequence[str]:
        """The products for which `holds` is true, in the order of the catalogue; cached under the key while that is
        unchanged."""
        if self._listed_version != self.hub.version:
            self._listed, self._listed_version = {}, self.hub.version
        found = self._listed.get(key)
        if found is None:
            found = self._listed[key] = [product.id for product in self.hub.products if holds(product)]
        return found

    def _popularity(self, product: Product) -> tuple[float, float, float]:
        return self.baskets.bought(product.id), product.popularity, self.covisits.clicks(product.id)

    def _trend(self, product: Product) -> tuple[float, float, float]:
        lately = self.covisits.lately(product.id)
        return lately * self.covisits.trend(product.id) if lately >= 0.5 else 0.0, 0.0, 0.0

    def _list(
        self, name: str, category: str, key: Callable[[Product], tuple[float, float, float]], least: float = 0.0
    ) -> Sequence[str]:
        now, version = self.covisits.latest_at, self.hub.version
        if version != self._ranked_at[1] or now - self._ranked_at[0] > RANKED_FOR_SECONDS:
            self._ranked, self._ranked_at = {}, (now, version)
        ranked = self._ranked.get((name, category))
        if ranked is None:
            keyed = [(key(product), product.id) for product in self.hub.within(category)]
            best = sorted((pair for pair in keyed if pair[0][0] >= least), key=lambda pair: pair[0], reverse=True)
            ranked = self._ranked[name, category] = [id for _, id in best]
        return ranked


def _newness(product: Product) -> tuple[float, float, float]:
    is_tagged = any(tag.casefold() == "new" for tag in product.tags)
    return product.added_at or float(is_tagged), 0.0, 0.0
