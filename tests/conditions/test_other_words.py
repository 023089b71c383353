"""Words of other programs and languages, and ours for them."""

from __future__ import annotations

import pytest

from proxy.conditions.other_words import CONDITION_LINES, FACTS
from proxy.conditions.parse import read_condition
from proxy.conditions.vocabulary import phrase_of, words
from proxy.diagnostics import Finding
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
