"""Visitors of a store drawn at random, and what they tell of segments: how many are in each, what sets its members
apart, and how many would be in one that somebody is typing. `tailorbird segments` and the studio ask the same.

A share is of the visitors looked at, with the interval that of all lies in; devices of a person are no visitors
of their own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from proxy.audience.drivers import Driver, common, drivers, features_of, steps_of
from proxy.audience.segments import Memberships, Size, interval, overlaps, sizes
from proxy.audience.survey import ConditionSize, SegmentSurvey, SurveyedSegment
from proxy.audience.traits import TRAIT_MEASURES
from proxy.decide.conjunctions import facts_of
from proxy.diagnostics import Finding
from proxy.model import Attributes, Condition, Profile, Segment
from proxy.ports import ProfileStore
from proxy.rulebook.compile import Publication
from proxy.rulebook.names import Names
from proxy.rulebook.segment_reader import SegmentReader, asked_of_requests, stages_of
from proxy.rulebook.segments import typed_condition

SAMPLE = 2_000
LEAST = 10
"""A feature that fewer have is not looked at."""
TOO_CLOSE = ("segment", "recency", "frequency", "monetary", "products viewed", "products bought", "last search")
"""What is a name of something else that is looked at, or of too many things."""
KEPT_SECONDS = 30.0
MOST_OVERLAPS = 10


@dataclass(slots=True)
class Looked:
    """The visitors that were looked at: how many are in which combination of segments and stage of the journey, and, of
    a sample, their attributes."""

    memberships: Memberships
    population: int
    ids: list[str]
    attributes: list[Attributes]
    sampled: list[frozenset[str]]

    def features(self) -> list[frozenset[str]]:
        """For each visitor of the sample, the features that others share."""
        steps = steps_of(self.attributes)
        far = [{name: value for name, value in each.items() if name not in TOO_CLOSE} for each in self.attributes]
        return common([features_of(attributes, steps) for attributes in far], LEAST)

    def apart(self, segment: Segment, features: Sequence[frozenset[str]]) -> list[Driver]:
        """The features that set the members of a segment apart, without those that make them members."""
        asked = {fact.attribute for fact in facts_of(segment.condition)}
        others = [frozenset(one for one in each if one.partition(": ")[0] not in asked) for each in features]
        return drivers(others, [segment.name in membership for membership in self.sampled])


def looked_at(publication: Publication, sample: Sequence[Profile], population: int, now: float) -> Looked:
    """Looks at a sample of so many profiles."""
    reader = SegmentReader(publication, now)
    sample = [profile for profile in sample if not profile.alias]
    known = [reader.known(profile, {**TRAIT_MEASURES, **reader.asked}) for profile in sample]
    sampled = [reader.groups(attributes) for attributes in known]
    return Looked(Counter(sampled), population, [profile.visitor_id for profile in sample], known, sampled)


@dataclass(frozen=True, slots=True)
class _Sample:
    """A sample of profiles of persons, the population it is drawn from, and when it was read."""

    profiles: Sequence[Profile]
    population: int
    at: float


class Survey:
    """What the studio asks, off the event loop. A sample serves for half a minute: who types asks many times."""

    def __init__(self, store: ProfileStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._sample = _Sample((), 0, 0.0)
        self._whole: tuple[object, list[Attributes]] = (None, [])
        self._turn = asyncio.Lock()

    def forget(self) -> None:
        """Has the next question use a new sample."""
        self._sample, self._whole = _Sample((), 0, 0.0), (None, [])

    async def groups(self, publication: Publication) -> SegmentSurvey:
        """How the segments are now. May raise `StoreError`."""
        return await asyncio.to_thread(_groups, publication, await self._current_sample())

    async def typed(self, publication: Publication, names: Names, text: str) -> ConditionSize:
        """How many would be in a segment with this `when:`, as a rule file has it. May raise `StoreError`."""
        findings: list[Finding] = []
        condition = typed_condition(text, names, findings)
        sample = await self._current_sample()
        if findings:
            return ConditionSize(None, sample.population, len(sample.profiles), tuple(findings))
        counted = await asyncio.to_thread(self._counted, publication, condition, sample)
        return replace(counted, problems=tuple(asked_of_requests(condition)))

    async def _current_sample(self) -> _Sample:
        async with self._turn:
            now = self._clock()
            if not self._sample.at <= now < self._sample.at + KEPT_SECONDS:
                profiles, population = await self._store.sample(SAMPLE)
                self._sample = _Sample([one for one in profiles if not one.alias], population, now)
            return self._sample

    def _counted(self, publication: Publication, condition: Condition, sample: _Sample) -> ConditionSize:
        reader = SegmentReader(publication, sample.at)
        of = (publication, sample)
        if self._whole[0] != of:
            self._whole = of, [reader.whole(reader.known(profile, reader.asked)) for profile in sample.profiles]
        measures = {fact.attribute: fact.measure for fact in facts_of(condition) if fact.measure}
        members = sum(
            reader.holds(condition, publication.timezone, {**whole, **reader.read(profile, measures)})
            for profile, whole in zip(sample.profiles, self._whole[1], strict=True)
        )
        looked = len(sample.profiles)
        share = members / looked if looked else 0.0
        is_all = looked == sample.population
        low, high = (share, share) if is_all else interval(members, looked)
        return ConditionSize(Size("", round(share * sample.population), share, low, high), sample.population, looked)


def _groups(publication: Publication, sample: _Sample) -> SegmentSurvey:
    looked = looked_at(publication, sample.profiles, sample.population, sample.at)
    names, features = [segment.name for segment in publication.segments], looked.features()
    found = zip(publication.segments, sizes(names, looked.memberships, looked.population), strict=True)
    return SegmentSurvey(
        sample.population,
        len(sample.profiles),
        tuple(
            SurveyedSegment(size, segment.description, str(segment.place), tuple(looked.apart(segment, features)))
            for segment, size in found
        ),
        tuple(overlaps(names, looked.memberships)[:MOST_OVERLAPS]),
        tuple(sizes(stages_of(publication), looked.memberships, looked.population)),
    )
