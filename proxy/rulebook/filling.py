"""What filling a slot needs to know of a visitor, beside what deciding it needs (`decide/slot_inputs.py`): the fields
of its fragments, the products in its rows, the order of its lists. Worked out once, when rules are published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proxy.catalogue.ranking import Arrangement
from proxy.catalogue.rows import RowSpec
from proxy.model import Rule
from proxy.page.fragments import Fragment


@dataclass(frozen=True, slots=True)
class Filling:
    """What filling a slot needs: the `attributes` of its fields; whether it has product rows or arranged lists, and
    whether one of them depends on the visitor's history."""

    attributes: frozenset[str] = frozenset()
    has_rows: bool = False
    has_lists: bool = False
    follows: bool = False

    @classmethod
    def together(cls, fillings: Iterable[Filling]) -> Filling:
        """What several slots need together."""
        each = tuple(fillings)
        return cls(
            frozenset().union(*(one.attributes for one in each)),
            any(one.has_rows for one in each),
            any(one.has_lists for one in each),
            any(one.follows for one in each),
        )


def fillings(
    rules: Iterable[Rule],
    fragments: Mapping[str, Fragment],
    asks: Mapping[str, RowSpec],
    arrangements: Mapping[str, Arrangement],
) -> dict[str, Filling]:
    """What each slot with rules needs, by what its rules may show."""
    variants: dict[str, set[str]] = {}
    for rule in rules:
        variants.setdefault(rule.slot, set()).update(rule.variants)
    return {slot: _of_slot(shown, fragments, asks, arrangements) for slot, shown in variants.items()}


def _of_slot(
    variants: set[str],
    fragments: Mapping[str, Fragment],
    asks: Mapping[str, RowSpec],
    arrangements: Mapping[str, Arrangement],
) -> Filling:
    rows = [asks[variant] for variant in variants & asks.keys()]
    lists = [arrangements[variant] for variant in variants & arrangements.keys()]
    return Filling(
        frozenset(field.attribute for variant in variants & fragments.keys() for field in fragments[variant].fields),
        bool(rows),
        bool(lists),
        any(ask.reads_history for ask in rows) or any(one.reads_history for one in lists),
    )
