"""How a part of a rule file is read by its words."""

from __future__ import annotations

import ast
from pathlib import Path

from proxy.diagnostics import Finding
from proxy.rulebook import words
from proxy.rulebook.words import Part, Word, fields
from tests.rulebook.conftest import node

WORDS = (Word("name", "what it is called", required=True), Word("when", "what must hold"))


def test_known_words_are_found_by_name() -> None:
    findings: list[Finding] = []
    assert set(fields(node("name: A\nwhen: B"), "rule", WORDS, findings)) == {"name", "when"}
    assert not findings


def test_unknown_words_are_reported_and_left_out() -> None:
    findings: list[Finding] = []
    assert set(fields(node("name: A\nwenn: B"), "rule", WORDS, findings)) == {"name"}
    assert [(finding.code, finding.what) for finding in findings] == [("R101", 'I do not know "wenn" in a rule')]


def test_a_missing_word_is_reported_with_what_it_is_for() -> None:
    findings: list[Finding] = []
    fields(node("when: B"), "rule", WORDS, findings)
    assert [(finding.code, finding.what) for finding in findings] == [("R103", 'this rule has no "name"')]
    assert findings[0].help == 'add "name:", what it is called'


def test_a_misspelt_word_is_not_told_twice_as_unknown_and_missing() -> None:
    findings: list[Finding] = []
    fields(node("nmae: A"), "rule", WORDS, findings)
    assert [finding.code for finding in findings] == ["R101"]


def test_every_word_says_what_stands_behind_it_and_is_read() -> None:
    tables = [value for value in vars(words).values() if isinstance(value, tuple)]
    known = {word.name: word.help for table in tables for word in table if isinstance(word, Word)}
    assert len(known) > 50
    assert [name for name, help in known.items() if not help] == [], "need a help"
    named = {
        node.value
        for path in Path(words.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and path.name != "words.py"
    }
    assert [name for name in known if name not in named] == [], "nothing in proxy/rulebook reads these"


def test_a_part_gives_what_stands_behind_a_word_and_nothing_where_there_is_none() -> None:
    findings: list[Finding] = []
    part = Part.of(node("name: A\nwhen: {device: phone}\nrules: [B, C]"))
    name, when, rules = part.text("name", findings), part.lines("when", findings), part.items_of("rules", findings)
    assert name is not None and name.text == "A"
    assert [entry.key.text for entry in when] == ["device"]
    assert len(rules) == 2
    absent = (
        part.node("slot"),
        part.text("slot", findings),
        part.lines("slot", findings),
        part.items_of("slot", findings),
    )
    assert absent == (None, None, (), ())
    assert not findings


def test_a_part_tells_of_a_form_that_does_not_fit_its_word() -> None:
    findings: list[Finding] = []
    part = Part.of(node("name: [A]\nwhen: B\nrules: C"))
    assert (part.text("name", findings), part.lines("when", findings), part.items_of("rules", findings)) == (
        None,
        (),
        (),
    )
    assert [finding.what for finding in findings] == [
        '"name" should be a word or a text',
        '"when" should be lines of `word: value`',
        '"rules" should be a list',
    ]


def test_what_has_no_lines_is_a_part_of_none() -> None:
    assert Part.of(node("[A, B]")) == Part.of(None) == {}
