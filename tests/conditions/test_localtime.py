"""What day and time it is on the clocks of a zone."""

from __future__ import annotations

from datetime import UTC, datetime

from proxy.conditions.localtime import WEEKDAYS, local_time


def test_it_is_tomorrow_in_the_east_before_it_is_in_the_west() -> None:
    evening = datetime(2026, 11, 25, 20, 30, tzinfo=UTC).timestamp()
    assert local_time(evening, "Asia/Tokyo") == {"weekday": "thursday", "hours": 5 * 60 + 30.0}
    assert local_time(evening, "UTC")["weekday"] == "wednesday" == WEEKDAYS[2]
