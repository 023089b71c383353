"""How a part of a rule file is read by its words."""

from __future__ import annotations

from proxy.conditions.nodes import Node
from proxy.diagnostics import Finding
from proxy.rulebook.read import read_yaml
from proxy.rulebook.words import RULE, Word, fields

WORDS = (Word("name", "what it is called", required=True), Word("when", "what must hold"))


def node(text: str) -> Node:
    root = read_yaml("x", text, [])
    assert root is not None
    return root


def test_known_words_are_found_by_name() -> None:
    findings: list[Finding] = []
    assert set(fields(node("name: A\nwhen: B"), "rule", WORDS, findings)) == {"name", "when"}
    assert not findings


def test_unknown_words_are_told_and_left_out() -> None:
    findings: list[Finding] = []
    assert set(fields(node("name: A\nwenn: B"), "rule", WORDS, findings)) == {"name"}
    assert [(finding.code, finding.what) for finding in findings] == [("R101", 'I do not know "wenn" in a rule')]


def test_a_missing_word_is_told_with_what_it_is_for() -> None:
    findings: list[Finding] = []
    fields(node("when: B"), "rule", WORDS, findings)
    assert [(finding.code, finding.what) for finding in findings] == [("R103", 'this rule has no "name"')]
    assert findings[0].help == 'add "name:", what it is called'


def test_a_misspelt_word_is_not_told_twice_as_unknown_and_missing() -> None:
    findings: list[Finding] = []
    fields(node("nmae: A"), "rule", WORDS, findings)
    assert [finding.code for finding in findings] == ["R101"]


def test_every_word_says_what_stands_behind_it() -> None:
    assert all(word.help for word in RULE)
