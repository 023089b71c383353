"""A listing narrowed and sorted by its address: `/c/shoes?colour=red&price=50-100&sort=price-up`.

Only the parameters named here count. Others, as those of campaigns, change nothing, so the page stays the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from proxy.demo.catalogue import Item

BANDS = {"0-25": "Under €25", "25-50": "€25 to €50", "50-100": "€50 to €100", "100-": "€100 and more"}
SORTS = {"popular": "Popular", "new": "New first", "price-up": "Price ↑", "price-down": "Price ↓"}

_SORT_KEYS: Mapping[str, Callable[[Item], float]] = {
    "popular": lambda item: 0,  # as the catalogue or the search gives them
    "new": lambda item: "new" not in item.tags,
    "price-up": lambda item: item.price,
    "price-down": lambda item: -item.price,
}
_FACET_VALUES: Mapping[str, Callable[[Item], str]] = {
    "colour": lambda item: item.colour,
    "brand": lambda item: item.brand,
    "price": lambda item: _band_of(item.price),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One value to narrow by: how many products would be left, and the query of that address."""

    label: str
    value: str
    count: int
    is_chosen: bool
    query: str


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing to narrow by, with its options."""

    name: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Refinement:
    """What an address asks of a listing. `chosen` holds name and value pairs, several of a name meaning any of them;
    `kept` are pairs that stay in the address whatever is chosen: what was searched for."""

    chosen: frozenset[tuple[str, str]] = frozenset()
    sort: str = "popular"
    kept: tuple[tuple[str, str], ...] = ()

    def apply(self, items: Iterable[Item], *, leaving_out: str = "") -> list[Item]:
        """The items that fit, sorted; `leaving_out` a facet's own name counts what its options would give."""
        fitting = [
            item for item in items if all(self._fits(item, name) for name in _FACET_VALUES if name != leaving_out)
        ]
        return sorted(fitting, key=_SORT_KEYS[self.sort])

    def toggled(self, name: str, value: str) -> Refinement:
        return replace(self, chosen=self.chosen ^ {(name, value)})

    def sorted_by(self, sort: str) -> Refinement:
        return replace(self, sort=sort)

    def cleared(self) -> Refinement:
        return Refinement(kept=self.kept)

    @property
    def query(self) -> str:
        """Its canonical form, `?` included; "" when nothing is asked."""
        pairs = [*self.kept, *sorted(self.chosen), *([("sort", self.sort)] if self.sort != "popular" else [])]
        return "?" + urlencode(pairs) if pairs else ""

    def _fits(self, item: Item, name: str) -> bool:
        values = {value for chosen, value in self.chosen if chosen == name}
        return not values or _FACET_VALUES[name](item).casefold() in values


def refinement_of(pairs: Iterable[tuple[str, str]], kept: tuple[tuple[str, str], ...] = ()) -> Refinement:
    """Reads the query parameters; what it does not know it leaves out, but for what is `kept`."""
    known = [(name, value.casefold()) for name, value in pairs]
    sort = next((value for name, value in known if name == "sort" and value in SORTS), "popular")
    return Refinement(frozenset((name, value) for name, value in known if name in _FACET_VALUES and value), sort, kept)


def facets(items: Sequence[Item], refinement: Refinement) -> list[Facet]:
    """What these items may be narrowed by, most common value first; price bands go up."""
    return [Facet(name, _options(name, items, refinement)) for name in _FACET_VALUES]


def sorts(refinement: Refinement) -> list[Option]:
    """The orders a listing may come in, as options."""
    return [
        Option(label, sort, 0, sort == refinement.sort, refinement.sorted_by(sort).query)
        for sort, label in SORTS.items()
    ]


def _options(name: str, items: Sequence[Item], refinement: Refinement) -> tuple[Option, ...]:
    counts = Counter(_FACET_VALUES[name](item) for item in refinement.apply(items, leaving_out=name))
    chosen = {value for facet, value in refinement.chosen if facet == name}
    values = [value for value, _ in counts.most_common()] if name != "price" else [b for b in BANDS if counts[b]]
    return tuple(
        Option(
            BANDS.get(value, value),
            value,
            counts[value],
            value.casefold() in chosen,
            refinement.toggled(name, value.casefold()).query,
        )
        for value in values
    )


def _band_of(price: float) -> str:
    if price < 25:
        return "0-25"
    if price < 50:
        return "25-50"
    return "50-100" if price < 100 else "100-"
