"""What kinds a phrase may have."""

from __future__ import annotations

from proxy.conditions.phrase import Kind, Phrase


def test_a_phrase_takes_no_lines_under_it_unless_it_says_which() -> None:
    phrase = Phrase("city", "city", Kind.TEXT, "where somebody lives")
    assert phrase.parts is None and phrase.stands_alone
