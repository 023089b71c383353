"""Traits: the history first, what an import said where it is silent, and remembered as long as it holds."""

from __future__ import annotations

import pytest

from proxy.audience.traits import STRANGER, TRAIT_MEASURES, trait
from proxy.model import AttributeValue, Event, Measure, Profile, Reading

NOW = 1_700_000_000.0
DAY = 86_400.0
RECENT = Measure(Reading.COUNT, ("order completed",), 30 * DAY)


def anna(*ago: float, **said: AttributeValue) -> Profile:
    """Anna, who ordered so many seconds ago, and what an import said of her."""
    history = tuple(sorted(Event(NOW - seconds, str(seconds), "order completed", value=10.0) for seconds in ago))
    return Profile("anna", {name.replace("_", " "): value for name, value in said.items()}, history=history)


@pytest.mark.parametrize(
    ("profile", "name", "value"),
    [
        (anna(DAY, 2 * DAY), "orders", 2.0),
        (anna(), "orders", 0.0),
        (anna(orders=6.0), "orders", 6.0),
        (anna(DAY, orders=6.0), "orders", 6.0),
        (anna(DAY, 2 * DAY, orders=1.0), "orders", 2.0),
        (anna(DAY, lifetime_spend=812.0), "lifetime spend", 812.0),
        (anna(days_since_last_order=90.0), "days since last order", 90.0),
        (anna(DAY, days_since_last_order=90.0), "days since last order", 1.0),
        (anna(average_order=50.0), "average order", 50.0),
        (anna(favourite_category="shoes"), "favourite category", "shoes"),
        (anna(), "favourite category", None),
        (STRANGER, "orders", 0.0),
    ],
)
def test_the_history_goes_first_and_an_import_where_it_has_nothing(
    profile: Profile, name: str, value: AttributeValue | None
) -> None:
    assert trait(profile, name, TRAIT_MEASURES[name], NOW) == value


def test_a_window_is_never_filled_up_by_an_import_that_knows_older_things() -> None:
    assert trait(anna(DAY, recent=6.0), "recent", RECENT, NOW) == 1.0


def test_a_cached_value_ends_with_its_window_to_the_second() -> None:
    profile = anna(DAY)
    ends = NOW - DAY + 30 * DAY
    assert [trait(profile, "recent", RECENT, at) for at in (NOW, ends - 1, ends, NOW)] == [1.0, 1.0, 0.0, 1.0]


def test_it_is_read_once_while_it_holds() -> None:
    profile = anna(DAY)
    trait(profile, "recent", RECENT, NOW)
    once = profile.remembered["recent"]
    trait(profile, "recent", RECENT, NOW + DAY)
    assert profile.remembered["recent"] is once


def test_a_trait_whose_measure_was_changed_by_new_rules_is_read_again() -> None:
    profile = anna(*(DAY * days for days in range(1, 6)))
    meanings = [Measure(Reading.COUNT, ("order completed",), grades=grades) for grades in ((2.0, 9.0), (9.0,), (1.0,))]
    assert [trait(profile, "frequency", meaning, NOW) for meaning in meanings * 2] == [2.0, 1.0, 2.0] * 2
