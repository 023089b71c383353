"""Journeys: stages in order, asked for by name, told apart from words that are none."""

from __future__ import annotations

import pytest

from proxy.decide.engine import decide
from proxy.decide.why import why
from proxy.model import AttributeValue, EvaluationContext
from proxy.rulebook.compile import Publication
from tests.rulebook.conftest import Publish

TEXT = """
segments:
  Keen: {when: {pages viewed: at least 3}}
  Far: {when: {journey stage: [intent, purchase]}}
journey:
  awareness: everyone
  interest:
    segment: Keen
  intent:
    added to cart: {within: 14 days}
  purchase:
    orders: at least 1
rules:
  - {name: One, slot: home.hero, when: {journey stage: interest}, show: nothing new}
  - {name: Two, slot: home.hero, when: {segment: Far}, show: nothing new}
"""


def shown(publication: Publication, **did: AttributeValue) -> str:
    attributes = {name.replace("_", " ").replace("  ", ": "): value for name, value in did.items()}
    return decide(publication.plan, EvaluationContext(attributes=attributes), ["home.hero"])["home.hero"].rule


def test_of_several_matching_stages_the_last_counts(publish: Publish) -> None:
    loaded = publish(TEXT)
    assert loaded.publication is not None, loaded.findings
    shop = loaded.publication
    adding = {"added to cart: within 14 days": 1.0}
    assert shown(shop) == ""
    assert shown(shop, pages_viewed=3.0) == "One"
    assert shown(shop, pages_viewed=3.0, **adding) == "Two"
    assert shown(shop, pages_viewed=3.0, orders=2.0) == "Two"
    assert shown(shop, journey_stage="interest", orders=2.0) == "One", "a stage that is stated is believed"


def test_asking_for_a_stage_asks_for_all_that_stages_ask(publish: Publish) -> None:
    loaded = publish(TEXT)
    assert loaded.publication is not None
    asked = loaded.publication.plan.inputs_of(["home.hero"]).attributes
    assert asked == {"journey stage", "segment", "pages viewed", "added to cart: within 14 days", "orders"}
    assert loaded.publication.plan.inputs_of(["home.hero"]).measures.keys() == asked - {"journey stage", "segment"}


def test_why_tells_the_stage_and_what_is_missing(publish: Publish) -> None:
    loaded = publish(TEXT)
    assert loaded.publication is not None
    (story,) = why(loaded.publication.plan, EvaluationContext(attributes={"pages viewed": 1.0}))
    fact = next(rule for rule in story.rules if rule.name == "One").facts[0]
    assert (fact.text, fact.ok, fact.seen) == ("journey stage: interest", False, "awareness")
    assert fact.parts[0].parts[0].text == "Keen: pages viewed: at least 3"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("journey: {a: everyone}\nrules: [{name: R, slot: home.hero, when: {journey stage: c}}]", "R302"),
        ("rules: [{name: R, slot: home.hero, when: {journey stage: c}, show: nothing new}]", "R302"),
        ("journey: {a: everybody}\nrules: []", "R104"),
        ("journey: {a: {when: {orders: 1}}}\nrules: []", "R104"),
        ("journey: {a: everyone, A: {orders: 1}}\nrules: []", "R201"),
        ("journey: {a: everyone, b: {journey stage: a}}\nrules: []", "R203"),
        ("segments: {S: {when: {journey stage: a}}}\njourney: {a: {segment: S}}\nrules: []", "R203"),
        ("journey: {" + ", ".join(f"s{n}: everyone" for n in range(101)) + "}\nrules: []", "Y003"),
    ],
)
def test_a_mistake_in_a_journey_is_reported(text: str, code: str, publish: Publish) -> None:
    assert code in [finding.code for finding in publish(text).findings]


def test_a_folder_has_one_journey(publish: Publish) -> None:
    loaded = publish("journey: {a: everyone}\nrules: []", **{"b.rules.yaml": "journey: {b: everyone}\nrules: []"})
    assert [(finding.code, finding.what) for finding in loaded.findings] == [("R201", "the folder has two journeys")]
