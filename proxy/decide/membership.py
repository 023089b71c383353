"""The segments a visitor is in, and the bits that the attribute `segment` leaves.

A visitor is in the segments that a cookie or the profile names, and in those whose own condition holds now. This set is
never unknown, only empty: `segment: not VIP` is true for a visitor in no segment. The conditions of segments have the
lowest bits of the plan, so they are evaluated together with the rules. Segments may depend on other segments; they are
sorted so that one pass is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from proxy.decide.column import Column, Layer
from proxy.decide.residual import Residual
from proxy.model import AttributeValue


@dataclass(frozen=True, slots=True)
class ComputedSegment:
    """A segment with the bits of its conjunctions: a visitor is in it if one of them is left and the residual holds."""

    name: str
    bits: int
    residual: Residual | None


@dataclass(frozen=True, slots=True)
class Membership:
    """Finds a visitor's segments.

    * `segment_bits`: the bits of the segments' conditions.
    * `column`: the index of the attribute `segment`; `verified`: the same for rules that do not trust unsigned cookies,
      None if there are none.
    * `independent`: set if no segment depends on another; `depended_on`: the names of those that others depend on.
    """

    segments: tuple[ComputedSegment, ...]
    segment_bits: int
    column: Column
    verified: Column | None
    independent: IndependentSegments | None = field(init=False, compare=False)
    depended_on: frozenset[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        layers, segment_bits = self.column.layers, self.segment_bits
        depended_on = [
            segment.name
            for segment in self.segments
            if any(layer.touched(frozenset({segment.name})) & segment_bits for layer in layers)
        ]
        is_independent = not any(layer.tests_any(segment_bits) for layer in layers)
        object.__setattr__(self, "depended_on", frozenset(depended_on))
        object.__setattr__(self, "independent", IndependentSegments(self) if is_independent else None)

    def bits(self, key: tuple[int, AttributeValue | None, frozenset[str]]) -> int:
        """The bits left for a key of: the segment bits left by all other attributes, the segments named by cookie and
        profile, and the unsigned ones."""
        segment_bits, named, unverified = key
        names = names_of(named)
        trusted = verified_names(named, unverified) if unverified and self.verified is not None else names
        if self.independent is not None:
            return self.independent.bits(segment_bits, names, trusted)
        all_names = self._with_computed(segment_bits, names)
        left = self.column.bits(all_names)
        if self.verified is None:
            return left
        return left & self.verified.bits(all_names if trusted is names else self._with_computed(segment_bits, trusted))

    def bits_of_names(self, named: AttributeValue | None) -> int:
        """The bits left if no segment has a condition and no rule needs signed ones."""
        return self.column.bits(names_of(named))

    def _with_computed(self, segment_bits: int, names: frozenset[str]) -> frozenset[str]:
        if not segment_bits:
            return names
        left = segment_bits & self.column.bits(names)
        for segment in self.segments:
            if left & segment.bits and (segment.residual is None or segment.residual.holds(left)):
                names |= {segment.name}
                if segment.name in self.depended_on:
                    left = segment_bits & self.column.bits(names)
        return names


class IndependentSegments:
    """Segments none of which depends on another, so that the effect of each follows from its own bits. The effect of
    each group of eight bits is cached, so that the number of segments matters little."""

    def __init__(self, membership: Membership) -> None:
        self._with_residual = [segment for segment in membership.segments if segment.residual is not None]
        simple = [segment for segment in membership.segments if segment.residual is None]
        self._bytes = (membership.segment_bits.bit_length() + 7) // 8
        layers = [(layer, False) for layer in membership.column.layers]
        layers += [(layer, True) for layer in (membership.verified.layers if membership.verified is not None else ())]
        places = range(self._bytes)
        self._layers = [
            (layer, is_trusted, [_TouchedBits(layer, simple, place) for place in places])
            for layer, is_trusted in layers
        ]

    def bits(self, segment_bits: int, names: frozenset[str], trusted: frozenset[str]) -> int:
        """As `Membership.bits`; `names` are all segments named, `trusted` those that are verified."""
        for segment in self._with_residual:
            if segment_bits & segment.bits and segment.residual is not None and segment.residual.holds(segment_bits):
                names, trusted = names | {segment.name}, trusted | {segment.name}
        octets = [each for each in enumerate(segment_bits.to_bytes(self._bytes, "little")) if each[1]]
        left = -1
        for layer, is_trusted, known in self._layers:
            touched = layer.touched(trusted if is_trusted else names)
            for place, octet in octets:
                touched |= known[place][octet]
            left &= layer.untouched ^ touched
        return left


class _TouchedBits(dict[int, int]):
    """For one group of eight bits and one layer: the bits touched by the segments that have these bits (computed when
    first looked up)."""

    __slots__ = ("_touching",)

    def __init__(self, layer: Layer, segments: Sequence[ComputedSegment], place: int) -> None:
        super().__init__()
        each = [(segment.bits >> 8 * place & 255, layer, frozenset({segment.name})) for segment in segments]
        self._touching = [one for one in each if one[0]]

    def __missing__(self, octet: int) -> int:
        touched = 0
        for bits, layer, name in self._touching:
            if octet & bits:
                touched |= layer.touched(name)
        self[octet] = touched
        return touched


def names_of(named: AttributeValue | None) -> frozenset[str]:
    """The value of the attribute `segment` as a set; empty if it is unknown."""
    if isinstance(named, str):
        return frozenset({named})
    return named if isinstance(named, frozenset) else frozenset()


def verified_names(named: AttributeValue | None, unverified: frozenset[str]) -> frozenset[str]:
    """The segments named, without the unsigned ones."""
    folded = {name.casefold() for name in unverified}
    return frozenset(name for name in names_of(named) if name.casefold() not in folded)
