"""Lengths of time, read and written."""

from __future__ import annotations

import pytest

from proxy.conditions.durations import duration_text, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("14 days", 1_209_600.0),
        ("1 day", 86_400.0),
        ("2 hours", 7_200.0),
        ("30 minutes", 1_800.0),
        ("3 weeks", 1_814_400.0),
        ("1 year", 31_536_000.0),
        ("0 days", None),
        ("14", None),
        ("days", None),
        ("14 dagen", None),
        ("-1 days", None),
        ("1.5 days", None),
        ("99999 days", None),
    ],
)
def test_a_length_of_time_is_a_whole_number_and_a_unit(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"), [(86_400.0, "1 day"), (604_800.0, "7 days"), (7_200.0, "2 hours"), (5_400.0, "90 minutes")]
)
def test_it_is_written_in_the_largest_unit_that_fits(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
