"""Equivalence classes of visitors: visitors with the same values for all that some slots depend on are shown the same.

Each class has a number. A visitor's number is kept with their verified cookies for as long as it holds, so that the
values are not worked out for each page. Where chance or limits have a say, their outcome is part of the values. Its
law: a number means the same values for as long as anybody holds it, and none is given out twice.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import count
from math import inf

import msgspec

from proxy.audience.readings import NONE_REACHED, Current, Readings, readings_of
from proxy.audience.tracked import Measures, bin_of
from proxy.decide.guard import split_outcomes
from proxy.memo import make_room
from proxy.metrics import Tally
from proxy.model import AttributeValue, Profile, Visitor
from proxy.visitors.context import NEW_VISITOR_SECONDS, unsigned_only
from proxy.visitors.inputs import Inputs
from proxy.visitors.known import NOBODY, Known

MOST_NUMBERED = 32_768
MOST_SPLITS = 8  # a split takes half a microsecond, once for each visitor
NO_NUMBER = -1
"""The number of visitors whose class cannot be told."""
_unused = count()
"""One counter for all classes: pages remembered by a number outlive the object that gave it out."""


class ClassMembership(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A visitor's class `number` among these `classes`. It holds from `since` until before `until`, while what is
    `known` of the visitor is current and of this `version`."""

    classes: EquivalenceClasses | None
    number: int
    known: Known
    version: int
    since: float
    until: float

    def holds(self, classes: EquivalenceClasses, now: float) -> bool:
        """Whether the number holds among these classes, if what is known is fresh. (`RepeatHits.answer` repeats this
        inline.)"""
        known = self.known
        is_same = self.classes is classes and self.version == known.version and known.is_current
        return is_same and self.since <= now < self.until


class EquivalenceClasses:
    """The classes of visitors by the values of `inputs`. `is_lasting`: nothing that visitors do changes these values;
    `draws`: chance has a say. `found` counts visitors whose profile was found in memory; it counts nothing where no
    profile is needed. `measures` are all that the rules read off histories, those of `inputs` among them. Who has more
    of a visitor than a profile passes it as `known`: what was read off the history need not be read again."""

    def __init__(self, inputs: Inputs, found: Tally, measures: Measures | None = None) -> None:
        self._inputs, self._sources = inputs, inputs.sources
        self._has_kinds = inputs.has_kinds
        self._numbers: dict[Hashable, int] = {}
        self._asks_newness = "visitor" in inputs.of_visitor
        self._splits = inputs.splits
        self._measures = measures or Measures(inputs.caps)
        self._caps = self._measures.numbers(inputs.caps)
        self._tracked = [(place, one) for place, one in enumerate(self._sources) if isinstance(one, int)]
        self._is_guarded = bool(inputs.splits or inputs.caps)
        self.is_lasting = not inputs.needs_history
        self.draws = bool(inputs.splits)
        self.found = found if inputs.needs_profile else Tally()

    def values(
        self, visitor: Visitor, profile: Profile | None, now: float, known: Known | None = None
    ) -> tuple[AttributeValue | None, ...]:
        """The visitor's values of the inputs."""
        found = []
        readings, current = self._readings(profile, known) if self._tracked else (None, None)
        for source in self._sources:
            if not isinstance(source, int):
                found.append(source(visitor, profile, now))
            else:
                found.append(readings.value(source, now, current) if readings is not None and current else None)
        return tuple(found)

    def _readings(self, profile: Profile | None, known: Known | None) -> tuple[Readings | None, Current | None]:
        """What was read off the history, and what gives the profile to read more off."""
        if profile is None:
            return None, None
        if known is None:
            return readings_of(self._measures, profile), lambda: profile
        return known.readings(self._measures), known.current

    def number(
        self,
        values: tuple[AttributeValue | None, ...],
        visitor: Visitor,
        profile: Profile | None,
        now: float,
        known: Known | None = None,
    ) -> int:
        """The number of the class of visitors with these values, as far as they matter, for whom chance and caps decide
        the same."""
        values_that_matter = self._as_they_matter(values) if self._tracked else values
        kinds = tuple(map(type, values_that_matter)) if self._has_kinds else ()
        unverified = visitor.unverified and unsigned_only(visitor, profile)
        guarded = (self._chance(visitor, profile), self._reached_caps(profile, now, known)) if self._is_guarded else ()
        key = values_that_matter, kinds, unverified, guarded
        try:
            number = self._numbers.get(key)
        except TypeError:  # a value that is not hashable
            return NO_NUMBER
        if number is None:
            make_room(self._numbers, MOST_NUMBERED)
            number = self._numbers[key] = next(_unused)
        return number

    def _as_they_matter(self, values: tuple[AttributeValue | None, ...]) -> tuple[object, ...]:
        worth: list[object] = list(values)
        for place, number in self._tracked:
            worth[place] = bin_of(self._measures.all[number].breaks, values[place])
        return tuple(worth)

    def _chance(self, visitor: Visitor, profile: Profile | None) -> Hashable:
        """What chance decides for the visitor; with too many draws to look at, the key by which it draws."""
        key = (profile.bucket_key if profile is not None else "") or visitor.id
        return split_outcomes(self._splits, key) if len(self._splits) <= MOST_SPLITS else key

    def _reached_caps(self, profile: Profile | None, now: float, known: Known | None) -> frozenset[int]:
        """The caps that the visitor has reached."""
        readings, current = self._readings(profile, known) if self._caps else (None, None)
        return readings.limits(now, current) & self._caps if readings is not None and current else NONE_REACHED

    def forget(self) -> None:
        """Voids all numbers."""
        self._numbers = {}

    def holds_until(self, visitor: Visitor, known: Known, now: float) -> float:
        """The time until which the visitor stays in their class, which was found just now, while their cookies and the
        version of what is known of them stay the same."""
        ends = visitor.first_seen_at + NEW_VISITOR_SECONDS
        until = ends if self._asks_newness and ends > now else inf
        if self.is_lasting:
            return until
        readings = known.readings(self._measures)
        if readings is None:
            return now
        for _, number in self._tracked:
            until = min(until, readings.holds_until(number, now))
        return min(until, readings.reached_until) if self._caps else until


NO_MEMBERSHIP: ClassMembership = ClassMembership(None, NO_NUMBER, NOBODY, NOBODY.version, inf, -inf)
