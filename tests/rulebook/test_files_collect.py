"""The rules of a folder, gathered."""

from __future__ import annotations

from tests.rulebook.conftest import Publish

ONE = "  - {name: %s, slot: home.hero, show: {banner: promo}}\n"
EXPERIMENT = (
    "  - {name: %s, slot: home.hero, variants: [{name: a, show: nothing new}, {name: b, show: {banner: promo}}]}\n"
)


def test_rules_come_in_the_order_of_files_and_experiments_after_a_files_rules(publish: Publish) -> None:
    first = "experiments:\n" + EXPERIMENT % "E1" + "rules:\n" + ONE % "R1"
    loaded = publish(first, **{"b.rules.yaml": "rules:\n" + ONE % "R2"})
    assert loaded.publication is not None, loaded.findings
    assert [(rule.name, rule.order) for rule in loaded.publication.rules] == [("R1", 0), ("E1", 1), ("R2", 2)]
    assert set(loaded.publication.fragments) == {"R1", "E1 / b", "R2"}


def test_a_rule_and_an_experiment_cannot_have_one_name(publish: Publish) -> None:
    found = publish("rules:\n" + ONE % "A" + "experiments:\n" + EXPERIMENT % "a").findings
    assert [finding.code for finding in found] == ["R201"]


def test_a_limit_or_a_group_that_is_described_twice_is_reported(publish: Publish) -> None:
    head = "limits: {L: once per day}\ngroups: {G: {A: 50%}}\nrules:\n" + ONE % "A"
    again = "limits: {l: once per day}\ngroups: {g: {A: 50%}}\nrules: []"
    assert [finding.what for finding in publish(head, **{"b.rules.yaml": again}).findings] == [
        'two limits are called "l"',
        'two groups are called "g"',
    ]
