"""A column: the bitset index of one attribute, which gives the bits that stay possible for a value.

Every conjunction of every rule is a bit. A column has the tests that these bits make of its attribute, and returns for
a value an integer with a 1 for every bit whose test passes, and for every bit that does not test the attribute.

A value *touches* the patterns that it matches: words that it equals, begins with or contains, the range that its number
is in. `untouched` is the result for a value that touches nothing, and a touched bit is the opposite of that: a bit that
wants `country NL` is turned on by NL, a bit that wants `not NL` is turned off. So the result is `untouched ^ touched`,
for plain and negated tests. The meaning of each test is defined by `conditions/values.py`.
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

from proxy.conditions.values import MINUTES_A_DAY, folded, holds, is_number, number_text, texts_of
from proxy.decide.conjunctions import Literal
from proxy.model import AttributeValue, Between, Contains, IsKnown, NotOneOf, OneOf, StartsWith, Test, WithinHours

EMPTY_SET: frozenset[str] = frozenset()
TRUTH_WORDS = {"yes", "no", "true", "false"}


@dataclass(frozen=True, slots=True)
class Column:
    """The index of one attribute. A bit that tests it twice has one test in each of two layers.

    A number above `breaks[i - 1]` and at most `breaks[i]` leaves the bits `ranges[i]`. `is_typed`: some tests are for
    numbers or truth values.
    """

    layers: tuple[Layer, ...]
    breaks: tuple[float, ...]
    ranges: tuple[int, ...]
    is_typed: bool

    def bits(self, value: AttributeValue | None) -> int:
        """The bits that a value leaves possible; None is unknown. A value of any other type touches nothing."""
        if not isinstance(value, str | frozenset) and is_number(value):
            return self.ranges[bisect_left(self.breaks, value)]
        bits = self.layers[0].bits(value)
        for layer in self.layers[1:]:  # mostly none
            bits &= layer.bits(value)
        return bits


@dataclass(frozen=True, slots=True)
class Layer:
    """Tests of one attribute, at most one per bit: by the words, beginnings and parts that they look for, and for
    numbers as in `Column`. `beginning_lengths` and `part_lengths` are the lengths of these patterns: of thousands of
    patterns, only slices of a text with such a length are looked up."""

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
        """The bits that a value, other than a number, flips."""
        touched = self.when_present if value != EMPTY_SET else 0
        looks_inside = bool(self.beginnings or self.parts) and not isinstance(value, bool)
        words = self.words
        if words or looks_inside:
            # Not `texts_of` for sets: it caches, and new visitors have sets of segments that nobody had before.
            for text in map(str.casefold, value) if isinstance(value, frozenset) else texts_of(value):
                if not text.isascii():
                    text = folded(text)
                if text in words:
                    touched |= words[text]
                if looks_inside:
                    touched |= self._touched_inside(text)
        return touched

    def tests_any(self, bits: int) -> bool:
        """Whether any of these bits tests the attribute."""
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


def column(layers: Sequence[Mapping[Literal, int]], all_bits: int) -> Column:
    """The column of one attribute from the literals of each layer with their bits. `all_bits` has all bits of the
    plan."""
    made = tuple(_layer(literals, all_bits) for literals in layers)
    breaks = tuple(sorted({point for layer in made for point in layer.breaks}))
    ranges = tuple(
        reduce(and_, (layer.ranges[bisect_left(layer.breaks, point)] for layer in made)) for point in (*breaks, inf)
    )
    is_typed = bool(breaks) or any(layer.words.keys() and layer.words.keys() <= TRUTH_WORDS for layer in made)
    return Column(made, breaks, ranges, is_typed)


def _layer(literals: Mapping[Literal, int], all_bits: int) -> Layer:
    unknown = untouched = all_bits
    when_present = 0
    words: dict[str, int] = defaultdict(int)
    beginnings: dict[str, int] = defaultdict(int)
    parts: dict[str, int] = defaultdict(int)
    ranges: list[tuple[Between, int]] = []
    for literal, bits in literals.items():
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
        patterns[folded(value)] |= bits


# -- numbers


def _ranges_of(test: Between | WithinHours) -> list[Between]:
    if isinstance(test, Between):
        return [test]
    start, end = test.start_minute, test.end_minute
    if start < end:
        return [Between(start, end, open_high=True)]
    return [Between(start, MINUTES_A_DAY, open_high=True), Between(0, end, open_high=True)]


def _range_of_word(word: str) -> list[Between]:
    """The numbers that equal `word`, as an editor writes it: `4` is exactly 4, `19.95` all numbers that round to it."""
    try:
        number = float(word)
    except ValueError:
        return []
    if number - number != 0 or number_text(number) != word:
        return []
    return [Between(number, number) if number.is_integer() else Between(number - 5e-7, number + 5e-7)]


def ends_of(range_: Between) -> tuple[float, float]:
    """The range as a half-open interval: its numbers are above the first and at most the second. An end is moved by the
    smallest float step where needed."""
    above = range_.low if range_.open_low else nextafter(range_.low, -inf)
    return above, nextafter(range_.high, -inf) if range_.open_high else range_.high


def _by_range(ranges: list[tuple[Between, int]], untouched: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The breaks where the result for a number changes, and the results between them. Minus infinity and NaN are in no
    range."""
    flips: dict[float, int] = defaultdict(int)
    for range_, bits in ranges:
        above, up_to = ends_of(range_)
        if above < up_to:
            flips[above] ^= bits
            flips[up_to] ^= bits
    breaks = sorted(flips)
    return tuple(breaks), tuple(accumulate((flips[point] for point in breaks), xor, initial=untouched))
