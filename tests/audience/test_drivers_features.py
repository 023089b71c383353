"""What visitors have in common, in words."""

from __future__ import annotations

import pytest

from proxy.audience.drivers import common, features_of, fifths, steps_of
from proxy.model import Attributes


def test_bins_of_numbers_begin_at_the_upper_half_fifth_and_twentieth() -> None:
    steps = steps_of([{"orders": float(number)} for number in range(101)])
    assert steps == {"orders": (50.0, 80.0, 95.0)}
    assert features_of({"orders": 81.0}, steps) == {"orders: at least 50", "orders: at least 80"}


def test_bins_of_days_end_with_whole_days() -> None:
    assert steps_of([{"days since last order": number + 0.29} for number in range(101)]) == {
        "days since last order": (50.0, 80.0, 95.0)
    }


def test_a_number_with_one_value_has_no_bins() -> None:
    assert steps_of([{"orders": 1.0}] * 9) == {"orders": ()}


def test_texts_truths_and_sets_are_features_as_they_are() -> None:
    said: Attributes = {"city": "Oslo", "newsletter": True, "member": False, "brands": frozenset({"A", "B"})}
    assert features_of(said, {}) == {"city: Oslo", "newsletter: yes", "brands: A", "brands: B"}


def test_what_hardly_anybody_or_everybody_has_is_not_in_common() -> None:
    visitors = [frozenset({"a: 1", "b: 1"}), frozenset({"a: 1", "b: 1"}), frozenset({"a: 1", "c: 1"})]
    assert common(visitors, 2) == [{"b: 1"}, {"b: 1"}, set()]


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ([], ()),
        ([7.0], (7.0,) * 4),
        ([5.0, 1.0, 4.0, 2.0, 3.0], (1.0, 2.0, 3.0, 4.0)),
        ([1.0, 2.0], (1.0, 1.0, 2.0, 2.0)),
    ],
)
def test_fifths_are_of_the_values_themselves(values: list[float], parts: tuple[float, ...]) -> None:
    assert fifths(values) == parts
