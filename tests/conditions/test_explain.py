"""Why a condition holds or not, fact by fact."""

from __future__ import annotations

from proxy.conditions.explain import Explained, explain, seen_text
from proxy.model import AllOf, AnyOf, Between, Fact, NoneOf, OneOf, WithinHours

NOON = 1795608000.0  # 2026-11-25 12:00 UTC
VIP = Fact("segment", OneOf(frozenset({"vip"})), "segment: VIP")
VISITS = Fact("visits", Between(low=3), "visits: at least 3")
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


def test_groups_say_how_they_join() -> None:
    told = explain(AnyOf((VIP, NoneOf((VISITS,)))), {}, now=NOON, timezone="UTC")
    assert (told.text, told.ok) == ("any of", True)
    assert [(part.text, part.ok) for part in told.parts] == [("segment: VIP", False), ("none of", True)]


def test_values_are_shown_as_an_editor_reads_them() -> None:
    values = (True, 3.0, frozenset({"b", "a"}), frozenset[str](), "Oslo", None)
    assert [seen_text(value) for value in values] == ["yes", "3", "a, b", "nothing", "Oslo", "unknown"]
