"""Look-up tables: the bits of values seen before, so that the second look-up of a value is cheap.

A plan is immutable, and so are the bits of a value. Whether they were remembered makes a difference only in time.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace

from proxy.decide.column import Column
from proxy.decide.membership import Membership
from proxy.memo import make_room

LIMIT = 2_048
"""Visitors choose the values (search terms, paths), so there may be any number: the oldest are dropped."""

# Not numbers and booleans: as dict keys 1, 1.0 and True are equal.
KEPT = (str, frozenset, type(None), tuple)


class ComputedDict(dict[object, int]):
    """A dict that computes missing values: `remembered[value]` is `calculate(value)`, kept when the value is of a type
    that dict keys tell apart."""

    __slots__ = ("_calculate",)

    def __init__(self, calculate: Callable[..., int]) -> None:
        super().__init__()
        self._calculate = calculate

    def __missing__(self, value: object) -> int:
        bits = self._calculate(value)
        if type(value) in KEPT:
            make_room(self, LIMIT)
            self[value] = bits
        return bits


# Plain tuples: a named one takes four times as long to take apart.

TextLookup = tuple[str, ComputedDict]
"""An attribute that is tested for texts and sets, and the bits of its values."""

TypedLookup = tuple[str, tuple[float, ...], tuple[int, ...], tuple[int, int], ComputedDict]
"""An attribute that is tested for numbers or booleans, too: the same, and the breaks and ranges of its column, and the
bits of False and of True."""


@dataclass(frozen=True, slots=True)
class LookupTables:
    """How to look up the bits of each attribute. `memberships` has the arguments of `Membership.bits` as keys; it is
    None where `segment` is looked up as any other text, since no segment has a condition and no rule needs signed
    ones."""

    texts: tuple[TextLookup, ...]
    typed: tuple[TypedLookup, ...]
    memberships: ComputedDict | None

    def without(self, names: Container[str]) -> LookupTables:
        """The tables without these attributes."""
        return replace(
            self,
            texts=tuple([each for each in self.texts if each[0] not in names]),
            typed=tuple([each for each in self.typed if each[0] not in names]),
        )


def lookup_tables(columns: Mapping[str, Column], membership: Membership) -> LookupTables:
    """Empty look-up tables."""
    texts = [(name, ComputedDict(column.bits)) for name, column in columns.items() if not column.is_typed]
    is_plain = not membership.own_bits and membership.verified is None
    if is_plain:
        texts.append(("segment", ComputedDict(membership.named)))
    typed = [_typed(name, column) for name, column in columns.items() if column.is_typed]
    return LookupTables(tuple(texts), tuple(typed), None if is_plain else ComputedDict(membership.bits))


def _typed(attribute: str, column: Column) -> TypedLookup:
    truths = (column.bits(False), column.bits(True))
    return attribute, column.breaks, column.ranges, truths, ComputedDict(column.bits)
