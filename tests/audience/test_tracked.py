from __future__ import annotations

from math import inf

import pytest

from proxy.audience.measures import DAY_SECONDS, DaysSince, Decaying, Value
from proxy.audience.tracked import Breaks, Measures, bin_holds_until, bin_of, names_of
from proxy.audience.traits import TRAIT_MEASURES
from proxy.model import AttributeValue, Event, Item
from tests.audience.test_readings import ATTRIBUTES, BOUGHT, EVERY_KIND, NOON, PAGE, SEARCHED, SHOWN, UNUSUAL, VIEWED

MEASURES = Measures(EVERY_KIND, ATTRIBUTES)


def touched(event: Event) -> set[str]:
    """The attributes that an event counts towards; asked twice, for what is learnt must be what was found."""
    first, again = MEASURES.touched(event), MEASURES.touched(event)
    assert first == again
    return {MEASURES.all[number].name for number in first if MEASURES.all[number].name}


@pytest.mark.parametrize(
    ("event", "are_touched", "are_not"),
    [
        (Event(NOON, "1", PAGE, "/sale"), {"pages viewed", "sale", "bargain shopper", "visits"}, {"orders", "shoes"}),
        (Event(NOON, "1", PAGE, "/"), {"pages viewed", "visits"}, {"sale", "bargain shopper"}),
        (Event(NOON, "1", VIEWED, "", (Item("A", "shoes/trail"),)), {"shoes", "products viewed"}, {"pages viewed"}),
        (Event(NOON, "1", VIEWED, "", (Item("A", "hats"),)), {"products viewed"}, {"shoes"}),
        (Event(NOON, "1", BOUGHT, "", (Item("A"),)), {"orders", "bought", "left"}, {"visits", "opened"}),
        (Event(NOON, "1", SEARCHED, "tents"), {"last search"}, {"pages viewed"}),
    ],
)
def test_an_event_touches_what_it_counts_towards(event: Event, are_touched: set[str], are_not: set[str]) -> None:
    found = touched(event)
    assert are_touched <= found and not are_not & found


def test_a_limit_is_touched_as_often_as_its_rules_are_shown() -> None:
    page = Event(NOON, "1", PAGE, "/", shown=("SALE", "Hello", "Other"))
    shown = [number for number in MEASURES.touched(page) if number < len(EVERY_KIND)]
    assert sorted(shown) == [0, 1, 1, 2, 6]


def test_one_that_names_no_banner_is_touched_by_each_that_is_shown_and_by_no_other_event() -> None:
    measures = Measures(UNUSUAL)
    page = Event(NOON, "1", PAGE, "/", shown=("SALE", "Hello"))
    events = page, Event(NOON, "1", SHOWN, "Any"), Event(NOON, "1", PAGE, "/")
    assert [measures.touched(event) for event in events] == [(0, 0), (0,), ()]
    assert names_of(EVERY_KIND[1].measure) == {"sale", "hello"}


@pytest.mark.parametrize(
    ("breaks", "value", "worth"),
    [
        ((1.0, 3.0), 0.0, 0),
        ((1.0, 3.0), 1.0, 0),
        ((1.0, 3.0), 9.0, 2),
        ((), 9.0, 0),
        (None, 9.0, 9.0),
        ((1.0,), "a", "a"),
    ],
)
def test_a_number_is_binned_by_the_breaks(breaks: Breaks, value: AttributeValue, worth: object) -> None:
    assert bin_of(breaks, value) == worth


@pytest.mark.parametrize(
    ("breaks", "told", "until"),
    [
        ((1.0, 7.0), 3.0, inf),
        ((1.0, 7.0), DaysSince(NOON - 2 * DAY_SECONDS), NOON + 5 * DAY_SECONDS),
        ((1.0, 7.0), DaysSince(NOON - 8 * DAY_SECONDS), inf),
        ((1.0, 7.0), DaysSince(NOON - 7 * DAY_SECONDS), NOON),
        (None, DaysSince(NOON), NOON),
        ((1.0,), Decaying(5.0, NOON, 60.0, 9.0), NOON),
    ],
)
def test_days_stay_in_their_bin_until_the_next_break(breaks: Breaks, told: Value, until: float) -> None:
    assert bin_holds_until(breaks, told, NOON) == pytest.approx(until, abs=0.02)


def test_values_that_change_at_unknown_moments_are_marked() -> None:
    measure = TRAIT_MEASURES["days since last order"]
    assert [Measures((), {("days", measure): breaks}).all[0].moves for breaks in ((1.0,), None)] == [False, True]
