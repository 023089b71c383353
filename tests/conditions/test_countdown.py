from __future__ import annotations

from datetime import datetime
from math import inf, nextafter
from zoneinfo import ZoneInfo

import pytest

from proxy.conditions.countdown import countdown_of, left, target_of, text_of
from proxy.errors import EditorError
from proxy.model import Countdown

AMSTERDAM = "Europe/Amsterdam"


def at(text: str, timezone: str = AMSTERDAM) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).timestamp()


def written(text: str) -> Countdown:
    found = countdown_of(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "countdown"),
    [
        ("days until 2026-12-24", Countdown("days", "2026-12-24")),
        ("Days until 2026-12-24 , Tag / Tage", Countdown("days", "2026-12-24", 0, "Tag", "Tage")),
        ("days until 2026-12-24 17:00", Countdown("days", "2026-12-24")),
        ("hours until 2026-11-27 20:30", Countdown("hours", "2026-11-27", 1_230)),
        ("hours until 17:00, hour/hours", Countdown("hours", "", 1_020, "hour", "hours")),
        ("orders", None),
        ("days since last order", None),
    ],
)
def test_a_countdown_is_read_as_it_is_written(text: str, countdown: Countdown | None) -> None:
    assert countdown_of(text) == countdown


@pytest.mark.parametrize(
    "text",
    [
        "days until Christmas", "days until 24 December", "days until 17:00", "days until 2026-02-30",
        "hours until 25:00", "days until 2026-12-24, days", "days until 2026-12-24, /days",
    ],
)  # fmt: skip
def test_what_names_no_moment_or_lacks_a_word_is_told_with_a_right_one(text: str) -> None:
    with pytest.raises(EditorError) as caught:
        countdown_of(text)
    assert f"`{text}`" in str(caught.value.args[0]) and "until" in caught.value.help


@pytest.mark.parametrize(
    ("text", "now", "number"),
    [
        ("days until 2026-12-24", "2026-12-21T23:59:59", 3),
        ("days until 2026-12-24", "2026-12-22T00:00:00", 2),
        ("days until 2026-12-24", "2026-12-23T23:59:59", 1),
        ("days until 2026-12-24", "2026-12-24T00:00:00", 0),
        ("days until 2026-12-24 18:00", "2026-12-24T09:00:00", 0),
        ("days until 2026-10-26", "2026-10-24T12:00:00", 2),
        ("hours until 2026-11-27 20:00", "2026-11-27T16:59:59", 4),
        ("hours until 2026-11-27 20:00", "2026-11-27T17:00:00", 3),
        ("hours until 2026-11-27 20:00", "2026-11-27T19:59:59", 1),
        ("hours until 2026-11-27 20:00", "2026-11-27T20:00:00", 0),
        ("hours until 2026-10-25 12:00", "2026-10-25T00:00:00", 13),
        ("hours until 17:00", "2026-11-27T16:00:01", 1),
        ("hours until 17:00", "2026-11-27T17:00:00", 24),
    ],
)
def test_days_are_dates_and_hours_are_rounded_up(text: str, now: str, number: int) -> None:
    assert left(written(text), AMSTERDAM, at(now)).number == number


def test_the_day_is_that_of_the_time_zone() -> None:
    christmas, moment = written("days until 2026-12-24"), at("2026-12-23T20:00")
    assert left(christmas, AMSTERDAM, moment).number == 1
    assert left(christmas, "Asia/Tokyo", moment).number == 0


@pytest.mark.parametrize("timezone", [AMSTERDAM, "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("text", ["days until 2026-11-01", "hours until 2026-10-26 09:30", "hours until 02:30"])
def test_a_number_holds_from_its_beginning_until_its_end(text: str, timezone: str) -> None:
    countdown, now = written(text), at("2026-10-23T12:00", timezone)
    for _ in range(60):
        number, begins, ends = left(countdown, timezone, now)
        assert begins <= now < ends
        assert left(countdown, timezone, begins).number == number
        if ends == inf:
            assert number == 0 and begins == target_of(countdown, timezone)
            return
        assert left(countdown, timezone, nextafter(ends, -inf)).number == number
        now = ends
        assert left(countdown, timezone, now).number != number


def test_one_is_told_in_its_own_word() -> None:
    days = written("days until 2026-12-24, day/days")
    assert [text_of(days, number) for number in (1, 2)] == ["1 day", "2 days"]
    assert text_of(written("days until 2026-12-24"), 2) == "2"
    assert str(days) == "2026-12-24" and str(written("hours until 08:05")) == "08:05"
