"""Windows and visits: what is in, and when it will be out."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf
from zoneinfo import ZoneInfo, available_timezones

import pytest

from proxy.audience.windows import QUARTER_SECONDS, Visit, visits_of, window_of
from proxy.model import Event, Measure, Period, Reading

NOW = 1_700_000_000.0


def at(*ago: float) -> list[Event]:
    return sorted(Event(NOW - seconds, str(seconds), "page viewed") for seconds in ago)


def test_a_pause_of_half_an_hour_begins_another_visit() -> None:
    assert visits_of(at(0, 1_799, 3_599)) == [Visit(NOW - 3_599, NOW - 3_599), Visit(NOW - 1_799, NOW)]


def test_a_visitor_who_is_away_is_not_on_a_visit() -> None:
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


def test_wherever_it_is_no_day_begins_within_a_quarter_of_an_hour() -> None:
    years = [datetime(year, month, 1, tzinfo=UTC) for year in (2000, 2026, 2040) for month in (1, 7)]
    for name in sorted(available_timezones()):
        offsets = [year.astimezone(ZoneInfo(name)).utcoffset() for year in years]
        assert all(offset is not None and offset.total_seconds() % QUARTER_SECONDS == 0 for offset in offsets), name


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "Pacific/Chatham", "America/St_Johns", "Europe/Oslo"])
def test_a_day_begins_and_ends_at_midnight_on_its_clocks_whenever_it_is_asked(zone: str) -> None:
    measure = Measure(Reading.COUNT, ("page viewed",), period=Period.DAY, timezone=zone)
    for now in (datetime(2026, 3, 28, tzinfo=UTC).timestamp() + seconds * 433.7 for seconds in range(500)):
        window = window_of(measure, (), now)
        ends = [datetime.fromtimestamp(at, ZoneInfo(zone)) for at in (window.since, window.until)]
        assert window.since <= now < window.until
        assert [(end.hour, end.minute, end.second) for end in ends] == [(0, 0, 0)] * 2
        assert 22 * 3_600 < window.until - window.since < 26 * 3_600
