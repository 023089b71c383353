"""The inputs of a page's slots: what their rules and fragments may look at of a visitor and a request. Worked out once
for each publication and set of slots."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from functools import lru_cache

from proxy.audience.traits import TRAIT_MEASURES
from proxy.conditions.derived import base_of, value_of
from proxy.conditions.localtime import CLOCK_ATTRIBUTES
from proxy.decide.guard import BucketSplit
from proxy.decide.lookup_tables import MOST_VALUES
from proxy.http.message import Request
from proxy.model import AttributeValue, Cap
from proxy.page.presentation import ROW_ATTRIBUTES
from proxy.personalise import SORTED_BY
from proxy.rulebook.compile import Publication
from proxy.visitors.context import REFINEMENT, Seen, Source, is_of_request, needs_profile, source_of, values_of
from proxy.visitors.places import PLACE_ATTRIBUTES

Values = tuple[AttributeValue | None, ...]
Worth = Callable[[AttributeValue | None], Hashable]
"""What a value makes possible: the same for values that make no difference."""

_NO_NUMBERS = frozenset({"segment", "visitor"})


@dataclass(frozen=True, slots=True)
class Inputs:
    """What deciding and filling some slots may look at.

    * `of_request`, `of_place`, `of_visitor`: the names of attributes; those of the place are told by the request too,
      but differ between requests that ask in the same words; `sources`: the function that reads each of the visitor's;
      of what is read off the history, the measure's number (`audience/tracked.py`).
    * `needs_profile`: one of them may come from the profile; `needs_history`: one is read off the visitor's history.
    * `splits`, `caps`: the random splits of visitors, and the limits on how often something is shown.
    * `tells_visitors_apart`: visitors with the same values may still be shown different things: products are chosen
      (one that is sold out must not be remembered), or a value changes all the time, as the days since an order.
    * `has_kinds`: a value may be a number or a boolean, and in Python 1 equals True.
    """

    of_request: tuple[str, ...]
    of_visitor: tuple[str, ...]
    sources: tuple[Source | int, ...]
    needs_profile: bool
    tells_visitors_apart: bool
    has_kinds: bool = False
    needs_history: bool = False
    splits: tuple[BucketSplit, ...] = ()
    caps: tuple[Cap, ...] = ()
    of_place: tuple[str, ...] = ()
    worth_of_place: tuple[Worth, ...] = field(default=(), compare=False, repr=False)

    def cached_values(self, request: Request) -> Values | None:
        """The request's values where its question had them worked out before, else None."""
        question = request.question
        return question.request_values[1] if question is not None and question.request_values[0] is self else None

    def request_values(self, seen: Seen) -> Values:
        """The values of the attributes `of_request`; kept with the request's question, whose requests all have the
        same."""
        values = values_of(self.of_request, seen, None, {})
        if seen.request.question is not None:
            seen.request.question.request_values = self, values
        return values

    def place_values(self, seen: Seen) -> Values:
        """The values of the attributes `of_place`."""
        return values_of(self.of_place, seen, None, {})

    def as_they_matter(self, values: Values) -> Hashable:
        """The values of request and place, with a place told only by what it makes possible: towns that no rule names
        are all the same, unless the town's name is shown."""
        if not self.of_place:
            return values
        count = len(self.of_place)
        places = zip(self.worth_of_place, values[-count:], strict=True)
        return values[:-count], tuple([worth(value) for worth, value in places])

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of all attributes."""
        return (*self.of_request, *self.of_place, *self.of_visitor)

    @classmethod
    def of(cls, publication: Publication, slots: tuple[str, ...], places: Collection[str] = ()) -> Inputs:
        """The inputs of these slots, where requests tell these `places`."""
        deciding, filling = publication.plan.inputs_of(slots), publication.filled_in(slots)
        of_rows = (*ROW_ATTRIBUTES, *_telling_products_apart(publication)) if filling.has_rows else ()
        names = deciding.attributes.difference(CLOCK_ATTRIBUTES).union(
            filling.attributes, of_rows, SORTED_BY if filling.has_lists else ()
        )
        traits = {name: TRAIT_MEASURES[name] for name in names & TRAIT_MEASURES.keys()}
        measures = {**traits, **deciding.measures}
        reads_history = bool(deciding.caps) or filling.follows
        of_place = tuple(sorted(names.intersection(places, PLACE_ATTRIBUTES)))
        of_visitor = tuple(sorted(name for name in names if not is_of_request(name) and name not in of_place))
        tracked = publication.measures
        numbers = {name: tracked.number(name, measure) for name, measure in measures.items()}
        return cls(
            tuple(sorted(name for name in names if is_of_request(name))),
            of_visitor,
            tuple(numbers[name] if name in numbers else source_of(name) for name in of_visitor),
            needs_profile(names.difference(of_place)) or reads_history or bool(deciding.splits),
            any((filling.follows, filling.has_rows, filling.has_lists, deciding.moves))
            or any(tracked.all[number].moves for number in numbers.values()),
            not _NO_NUMBERS.issuperset(of_visitor),
            reads_history or bool(measures),
            tuple(deciding.splits),
            tuple(deciding.caps),
            of_place,
            tuple([_as_named if name in filling.attributes else _worth(publication, name) for name in of_place]),
        )


def _telling_products_apart(publication: Publication) -> list[str]:
    return [REFINEMENT + name for name in publication.products.addresses.telling()]


def _worth(publication: Publication, place: str) -> Worth:
    """What the values of a place make possible."""
    if any(rule.experiment and rule.experiment.split_by == place for rule in publication.rules):
        return _as_named
    plans = [plan for plan in (publication.plan, publication.plan.journey) if plan is not None]
    columns = (named for plan in plans for named in (*plan.columns.items(), *plan.derived))
    asking = [(name, column) for name, column in columns if base_of(name) == place]

    @lru_cache(maxsize=MOST_VALUES)
    def worth(value: AttributeValue | None) -> Hashable:
        known = {} if value is None else {place: value}
        return tuple([column.bits(value_of(name, known, 0.0)) for name, column in asking])

    return worth


def _as_named(value: AttributeValue | None) -> Hashable:
    return value
