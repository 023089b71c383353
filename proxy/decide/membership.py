"""Which segments a visitor is in, and so which bits the attribute `segment` leaves.

A visitor is in the segments that a cookie or the profile names, and in those whose own condition holds now. This set is
never unknown, only empty: `segment: not VIP` is true for a visitor in none. Conditions of segments have bits in the
plan as those of rules, the lowest ones; so when segments are evaluated, most of the work is done. Segments may depend
on other segments; they are sorted so that one pass is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from proxy.decide.column import Column, Layer
from proxy.decide.residual import Residual
from proxy.model import AttributeValue


@dataclass(frozen=True, slots=True)
class ComputedSegment:
    """A segment with the bits of its conjunctions: a visitor is in it if any bit is left and the residual holds."""

    name: str
    bits: int
    residual: Residual | None


@dataclass(frozen=True, slots=True)
class Membership:
    """Finds a visitor's segments. `own_bits` are those of the segments' conditions. `column` is for tests of `segment`,
    `verified` for the same in rules that do not trust unsigned cookies (None: no such rules). Segments stand
    `independent` unless one asks for another; those that others ask for are `leading`."""

    segments: tuple[ComputedSegment, ...]
    own_bits: int
    column: Column
    verified: Column | None
    independent: IndependentSegments | None = field(init=False, compare=False)
    leading: frozenset[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        layers, own_bits = self.column.layers, self.own_bits
        leading = [
            segment.name
            for segment in self.segments
            if any(layer.touched(frozenset({segment.name})) & own_bits for layer in layers)
        ]
        is_independent = not any(layer.asks(own_bits) for layer in layers)
        object.__setattr__(self, "leading", frozenset(leading))
        object.__setattr__(self, "independent", IndependentSegments(self) if is_independent else None)

    def bits(self, asked: tuple[int, AttributeValue | None, frozenset[str]]) -> int:
        """The bits left for (own bits left by all other attributes, segments named by cookie and profile, unsigned
        segments)."""
        own_bits, named, unverified = asked
        names = names_of(named)
        trusted = verified_names(named, unverified) if unverified and self.verified is not None else names
        if self.independent is not None:
            return self.independent.bits(own_bits, names, trusted)
        anyhow = self._joined(own_bits, names)
        left = self.column.bits(anyhow)
        if self.verified is None:
            return left
        return left & self.verified.bits(anyhow if trusted is names else self._joined(own_bits, trusted))

    def named(self, named: AttributeValue | None) -> int:
        """The same without own bits, and without rules that need signed segments."""
        return self.column.bits(names_of(named))

    def _joined(self, own_bits: int, names: frozenset[str]) -> frozenset[str]:
        if not own_bits:
            return names
        left = own_bits & self.column.bits(names)
        for segment in self.segments:
            if left & segment.bits and (segment.residual is None or segment.residual.holds(left)):
                names |= {segment.name}
                if segment.name in self.leading:
                    left = own_bits & self.column.bits(names)
        return names


class IndependentSegments:
    """Segments none of which depends on another: the effect of each follows from its own bits. The effect of eight bits
    at a time is remembered, so that the number of segments matters little."""

    def __init__(self, membership: Membership) -> None:
        self._tangled = [segment for segment in membership.segments if segment.residual is not None]
        simple = [segment for segment in membership.segments if segment.residual is None]
        self._bytes = (membership.own_bits.bit_length() + 7) // 8
        layers = [(layer, False) for layer in membership.column.layers]
        layers += [(layer, True) for layer in (membership.verified.layers if membership.verified is not None else ())]
        places = range(self._bytes)
        self._layers = [
            (layer, is_trusted, [_Octet(layer, simple, place) for place in places]) for layer, is_trusted in layers
        ]

    def bits(self, own_bits: int, names: frozenset[str], trusted: frozenset[str]) -> int:
        """The bits that are left, as of `Membership`."""
        for segment in self._tangled:
            if own_bits & segment.bits and segment.residual is not None and segment.residual.holds(own_bits):
                names, trusted = names | {segment.name}, trusted | {segment.name}
        octets = [each for each in enumerate(own_bits.to_bytes(self._bytes, "little")) if each[1]]
        left = -1
        for layer, is_trusted, known in self._layers:
            touched = layer.touched(trusted if is_trusted else names)
            for place, octet in octets:
                touched |= known[place][octet]
            left &= layer.untouched ^ touched
        return left


class _Octet(dict[int, int]):
    """The bits touched in a layer by the segments with these of eight bits."""

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
    """The segments that the attribute names; none if it is unknown."""
    if isinstance(named, str):
        return frozenset({named})
    return named if isinstance(named, frozenset) else frozenset()


def verified_names(named: AttributeValue | None, unverified: frozenset[str]) -> frozenset[str]:
    """The segments named, without unsigned ones."""
    folded = {name.casefold() for name in unverified}
    return frozenset(name for name in names_of(named) if name.casefold() not in folded)
