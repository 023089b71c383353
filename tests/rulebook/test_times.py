"""Dates as editors write them, as Unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxy.conditions.nodes import Scalar
from proxy.diagnostics import Finding
from proxy.model import Place
from proxy.rulebook.times import read_moment, read_timezone

HERE = Place("a.rules.yaml", 1, 7, 17)


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-25 08:00", utc(2026, 11, 25, 7)),
        ("2026-11-25T08:00:30", utc(2026, 11, 25, 7, 0, 30)),
        ("2026-07-25", utc(2026, 7, 24, 22)),
        ("2026-11-25 08:00Z", utc(2026, 11, 25, 8)),
        ("2026-11-25 08:00 +05:30", utc(2026, 11, 25, 2, 30)),
        ("2026-03-29 02:30", utc(2026, 3, 29, 1, 30)),  # clocks jump from 02:00 to 03:00: half past three
        ("2026-10-25 02:30", utc(2026, 10, 25, 0, 30)),  # shown twice: the first
    ],
)
def test_a_date_is_read_on_the_files_clocks(text: str, moment: float) -> None:
    findings: list[Finding] = []
    assert read_moment(Scalar(text, HERE), "Europe/Amsterdam", "from", findings) == moment
    assert not findings


@pytest.mark.parametrize(
    "text", ["25-11-2026", "2026-13-01", "2026-11-31", "tomorrow", "2026-11-25 8:00", "0000-01-01"]
)
def test_what_is_no_date_is_told(text: str) -> None:
    findings: list[Finding] = []
    assert read_moment(Scalar(text, HERE), "UTC", "from", findings) is None
    assert [(finding.code, finding.what) for finding in findings] == [("R402", f'"{text}" is not a date')]


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("Europe/Amsterdm", 'did you mean "Europe/Amsterdam"?'),
        ("Europe", "did you mean "),
        ("../../etc/passwd", "write one of: UTC, "),
        ("Europe/\x00", ""),
    ],
)
def test_an_unknown_time_zone_is_told_with_the_nearest(text: str, help: str) -> None:
    findings: list[Finding] = []
    assert read_timezone(Scalar(text, HERE), findings) == "UTC"
    assert findings[0].code == "R307" and findings[0].help.startswith(help)


def test_a_known_time_zone_is_its_name() -> None:
    assert read_timezone(Scalar("Europe/Oslo", HERE), []) == "Europe/Oslo"
