"""Forms that compare dates, versions and places."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

import pytest

from proxy.conditions.explain import explain
from proxy.conditions.parse import read_condition
from proxy.conditions.phrase import Kind
from proxy.conditions.values import matches
from proxy.conditions.vocabulary import words
from proxy.diagnostics import Finding
from proxy.model import AttributeValue, Between, Condition, Fact
from proxy.rulebook.names import Names
from proxy.rulebook.read import read_yaml

KNOWN = Names(words(declared={"joined": Kind.DATE, "client": Kind.TEXT}, imported=["seen"]), ()).at("Europe/Oslo")
NOW = datetime(2026, 11, 25, 12, tzinfo=ZoneInfo("Europe/Oslo")).timestamp()
DAY = 86_400.0


def read(text: str) -> tuple[Condition, list[Finding]]:
    findings: list[Finding] = []
    node = read_yaml("x", text, findings)
    assert node is not None
    return read_condition(node, KNOWN.words, findings), findings


def oslo(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Oslo")).timestamp()


@pytest.mark.parametrize(
    ("text", "attribute", "test"),
    [
        ("joined: before 2026-12-01", "joined › at", Between(-inf, oslo("2026-12-01"), open_high=True)),
        ("joined: after 2026-12-01", "joined › at", Between(oslo("2026-12-02"))),
        ("joined: from 2026-12-01 08:00", "joined › at", Between(oslo("2026-12-01 08:00"))),
        ("joined: 2026-12-01", "joined › at", Between(oslo("2026-12-01"), oslo("2026-12-02"), open_high=True)),
        (
            "joined: between 2026-12-01 and 2026-12-24",
            "joined › at",
            Between(oslo("2026-12-01"), oslo("2026-12-25"), open_high=True),
        ),
        ("joined: before 9999-12-31", "joined › at", Between(-inf, oslo("9999-12-31"), open_high=True)),
        (
            "joined: between 2026-12-01 and 9999-12-31",
            "joined › at",
            Between(oslo("2026-12-01"), open_high=True),
        ),
        ("joined: in the last 3 days", "joined › ago", Between(0.0, 3 * DAY)),
        ("joined: within 2 hours", "joined › ago", Between(0.0, 7_200.0)),
        ("joined: in the next 2 weeks", "joined › ago", Between(-14 * DAY, 0.0)),
        ("joined: more than 30 days ago", "joined › ago", Between(30 * DAY, open_low=True)),
        ("joined: less than 1 year ago", "joined › ago", Between(0.0, 365 * DAY, open_high=True)),
        ("date: 2026-12-24", "now", Between(oslo("2026-12-24"), oslo("2026-12-25"), open_high=True)),
        ("app version: at least version 2.10", "app version › version", Between(low=2.0010e12 + 0)),
        ("app version: 2.10", "app version › version", Between(2.0010e12, 2.0010e12)),
        ("client: less than version 3", "client › version", Between(high=3e12, open_high=True)),
        ("location: within 20 km of Utrecht", "location › km from 52.09,5.12", Between(high=20.0, unit="km")),
        (
            "location: more than 5 miles from 1.5, 2",
            "location › km from 1.5, 2",
            Between(8.04672, open_low=True, unit="km"),
        ),
    ],
)
def test_a_form_asks_for_a_range_of_what_is_worked_out(text: str, attribute: str, test: Between) -> None:
    condition, findings = read(text)
    assert not findings and isinstance(condition, Fact)
    assert (condition.attribute, condition.test) == (attribute, test)


@pytest.mark.parametrize(
    ("text", "code", "help"),
    [
        ("joined: sometime", "R304", "write: before 2026-12-01, after 2026-12-01,"),
        ("joined: every year in the next 300 days", "R304", "write: before 2026-12-01"),
        ("joined: before 2026-02-30", "R304", "write: before 2026-12-01"),
        ("joined: between 2026-12-24 and 2026-12-01", "R303", "swap the two ends"),
        ("joined: not 2026-12-24", "R306", "write it under `unless:` instead"),
        ("date: in the last 3 days", "R304", "write: 2026-12-24,"),
        ("app version: newest", "R304", "write: at least version 2.10"),
        ("location: within 20 km of Utrect", "R304", 'did you mean "Utrecht"?'),
        ("location: within 20 km of Xyzzy", "R304", "write its coordinates, as: within 20 km of 52.09, 5.12"),
        ("location: Utrecht", "R304", "write: within 20 km of Utrecht"),
    ],
)
def test_what_cannot_be_read_is_reported(text: str, code: str, help: str) -> None:
    findings = read(text)[1]
    assert [finding.code for finding in findings] == [code] and findings[0].help.startswith(help)


@pytest.mark.parametrize(
    "line",
    [
        "hours there: between 19:00 and 24:00",
        "weekday there: monday",
        "date: 2026-12-24",
        "location: within 1 km of Bonn",
    ],
)
def test_a_line_is_told_as_it_is_written_whatever_it_is_calculated_from(line: str) -> None:
    condition, findings = read(line.replace("Bonn", "50.73, 7.10"))
    assert not findings and isinstance(condition, Fact) and condition.text == line.replace("Bonn", "50.73, 7.10")


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("joined: every year today", {0}),
        ("joined: every year in the next 3 days", {-3, -2, -1, 0}),
        ("joined: each year within 2 days", {0, 1, 2}),
        ("joined: every year in the last 1 week", set(range(8))),
    ],
)
def test_of_a_birthday_the_day_of_the_year_counts(line: str, days: set[int]) -> None:
    condition, findings = read(line)
    assert not findings
    day = datetime.fromtimestamp(NOW, UTC).date()
    born = {ago: (day - timedelta(days=ago)).replace(year=1990).isoformat() for ago in range(-20, 21)}
    held = {ago for ago, date in born.items() if matches(condition, {"joined": date}, now=NOW, timezone="UTC")}
    assert held == days


@pytest.mark.parametrize(
    ("born", "now", "timezone", "holds"),
    [
        ("2000-02-29", "2027-02-28T12:00", "UTC", True),
        ("2000-02-29", "2028-02-29T12:00", "UTC", True),
        ("2000-02-29", "2028-02-28T12:00", "UTC", False),
        ("1990-01-01", "2026-12-31T23:30", "UTC", False),
        ("1990-01-01", "2026-12-31T23:30", "Europe/Amsterdam", True),
        ("1990-12-31", "2027-01-01T00:30", "UTC", False),
        ("1990-10-25", "2026-10-25T23:30", "UTC", True),
        ("soon", "2026-10-25T23:30", "UTC", False),
        (1_793_000_000_000.0, "2026-10-25T23:30", "UTC", False),
        (float("inf"), "2026-10-25T23:30", "UTC", False),
        ("0001-01-01T00:00", "2026-10-25T23:30", "America/New_York", False),
    ],
)
def test_its_day_is_one_on_the_clocks_of_the_file(born: str | float, now: str, timezone: str, holds: bool) -> None:
    known = Names(words(declared={"joined": Kind.DATE}), ()).at(timezone).words
    node = read_yaml("x", "joined: every year today", [])
    assert node is not None
    condition = read_condition(node, known, [])
    at = datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()
    assert matches(condition, {"joined": born}, now=at, timezone="UTC") == holds


def test_any_none_and_lists_go_with_them() -> None:
    assert matches(read("joined: any")[0], {"joined": "2026-11-25"}, now=NOW, timezone="UTC")
    either = read("joined: [in the last 1 day, before 2000-01-01]")[0]
    joined: dict[str, bool] = {"2026-11-25": True, "2020-01-01": False, "1999-12-31": True, "never": False}
    assert {date: matches(either, {"joined": date}, now=NOW, timezone="UTC") for date in joined} == joined


def test_a_search_for_a_version_is_a_search() -> None:
    condition, findings = read("search term: version 2")
    assert not findings and isinstance(condition, Fact) and condition.attribute == "search term"


@pytest.mark.parametrize(
    ("text", "attributes", "seen", "distance"),
    [
        ("joined: in the last 3 days", {"joined": "2026-11-20"}, "2026-11-20: 5 d ago", "2 d too late"),
        ("joined: every year today", {"joined": "1990-11-20"}, "1990-11-20: its day was 5 d ago", "5 d too late"),
        (
            "joined: every year in the next 3 days",
            {"joined": "1990-12-05"},
            "1990-12-05: its day is 10 d ahead",
            "7 d too early",
        ),
        (
            "joined: every year in the next 3 days",
            {"joined": "1990-11-24"},
            "1990-11-24: its day was 1 d ago",
            "1 d too late",
        ),
        ("joined: more than 30 days ago", {"joined": NOW - DAY}, "2026-11-24 11:00 UTC: 1 d ago", "29 d too early"),
        ("app version: at least version 2.10", {"app version": "2.9"}, "2.9", ""),
        (
            "location: within 20 km of Utrecht",
            {"location": "52.37,4.90"},
            "52.37,4.90: 35 km away",
            "15 km too far",
        ),
        ("hours there: between 08:00 and 18:00", {"time zone": "America/New_York"}, "06:00 in America/New_York", ""),
        ("date: 2026-12-24", {}, "2026-11-25 11:00 UTC", ""),
        ("joined: before 2020-01-01", {}, "unknown", ""),
    ],
)
def test_why_sees_what_it_was_worked_out_of(
    text: str, attributes: dict[str, AttributeValue], seen: str, distance: str
) -> None:
    told = explain(read(text)[0], attributes, now=NOW, timezone="Europe/Oslo")
    assert (told.ok, told.seen, told.distance) == (False, seen, distance)
