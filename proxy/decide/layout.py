"""Assigns a bit to every conjunction, and collects what each bit tests, attribute by attribute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from proxy.decide.column import Column, column
from proxy.decide.conjunctions import Literal

Asked = tuple[str, str]
"""What a column is about: `attribute` and `of` of its literals."""


class Layout:
    """The bits assigned so far. A conjunction that tests an attribute twice needs two layers of its column."""

    def __init__(self) -> None:
        self._width = 0
        self._asked: dict[Asked, list[dict[Literal, int]]] = defaultdict(list)
        self._literals: dict[Literal, int] = {}

    @property
    def width(self) -> int:
        """The number of bits assigned."""
        return self._width

    @property
    def everyone(self) -> int:
        """All assigned bits."""
        return (1 << self._width) - 1

    def conjunction(self, literals: Iterable[Literal]) -> int:
        """A new bit, the next higher one, that holds when all literals do."""
        bit = 1 << self._width
        self._width += 1
        depth: dict[Asked, int] = defaultdict(int)
        for literal in sorted(literals, key=lambda literal: not literal.wanted):
            asked = (literal.attribute, literal.of)
            self._ask(asked, depth[asked], literal, bit)
            depth[asked] += 1
        return bit

    def literal(self, literal: Literal) -> int:
        """The bit of a single literal; the same each time."""
        if literal not in self._literals:
            self._literals[literal] = self.conjunction((literal,))
        return self._literals[literal]

    def columns(self) -> dict[Asked, Column]:
        """The column of every attribute asked about."""
        everyone = self.everyone
        return {asked: column(layers, everyone) for asked, layers in self._asked.items()}

    def _ask(self, asked: Asked, depth: int, literal: Literal, bit: int) -> None:
        layers = self._asked[asked]
        if depth == len(layers):
            layers.append(defaultdict(int))
        layers[depth][literal] |= bit
