"""What a profile says of a trait: read off its history, beside what an import said. A warm page pays a dict look-up.

What the history tells comes first. What an import said counts where the history holds nothing of that sort, and is the
least that a total over all time can be: who came with six orders and orders again has six, not one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from msgspec.structs import replace

from proxy.audience.impressions import matches_kinds
from proxy.audience.measures import Read, read
from proxy.conditions.behaviours import TRAITS
from proxy.conditions.values import is_number
from proxy.model import AttributeValue, Event, Measure, Profile, Reading

STRANGER = Profile("")
"""Who was never here, so far as anybody knows: did nothing yet, which is not the same as being unknown."""

TRAIT_MEASURES = {phrase.attribute: phrase.measure for phrase in TRAITS if phrase.measure and " N " not in phrase.key}
"""The traits that banners may name as fields, and `why` tells, by attribute."""

TOTALS = (Reading.COUNT, Reading.SUM, Reading.VISITS)


def trait(profile: Profile, name: str, measure: Measure, now: float) -> AttributeValue | None:
    """The value of the attribute `name` at `now`. It is cached with the profile for as long as it holds and the measure
    is the same (the rules may change a score or grade)."""
    known = profile.remembered.get(name)
    if not isinstance(known, _Known) or not known.read.holds(now) or not known.is_of(measure):
        known = profile.remembered[name] = _Known(measure, _joined(profile, name, measure, now))
    return known.read.value(now)


@dataclass(slots=True)
class _Known:
    measure: Measure
    read: Read

    def is_of(self, measure: Measure) -> bool:
        return self.measure is measure or self.measure == measure


def known_read(profile: Profile, name: str) -> Read | None:
    """The last reading of the attribute, with until when it holds; None when it was never read."""
    known = profile.remembered.get(name)
    return known.read if isinstance(known, _Known) else None


def reading(profile: Profile, measure: Measure, now: float) -> AttributeValue | None:
    """The value of a measure that is no attribute, as a cap's; cached likewise."""
    known = profile.remembered.get(measure)
    if not isinstance(known, Read) or not known.holds(now):
        known = profile.remembered[measure] = read(measure, profile.history, now)
    return known.value(now)


def _joined(profile: Profile, name: str, measure: Measure, now: float) -> Read:
    said, told = profile.attributes.get(name), read(measure, profile.history, now)
    return told if said is None else joined(measure, told, said, is_heard=is_heard(measure, profile.history))


def is_heard(measure: Measure, history: Iterable[Event]) -> bool:
    """Whether a history holds anything of the sort that is read."""
    return any(matches_kinds(event, measure.kinds) for event in history)


def joined(measure: Measure, told: Read, said: AttributeValue, *, is_heard: bool) -> Read:
    """What was read, beside what an import said."""
    if not is_heard:
        return replace(told, told=said)
    if measure.reading in TOTALS and measure.within_seconds == inf and is_number(said) and is_number(told.told):
        return replace(told, told=max(said, told.told))
    return told
