from __future__ import annotations

from loadtests.publishing import measured, sentence


def test_a_publication_is_measured_and_told() -> None:
    cost = measured(40, rounds=1)
    assert cost.seconds > 0 and cost.publishing_ms > 0 and cost.counting_ms > 0
    assert sentence(40, cost).startswith("40 rules are checked and compiled in ")
