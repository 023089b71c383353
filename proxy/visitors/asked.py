"""What the rules and fragments of a page's slots may ask of a visitor and a request: worked out once a publication."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.audience.measures import is_moving
from proxy.audience.traits import TRAIT_MEASURES
from proxy.decide.guard import Lot
from proxy.decide.plan import CLOCK_ATTRIBUTES
from proxy.http.message import Request
from proxy.model import AttributeValue, Cap
from proxy.page.presentation import ROW_ATTRIBUTES
from proxy.personalise import SORTED_BY
from proxy.rulebook.compile import Publication
from proxy.visitors.context import Seen, Source, is_of_request, needs_profile, source_of, values_of

_NO_NUMBERS = frozenset({"segment", "visitor"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What deciding and filling some slots may look at.

    * `of_request`, `of_visitor`: names of attributes, the visitor's with where each comes from.
    * `needs_profile`: a profile may have one of them; `needs_history`: something is read off what the visitor did, and
      more than limits if it `reads_more`.
    * `lots`, `caps`: what chance draws by who the visitor is, and how often they may be shown something.
    * `tells_visitors_apart`: two of whom all that is the same may be shown different things: products are chosen (what
      is sold out must not be remembered), or a value changes every moment, as the days since an order.
    * `has_kinds`: a value may be a number or a truth value, of which 1 and `yes` are equal in Python.
    """

    of_request: tuple[str, ...]
    of_visitor: tuple[str, ...]
    sources: tuple[Source, ...]
    needs_profile: bool
    tells_visitors_apart: bool
    has_kinds: bool = False
    needs_history: bool = False
    reads_more: bool = False
    lots: tuple[Lot, ...] = ()
    caps: tuple[Cap, ...] = ()

    def known(self, request: Request) -> tuple[AttributeValue | None, ...] | None:
        """What `said` says of it, where a request of the same question was asked before: all of them say the same."""
        question = request.question
        return question.said[1] if question is not None and question.said[0] is self else None

    def said(self, seen: Seen) -> tuple[AttributeValue | None, ...]:
        """The values of `of_request`."""
        said = values_of(self.of_request, seen, None, {})
        if seen.request.question is not None:
            seen.request.question.said = self, said
        return said

    @property
    def attributes(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.of_request, *self.of_visitor)

    @classmethod
    def by(cls, publication: Publication, slots: tuple[str, ...]) -> Asked:
        """What is asked in these slots."""
        deciding, filling = publication.plan.asked_in(slots), publication.filled_in(slots)
        names = deciding.attributes.difference(CLOCK_ATTRIBUTES).union(
            filling.attributes, ROW_ATTRIBUTES if filling.has_rows else (), SORTED_BY if filling.has_lists else ()
        )
        traits = {name: TRAIT_MEASURES[name] for name in names & TRAIT_MEASURES.keys()}
        measures = {**traits, **deciding.measures}
        reads_history = bool(deciding.caps) or filling.follows
        of_visitor = tuple(sorted(name for name in names if not is_of_request(name)))
        return cls(
            tuple(sorted(name for name in names if is_of_request(name))),
            of_visitor,
            tuple(source_of(name, measures.get(name)) for name in of_visitor),
            needs_profile(names) or reads_history or bool(deciding.lots),
            any((filling.follows, filling.has_rows, filling.has_lists, deciding.moves))
            or any(map(is_moving, measures.values())),
            not _NO_NUMBERS.issuperset(of_visitor),
            reads_history or bool(measures),
            filling.follows or bool(measures),
            tuple(deciding.lots),
            tuple(deciding.caps),
        )
