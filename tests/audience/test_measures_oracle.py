"""What is read off any history is what a plain reading of the same definition says."""

from __future__ import annotations

import random
from math import fsum, inf, nextafter

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.audience.measures import read
from proxy.model import (
    AttributeValue,
    Event,
    Item,
    Measure,
    OneOf,
    Reading,
    Then,
)
from tests.audience.test_measures import ADDED, BOUGHT, DAY, HOUR, NOW, PAGE, VIEWED

KINDS = (VIEWED, ADDED, BOUGHT, PAGE)
moments = st.integers(-20 * 24, 24).map(lambda hours: NOW + hours * HOUR)
products = st.builds(
    Item,
    product=st.sampled_from(["A", "B"]),
    category=st.sampled_from(["", "shoes", "shoes/trail", "hats"]),
    brand=st.sampled_from(["", "N"]),
    price=st.sampled_from([1.0, 2.5]),
)
events = st.builds(
    Event,
    at=moments,
    id=st.uuids().map(str),
    kind=st.sampled_from(KINDS),
    subject=st.sampled_from(["", "/", "trail"]),
    items=st.lists(products, max_size=2).map(tuple),
    value=st.sampled_from([0.0, 10.0, 0.1]),
)
histories = st.lists(events, max_size=12, unique_by=lambda event: event.id)
wheres = st.sampled_from(
    [
        (),
        (("category", OneOf(frozenset({"shoes"}))),),
        (("brand", OneOf(frozenset({"n"}))), ("product", OneOf(frozenset({"a"})))),
    ]
)
thens = st.none() | st.builds(
    Then, st.just((BOUGHT,)), st.sampled_from([2 * HOUR, DAY]), wanted=st.booleans(), same_product=st.booleans()
)
measures = st.builds(
    Measure,
    st.sampled_from(
        [Reading.COUNT, Reading.SUM, Reading.MEAN, Reading.DAYS_SINCE, Reading.DAYS_SINCE_FIRST, Reading.SET]
    ),
    st.sampled_from([(VIEWED,), (VIEWED, ADDED), (BOUGHT,)]),
    st.sampled_from([inf, 14 * DAY, 3 * DAY, HOUR]),
    where=wheres,
    then=thens,
)


def oracle(measure: Measure, history: list[Event], now: float) -> AttributeValue | None:
    """What the measure means, tried event by event."""

    def fits(item: Item) -> bool:
        for name, test in measure.where:
            assert isinstance(test, OneOf)
            value = getattr(item, name).lower()
            above = {value[:at] for at in range(1, len(value) + 1) if at == len(value) or value[at] == "/"}
            if not (above if name == "category" else {value}) & test.values:
                return False
        return True

    def counts(event: Event) -> bool:
        if event.kind not in measure.kinds or not event.at <= now < event.at + measure.within_seconds:
            return False
        if measure.where and not any(map(fits, event.items)):
            return False
        if (then := measure.then) is None:
            return True
        mine = {item.product for item in event.items if fits(item)}
        follows = [
            other
            for other in history
            if other.kind in then.kinds
            and other.id != event.id
            and other.at <= now
            and event.at <= other.at < event.at + then.within_seconds
            and (not then.same_product or mine & {item.product for item in other.items})
        ]
        return bool(follows) if then.wanted else not follows and now >= event.at + then.within_seconds

    seen = [event for event in history if counts(event)]
    match measure.reading:
        case Reading.COUNT:
            return float(len(seen))
        case Reading.SUM:
            return fsum(event.value for event in seen)
        case Reading.MEAN:
            return fsum(event.value for event in seen) / len(seen) if seen else None
        case Reading.DAYS_SINCE:
            return (now - max(event.at for event in seen)) / DAY if seen else None
        case Reading.DAYS_SINCE_FIRST:
            return (now - min(event.at for event in seen)) / DAY if seen else None
    return frozenset(item.product for event in seen for item in event.items if fits(item))


@settings(deadline=None)
@given(measures, histories, moments)
def test_a_measure_tells_what_the_oracle_does(measure: Measure, history: list[Event], now: float) -> None:
    assert read(measure, sorted(history), now).value(now) == oracle(measure, history, now)


@settings(deadline=None)
@given(measures, histories, moments, st.lists(moments, max_size=8))
def test_what_was_read_holds_as_long_as_it_says(
    measure: Measure, history: list[Event], now: float, later: list[float]
) -> None:
    found = read(measure, sorted(history), now)
    ends = [found.holds_until, nextafter(found.holds_until, 0)] if found.holds_until < inf else []
    for moment in [*later, *ends]:
        if found.holds(moment):
            assert found.value(moment) == oracle(measure, history, moment)


@settings(deadline=None)
@given(measures, histories, moments, st.randoms(use_true_random=False))
def test_the_order_in_which_events_came_makes_no_difference(
    measure: Measure, history: list[Event], now: float, chance: random.Random
) -> None:
    shuffled = history.copy()
    chance.shuffle(shuffled)
    assert read(measure, sorted(history), now) == read(measure, sorted(shuffled), now)
