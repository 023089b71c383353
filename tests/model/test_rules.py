"""The nouns keep the promises others rest on: those that say what is shown."""

from __future__ import annotations

import pytest

from proxy.model import Arm, Decision, Experiment, Rule, shown_name


def test_a_rule_may_show_its_variant_or_those_of_its_arms() -> None:
    arms = (Arm("A", 5_000), Arm("B", 5_000, "warm"))
    assert Rule("Socks", "hero", variant="socks").variants == {"socks"}
    assert Rule("Socks", "hero", experiment=Experiment(arms)).variants == {"warm"}
    assert not Rule("Nothing new", "hero").variants


@pytest.mark.parametrize(
    ("decision", "name"),
    [
        (Decision("hero"), ""),
        (Decision("hero", rule="Socks"), "Socks"),
        (Decision("hero", rule="Socks", arm="B"), "Socks / B"),
    ],
)
def test_what_is_shown_is_called_by_rule_and_arm(decision: Decision, name: str) -> None:
    assert shown_name(decision) == name
