"""Answers already calculated, by the value that asked: what makes the second look-up of a value cheap.

A plan is immutable, and so is its answer for a value. Whether the answer was remembered shows in nothing but time.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace

from proxy.decide.column import Column
from proxy.decide.membership import Membership
from proxy.memo import make_room

LIMIT = 2_048
"""Visitors choose the values (search terms, paths), so an attacker may choose many: then the oldest go."""

# Not numbers and truths: as keys of a dict 1, 1.0 and True are one.
KEPT = (str, frozenset, type(None), tuple)


class Remembered(dict[object, int]):
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

TextLookup = tuple[str, Remembered]
"""An attribute that is asked for texts and sets, and the bits of its values."""

TypedLookup = tuple[str, tuple[float, ...], tuple[int, ...], tuple[int, int], Remembered]
"""An attribute that is asked for numbers or truths too: beside the same, the breaks and ranges of its column, and the
bits of no and of yes."""


@dataclass(frozen=True, slots=True)
class ShortCuts:
    """How to look each attribute up fast. `memberships` is by what `Membership.bits` takes; None where `segment` is
    asked as any other text, since no segment has a condition, and no rule asks who signed it."""

    texts: tuple[TextLookup, ...]
    typed: tuple[TypedLookup, ...]
    memberships: Remembered | None

    def without(self, names: Container[str]) -> ShortCuts:
        """Those of other attributes."""
        return replace(
            self,
            texts=tuple([each for each in self.texts if each[0] not in names]),
            typed=tuple([each for each in self.typed if each[0] not in names]),
        )


def short_cuts(columns: Mapping[str, Column], membership: Membership) -> ShortCuts:
    """Short cuts that nothing is remembered in yet."""
    texts = [(name, Remembered(column.bits)) for name, column in columns.items() if not column.is_typed]
    is_plain = not membership.own_bits and membership.verified is None
    if is_plain:
        texts.append(("segment", Remembered(membership.named)))
    typed = [_typed(name, column) for name, column in columns.items() if column.is_typed]
    return ShortCuts(tuple(texts), tuple(typed), None if is_plain else Remembered(membership.bits))


def _typed(attribute: str, column: Column) -> TypedLookup:
    truths = (column.bits(False), column.bits(True))
    return attribute, column.breaks, column.ranges, truths, Remembered(column.bits)
