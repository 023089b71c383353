"""Scores, from a rule file to what a visitor has."""

from __future__ import annotations

import pytest

from proxy.cases import run_cases
from proxy.model import Fact, Measure, OneOf, Reading
from tests.rulebook.conftest import Publish

DAY = 86_400.0
RULE = """
rules:
  - name: R
    slot: home.hero
    when: {trail interest: at least 8}
    show: {banner: promo}
"""
SCORE = """
scores:
  trail interest:
    points: {viewed: 1, bought: 10}
    category: shoes
    halves every: 14 days
    at most: 12
"""


def test_a_score_is_a_word_of_conditions(publish: Publish) -> None:
    loaded = publish(SCORE + RULE)
    assert loaded.publication is not None, loaded.findings
    condition = loaded.publication.rules[0].condition
    assert isinstance(condition, Fact)
    assert condition.measure == Measure(
        Reading.SCORE,
        ("product viewed", "order completed"),
        where=(("category", OneOf(frozenset({"shoes"}))),),
        points=(("product viewed", 1.0), ("order completed", 10.0)),
        half_life_seconds=14 * DAY,
        cap=12.0,
    )


@pytest.mark.parametrize(
    ("visitor", "passes"),
    [
        ("{bought: SKU-1}", True),
        ("{events: [{bought: SKU-1, days ago: 4}]}", True),
        ("{events: [{bought: SKU-1, days ago: 5}]}", False),
        ("{events: [{bought: SKU-1, days ago: 5}], viewed: SKU-1}", True),
        ("{bought: X}", False),
        ("{trail interest: 9}", True),
    ],
)
def test_points_add_up_and_halve(visitor: str, passes: bool, publish: Publish) -> None:
    test = f"tests:\n  - name: T\n    visitor: {visitor}\n    expect: {{home.hero: R}}\n"
    loaded = publish(SCORE + RULE + test)
    assert loaded.publication is not None, loaded.findings
    (outcome,) = run_cases(loaded.publication, 1_795_608_000.0)
    assert outcome.passed is passes


@pytest.mark.parametrize(
    ("score", "code"),
    [
        ("{category: shoes}", "R103"),
        ("{points: {veiwed: 1}}", "R101"),
        ("{points: {viewed: lots}}", "R303"),
        ("{points: {viewed: 1}, halves every: fortnight}", "R304"),
        ("{points: {viewed: 1}, at most: many}", "R303"),
        ("{points: 3}", "R104"),
    ],
)
def test_a_mistake_is_reported(score: str, code: str, publish: Publish) -> None:
    assert code in [finding.code for finding in publish(f"scores: {{mine: {score}}}\nrules: []").findings]


def test_a_score_has_a_name_of_its_own(publish: Publish) -> None:
    loaded = publish("scores: {country: {points: {viewed: 1}}}\nrules: []")
    assert [finding.code for finding in loaded.findings] == ["R201"]
