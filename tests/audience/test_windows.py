"""Windows and visits: what is in, and when it will be out."""

from __future__ import annotations

from math import inf

import pytest

from proxy.audience.windows import Visit, visits_of, window_of
from proxy.model import Event, Measure, Period, Reading

NOW = 1_700_000_000.0


def at(*ago: float) -> list[Event]:
    return sorted(Event(NOW - seconds, str(seconds), "page viewed") for seconds in ago)


def test_a_pause_of_half_an_hour_begins_another_visit() -> None:
    assert visits_of(at(0, 1_799, 3_599)) == [Visit(NOW - 3_599, NOW - 3_599), Visit(NOW - 1_799, NOW)]


def test_nobody_who_is_away_is_on_a_visit() -> None:
    window = window_of(Measure(Reading.COUNT, (), period=Period.VISIT), at(1_800), NOW)
    assert not window.has(NOW - 1_800, NOW)


@pytest.mark.parametrize(
    ("period", "began", "ends"),
    [
        (Period.DAY, 1_699_920_000, 1_700_006_400),
        (Period.WEEK, 1_699_833_600, 1_700_438_400),
        (Period.MONTH, 1_698_796_800, 1_701_388_800),
    ],
)
def test_days_weeks_and_months_are_those_of_the_calendar(period: Period, began: float, ends: float) -> None:
    window = window_of(Measure(Reading.COUNT, (), period=period), (), NOW)
    assert (window.since, window.until) == (began, ends)


def test_what_is_in_the_window_leaves_when_it_is_old_or_the_day_is_over() -> None:
    window = window_of(Measure(Reading.COUNT, (), 3_600.0, period=Period.DAY), (), NOW)
    assert window.leaves(NOW) == NOW + 3_600
    assert window.leaves(1_700_006_000) == 1_700_006_400
    assert window_of(Measure(Reading.COUNT, ()), (), NOW).leaves(NOW) == inf
