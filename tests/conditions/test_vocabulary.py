"""Every row of the vocabulary is whole, and says something that is read."""

from __future__ import annotations

import pytest

from proxy.conditions.parse import read_condition
from proxy.conditions.phrase import Kind, Phrase
from proxy.conditions.vocabulary import PHRASES, words
from proxy.diagnostics import Finding
from proxy.model import EVERYBODY
from proxy.rulebook.read import read_yaml


def findings_of(text: str) -> list[Finding]:
    """What is found in a condition, in a folder with the segment VIP and two stages of a journey."""
    findings: list[Finding] = []
    node = read_yaml("x", text, findings)
    assert node is not None
    condition = read_condition(node, words(segments=["VIP"], stages=["interest", "intent"]), findings)
    assert findings or condition != EVERYBODY
    return findings


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.key)
def test_a_phrase_has_help_a_clean_example_and_a_wrong_one_that_is_found(phrase: Phrase) -> None:
    assert phrase.help
    assert findings_of(phrase.example) == []
    found = findings_of(phrase.wrong)
    assert [finding.code for finding in found] == [phrase.wrong_code]
    assert found[0].help and found[0].place.line == 1


def test_a_declared_or_imported_attribute_is_asked_by_its_bare_name() -> None:
    known = words(declared={"orders": Kind.NUMBER, "newsletter": Kind.TRUTH}, imported=["last city"])
    assert known["orders"].attribute == "orders" and known["orders"].kind is Kind.NUMBER
    assert "yes" in known["newsletter"].choices
    assert known["last city"].kind is Kind.ANYTHING


def test_the_vocabulary_wins_over_an_imported_attribute_of_the_same_name() -> None:
    assert words(imported=["country"])["country"].choices
