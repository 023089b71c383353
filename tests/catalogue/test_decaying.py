from __future__ import annotations

from math import exp

import pytest

from proxy.catalogue.decaying import DecayingCounts


def test_what_is_older_weighs_less_whenever_it_comes() -> None:
    in_time, late = DecayingCounts(10.0), DecayingCounts(10.0)
    for counts, moments in ((in_time, (0.0, 10.0, 20.0)), (late, (20.0, 0.0, 10.0))):
        for at in moments:
            counts.add("tea", at)
        assert counts.get("tea") == pytest.approx(1 + exp(-1) + exp(-2))
    assert in_time.get("coffee") == 0.0


def test_all_weigh_less_as_time_goes_on() -> None:
    counts = DecayingCounts(10.0)
    counts.add("tea", 5.0)
    counts.add("coffee", 15.0)
    assert (counts.get("tea"), counts.get("coffee"), counts.latest_at) == (pytest.approx(exp(-1)), 1.0, 15.0)


def test_a_past_without_times_counts_as_of_the_first_moment_known() -> None:
    counts = DecayingCounts(10.0)
    counts.add("tea", None, 3)
    assert counts.get("tea") == 3.0
    counts.add("coffee", 1_795_435_200.0)
    assert counts.get("tea") == 3.0
    counts.add("coffee", 1_795_435_210.0)
    counts.add("coffee", None)
    assert counts.get("tea") == pytest.approx(3 * exp(-1))
    assert counts.get("coffee") == pytest.approx(2 + exp(-1))
