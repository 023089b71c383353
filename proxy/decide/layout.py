"""Assigns a bit to every conjunction, and collects the tests of each attribute from which columns are made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from proxy.decide.column import Column, column
from proxy.decide.conjunctions import Literal

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
