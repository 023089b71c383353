"""What day and time it is on the clocks of a zone."""

from __future__ import annotations

from datetime import UTC, datetime

from proxy.conditions.localtime import (
    DAY_OF_MONTH,
    DAYS_LEFT_IN_MONTH,
    WEEKDAYS,
    clock_text,
    iso_time,
    local_time,
    midnight,
    moments_of_week,
    utc_minute,
    zone_of,
)


def test_it_is_tomorrow_in_the_east_before_it_is_in_the_west() -> None:
    evening = datetime(2026, 11, 25, 20, 30, tzinfo=UTC).timestamp()
    assert local_time(evening, "Asia/Tokyo") == {
        "weekday": "thursday",
        "hours": 5 * 60 + 30.0,
        DAY_OF_MONTH: 26.0,
        DAYS_LEFT_IN_MONTH: 4.0,
    }
    assert local_time(evening, "UTC")["weekday"] == "wednesday" == WEEKDAYS[2]


def test_the_last_day_of_a_month_is_that_of_the_zone_also_in_a_leap_year() -> None:
    moments = [datetime(2028, 2, 28, 20, tzinfo=UTC), datetime(2028, 2, 29, 20, tzinfo=UTC)]
    days = [
        (shown[DAY_OF_MONTH], shown[DAYS_LEFT_IN_MONTH])
        for at in moments
        for shown in (local_time(at.timestamp(), "UTC"), local_time(at.timestamp(), "Asia/Tokyo"))
    ]
    assert days == [(28.0, 1.0), (29.0, 0.0), (29.0, 0.0), (1.0, 30.0)]


def test_clocks_are_put_forward_in_summer_where_they_are() -> None:
    noon = [datetime(2026, month, 1, 12, tzinfo=UTC).timestamp() for month in (1, 7)]
    hours = {zone: [local_time(at, zone).get("hours") for at in noon] for zone in ("Europe/Oslo", "UTC+01:00", "Oslo")}
    assert hours == {"Europe/Oslo": [780.0, 840.0], "UTC+01:00": [780.0, 780.0], "Oslo": [None, None]}


def test_a_time_zone_is_named_by_its_text() -> None:
    for name in ("Europe/Oslo", "UTC-02:30", "-230", "-0230"):
        zone = zone_of(name)
        assert zone is not None and zone_of(str(zone)) == zone
    assert [zone_of(name) for name in ("1460", "UTC+15:00", "\0", "ø")] == [None] * 4


def test_minutes_since_midnight_are_told_as_a_clock_shows_them() -> None:
    assert [clock_text(minutes) for minutes in (0.0, 65, 1_439.9)] == ["00:00", "01:05", "23:59"]


def test_a_moment_is_written_for_programs_and_for_people() -> None:
    assert (iso_time(1_795_435_200.25), utc_minute(1_795_435_200.25)) == (
        "2026-11-23T12:00:00Z",
        "2026-11-23 12:00 UTC",
    )
    assert iso_time(1_795_435_200.25, "milliseconds") == "2026-11-23T12:00:00.250Z"


def test_the_moments_of_a_week_are_those_that_its_clocks_show_also_when_they_are_put_back() -> None:
    saturday = datetime(2026, 10, 24, 10, 0, tzinfo=UTC).timestamp()
    found = [utc_minute(at) for at in moments_of_week(saturday, "Europe/Amsterdam", (9 * 60, 1_440))]
    assert found[:4] == ["2026-10-24 07:00 UTC", "2026-10-23 22:00 UTC", "2026-10-25 08:00 UTC", "2026-10-24 22:00 UTC"]
    assert max(found) == "2026-11-01 08:00 UTC"


def test_a_day_begins_at_its_midnight_also_before_clocks_were_put_back() -> None:
    monday = datetime(2026, 10, 26, 10, 0, tzinfo=UTC).timestamp()
    found = [utc_minute(midnight(monday, days, "Europe/Amsterdam")) for days in (0, 7)]
    assert found == ["2026-10-25 23:00 UTC", "2026-10-18 22:00 UTC"]
