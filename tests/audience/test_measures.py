"""Measures against a naive oracle that tries every event anew, on histories made up by Hypothesis; and their edges."""

from __future__ import annotations

from math import inf, nextafter

import pytest

from proxy.audience.measures import Measured, read, with_those_above
from proxy.model import (
    AttributeValue,
    Contains,
    Event,
    Item,
    Measure,
    NotOneOf,
    OneOf,
    Period,
    Reading,
    StartsWith,
    Then,
)

NOW = 1_700_000_000.0
HOUR, DAY = 3_600.0, 86_400.0
VIEWED, ADDED, BOUGHT, PAGE, SHOWN = (
    "product viewed",
    "product added",
    "order completed",
    "page viewed",
    "banner shown",
)


def happened(
    ago: float, kind: str = VIEWED, *products: str, id: str = "", subject: str = "", value: float = 0
) -> Event:
    """An event so many seconds before `NOW`; products as `TRAIL-1 shoes/trail Northwind`."""
    items = tuple(item(product) for product in products)
    return Event(NOW - ago, id or f"{kind} {ago} {subject}", kind, subject, items, value)


def item(text: str) -> Item:
    words = text.split()
    return Item(*words[:3], *map(float, words[3:]))  # type: ignore[arg-type]


def told(measure: Measure, *events: Event, now: float = NOW) -> AttributeValue | None:
    return read(measure, sorted(events), now).value(now)


def count(within: float = inf, *kinds: str, **more: object) -> Measure:
    return Measure(Reading.COUNT, kinds or (VIEWED,), within, **more)  # type: ignore[arg-type]


# -- edges


def test_an_event_leaves_its_window_at_exactly_its_age() -> None:
    event = happened(0)
    out_at = event.at + 14 * DAY
    assert told(count(14 * DAY), event, now=nextafter(out_at, 0)) == 1
    assert told(count(14 * DAY), event, now=out_at) == 0
    assert read(count(14 * DAY), (event,), NOW).holds_until == out_at


def test_an_event_counts_from_the_very_moment_it_is_dated() -> None:
    ahead = happened(-10)
    assert told(count(), ahead) == 0
    assert read(count(), (ahead,), NOW).holds_until == ahead.at
    assert told(count(), ahead, now=ahead.at) == 1


def test_of_an_order_that_was_called_off_and_paid_back_nothing_was_spent() -> None:
    order, other = (Event(NOW - 9, f"order completed:{id}", BOUGHT, value=50.0) for id in "ab")
    off = Event(NOW - 8, "order cancelled:a", "order cancelled")
    back = Event(NOW - 7, "order refunded:a:m", "order refunded", value=50.0)
    assert told(Measure(Reading.SUM, (BOUGHT, "order refunded", "order cancelled")), order, other, off, back) == 50.0


def test_an_event_that_never_happened_has_count_zero_and_no_age() -> None:
    assert read(count(), (), NOW) == Measured(0.0, NOW, inf)
    assert told(Measure(Reading.DAYS_SINCE, (BOUGHT,))) is None
    assert told(Measure(Reading.SUM, (BOUGHT,))) == 0
    assert told(Measure(Reading.MEAN, (BOUGHT,))) is None
    assert told(Measure(Reading.CART, (ADDED,))) == frozenset()


def test_days_since_go_on_without_reading_again() -> None:
    found = read(Measure(Reading.DAYS_SINCE, (BOUGHT,)), (happened(DAY, BOUGHT),), NOW)
    assert (found.value(NOW), found.value(NOW + DAY / 2), found.holds_until) == (1.0, 1.5, inf)


def test_a_day_ends_at_midnight_on_the_clocks_of_its_zone() -> None:
    shown = [happened(0, SHOWN), happened(2 * HOUR, SHOWN), happened(23 * HOUR, SHOWN)]  # it is 23:13 in Amsterdam
    today = count(inf, SHOWN, period=Period.DAY, timezone="Europe/Amsterdam")
    assert told(today, *shown) == 3
    midnight = read(today, sorted(shown), NOW).holds_until
    assert midnight - NOW == 46 * 60 + 40
    assert told(today, *shown, now=midnight) == 0


def test_the_day_on_which_clocks_go_back_has_25_hours() -> None:
    noon = 1_761_476_400.0  # 2025-10-26 12:00 in Amsterdam
    today = count(inf, SHOWN, period=Period.DAY, timezone="Europe/Amsterdam")
    began = noon - 13 * HOUR
    assert told(today, Event(began, "a", SHOWN), Event(nextafter(began, 0), "b", SHOWN), now=noon) == 1
    assert read(today, (), noon).holds_until == noon + 12 * HOUR


@pytest.mark.parametrize(("period", "expected"), [(Period.WEEK, 2), (Period.MONTH, 3)])
def test_weeks_begin_on_monday_and_months_on_the_first(period: Period, expected: int) -> None:
    # NOW is Tuesday 14 November 2023, 22:13:20 UTC.
    events = [happened(ago * DAY) for ago in (0, 1, 3, 20)]
    assert told(count(inf, period=period), *events) == expected


def test_a_visit_ends_after_half_an_hour_without_a_sign() -> None:
    events = [happened(40 * 60, PAGE), happened(20 * 60, SHOWN), happened(0, PAGE), happened(3 * HOUR, SHOWN)]
    this_visit = count(inf, SHOWN, period=Period.VISIT)
    assert told(this_visit, *events) == 1
    assert read(this_visit, sorted(events), NOW).holds_until == NOW + 1_800
    assert told(this_visit, *events, now=NOW + 1_800) == 0


def test_visits_count_from_when_they_began() -> None:
    visits = Measure(Reading.VISITS, (PAGE,), 7 * DAY)
    events = [happened(ago, PAGE) for ago in (7 * DAY + 600, 7 * DAY - 600, 2 * DAY, 2 * DAY - 1_799, 2 * DAY - 3_599)]
    assert told(visits, *events) == 2, "the first began more than 7 days ago; a pause of 1,800 s begins another"
    assert read(visits, sorted(events), NOW).holds_until == NOW - 2 * DAY + 7 * DAY


def test_the_last_visit_is_not_the_one_under_way() -> None:
    since = Measure(Reading.DAYS_SINCE_VISIT, (PAGE,))
    events = [happened(3 * DAY, PAGE), happened(600, PAGE), happened(0, PAGE)]
    assert told(since, *events[1:]) is None
    assert told(since, *events) == 3
    assert read(since, sorted(events), NOW).holds_until == NOW + 1_800
    assert told(since, *events, now=NOW + DAY) == 1


def test_a_category_counts_with_all_below_it() -> None:
    events = (happened(9, VIEWED, "A shoes/trail N"), happened(8, VIEWED, "B shoes"), happened(7, VIEWED, "C hats"))

    def seen(test: OneOf | NotOneOf) -> AttributeValue | None:
        return told(count(inf, where=(("category", test),)), *events)

    assert seen(OneOf(frozenset({"shoes"}))) == 2
    assert seen(OneOf(frozenset({"shoes/trail", "hats"}))) == 2
    assert seen(NotOneOf(frozenset({"shoes"}))) == 1


def test_what_is_asked_of_items_must_be_true_of_one_of_them() -> None:
    order = happened(9, BOUGHT, "A shoes N", "B hats M")
    wanted = (("category", OneOf(frozenset({"shoes"}))), ("brand", OneOf(frozenset({"m"}))))
    assert told(count(inf, BOUGHT, where=wanted), order) == 0


def test_a_subject_may_be_searched_for_words() -> None:
    events = (happened(9, "searched", subject="Trail shoes"), happened(8, "searched", subject="hats"))
    where = (("subject", Contains(("trail",))),)
    assert told(count(inf, "searched", where=where), *events) == 1
    assert told(count(inf, "searched", where=(("subject", StartsWith(("ha",))),)), *events) == 1


def test_seen_and_not_bought_counts_once_the_time_is_over() -> None:
    view = happened(0, VIEWED, "A shoes", id="v")
    left = count(14 * DAY, then=Then((BOUGHT,), 2 * HOUR, wanted=False, same_product=True))
    assert told(left, view) == 0
    found = read(left, (view,), NOW)
    assert found.holds_until == NOW + 2 * HOUR
    assert told(left, view, now=NOW + 2 * HOUR) == 1
    other, same, late = (
        happened(-HOUR, BOUGHT, "B shoes"),
        happened(-HOUR, BOUGHT, "A shoes"),
        happened(-2 * HOUR, BOUGHT, "A shoes"),
    )
    assert told(left, view, other, now=NOW + 2 * HOUR) == 1
    assert told(left, view, same, now=NOW + 2 * HOUR) == 0
    assert told(left, view, late, now=NOW + 2 * HOUR) == 1, "the two hours are over at the second hour's end"


def test_a_cart_is_told_as_products_categories_and_money() -> None:
    events = (happened(9, ADDED, "A food/sauces N 2.5 2"), happened(8, ADDED, "B food N 1"))
    assert told(Measure(Reading.CART, (ADDED,)), *events) == {"A", "B"}
    assert told(Measure(Reading.CART, (ADDED,), of="category"), *events) == {"food", "food/sauces"}
    assert told(Measure(Reading.CART_TOTAL, (ADDED,)), *events) == 6.0


def test_the_favourite_has_the_most_points_and_newer_ones_weigh_more() -> None:
    favourite = Measure(Reading.FAVOURITE, (VIEWED, BOUGHT), of="brand", points=((BOUGHT, 3.0),))
    events = [
        happened(30 * DAY, BOUGHT, "A shoes Old"),
        happened(2, VIEWED, "B shoes New"),
        happened(1, VIEWED, "C shoes New"),
    ]
    assert told(favourite, *events) == "Old"
    fading = Measure(
        Reading.FAVOURITE, favourite.kinds, of="brand", points=favourite.points, half_life_seconds=10 * DAY
    )
    assert told(fading, *events) == "New"
    assert told(favourite, happened(1, VIEWED, "A x B"), happened(2, VIEWED, "A x A")) == "A", "of equals the first"


def test_a_score_halves_and_is_capped() -> None:
    score = Measure(Reading.SCORE, (VIEWED,), points=((VIEWED, 8.0),), half_life_seconds=DAY, cap=10)
    found = read(score, (happened(1), happened(0)), NOW)
    assert found.value(NOW) == 10
    assert found.value(NOW + DAY) == pytest.approx(8, rel=1e-3)
    assert found.value(NOW + 2 * DAY) == pytest.approx(4, rel=1e-3)


def test_how_long_ago_something_was_done_for_the_nth_time_from_now() -> None:
    events = [happened(days * DAY) for days in (1, 3, 20)]
    nth = [Measure(Reading.DAYS_SINCE_NTH, (VIEWED,), 14 * DAY, cap=often) for often in (1, 2, 3)]
    assert [told(measure, *events) for measure in nth] == [1, 3, None]


def test_grades_count_the_numbers_that_are_reached() -> None:
    orders = Measure(Reading.COUNT, (BOUGHT,), grades=(2, 3, 5, 9))
    assert [told(orders, *[happened(n, BOUGHT) for n in range(many)]) for many in (0, 1, 2, 4, 9)] == [1, 1, 2, 3, 5]
    recency = Measure(Reading.DAYS_SINCE, (BOUGHT,), grades=(10, 20, 30, 40))
    order = happened(0, BOUGHT)
    assert [told(recency, order, now=NOW + days * DAY) for days in (0, 10, 10.1, 40, 41)] == [5, 5, 4, 2, 1]
    assert read(recency, (order,), NOW).holds_until == nextafter(NOW + 10 * DAY, inf)
    assert told(recency) is None


def test_a_category_stands_below_others() -> None:
    assert with_those_above("a/b/c") == {"a", "a/b", "a/b/c"}
    assert with_those_above("") == frozenset()
