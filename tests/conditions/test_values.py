"""What conditions mean, as a table of test, value and answer."""

from __future__ import annotations

import pytest

from proxy.conditions.localtime import local_time
from proxy.conditions.values import distance, holds, matches, number_text
from proxy.model import (
    AllOf,
    AnyOf,
    AttributeValue,
    Between,
    Contains,
    Fact,
    IsKnown,
    NoneOf,
    NotOneOf,
    OneOf,
    StartsWith,
    Test,
    WithinHours,
)

WEDNESDAY_NOON = 1795608000.0  # 2026-11-25 12:00 UTC


@pytest.mark.parametrize(
    ("test", "value", "answer"),
    [
        (OneOf(frozenset({"vip"})), frozenset({"VIP", "other"}), True),
        (OneOf(frozenset({"NO", "NL"})), "no", True),
        (OneOf(frozenset({"NO"})), "nl", False),
        (OneOf(frozenset({"NO"})), None, False),
        (OneOf(frozenset({"3"})), 3.0, True),
        (OneOf(frozenset({"yes"})), True, True),
        (OneOf(frozenset({"true"})), True, True),
        (OneOf(frozenset({"1"})), True, False),
        (NotOneOf(frozenset({"vip"})), frozenset(), True),
        (NotOneOf(frozenset({"vip"})), frozenset({"VIP"}), False),
        (NotOneOf(frozenset({"vip"})), None, False),
        (StartsWith(("/shoes",)), "/Shoes/trail", True),
        (StartsWith(("/shoes",)), "/hats", False),
        (Contains(("trail",)), "best TRAIL shoe", True),
        (Contains(("trail",)), frozenset({"road", "trail-x"}), True),
        (Contains(("1",)), 12.0, False),
        (Contains(("gore-tex",)), "ＧＯＲＥ－ＴＥＸ\u3000ジャケット", True),
        (OneOf(frozenset({"テント"})), "ﾃﾝﾄ", True),
        (OneOf(frozenset({"ÇADIR"})), "çadır", True),
        (OneOf(frozenset({"istanbul"})), "İSTANBUL", True),
        (StartsWith(("zürich",)), "Zu\u0308rich", True),
        (OneOf(frozenset({"ΔΡΌΜΟΣ"})), "δρόμος", True),
        (OneOf(frozenset({"텐트"})), "\u1110\u1166\u11ab\u1110\u1173", True),
        (OneOf(frozenset({"אוהל"})), "\u200fאוהל\u200f", True),
        (NotOneOf(frozenset({"ﾃﾝﾄ"})), "テント", False),
        (Between(low=4), 4.0, True),
        (Between(low=4, open_low=True), 4.0, False),
        (Between(high=4), 4.0, True),
        (Between(high=4, open_high=True), 4.0, False),
        (Between(1, 7), 8.0, False),
        (Between(low=0), True, False),
        (Between(low=0), "5", False),
        (Between(low=0), float("nan"), False),
        (IsKnown(), "", True),
        (IsKnown(), frozenset(), False),
        (IsKnown(), None, False),
        (IsKnown(False), None, True),
        (IsKnown(False), frozenset(), True),
        (WithinHours(480, 1080), 480.0, True),
        (WithinHours(480, 1080), 1080.0, False),
        (WithinHours(1320, 360), 1380.0, True),
        (WithinHours(1320, 360), 359.0, True),
        (WithinHours(1320, 360), 360.0, False),
        (WithinHours(0, 0), 700.0, True),
    ],
)
def test_a_value_passes_or_not(test: Test, value: AttributeValue | None, answer: bool) -> None:
    assert holds(test, value) is answer


@pytest.mark.parametrize(
    ("test", "value", "says"),
    [
        (Between(low=3), 2.0, "1 more needed"),
        (Between(low=20, unit="EUR"), 12.5, "7.5 EUR more needed"),
        (Between(low=3, open_low=True), 3.0, "a little more needed"),
        (Between(high=7), 9.0, "2 less needed"),
        (Between(low=3), 3.0, ""),
        (Between(low=3), None, ""),
        (OneOf(frozenset({"a"})), "b", ""),
        (WithinHours(480, 1080), 420.0, "starts in 1 h"),
        (WithinHours(480, 1080), 1350.0, "starts in 9 h 30 min"),
    ],
)
def test_distance_says_how_far_a_number_is_from_matching(test: Test, value: AttributeValue | None, says: str) -> None:
    assert distance(test, value) == says


def test_weekday_and_hours_are_read_on_the_rules_clocks() -> None:
    for zone, weekday, hours in (("UTC", "wednesday", 720.0), ("Pacific/Auckland", "thursday", 60.0)):
        shown = local_time(WEDNESDAY_NOON, zone)
        assert (shown["weekday"], shown["hours"]) == (weekday, hours)
    night_shift = Fact("weekday", OneOf(frozenset({"thursday"})))
    assert matches(night_shift, {}, now=WEDNESDAY_NOON, timezone="Pacific/Auckland")
    assert not matches(night_shift, {}, now=WEDNESDAY_NOON, timezone="UTC")


def test_none_of_is_the_plain_negation_so_the_unknown_satisfies_it() -> None:
    norway = Fact("country", OneOf(frozenset({"no"})))

    def asked(condition: AllOf | AnyOf | NoneOf) -> bool:
        return matches(condition, {}, now=WEDNESDAY_NOON, timezone="UTC")

    assert asked(AllOf()) and not asked(AnyOf()) and asked(NoneOf())
    assert asked(NoneOf((norway,))) and not asked(AnyOf((norway,))) and not asked(AllOf((norway,)))


def test_numbers_are_written_as_an_editor_would() -> None:
    assert [number_text(number) for number in (4.0, 19.95, 1_000_000.0, 0.1 + 0.2)] == ["4", "19.95", "1000000", "0.3"]
