"""Which segments a visitor is in, and so which bits the attribute `segment` leaves.

A visitor is in the segments that a cookie or the profile names, and in those whose own condition holds now. That set is
never unknown, only empty: `segment: not VIP` is true of who is in none. Conditions
of segments have bits in the plan like those of rules, the lowest ones, so that by the time segments are asked about,
most of the work is done. Segments may ask about segments; they stand in an order in which that needs no second look.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.decide.column import Column
from proxy.decide.residual import Residual
from proxy.model import AttributeValue


@dataclass(frozen=True, slots=True)
class ComputedSegment:
    """A segment with the bits of its conjunctions, any of which puts a visitor in it, if the residual agrees."""

    name: str
    bits: int
    residual: Residual | None


@dataclass(frozen=True, slots=True)
class Membership:
    """`own_bits` are those that the segments' conditions use. `column` asks about `segment`, `verified` about the same
    for rules that do not trust an unsigned cookie, None where there are none."""

    segments: tuple[ComputedSegment, ...]
    own_bits: int
    column: Column
    verified: Column | None

    def bits(self, asked: tuple[int, AttributeValue | None, frozenset[str]]) -> int:
        """The bits that are left for (own bits that are left by all else, segments named by cookie and profile, those
        that nobody signed)."""
        own_bits, named, unverified = asked
        anyhow = self._joined(own_bits, names_of(named))
        left = self.column.bits(anyhow)
        if self.verified is None:
            return left
        trusted = self._joined(own_bits, verified_names(named, unverified)) if unverified else anyhow
        return left & self.verified.bits(trusted)

    def _joined(self, own_bits: int, names: frozenset[str]) -> frozenset[str]:
        if not own_bits:
            return names
        left = own_bits & self.column.bits(names)
        for segment in self.segments:
            if left & segment.bits and (segment.residual is None or segment.residual.holds(left)):
                names |= {segment.name}
                left = own_bits & self.column.bits(names)
        return names


def names_of(named: AttributeValue | None) -> frozenset[str]:
    """The segments that the attribute names; none when it is unknown."""
    if isinstance(named, str):
        return frozenset({named})
    return named if isinstance(named, frozenset) else frozenset()


def verified_names(named: AttributeValue | None, unverified: frozenset[str]) -> frozenset[str]:
    """The segments named, but for those that nobody signed."""
    folded = {name.casefold() for name in unverified}
    return frozenset(name for name in names_of(named) if name.casefold() not in folded)
