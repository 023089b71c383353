"""Sizes, shares and overlaps, counted and estimated."""

from __future__ import annotations

import random

import pytest

from proxy.audience.segments import Overlap, Size, interval, overlaps, sizes

A, B, AB, NONE = frozenset("A"), frozenset("B"), frozenset("AB"), frozenset[str]()


def test_of_all_visitors_a_size_is_a_count() -> None:
    assert sizes("ABC", {A: 2, AB: 1, NONE: 1}, 4) == [
        Size("A", 3, 0.75, 0.75, 0.75),
        Size("B", 1, 0.25, 0.25, 0.25),
        Size("C", 0, 0, 0, 0),
    ]


def test_of_a_sample_it_is_an_estimate_with_an_interval() -> None:
    (size,) = sizes("A", {A: 30, NONE: 70}, 10_000)
    assert (size.members, size.share) == (3_000, 0.3)
    assert size.low == pytest.approx(0.219, abs=1e-3) and size.high == pytest.approx(0.396, abs=1e-3)


def test_the_interval_holds_in_some_95_of_100_samples() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(1_000):
        low, high = interval(sum(chance.random() < 0.1 for _ in range(200)), 200)
        held += low <= 0.1 <= high
    assert 930 <= held <= 980


def test_an_empty_sample_says_nothing() -> None:
    assert interval(0, 0) == (0, 1)
    assert sizes("A", {}, 0) == [Size("A", 0, 0, 0, 0)]


def test_overlaps_are_of_two_that_share_somebody() -> None:
    assert overlaps("AB", {A: 1, B: 1, AB: 2, NONE: 1}) == [Overlap("A", "B", 2, 0.5)]
    assert overlaps("AB", {A: 1, B: 1}) == []
