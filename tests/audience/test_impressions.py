"""A page view that names banners says what it and an event for each would."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from proxy.audience.impressions import SHOWN, impressions, matches_kinds
from proxy.audience.measures import read
from proxy.model import Event, Measure, OneOf, Period, Reading, Test, Then

PAGE, BOUGHT = "page viewed", "order completed"
VIEW = Event(5.0, "p", PAGE, "/", shown=("Sale", "Hello", "Sale"))


def test_what_a_view_names_are_events_at_its_moment() -> None:
    assert impressions([VIEW, Event(6.0, "q", PAGE, "/")], lambda name: name == "Sale") == [
        Event(5.0, "p/0", SHOWN, "Sale"),
        Event(5.0, "p/2", SHOWN, "Sale"),
    ]


def test_a_view_tells_of_banners_only_when_it_names_any() -> None:
    assert matches_kinds(VIEW, (SHOWN,)) and matches_kinds(VIEW, (PAGE,))
    assert not matches_kinds(Event(5.0, "p", PAGE, "/"), (SHOWN,))


NAMES = st.sampled_from(["Sale", "Hello"])
EVENTS = st.builds(
    Event,
    st.integers(0, 9).map(lambda hours: hours * 3_600.0),
    st.uuids().map(str),
    st.sampled_from([PAGE, SHOWN, BOUGHT]),
    NAMES,
    shown=st.lists(NAMES, max_size=3).map(tuple),
)
WHERE: list[tuple[tuple[str, Test], ...]] = [
    (),
    (("subject", OneOf(frozenset({"sale"}))),),
    (("category", OneOf(frozenset({"shoes"}))),),
]
MEASURES = st.builds(
    Measure,
    st.sampled_from([Reading.COUNT, Reading.DAYS_SINCE, Reading.DAYS_SINCE_FIRST, Reading.OFTEN, Reading.SCORE]),
    st.sampled_from([(SHOWN,), (SHOWN, PAGE), (PAGE,)]),
    st.sampled_from([inf, 4 * 3_600.0]),
    st.sampled_from(WHERE),
    st.sampled_from([Period.EVER, Period.DAY, Period.VISIT]),
    then=st.none() | st.builds(Then, st.just((BOUGHT,)), st.just(7_200.0), wanted=st.booleans()),
    grades=st.just((2.0,)),
)


@given(st.lists(EVENTS, max_size=8), MEASURES, st.integers(0, 10).map(lambda hours: hours * 3_600.0))
def test_a_measure_counts_what_views_name_as_it_counts_events(
    events: Sequence[Event], measure: Measure, now: float
) -> None:
    """The same history in which every banner is an event of its own tells the same, for as long."""
    plain = [Event(one.at, one.id, one.kind, one.subject) for one in events]
    plain += [Event(one.at, f"{one.id}-{place}", SHOWN, name) for one in events for place, name in enumerate(one.shown)]
    assert read(measure, sorted(events), now) == read(measure, sorted(plain), now)
