"""Each row says what it counts, and what begins at zero is among what its row says."""

from __future__ import annotations

import re

from proxy.metric_rows import EARLIEST, FROM_ZERO, GAUGES, HELP


def test_every_counter_has_help_and_a_counters_name() -> None:
    assert all(re.fullmatch(r"tailorbird_[a-z_]+_total", name) and text for name, text in HELP.items())


def test_what_begins_at_zero_is_what_the_rows_say() -> None:
    for name, (label, values) in FROM_ZERO.items():
        assert bool(label) == (values != ("",))
        assert all(value in HELP[name] for value in values), name


def test_the_least_is_told_of_gauges() -> None:
    assert set(EARLIEST) <= set(GAUGES)
