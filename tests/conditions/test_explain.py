"""Why a condition holds or not, fact by fact."""

from __future__ import annotations

from math import inf

import pytest

from proxy.conditions.explain import Explained, explain, seen_text
from proxy.model import AllOf, AnyOf, Between, Fact, Measure, NoneOf, OneOf, Reading, WithinHours

NOON = 1795608000.0  # 2026-11-25 12:00 UTC
VIP = Fact("segment", OneOf(frozenset({"vip"})), "segment: VIP")
VISITS = Fact("visits", Between(low=3), "visits: at least 3")


def viewed(days: float) -> Measure:
    return Measure(Reading.COUNT, ("product viewed",), days * 86_400)


EVENING = Fact("hours", WithinHours(1080, 1320), "hours: between 18:00 and 22:00")


def test_each_fact_says_what_it_saw_and_how_far_it_is() -> None:
    told = explain(
        AllOf((VIP, VISITS, EVENING)), {"segment": frozenset({"VIP"}), "visits": 2.0}, now=NOON, timezone="UTC"
    )
    assert told == Explained(
        "all of",
        False,
        parts=(
            Explained("segment: VIP", True, "VIP"),
            Explained("visits: at least 3", False, "2", "1 more needed"),
            Explained("hours: between 18:00 and 22:00", False, "12:00", "starts in 6 h"),
        ),
    )


def test_an_unknown_attribute_is_called_unknown() -> None:
    assert explain(VISITS, {}, now=NOON, timezone="UTC") == Explained("visits: at least 3", False, "unknown")


@pytest.mark.parametrize(
    ("measure", "test", "done", "seen", "short"),
    [
        (viewed(14), Between(low=3), 2.0, "seen 2 of 3 times in 14 days", "1 more view needed"),
        (viewed(14), Between(low=3), 1.0, "seen 1 of 3 times in 14 days", "2 more views needed"),
        (viewed(14), Between(low=3), 4.0, "seen 4 times in 14 days", ""),
        (viewed(inf), Between(low=1), 0.0, "seen 0 of 1 time", "1 more view needed"),
        (viewed(7), Between(0, 0), 2.0, "seen 2 times in 7 days", "2 fewer views needed"),
        (viewed(7), Between(low=3, open_low=True), 3.0, "seen 3 times in 7 days", "1 more view needed"),
    ],
)
def test_what_was_done_is_told_as_so_many_times_of_how_many(
    measure: Measure, test: Between, done: float, seen: str, short: str
) -> None:
    fact = Fact("viewed", test, "viewed", measure=measure)
    assert explain(fact, {"viewed": done}, now=NOON, timezone="UTC") == Explained("viewed", not short, seen, short)


def test_groups_say_how_they_join() -> None:
    told = explain(AnyOf((VIP, NoneOf((VISITS,)))), {}, now=NOON, timezone="UTC")
    assert (told.text, told.ok) == ("any of", True)
    assert [(part.text, part.ok) for part in told.parts] == [("segment: VIP", False), ("none of", True)]


def test_values_are_shown_as_an_editor_reads_them() -> None:
    values = (True, 3.0, frozenset({"b", "a"}), frozenset[str](), "Oslo", None)
    assert [seen_text(value) for value in values] == ["yes", "3", "a, b", "nothing", "Oslo", "unknown"]
