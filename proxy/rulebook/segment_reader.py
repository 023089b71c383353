"""Which segments of a publication a visitor is in at one moment, and until when if no event comes: until an event
leaves a time window, a day or a visit ends, a decaying amount passes a limit, or the clock shows another hour or day
that is asked for. This is exact to the millisecond.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import inf, isfinite, log2

from proxy.audience.measures import DAY_SECONDS, DaysSince, Decaying
from proxy.audience.traits import last_measured, trait
from proxy.conditions.derived import AGO, MARK, YEARLY, base_of, moment_of
from proxy.conditions.localtime import CLOCK_ATTRIBUTES, ZONED_ATTRIBUTES, moments_of_week
from proxy.conditions.values import matches
from proxy.conditions.vocabulary import PHRASES, PLACES
from proxy.decide.conjunctions import facts_of
from proxy.decide.engine import with_journey_stage
from proxy.decide.plan import JOURNEY, in_dependency_order, segment_names_in
from proxy.diagnostics import Finding
from proxy.model import (
    Attributes,
    Between,
    Condition,
    EvaluationContext,
    Fact,
    Measure,
    Profile,
    Rule,
    Segment,
    Test,
    WithinHours,
)
from proxy.rulebook.compile import Publication

OF_REQUESTS = frozenset(
    phrase.attribute for phrase in PHRASES if not phrase.is_trait and phrase.measure is None and not phrase.parts
) - {"segment", JOURNEY, *CLOCK_ATTRIBUTES, *PLACES}
"""What no profile knows."""
SOON_SECONDS = 0.001
"""An amount that may be reached and one that must be exceeded change within so long of one another."""


class SegmentReader:
    """Reads the segments of a publication at `now`: all of them, or those in `only` with those they depend on."""

    def __init__(self, publication: Publication, now: float, only: Collection[str] | None = None) -> None:
        self._plan = publication.plan
        self._segments = in_dependency_order(_needed(publication.segments, only))
        self._now = now
        self._facts = _facts(publication, self._segments, is_all=only is None)
        self.asked = {fact.attribute: fact.measure for fact in self._facts if fact.measure}
        self._clock_moments = sorted(set(_clock_moments(publication, self._segments, self._facts, now)))

    def known(self, profile: Profile, measures: Mapping[str, Measure]) -> Attributes:
        """The attributes of a visitor, with the values of these measures and the profile's segments."""
        return {**profile.attributes, **self.read(profile, measures), "segment": profile.segments}

    def read(self, profile: Profile, measures: Mapping[str, Measure]) -> Attributes:
        """The values of these measures in the visitor's history, without the unknown ones."""
        read = {name: trait(profile, name, measure, self._now) for name, measure in measures.items()}
        return {name: value for name, value in read.items() if value is not None}

    def segments(self, attributes: Attributes, at: float | None = None) -> frozenset[str]:
        """The segments of a visitor: those of the profile, and those whose condition holds. `at` is what the clock
        shows (Unix seconds), `now` when missing."""
        segments = self.whole(attributes, at)["segment"]
        assert isinstance(segments, frozenset)  # for the type checker
        return segments

    def whole(self, attributes: Attributes, at: float | None = None) -> Attributes:
        """The attributes with the stage of the journey, and all segments; `at` as for `segments`."""
        now = self._now if at is None else at
        known = dict(with_journey_stage(self._plan, EvaluationContext(now=now, attributes=attributes)).attributes)
        segments = known["segment"]
        names = segments if isinstance(segments, frozenset) else frozenset()
        for segment in self._segments:
            known["segment"] = names
            if matches(segment.condition, known, now=now, timezone=segment.timezone):
                names |= {segment.name}
        return known | {"segment": names}

    def groups(self, attributes: Attributes) -> frozenset[str]:
        """The segments of a visitor, and their stage of the journey, as `journey stage: interest`."""
        whole = self.whole(attributes)
        segments, stage = whole["segment"], whole.get(JOURNEY)
        assert isinstance(segments, frozenset)  # for the type checker
        return segments | {f"{JOURNEY}: {stage}"} if stage else segments

    def holds(self, condition: Condition, timezone: str, whole: Attributes) -> bool:
        """Whether a condition holds for a visitor; `whole` are their attributes as returned by `whole`."""
        return matches(condition, whole, now=self._now, timezone=timezone)

    def holds_until(self, profile: Profile, attributes: Attributes) -> float:
        """Until when the visitor's segments stay the same if no event comes (Unix seconds); infinity for ever.
        `attributes` are those that are `known`."""
        changes = (at for fact in self._facts for at in _changes(fact, profile))
        until = min((at for at in changes if at > self._now), default=inf)
        if not self._clock_moments:
            return until
        segments = self.segments(attributes)
        by_clock = (at for at in self._clock_moments if at < until and self.segments(attributes, at) != segments)
        return next(by_clock, until)


def stages_of(publication: Publication) -> list[str]:
    """The stages of the journey, from the first, as `SegmentReader.groups` calls them."""
    journey = publication.plan.journey
    rules = sorted(journey.rules, key=lambda rule: rule.priority) if journey is not None else ()
    return [f"{JOURNEY}: {rule.name}" for rule in rules]


def unforeseen(publication: Publication, name: str) -> dict[str, str]:
    """The attributes in a segment's condition, direct or through other segments, that are unknown between requests,
    with the reason."""
    facts = _facts(publication, _needed(publication.segments, [name]), is_all=False)
    asked = {base_of(fact.attribute) for fact in facts} & {"time zone", *OF_REQUESTS}
    return dict.fromkeys(sorted(asked), "only a request tells it")


def asked_of_requests(condition: Condition) -> Iterator[Finding]:
    """L7 where a condition has an attribute that is known during a request only: counted between requests, it never
    holds."""
    for fact in facts_of(condition):
        if base_of(fact.attribute) in OF_REQUESTS:
            what = f'only a request tells "{fact.attribute}", so nobody is counted here'
            help = "`tailorbird plan` tells how many page views a rule with it is for"
            yield Finding("L7", what, fact.place, help, is_warning=True)


def _needed(segments: Iterable[Segment], only: Collection[str] | None) -> list[Segment]:
    """The segments of these names, and all that they depend on."""
    by_name = {segment.name.casefold(): segment for segment in segments}
    if only is None:
        return list(by_name.values())
    found = [name.casefold() for name in only if name.casefold() in by_name]
    for name in found:  # grows as it is walked
        found += [one for one in segment_names_in(facts_of(by_name[name].condition), by_name) if one not in found]
    return [by_name[name] for name in found]


def _facts(publication: Publication, segments: Iterable[Segment], *, is_all: bool) -> list[Fact]:
    """The facts in these segments' conditions and, through the journey, in those of its stages."""
    facts = [fact for segment in segments for fact in facts_of(segment.condition)]
    journey = publication.plan.journey
    if journey is not None and (is_all or any(fact.attribute == JOURNEY for fact in facts)):
        facts += [fact for stage in journey.rules for fact in facts_of(stage.condition)]
    return facts


def _clock_moments(
    publication: Publication, segments: Iterable[Segment], facts: Collection[Fact], now: float
) -> Iterator[float]:
    """When, within a week, clocks show what these segments ask of `weekday`, `hours` and days of the year, or stages of
    the journey if the facts are theirs."""
    journey = publication.plan.journey
    askers: list[Segment | Rule] = [*segments, *(journey.rules if journey is not None else ())]
    for one in askers:
        asked = [fact for fact in facts_of(one.condition) if _is_of_the_clock(fact) and fact in facts]
        minutes = {minute for fact in asked for minute in _minutes(fact.test)}
        yield from (at for at in moments_of_week(now, one.timezone, minutes) if at > now)


def _is_of_the_clock(fact: Fact) -> bool:
    return fact.attribute in ZONED_ATTRIBUTES or fact.attribute.partition(MARK)[2].startswith(YEARLY)


def _minutes(test: Test) -> tuple[int, ...]:
    """The minutes since midnight at which a test of `hours`, or else of a day, may come to another answer."""
    return (test.start_minute, test.end_minute) if isinstance(test, WithinHours) else (0,)


def _changes(fact: Fact, profile: Profile) -> Iterator[float]:
    """The latest moments at which the fact may change."""
    base, _, how = fact.attribute.partition(MARK)
    if fact.attribute == "now":
        yield from (edge + SOON_SECONDS for edge in _edges(fact.test))
    elif how == AGO and (at := moment_of(profile.attributes.get(base, ""))) is not None:
        yield from (at + edge + SOON_SECONDS for edge in _edges(fact.test))
    elif fact.measure and (read := last_measured(profile, fact.attribute)):
        yield read.holds_until
        told = read.result
        if isinstance(told, DaysSince):
            yield from (told.at + edge * DAY_SECONDS + SOON_SECONDS for edge in _edges(fact.test))
        elif isinstance(told, Decaying):
            yield from (at + SOON_SECONDS for edge in _edges(fact.test) if (at := _fallen(told, edge)) is not None)


def _edges(test: Test) -> Iterator[float]:
    if isinstance(test, Between):
        yield from filter(isfinite, (test.low, test.high))


def _fallen(points: Decaying, edge: float) -> float | None:
    """When decaying points fall to a limit; None when they never do."""
    if not (0 < edge <= points.points) or not isfinite(points.half_life_seconds):
        return None
    return points.as_of + points.half_life_seconds * log2(points.points / edge)
