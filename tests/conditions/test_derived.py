"""Attributes worked out of others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxy.conditions.derived import base_of, derived_name, moment_of, place_of, value_of, version_number, worked_out
from proxy.model import AttributeValue

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0


def test_a_derived_attribute_is_named_by_its_base() -> None:
    name = derived_name("birthday", "ago")
    assert (base_of(name), base_of("birthday")) == ("birthday", "birthday")
    assert value_of(name, {"birthday": NOON - DAY}, NOON) == DAY
    assert value_of(name, {}, NOON) is None
    assert value_of("birthday", {"birthday": "x"}, NOON) == "x"


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-25", NOON - DAY / 2),
        ("2026-11-25T13:00:00+01:00", NOON),
        ("2026-11-25 12:00", NOON),
        (NOON, NOON),
        ("yesterday", None),
        ("2026-02-30", None),
        (True, None),
        (frozenset({"2026-11-25"}), None),
    ],
)
def test_a_date_is_a_moment(value: AttributeValue, moment: float | None) -> None:
    assert moment_of(value) == moment


def test_versions_are_in_the_order_of_their_parts() -> None:
    versions = ["1", "1.9.9", "2.9", "2.10-beta", "2.10", "2.10.0.1", "v2.11", "3.0 rc1", "3", "10"]
    numbers = [version_number(version) for version in versions]
    assert None not in numbers and numbers == sorted(numbers, key=lambda number: number or 0.0)
    assert version_number("2.10") == version_number("2.10.0") == version_number("2.10+build7")
    assert [version_number(text) for text in ("latest", "", "2.x.1.y.z", "99999")][:2] == [None, None]


@pytest.mark.parametrize(
    ("here", "km"), [("52.09,5.12", 0), ("52.37, 4.90", 35), ("59.91;10.75", 940), ("somewhere", None), ("95,0", None)]
)
def test_distance_is_measured_along_the_earth(here: str, km: int | None) -> None:
    away = worked_out("km from 52.09,5.12", here, NOON)
    assert (away is None) if km is None else (isinstance(away, float) and abs(away - km) <= max(1, km * 0.01))


def test_it_is_another_hour_where_the_visitor_is() -> None:
    assert worked_out("hours", "America/New_York", NOON) == 7 * 60.0
    assert worked_out("weekday", "Pacific/Auckland", NOON) == "thursday"
    assert worked_out("hours", "Mars/Olympus", NOON) is None
    assert worked_out("hours", "../etc/passwd", NOON) is None


def test_a_place_has_two_numbers() -> None:
    assert place_of("52.09, 5.12") == (52.09, 5.12) and place_of("-33.9 151.2") == (-33.9, 151.2)
    assert place_of("52.09") is None and place_of("0, 200") is None
