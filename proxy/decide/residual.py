"""Residuals: the parts of conditions that are too complex for conjunctions. They are evaluated only for the few rules
whose bits are left.

Each literal of a residual has a bit of its own in the plan, so evaluating it is a walk over integers: no value is
tested twice, and nothing here can fail on a visitor's data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proxy.decide.conjunctions import Literal, Part
from proxy.model import AllOf, AnyOf, Condition, Fact, NoneOf


@dataclass(frozen=True, slots=True)
class Residual:
    """A condition over bits: all, or any, of these bits and parts."""

    is_all: bool
    bits: int
    parts: tuple[Residual, ...] = ()

    def holds(self, possible: int) -> bool:
        """Whether the condition holds, given the bits the visitor satisfies."""
        # Loops: `all` and `any` would make a generator, a third of the time this takes.
        if self.is_all:
            if possible & self.bits != self.bits:
                return False
        elif possible & self.bits:
            return True
        for part in self.parts:
            if part.holds(possible) != self.is_all:
                return not self.is_all
        return self.is_all


def residual(parts: Sequence[Part], bit_of: Callable[[Literal], int]) -> Residual | None:
    """The condition that all parts hold; None without parts. `bit_of` gives the bit of a literal."""
    made = tuple(_group(part.condition, bit_of, part.wanted) for part in parts)
    if len(made) > 1:
        return Residual(True, 0, made)
    return made[0] if made else None


def _group(condition: Condition, bit_of: Callable[[Literal], int], wanted: bool) -> Residual:
    if isinstance(condition, NoneOf):
        return _group(AnyOf(condition.parts), bit_of, not wanted)
    is_all = isinstance(condition, AllOf) == wanted
    bits, parts = 0, []
    for part in (condition,) if isinstance(condition, Fact) else condition.parts:
        if isinstance(part, Fact):
            bits |= bit_of(Literal(part.attribute, part.test, wanted))
        else:
            parts.append(_group(part, bit_of, wanted))
    return Residual(is_all, bits, tuple(parts))
