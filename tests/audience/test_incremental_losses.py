"""For how long a history holds what a value was read off."""

from __future__ import annotations

from math import inf

import pytest

from proxy.audience.impressions import MOST_ACTIONS, MOST_IMPRESSIONS, ORDERS
from proxy.audience.incremental import events_left, least_that_counts, oldest
from proxy.audience.measures import read
from proxy.audience.traits import TRAIT_MEASURES
from proxy.events.types import MOST, TYPES, EventClass
from proxy.model import Event, Item, Measure, Reading

DAY = 86_400.0
PAGE, SHOWN, BOUGHT, ADDED = "page viewed", "banner shown", "order completed", "product added"

VIEWS = Measure(Reading.COUNT, (PAGE,))
VISITS, CART = Measure(Reading.VISITS, (PAGE,)), TRAIT_MEASURES["cart total"]


def history(*kinds: str, apart: float = DAY) -> tuple[Event, ...]:
    """These events, so far apart, the first at 0."""
    return tuple(
        Event(number * apart, f"{number:03}", kind, items=(Item("A", price=2.0),) if kind in (ADDED, BOUGHT) else ())
        for number, kind in enumerate(kinds)
    )


def first_of(measure: Measure, events: tuple[Event, ...]) -> int:
    now = events[-1].at
    return oldest(measure, read(measure, events, now), events, now)


@pytest.mark.parametrize(
    ("measure", "kinds", "place"),
    [
        (VIEWS, (BOUGHT, PAGE, SHOWN, PAGE), 1),
        (VIEWS, (BOUGHT, SHOWN), 2),
        (TRAIT_MEASURES["days since last visit"], (PAGE, PAGE, PAGE, PAGE), 2),
        (CART, (ADDED, PAGE, ADDED, PAGE), 0),
        (CART, (ADDED, BOUGHT, PAGE, ADDED), 3),
    ],
    ids=["first view", "none", "end of the visit before", "cart", "cart after an order"],
)
def test_the_oldest_event_is_the_first_that_decides(measure: Measure, kinds: tuple[str, ...], place: int) -> None:
    assert first_of(measure, history(*kinds)) == place


def test_of_orders_only_newer_orders_count() -> None:
    events = history(BOUGHT, *(PAGE,) * 600)
    assert events_left(Measure(Reading.SUM, ORDERS), events, 0) == MOST_ACTIONS - 1
    assert events_left(VIEWS, events, 101) == 0
    assert set(ORDERS) == {row.kind for row in TYPES if row.event_class is EventClass.ORDER}
    assert MOST[EventClass.ORDER] >= MOST_ACTIONS


def test_banners_of_their_own_are_lost_sooner_than_those_that_views_name() -> None:
    shown = Measure(Reading.COUNT, (SHOWN,))
    assert events_left(shown, history(PAGE, PAGE), 0) == MOST_IMPRESSIONS
    assert events_left(shown, history(SHOWN, PAGE), 0) == MOST_IMPRESSIONS - 2
    assert events_left(shown, history(*(PAGE,) * 400), 0) == MOST_ACTIONS - 400


@pytest.mark.parametrize(
    ("measure", "breaks", "place"),
    [
        (VIEWS, (2.9,), 3),
        (VIEWS, (2.9, inf), 3),
        (VIEWS, (3.0,), 2),
        (VISITS, (2.9,), 3),
        (VIEWS, (-1.0,), 6),
        (VIEWS, (2.9, 10.0), None),
        (VIEWS, (7.0,), None),
        (VIEWS, None, None),
        (Measure(Reading.DAYS_SINCE, (PAGE,)), (0.5,), None),
    ],
)
def test_a_count_above_all_breaks_needs_but_the_newest(
    measure: Measure, breaks: tuple[float, ...] | None, place: int | None
) -> None:
    events = history(*(PAGE,) * 6)
    now = events[-1].at
    assert least_that_counts(measure, read(measure, events, now), events, now, breaks) == place
