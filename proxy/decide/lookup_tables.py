"""Look-up tables: caches of the bits of each value, so that the second look-up of a value is fast. A plan is immutable,
so entries never become wrong."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace

from proxy.decide.column import Column
from proxy.decide.membership import Membership
from proxy.memo import make_room

MOST_VALUES = 2_048
"""Values per table. Visitors choose them (search terms, paths), so there may be any number: the oldest are dropped."""

# Without numbers and booleans: as dict keys 1, 1.0 and True are equal.
CACHED_TYPES = (str, frozenset, type(None), tuple)


class ComputedDict(dict[object, int]):
    """A dict that computes missing values: `computed[value]` is `calculate(value)`, and is kept if the value's type is
    one of `CACHED_TYPES`."""

    __slots__ = ("_calculate",)

    def __init__(self, calculate: Callable[..., int]) -> None:
        super().__init__()
        self._calculate = calculate

    def __missing__(self, value: object) -> int:
        bits = self._calculate(value)
        if type(value) in CACHED_TYPES:
            make_room(self, MOST_VALUES)
            self[value] = bits
        return bits


# Plain tuples: unpacking a named one takes four times as long.

TextLookup = tuple[str, ComputedDict]
"""An attribute that is tested for texts and sets only, and the bits of its values."""

TypedLookup = tuple[str, tuple[float, ...], tuple[int, ...], tuple[int, int], ComputedDict]
"""An attribute that is also tested for numbers or booleans: its name, the breaks and ranges of its column, the bits of
False and True, and the bits of all other values."""


@dataclass(frozen=True, slots=True)
class LookupTables:
    """How to look up the bits of each attribute. The keys of `memberships` are the arguments of `Membership.bits`; it
    is None if `segment` is in `texts`, since no segment has a condition and no rule needs signed ones."""

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
    is_plain = not membership.segment_bits and membership.verified is None
    if is_plain:
        texts.append(("segment", ComputedDict(membership.bits_of_names)))
    typed = [_typed(name, column) for name, column in columns.items() if column.is_typed]
    return LookupTables(tuple(texts), tuple(typed), None if is_plain else ComputedDict(membership.bits))


def _typed(attribute: str, column: Column) -> TypedLookup:
    truths = (column.bits(False), column.bits(True))
    return attribute, column.breaks, column.ranges, truths, ComputedDict(column.bits)
