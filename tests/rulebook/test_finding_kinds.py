"""The makers of examples give a rule all it needs, and nothing twice."""

from __future__ import annotations

from proxy.rulebook.finding_kinds import banner_text, experiment_text, rule_text
from tests.rulebook.conftest import Publish


def test_examples_are_whole(publish: Publish) -> None:
    for text in (
        rule_text(),
        rule_text("slot: all.topbar", "priority: high"),
        banner_text("title: Sale"),
        experiment_text("- {name: a, show: nothing new}"),
    ):
        assert publish(text).findings == []
