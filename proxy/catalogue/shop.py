"""The data that recommendations use: the products, and the statistics of what is viewed together and bought together,
which are updated with every event."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from zlib import crc32

from proxy.catalogue.affinity_sql import ALL_BASKETS, CLICKED_UNTIL, ORDERED_UNTIL
from proxy.catalogue.baskets import Baskets
from proxy.catalogue.covisits import DAY, REACH, Covisits
from proxy.catalogue.product_index import EVERYTHING, ProductIndex
from proxy.catalogue.shopper import VISIT_GAP_SECONDS
from proxy.catalogue.walk import Walk
from proxy.conditions.behaviours import ADDED, BOUGHT, VIEWED
from proxy.model import Event, Product

RANKED_FOR_SECONDS = 60.0
"""How long the lists of popular, new and trending products are cached."""
CLICK_KINDS = frozenset((VIEWED, ADDED))
LEARNT_KINDS = CLICK_KINDS | {BOUGHT}
"""The kinds of events that a shop learns from."""
MOST_UNLISTED = 10_000
"""With so many products in the statistics, none is added that no feed or page lists: each takes two kilobytes, and
visitors can report views of products that do not exist."""
MOST_LEARNT = 200
"""Products of a visitor a day, each once: who looks at more is a program that looks at everything, and who looks at one
again and again makes no trend. Learning each once costs nothing: of Diginetica's visits it finds as many of the next
products, and a mean reciprocal rank of .201 for .200."""
_MOST_VISITS = 50_000
_Visit = tuple[float, int, tuple[str, ...], float, tuple[str, ...]]
"""When the latest click was, the visit's number, and the products of its last ones; since when the visitor's products
are learnt once, and which were."""
_NO_VISIT: _Visit = (-inf, 0, (), -inf, ())
Past = tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]
"""Orders and visits."""


class StartingStatistics:
    """The statistics at the start of a shop: those calculated in batch (`affinity_sql.py`) from clicks and orders up to
    `clicked_until` and `ordered_until`, and the history in files of the rule folder, of which `seeded` has been
    added."""

    def __init__(self, covisits: Covisits, baskets: Baskets) -> None:
        self.covisits = covisits
        self.baskets = baskets
        self.seeded = (0, 0)
        self.ordered_until = self.clicked_until = -inf

    def take_pairs(self, product: str, others: Sequence[str], counts: Sequence[int]) -> None:
        """Adds the counts of what a product was bought with; the row of the product "" has the totals."""
        if product:
            self.baskets.add_batch(product, others, counts)
            return
        totals = dict(zip(others, counts, strict=True))
        self.baskets.count += totals.get(ALL_BASKETS, 0)
        self.ordered_until = max(self.ordered_until, totals.get(ORDERED_UNTIL, -inf))
        self.clicked_until = max(self.clicked_until, totals.get(CLICKED_UNTIL, -inf))

    def seeding(self, past: Past) -> Iterator[int]:
        """Adds the rest of the history in steps; yields the size of each."""
        orders, visits = past
        for order in orders[self.seeded[0] :]:
            self.baskets.add(order)
            self.seeded = (self.seeded[0] + 1, self.seeded[1])
            yield len(order)
        for visit in visits[self.seeded[1] :]:
            self.covisits.add_visit(visit, None, -1 - self.seeded[1])
            self.seeded = (self.seeded[0], self.seeded[1] + 1)
            yield len(visit)

    def has_more(self, past: Past) -> bool:
        """Whether some of the history is still to be added."""
        return any(done < len(part) for done, part in zip(self.seeded, past, strict=True))


class Shop:
    """The `products`, and the statistics of them; `edition` changes whenever the statistics are replaced."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self.products = ProductIndex(products)
        self.edition = 0
        self._past: Past = ((), ())
        self._listed: dict[tuple[str, ...], Sequence[str]] = {}
        self._listed_version = -1
        self.replace_statistics(StartingStatistics(Covisits(), Baskets()))

    @classmethod
    def of_a_folder(
        cls, products: Iterable[Product], orders: Sequence[Sequence[str]], visits: Sequence[Sequence[str]]
    ) -> Shop:
        """The shop of a rule folder alone: what nobody but its files has told."""
        shop = cls(products)
        shop.seed(orders, visits)
        return shop

    def new_statistics(self) -> StartingStatistics:
        """Empty statistics, to be filled with the results of a batch while the shop goes on with its current ones."""
        return StartingStatistics(self.covisits.blank(), Baskets())

    def replace_statistics(self, beginning: StartingStatistics) -> None:
        """Replaces all statistics. Clicks and orders that are counted in them are not counted again; later ones have to
        be learnt again."""
        if beginning.clicked_until > 0:
            beginning.covisits.start_at(beginning.clicked_until)
        self.covisits, self.baskets = beginning.covisits, beginning.baskets
        self.walk = Walk(self.covisits)
        self._beginning = beginning
        self._visits: OrderedDict[str, _Visit] = OrderedDict()
        self._ranked: dict[tuple[str, str], Sequence[str]] = {}
        self._ranked_at = (0.0, -1)
        self.edition += 1

    def seed(self, orders: Sequence[Sequence[str]], visits: Sequence[Sequence[str]]) -> None:
        """Learns from a history in files; what was learnt of it before is not learnt again."""
        self._past = (orders, visits)
        for _ in self.seeding(self._beginning):
            pass

    def seeding(self, beginning: StartingStatistics) -> Iterator[int]:
        """The same for new statistics, in steps; yields the size of each. Other files may come meanwhile."""
        while beginning.has_more(self._past):
            yield from beginning.seeding(self._past)

    def learn(self, visitor: str, event: Event) -> None:
        """Learns from an event: an order is a basket, a view or an addition to the cart is a click of the visit, if
        it is the visitor's first on that product in a day. With a catalogue, products that it lacks do not count."""
        kind, at = event.kind, event.at
        if kind == BOUGHT:
            if at > self._beginning.ordered_until:
                self.baskets.add((item.product for item in event.items if self._sells(item.product)), at)
        elif kind in CLICK_KINDS and at > self._beginning.clicked_until:
            for item in event.items:
                if self._sells(item.product):
                    self._click(visitor, item.product, at)

    def forget_visits(self) -> None:
        """Forgets all visits under way: their clicks stay counted, and the next event of each visitor begins a
        visit."""
        self._visits.clear()

    def _sells(self, product: str) -> bool:
        if self.products.get(product) is not None:
            return True
        return self.products.has_no_catalogue and (product in self.covisits or len(self.covisits) < MOST_UNLISTED)

    def _click(self, visitor: str, product: str, at: float) -> None:
        visits = self._visits
        latest_at, number, before, since, learnt = visits.get(visitor, _NO_VISIT)
        if at - latest_at > VISIT_GAP_SECONDS:
            number, before = crc32(f"{visitor} {at}".encode()), ()
        if at - since > DAY:
            since, learnt = at, ()
        if product not in learnt and len(learnt) < MOST_LEARNT:
            self.covisits.add_click(product, before, at, number)
            learnt = (*learnt, product)
        visits[visitor] = max(at, latest_at), number, (*before[1 - REACH :], product), since, learnt
        visits.move_to_end(visitor)
        if len(visits) > _MOST_VISITS:
            visits.popitem(last=False)

    # -- ranked, at most a minute old

    def popular(self, category: str = EVERYTHING) -> Sequence[str]:
        """What sells best in a category: by purchases, older ones counting less, then by the catalogue's popularity,
        then by views."""
        return self._list("popular", category, self._popularity)

    def trending(self, category: str = EVERYTHING) -> Sequence[str]:
        """What is viewed lately more than before; without products that are hardly viewed."""
        return self._list("trending", category, self._trend, least=1.0)

    def newest(self, category: str = EVERYTHING) -> Sequence[str]:
        """The newest products, by date; without dates, those tagged `new`."""
        return self._list("new", category, _newness, least=0.5)

    def listed(self, key: tuple[str, ...], holds: Callable[[Product], bool]) -> Sequence[str]:
        """The products for which `holds` is true, in the order of the catalogue; cached under the key while that is
        unchanged."""
        if self._listed_version != self.products.version:
            self._listed, self._listed_version = {}, self.products.version
        found = self._listed.get(key)
        if found is None:
            found = self._listed[key] = [product.id for product in self.products.products if holds(product)]
        return found

    def _popularity(self, product: Product) -> tuple[float, float, float]:
        return self.baskets.bought_lately(product.id), product.popularity, self.covisits.clicks(product.id)

    def _trend(self, product: Product) -> tuple[float, float, float]:
        recent = self.covisits.recent_clicks(product.id)
        return recent * self.covisits.trend(product.id) if recent >= 0.5 else 0.0, 0.0, 0.0

    def _list(
        self, name: str, category: str, key: Callable[[Product], tuple[float, float, float]], least: float = 0.0
    ) -> Sequence[str]:
        now, version = max(self.covisits.latest_at, self.baskets.latest_at), self.products.version
        if version != self._ranked_at[1] or now - self._ranked_at[0] > RANKED_FOR_SECONDS:
            self._ranked, self._ranked_at = {}, (now, version)
        ranked = self._ranked.get((name, category))
        if ranked is None:
            keyed = [(key(product), product.id) for product in self.products.in_category(category)]
            best = sorted((pair for pair in keyed if pair[0][0] >= least), key=lambda pair: pair[0], reverse=True)
            ranked = self._ranked[name, category] = [id for _, id in best]
        return ranked


def _newness(product: Product) -> tuple[float, float, float]:
    is_tagged = any(tag.casefold() == "new" for tag in product.tags)
    return product.added_at or float(is_tagged), 0.0, 0.0
