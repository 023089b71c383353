"""One attribute's share of a plan: which bits stay possible when the attribute has this value.

Every conjunction of every rule is a bit. A column knows, for one attribute, the tests those bits put to it, at most one
a bit, and answers with an integer that has a 1 for every bit whose test passes and for every bit that asks nothing.

A value *touches* the patterns it meets: words it equals, words it begins with or contains, the range its number is in.
`untouched` is the answer for a value that touches nothing, and a touched bit is the opposite of that: a bit that wants
`country NL` turns on when NL is met, a bit that wants `not NL` turns off. So the answer is `untouched ^ touched`,
for plain and negated tests alike. The meaning of each test is that of `conditions/values.py`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from math import inf, nextafter
from operator import and_, xor

from proxy.conditions.values import MINUTES_A_DAY, holds, is_number, number_text, texts_of
from proxy.decide.conjunctions import Literal
from proxy.model import AttributeValue, Between, Contains, IsKnown, NotOneOf, OneOf, StartsWith, Test, WithinHours

NOTHING: frozenset[str] = frozenset()
TRUTH_WORDS = {"yes", "no", "true", "false"}


@dataclass(frozen=True, slots=True)
class Column:
    """The index of one attribute. A bit that puts two tests to it has one in each layer.

    `breaks` and `ranges` belong together: a number above `breaks[i - 1]` and at most `breaks[i]` leaves the bits
    `ranges[i]`. `is_typed`: tests ask for numbers or truth values.
    """

    layers: tuple[Layer, ...]
    breaks: tuple[float, ...]
    ranges: tuple[int, ...]
    is_typed: bool

    def bits(self, value: AttributeValue | None) -> int:
        """The bits that a value leaves possible; None is unknown. A value of an odd type touches nothing."""
        if not isinstance(value, str | frozenset) and is_number(value):
            return self.ranges[bisect_left(self.breaks, value)]
        bits = self.layers[0].bits(value)
        for layer in self.layers[1:]:  # there is mostly none
            bits &= layer.bits(value)
        return bits


@dataclass(frozen=True, slots=True)
class Layer:
    """Tests of one attribute, at most one a bit. `beginning_lengths` and `part_lengths` are those that there are: of
    thousands of patterns, a text is asked for the few that it could meet."""

    unknown: int
    untouched: int
    when_present: int
    words: Mapping[str, int]
    beginnings: Mapping[str, int]
    parts: Mapping[str, int]
    beginning_lengths: tuple[int, ...]
    part_lengths: tuple[int, ...]
    breaks: tuple[float, ...]
    ranges: tuple[int, ...]

    def bits(self, value: AttributeValue | None) -> int:
        """The bits that a value, other than a number, leaves possible."""
        return self.unknown if value is None else self.untouched ^ self.touched(value)

    def touched(self, value: AttributeValue) -> int:
        """The bits that a value, other than a number, turns around."""
        touched = self.when_present if value != NOTHING else 0
        looks_inside = bool(self.beginnings or self.parts) and not isinstance(value, bool)
        words = self.words
        if words or looks_inside:
            # Of segments, who was not here before has a set that nobody had before.
            for text in map(str.casefold, value) if isinstance(value, frozenset) else texts_of(value):
                if text in words:
                    touched |= words[text]
                if looks_inside:
                    touched |= self._touched_inside(text)
        return touched

    def asks(self, bits: int) -> bool:
        """Whether any of these bits asks for something."""
        patterns = (self.words, self.beginnings, self.parts)
        touched = (touched for words in patterns for touched in words.values())
        return self.untouched & bits != bits or any(bits & each for each in (self.when_present, *touched))

    def _touched_inside(self, text: str) -> int:
        touched = 0
        for length in self.beginning_lengths:
            touched |= self.beginnings.get(text[:length], 0)
        for part in self._parts_of(text):
            touched |= self.parts[part]
        return touched

    def _parts_of(self, text: str) -> Iterable[str]:
        if len(text) * len(self.part_lengths) >= len(self.parts):
            return [part for part in self.parts if part in text]
        pieces = {text[at : at + length] for length in self.part_lengths for at in range(len(text) + 1)}
        return pieces & self.parts.keys()


def column(layers: Sequence[Mapping[Literal, int]], everyone: int) -> Column:
    """The column of one attribute from the literals of each layer, with the bits that ask them. `everyone` is all
    bits of the plan."""
    made = tuple(_layer(asked, everyone) for asked in layers)
    breaks = tuple(sorted({point for layer in made for point in layer.breaks}))
    ranges = tuple(
        reduce(and_, (layer.ranges[bisect_left(layer.breaks, point)] for layer in made)) for point in (*breaks, inf)
    )
    is_typed = bool(breaks) or any(layer.words.keys() and layer.words.keys() <= TRUTH_WORDS for layer in made)
    return Column(made, breaks, ranges, is_typed)


def _layer(asked: Mapping[Literal, int], everyone: int) -> Layer:
    unknown = untouched = everyone
    when_present = 0
    words: dict[str, int] = defaultdict(int)
    beginnings: dict[str, int] = defaultdict(int)
    parts: dict[str, int] = defaultdict(int)
    ranges: list[tuple[Between, int]] = []
    for literal, bits in asked.items():
        if holds(literal.test, None) != literal.wanted:
            unknown ^= bits
        if _is_negative(literal.test) != literal.wanted:
            untouched ^= bits
        match literal.test:
            case OneOf(values) | NotOneOf(values):
                _touch(words, values, bits)
            case StartsWith(values):
                _touch(beginnings, values, bits)
            case Contains(values):
                _touch(parts, values, bits)
            case IsKnown():
                when_present |= bits
            case Between() | WithinHours():
                ranges += [(range_, bits) for range_ in _ranges_of(literal.test)]
    ranges += [(range_, bits) for word, bits in words.items() for range_ in _range_of_word(word)]
    breaks, by_range = _by_range(ranges, untouched ^ when_present)
    return Layer(
        unknown,
        untouched,
        when_present,
        dict(words),
        dict(beginnings),
        dict(parts),
        tuple(sorted(set(map(len, beginnings)))),
        tuple(sorted(set(map(len, parts)))),
        breaks,
        by_range,
    )


def _is_negative(test: Test) -> bool:
    return isinstance(test, NotOneOf) or test == IsKnown(wanted=False)


def _touch(patterns: dict[str, int], values: Iterable[str], bits: int) -> None:
    for value in values:
        patterns[value.casefold()] |= bits


# -- numbers


def _ranges_of(test: Between | WithinHours) -> list[Between]:
    if isinstance(test, Between):
        return [test]
    start, end = test.start_minute, test.end_minute
    if start < end:
        return [Between(start, end, open_high=True)]
    return [Between(start, MINUTES_A_DAY, open_high=True), Between(0, end, open_high=True)]


def _range_of_word(word: str) -> list[Between]:
    """The numbers that an editor would write as `word`: `4` is exactly 4, `19.95` all that round to it."""
    try:
        number = float(word)
    except ValueError:
        return []
    if number - number != 0 or number_text(number) != word:
        return []
    return [Between(number, number) if number.is_integer() else Between(number - 5e-7, number + 5e-7)]


def ends_of(range_: Between) -> tuple[float, float]:
    """The number that those of the range are above, and the one that they are up to: an end that is part of it is moved
    by the smallest step there is."""
    above = range_.low if range_.open_low else nextafter(range_.low, -inf)
    return above, nextafter(range_.high, -inf) if range_.open_high else range_.high


def _by_range(ranges: list[tuple[Between, int]], untouched: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The points where the answer for a number changes, and the answers between them, which one bisection finds. Minus
    infinity and NaN, which are no amounts, lie in no range."""
    flips: dict[float, int] = defaultdict(int)
    for range_, bits in ranges:
        above, up_to = ends_of(range_)
        if above < up_to:
            flips[above] ^= bits
            flips[up_to] ^= bits
    breaks = sorted(flips)
    return tuple(breaks), tuple(accumulate((flips[point] for point in breaks), xor, initial=untouched))
