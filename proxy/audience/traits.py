"""The value of a trait: read off the profile's history, and what an import reported. A warm page pays a dict look-up.

The history goes first. What an import reported counts where the history holds nothing of that kind, and is the least
that a total over all time can be: who came with six orders and orders again has six, not one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from msgspec.structs import replace

from proxy.audience.impressions import matches_kinds
from proxy.audience.measures import Measured, read
from proxy.conditions.behaviours import TRAITS
from proxy.conditions.values import is_number
from proxy.model import AttributeValue, Event, Measure, Profile, Reading

STRANGER = Profile("")
"""A visitor of whom nothing is stored: did nothing yet, which is not the same as being unknown."""

TRAIT_MEASURES = {phrase.attribute: phrase.measure for phrase in TRAITS if phrase.measure and " N " not in phrase.key}
"""The traits that banners may name as fields, and `why` tells, by attribute."""

TOTALS = (Reading.COUNT, Reading.SUM, Reading.VISITS)


def trait(profile: Profile, name: str, measure: Measure, now: float) -> AttributeValue | None:
    """The value of the attribute `name` at `now`. It is cached with the profile for as long as it holds and the measure
    is the same (the rules may change a score or grade)."""
    known = profile.remembered.get(name)
    if not isinstance(known, _Known) or not known.read.holds(now) or not known.is_of(measure):
        known = profile.remembered[name] = _Known(measure, _trait(profile, name, measure, now))
    return known.read.value(now)


@dataclass(slots=True)
class _Known:
    measure: Measure
    read: Measured

    def is_of(self, measure: Measure) -> bool:
        return self.measure is measure or self.measure == measure


def last_measured(profile: Profile, name: str) -> Measured | None:
    """The last value of the attribute, with until when it holds; None when it was never read."""
    known = profile.remembered.get(name)
    return known.read if isinstance(known, _Known) else None


def reading(profile: Profile, measure: Measure, now: float) -> AttributeValue | None:
    """The value of a measure that is no attribute, as a cap's; cached likewise."""
    known = profile.remembered.get(measure)
    if not isinstance(known, Measured) or not known.holds(now):
        known = profile.remembered[measure] = read(measure, profile.history, now)
    return known.value(now)


def _trait(profile: Profile, name: str, measure: Measure, now: float) -> Measured:
    reported, known = profile.attributes.get(name), read(measure, profile.history, now)
    if reported is None:
        return known
    return with_reported(measure, known, reported, is_in_history=is_in_history(measure, profile.history))


def is_in_history(measure: Measure, history: Iterable[Event]) -> bool:
    """Whether a history holds any event of the kinds that are read."""
    return any(matches_kinds(event, measure.kinds) for event in history)


def with_reported(measure: Measure, known: Measured, reported: AttributeValue, *, is_in_history: bool) -> Measured:
    """What was read, with what an import reported."""
    if not is_in_history:
        return replace(known, result=reported)
    if measure.reading in TOTALS and measure.within_seconds == inf and is_number(reported) and is_number(known.result):
        return replace(known, result=max(reported, known.result))
    return known
