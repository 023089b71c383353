"""Words of other programs and languages, and ours for them."""

from __future__ import annotations

import pytest

from proxy.conditions.nodes import Scalar, unknown_word
from proxy.conditions.other_words import CONDITION_LINES, FACTS, PRODUCT_LINES
from proxy.conditions.parse import read_condition
from proxy.conditions.vocabulary import phrase_of, words
from proxy.diagnostics import Finding
from proxy.model import Place
from proxy.rulebook.assortment import Assortment
from proxy.rulebook.merchandise import read_shifts
from proxy.rulebook.read import read_yaml

KNOWN = words(segments=["VIP"], stages=["intent"])


@pytest.mark.parametrize("line", CONDITION_LINES)
def test_each_line_can_be_pasted_into_a_condition(line: str) -> None:
    findings: list[Finding] = []
    node = read_yaml("a.rules.yaml", line, findings)
    assert node is not None
    read_condition(node, KNOWN, findings)
    assert findings == []


def test_no_word_stands_for_two_lines_and_none_is_known_already() -> None:
    others = [word for line in CONDITION_LINES.values() for word in line] + sorted(FACTS)
    assert len(others) == len(set(others))
    assert [word for word in others if phrase_of(word, KNOWN)] == []


@pytest.mark.parametrize("line", PRODUCT_LINES)
def test_each_line_of_products_can_be_pasted_into_a_boost(line: str) -> None:
    findings: list[Finding] = []
    node = read_yaml("a.rules.yaml", line, findings)
    assert len(read_shifts(node, "boost", Assortment(()), findings)) == 1
    assert findings == []


def test_no_word_stands_for_two_lines_of_products() -> None:
    others = [word for words in PRODUCT_LINES.values() for word in words]
    assert len(others) == len(set(others))
    assert {line.partition(":")[0] for line in PRODUCT_LINES}.isdisjoint(others)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("variants", "`experiments:`"),
        ("Cap", "`limit:`"),
        ("owner", "# owner"),
        ("timezone", "2026-11-30 00:00-05:00"),
        ("not on", "`unless:`"),
        ("for", "`when:`"),
    ],
)
def test_a_rule_with_a_word_of_another_tool_is_told_what_stands_for_it_here(word: str, says: str) -> None:
    finding = unknown_word(Scalar(word, Place("a", 1, 1, 2)), "a rule", ["name", "slot", "also on"])
    assert (finding.code, says in str(finding.help)) == ("R101", True)
