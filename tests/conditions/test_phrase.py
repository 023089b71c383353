"""What kinds a phrase may have."""

from __future__ import annotations

from proxy.conditions.phrase import Kind, Phrase


def test_a_phrase_takes_no_lines_under_it_unless_it_says_which() -> None:
    phrase = Phrase("city", "city", Kind.TEXT, "where somebody lives")
    assert phrase.parts is None and phrase.stands_alone


def test_a_phrase_that_is_true_or_false_takes_nothing_else() -> None:
    phrase = Phrase("saves data", "saves data", Kind.TRUTH, "whether the browser asks for little")
    assert set(phrase.choices) == {"yes", "no", "true", "false"} and phrase.hint == "write yes or no"
