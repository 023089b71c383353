"""The order of rules as bits: assigns one to every conjunction, the best rule highest, and collects the tests of each
attribute from which columns are made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from proxy.decide.column import Column, column
from proxy.decide.conjunctions import Literal
from proxy.decide.guard import Guard
from proxy.decide.residual import Residual
from proxy.memo import make_room
from proxy.model import Decision

ColumnKey = tuple[str, str]
"""The key of a column: the `attribute` and the `qualifier` of its literals."""


class Layout:
    """The bits assigned so far. A conjunction that tests an attribute twice uses two layers of its column."""

    def __init__(self) -> None:
        self._width = 0
        self._tests: dict[ColumnKey, list[dict[Literal, int]]] = defaultdict(list)
        self._literals: dict[Literal, int] = {}

    @property
    def width(self) -> int:
        """The number of bits assigned."""
        return self._width

    @property
    def all_bits(self) -> int:
        """All assigned bits."""
        return (1 << self._width) - 1

    def add_conjunction(self, literals: Iterable[Literal]) -> int:
        """Assigns the next higher bit to a conjunction of these literals; returns it."""
        bit = 1 << self._width
        self._width += 1
        depth: dict[ColumnKey, int] = defaultdict(int)
        for literal in sorted(literals, key=lambda literal: not literal.wanted):
            key = (literal.attribute, literal.qualifier)
            self._add_test(key, depth[key], literal, bit)
            depth[key] += 1
        return bit

    def bit_of(self, literal: Literal) -> int:
        """The bit of a single literal, the same each time."""
        if literal not in self._literals:
            self._literals[literal] = self.add_conjunction((literal,))
        return self._literals[literal]

    def columns(self) -> dict[ColumnKey, Column]:
        """The columns of all tests so far."""
        all_bits = self.all_bits
        return {key: column(layers, all_bits) for key, layers in self._tests.items()}

    def _add_test(self, key: ColumnKey, depth: int, literal: Literal, bit: int) -> None:
        layers = self._tests[key]
        if depth == len(layers):
            layers.append(defaultdict(int))
        layers[depth][literal] |= bit


# -- The order of a plan's bits: slot after slot, and within a slot the best rule highest.
# The highest bit of an integer is found fast. So the rules left for a visitor are tried from the highest bit down; once
# a rule wins its slot, the rest of the slot's bits are dropped.

MOST_CACHED = 10_000  # sets of slots: clients may request any set by name

# With thousands of rules, those of a page are seldom in the processor's cache. So a rule without guard and residual is
# its decision alone, and all others are plain tuples, which are unpacked fast.

GuardedContender = tuple[Decision, Residual | None, Guard | None, int]
"""A rule that is not decided by its bits alone: its decision, residual and guard, and how many bits it has, from this
one down, to be skipped if it does not win."""

Contender = Decision | GuardedContender
"""The rule of a bit."""

SlotSet = tuple[int | None, dict[str, Decision]]
"""Some slots: a mask of their bits, None if these are all bits; and the decision of each slot if no rule wins."""


@dataclass(frozen=True, slots=True, eq=False)
class RuleOrder:
    """The bits of the rules, slot by slot.

    * `contenders`: the rule of each bit, from the lowest; the lowest bit is at position `lowest`, counted from 1.
    * `masks`, `below`, `unfilled`: for each slot its bits, all bits below them, and the decision if no rule wins.
    """

    lowest: int
    contenders: tuple[Contender, ...]
    masks: Mapping[str, int]
    below: Mapping[str, int]
    unfilled: Mapping[str, Decision]
    cache: dict[tuple[str, ...], SlotSet] = field(default_factory=dict)
    """A cache, by the names of the slots."""

    def of_slots(self, slots: Iterable[str]) -> SlotSet:
        """The mask and the defaults of these slots; cached, since requests for a page have the same slots."""
        names = tuple(slots)
        known = self.cache.get(names)
        if known is None:
            make_room(self.cache, MOST_CACHED)
            is_all = self.masks.keys() <= set(names)
            mask = sum(self.masks.get(slot, 0) for slot in dict.fromkeys(names))
            unfilled = {slot: self.unfilled.get(slot) or Decision(slot) for slot in names}
            known = self.cache[names] = None if is_all else mask, unfilled
        return known
