"""Visitors who are alike: all that some slots ask of them is the same, so what was shown to one is right for the other.

Each such set of values has a number. A visitor keeps their number with their verified cookies for as long as it holds,
so that what the slots ask is not worked out for each page. Where chance or limits have a say, it is that of all for
whom they decide the same. Its law: a number means the same values for as long as anybody has it, and none is given out
twice.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import count
from math import inf

from proxy.audience.limits import NONE_REACHED, Limits
from proxy.decide.guard import drawn_by
from proxy.memo import make_room
from proxy.metrics import Tally
from proxy.model import AttributeValue, Profile, Visitor
from proxy.visitors.asked import Asked
from proxy.visitors.context import NEW_VISITOR_SECONDS, unsigned_only
from proxy.visitors.known import NOBODY, Known

MOST_NUMBERED = 32_768
MOST_LOTS = 8  # a lot takes half a microsecond to draw, once for each visitor
NO_NUMBER = -1
"""Of whom something is true that nothing can be found by."""
_unused = count()
"""For all there are: what is remembered by a number outlives those who gave it out."""


class Numbered:
    """A visitor's `number` among these `classes`, from `since` until before `until` while what is `known` of them is
    current and of this `version`."""

    __slots__ = ("classes", "known", "number", "since", "until", "version")

    def __init__(
        self, classes: EquivalenceClasses | None, number: int, known: Known, since: float, until: float
    ) -> None:
        self.classes = classes
        self.number = number
        self.known, self.version = known, known.version
        self.since, self.until = since, until

    def holds(self, classes: EquivalenceClasses, now: float) -> bool:
        """Whether it is the visitor's number among these, if what is known of them can be believed. (`serve/again.py`
        has this in its midst.)"""
        known = self.known
        is_as_it_was = self.classes is classes and self.version == known.version and known.is_current
        return is_as_it_was and self.since <= now < self.until


class EquivalenceClasses:
    """The numbers for what the slots of `asked` ask of visitors. `is_lasting`: nothing that visitors do changes what is
    asked; `draws`: chance has a say. `found` counts visitors whose profile was found in memory; it does not count where
    no profile is asked for. `limits` has those of `asked` among all."""

    def __init__(self, asked: Asked, found: Tally, limits: Limits | None = None) -> None:
        self._asked, self._sources = asked, asked.sources
        self._has_kinds = asked.has_kinds
        self._numbers: dict[Hashable, int] = {}
        self._asks_newness = "visitor" in asked.of_visitor
        self._lots = asked.lots
        self._limits = limits or Limits(asked.caps)
        self._caps = self._limits.numbers(asked.caps)
        self._is_guarded = bool(asked.lots or asked.caps)
        self._reads_more = asked.reads_more
        self.is_lasting = not asked.needs_history
        self.draws = bool(asked.lots)
        self.found = found if asked.needs_profile else Tally()

    def values(self, visitor: Visitor, profile: Profile | None, now: float) -> tuple[AttributeValue | None, ...]:
        """The values that the slots ask of this visitor."""
        found = []
        for source in self._sources:
            found.append(source(visitor, profile, now))  # noqa: PERF401  # a comprehension takes twice as long
        return tuple(found)

    def number(
        self, values: tuple[AttributeValue | None, ...], visitor: Visitor, profile: Profile | None, now: float
    ) -> int:
        """The number of all visitors with these values, for whom chance and caps decide the same."""
        kinds = tuple(map(type, values)) if self._has_kinds else ()
        unverified = visitor.unverified and unsigned_only(visitor, profile)
        guarded = (self._drawn(visitor, profile), self._capped(profile, now)) if self._is_guarded else ()
        key = values, kinds, unverified, guarded
        try:
            number = self._numbers.get(key)
        except TypeError:  # it cannot be in the key of a dict
            return NO_NUMBER
        if number is None:
            make_room(self._numbers, MOST_NUMBERED)
            number = self._numbers[key] = next(_unused)
        return number

    def _drawn(self, visitor: Visitor, profile: Profile | None) -> Hashable:
        """What chance decides: where it has more to decide than can be looked at, by whom it draws."""
        key = (profile.bucket_key if profile is not None else "") or visitor.id
        return drawn_by(self._lots, key) if len(self._lots) <= MOST_LOTS else key

    def _capped(self, profile: Profile | None, now: float) -> frozenset[int]:
        """Which caps have been reached."""
        if profile is None or not self._caps:
            return NONE_REACHED
        return self._limits.used(profile, now).reached & self._caps

    def forget(self) -> None:
        """Takes every visitor's number away."""
        self._numbers = {}

    def holds_until(self, visitor: Visitor, profile: Profile | None, now: float) -> float:
        """Until before when a number stays the visitor's, while their cookies stay as they are and what is known of
        them is of the same version."""
        if self._reads_more or (profile is None and not self.is_lasting):
            return now
        until = visitor.first_seen_at + NEW_VISITOR_SECONDS
        newness = until if self._asks_newness and until > now else inf
        return min(newness, self._limits.used(profile, now).until) if self._caps and profile else newness


NOT_NUMBERED = Numbered(None, NO_NUMBER, NOBODY, inf, -inf)
