"""Fifths of customers."""

from __future__ import annotations

import pytest

from proxy.audience.rfm import fifths


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
