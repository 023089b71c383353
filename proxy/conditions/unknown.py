"""What is told of a word of a condition that nobody knows: the line that says it in our words, where people have other
words for it; that only the shop's own data can tell it; else the most similar word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from proxy.conditions.nodes import Scalar, unknown_word
from proxy.conditions.other_words import OTHER_WORDS, is_own_fact, line_instead_of
from proxy.diagnostics import Finding, nearest

HOW_TO_DECLARE = "an attribute of your visitors is known once attributes.yaml names it, or an import brings it"
HOW_TO_BRING = "no page tells it: add `{}:` to attributes.yaml, with its kind, as text, number, truth or date"
HOW_LOCATED = "a visitor's location is known where an app, a login or a CDN tells it"


_NEGATED = re.compile(r"(?:not|no|never|has not|is not)[ -](.+)", re.IGNORECASE)
_SUM = re.compile(r"[<>€$£]|\b(?:over|above|under|more|less|at|mehr|mindestens|meer|minstens|plus)\b.*\d")
"""A value that is an amount, so that `basket` means what lies in it is worth."""


def unknown_condition(word: Scalar, known: Sequence[str], value: str = "") -> Finding:
    """R101 for a word that is none of `known`, with its value if that is a text. An example line has values of its own,
    so no program writes it."""
    finding = unknown_word(word, "a condition", known)
    if (negated := _NEGATED.fullmatch(word.text)) and negated[1] in known:
        return replace(finding, help=f"write `{negated[1]}:` under `unless:`, beside `when:`")
    line = line_instead_of(word.text)
    if line.startswith("products in cart:") and _SUM.search(value):
        line = line_instead_of("cart value")
    if line.partition(":")[0] in known and OTHER_WORDS.get(word.text.casefold()) not in known:
        note = HOW_LOCATED if line.startswith("location:") else ""
        return replace(finding, help=f"write a line like `{line}`", note=note)
    if is_own_fact(word.text):
        return replace(finding, help=HOW_TO_BRING.format(word.text), note=HOW_TO_DECLARE)
    return finding if nearest(word.text, known) else replace(finding, note=HOW_TO_DECLARE)
